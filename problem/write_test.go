package problem

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	known := func() *Document {
		return &Document{Code: Stale, CorrelationID: id, CurrentETag: `"7"`, RetryAfter: 1001 * time.Millisecond}
	}
	tests := []struct {
		name    string
		method  string
		dialect Dialect
		doc     *Document
		status  int
		want    map[string]string // header → value, "" for absent
	}{
		{"problem", "PUT", ProblemJSON, known(), 412, map[string]string{
			"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Etag": `"7"`, "Retry-After": "2",
			"Last-Modified": "", "Content-Encoding": "", "Allow": ""}},
		{"envelope", "PUT", Envelope, &Document{Code: Stale, Status: 409}, 409, map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "Etag": "", "Retry-After": ""}},
		{"head", "HEAD", ProblemJSON, known(), 412, map[string]string{"Content-Type": "application/problem+json", "Etag": `"7"`}},
		{"method not allowed", "POST", ProblemJSON, &Document{Code: MethodNotAllowed, Allowed: []string{"GET", "HEAD"}}, 405,
			map[string]string{"Allow": "GET, HEAD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := *tt.doc
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"other"`)
				w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 18:00:00 GMT")
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Length", "1")
				tt.dialect.Write(w, r, tt.doc)
			}))
			defer server.Close()
			req, err := http.NewRequest(tt.method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			for name, want := range tt.want {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			length, _ := strconv.Atoi(resp.Header.Get("Content-Length"))
			if tt.method == "HEAD" {
				if len(body) != 0 || length < 100 {
					t.Errorf("HEAD has a body of %d bytes and Content-Length %d", len(body), length)
				}
			} else if len(body) != length || !json.Valid(body) {
				t.Errorf("Content-Length %d for %d bytes: %s", length, len(body), body)
			}
			if tt.doc.CorrelationID != before.CorrelationID {
				t.Error("Write changed the document")
			}
		})
	}
}

func TestWriteKeepsAllow(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Allow", "PUT")
	Write(w, httptest.NewRequest("GET", "/", nil), &Document{Code: MethodNotAllowed, Allowed: []string{"GET"}})
	if got := w.Header().Get("Allow"); got != "PUT" {
		t.Errorf("Allow %q, want PUT", got)
	}
}

func TestCorrelationID(t *testing.T) {
	const given = "0199AAAA-0000-4000-8000-00000000000F"
	tests := []struct {
		name, requestID string
		kept            bool
	}{
		{"none", "", false},
		{"a UUID", given, true},
		{"not a UUID", "req-17", false},
		{"digits missing", "0199aaaa-0000-4000-8000-00000000000", false},
		{"not hexadecimal", "0199gggg-0000-4000-8000-00000000000f", false},
		{"dash among the digits", "0199aaaa-0000-4000-8000-0000-000000f", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "/", nil)
			r.Header.Set("X-Request-Id", tt.requestID)
			w := httptest.NewRecorder()
			Write(w, r, New(Stale, ""))
			var doc struct{ Instance, CorrelationID string }
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
				t.Fatal(err)
			}
			if doc.Instance != "urn:uuid:"+doc.CorrelationID || !isUUID(doc.CorrelationID) {
				t.Errorf("instance %q of correlationId %q", doc.Instance, doc.CorrelationID)
			}
			if kept := doc.CorrelationID == strings.ToLower(given); kept != tt.kept {
				t.Errorf("correlationId %q of X-Request-Id %q", doc.CorrelationID, tt.requestID)
			}
		})
	}
}

func TestNewUUIDv7(t *testing.T) {
	at := time.UnixMilli(0x0199_1234_abcd)
	a, b := newUUIDv7(at), newUUIDv7(at)
	for _, u := range []string{a, b} {
		if !isUUID(u) || !strings.HasPrefix(u, "01991234-abcd-7") || !strings.ContainsAny(u[19:20], "89ab") {
			t.Errorf("%s is no UUIDv7 of that time", u)
		}
	}
	if a == b {
		t.Error("two ids are equal")
	}
}
