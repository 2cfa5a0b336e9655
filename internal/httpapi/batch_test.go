package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// FuzzBatch sends whatever content to /_batch: it is answered with JSON; where it is
// refused nothing has changed; where it is not, each operation has its result, and of an
// atomic batch each of them was carried out.
func FuzzBatch(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `{"operations":[],"atomic":true}`,
		`{"atomic":true,"operations":[{"method":"PUT","path":"/v1/notes/1","headers":{"If-Match":"\"1\""},"body":{"n":2}},{"method":"POST","path":"/v1/notes","body":{}}]}`,
		`{"atomic":true,"operations":[{"method":"CHECK","path":"/v1/notes/1","headers":{"If-Match":"*"}},{"method":"DELETE","path":"/v1/notes/2","headers":{"If-Match":"\"1\""}}]}`,
		`{"atomic":false,"operations":[{"method":"PATCH","path":"/v1/notes/1?include=version","headers":{"if-match":"\"1\"","Content-Type":"application/json-patch+json"},"body":[{"op":"test","path":"/n","value":1}]}]}`,
		`{"atomic":true,"operations":[{"method":"PUT","path":"/v1/notes/1","body":1e400},{"method":"PUT","path":"/v1/notes/1","body":{}}]}`,
		`{"atomic":true,"operations":[{"method":"PUT","path":"/v1/a/b/../c","headers":{"If-Match":"*\r\n"},"body":{"a":"\ud800"}}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := memory.Open(memory.Options{})
		server := New(Config{Door: &door.Door{Engine: engine.New(s, engine.Config{})}, Default: &engine.Rules{}})
		ask := func(method, path, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			return w
		}
		ask("PUT", "/v1/notes/1", `{"n":1}`)
		ask("PUT", "/v1/notes/2", `{"n":1}`)
		before := logged(t, s)
		got := ask("POST", "/_batch", body)
		var answer struct {
			Results []struct{ Status int }
			Status  int
		}
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%d %v: %s", got.Code, err, got.Body)
		}
		after := logged(t, s)
		if got.Code != http.StatusOK {
			if got.Code >= 500 || answer.Status != got.Code || !bytes.Equal(before, after) {
				t.Fatalf("%d %s\nbefore %s\nafter %s", got.Code, got.Body, before, after)
			}
			return
		}
		var asked struct {
			Operations []struct{}
			Atomic     bool
		}
		if err := json.Unmarshal([]byte(body), &asked); err != nil || len(asked.Operations) != len(answer.Results) {
			t.Fatalf("%v: %s to %s", err, got.Body, body)
		}
		failed := func(r struct{ Status int }) bool { return r.Status < 200 || r.Status > 299 }
		if asked.Atomic && slices.ContainsFunc(answer.Results, failed) {
			t.Fatalf("an atomic batch is half refused: %s", got.Body)
		}
	})
}

// logged is the log of a store.
func logged(t *testing.T, s *memory.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := s.ScanLog(t.Context(), func(e *store.Entry) error { return enc.Encode(e) }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
