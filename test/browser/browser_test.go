// Package browser_test has pages in a real browser use a real server, since what
// a browser lets a page do is the browser's to decide.
package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

var jsonType = map[string]string{"Content-Type": "application/json"}

// with adds header fields, in pairs of name and value, to those of JSON content.
func with(fields ...string) map[string]string {
	h := maps.Clone(jsonType)
	for i := 0; i < len(fields); i += 2 {
		h[fields[i]] = fields[i+1]
	}
	return h
}

func TestPages(t *testing.T) {
	chromium := findChromium(t)
	binary := build(t)
	t.Run("listed", func(t *testing.T) { listedPage(t, chromium, binary) })
	t.Run("unlisted", func(t *testing.T) { unlistedPages(t, chromium, binary) })
	t.Run("rebound", func(t *testing.T) { reboundName(t, chromium, binary) })
}

// listedPage: a page of a listed origin on another host and port has all of the
// protocol, and reads every header it needs of every answer.
func listedPage(t *testing.T, chromium, binary string) {
	pages := newSite(t)
	api := start(t, binary, "--cors", pages.under("localhost"))
	const key = "0199a0b1-1234-7000-8000-000000000001"
	everything := map[string]string{
		"Accept": "application/json", "Api-Version": "1", "Authorization": "Bearer x", "Idempotency-Key": key, "If-None-Match": `"0"`,
		"Ifmatch-Attempt": "2", "Ifmatch-Client": "test", "Last-Event-ID": "1", "Prefer": "return=representation",
		"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate": "a=b", "Want-Repr-Digest": "sha-256=1", "X-Request-Id": "r-1",
		"If-Modified-Since": "Sat, 29 Oct 1994 19:43:31 GMT", "If-Unmodified-Since": "Sat, 29 Oct 2094 19:43:31 GMT",
	}
	tests := []struct {
		step
		status  int
		headers map[string]string // "*" is any value
		problem string
	}{
		{step{Method: "PUT", Path: "/v1/notes/1", Headers: with("Idempotency-Key", key), Body: `{"n":1}`}, 201,
			map[string]string{"etag": `"1"`, "last-modified": "*", "ifmatch-outcome": "created"}, ""},
		{step{Method: "GET", Path: "/v1/notes/1"}, 200, map[string]string{"etag": `"1"`, "last-modified": "*"}, ""},
		{step{Method: "GET", Path: "/v1/notes/1", Headers: map[string]string{"If-None-Match": `"1"`}}, 304, map[string]string{"etag": `"1"`}, ""},
		{step{Method: "PUT", Path: "/v1/notes/1", Headers: with("If-Match", `"1"`, "Idempotency-Key", "0199a0b1-1234-7000-8000-000000000002"), Body: `{"n":2}`}, 200,
			map[string]string{"etag": `"2"`, "ifmatch-outcome": "replaced"}, ""},
		{step{Method: "PUT", Path: "/v1/notes/1", Headers: with("If-Match", `"1"`, "X-Request-Id", "r-2"), Body: `{"n":3}`}, 412,
			map[string]string{"etag": `"2"`, "ifmatch-outcome": "rejected", "x-request-id": "r-2"}, "stale"},
		{step{Method: "PUT", Path: "/v1/notes/1", Headers: jsonType, Body: `{"n":3}`}, 428,
			map[string]string{"etag": `"2"`, "ifmatch-outcome": "rejected"}, "precondition-required"},
		{step{Method: "PATCH", Path: "/v1/notes/1", Headers: with("Content-Type", "application/merge-patch+json", "If-Match", `"2"`, "Prefer", "return=minimal"), Body: `{"m":3}`}, 204,
			map[string]string{"etag": `"3"`, "preference-applied": "return=minimal"}, ""},
		{step{Method: "PATCH", Path: "/v1/notes/1", Headers: with("Content-Type", "text/plain", "If-Match", `"3"`), Body: `x`}, 415,
			map[string]string{"accept-patch": "*"}, "unsupported-media-type"},
		{step{Method: "POST", Path: "/v1/notes", Headers: jsonType, Body: `{}`}, 201, map[string]string{"etag": `"1"`, "location": "*"}, ""},
		{step{Method: "POST", Path: "/v1/notes/1", Headers: jsonType, Body: `{}`}, 405, map[string]string{"allow": "*"}, "method-not-allowed"},
		{step{Method: "DELETE", Path: "/v1/notes/1?dryRun=true", Headers: map[string]string{"If-Match": `"3"`}}, 204,
			map[string]string{"ifmatch-dry-run": "true", "ifmatch-outcome": "deleted"}, ""},
		{step{Method: "GET", Path: "/v1/notes/1/_history/2"}, 200, map[string]string{"etag": `"2"`, "link": "*"}, ""},
		{step{Method: "GET", Path: "/v1/notes/none"}, 404, nil, "not-found"},
		{step{Method: "GET", Path: "/v1/notes/1", Headers: everything}, 200, map[string]string{"etag": `"3"`, "x-request-id": "r-1"}, ""},
		{step{Method: "GET", Path: "/v1/notes/1", Credentials: "include"}, 200, map[string]string{"etag": `"3"`}, ""},
		{step{Method: "DELETE", Path: "/v1/notes/1", Headers: map[string]string{"If-Match": `"3"`}}, 204, map[string]string{"ifmatch-outcome": "deleted"}, ""},
	}
	steps := make([]step, len(tests))
	for i := range tests {
		tests[i].API = api
		steps[i] = tests[i].step
	}
	got := pages.visit(t, chromium, pages.under("localhost")+"/page.html", steps)
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d %s %s", tt.status, tt.Method, tt.Path), func(t *testing.T) {
			if got[i].Status != tt.status || got[i].Type != "cors" {
				t.Fatalf("%+v", got[i])
			}
			for name, want := range tt.headers {
				if have, ok := got[i].Headers[name]; !ok || have != want && want != "*" {
					t.Errorf("the script reads %s: %q, want %q", name, have, want)
				}
			}
			if tt.problem != "" && !strings.Contains(got[i].Body, `"urn:ifmatch:problem:`+tt.problem+`"`) {
				t.Errorf("the script reads %s", got[i].Body)
			}
		})
	}
}

// attacks are what a page tries whose origin is not listed.
func attacks(api string) []step {
	plain := map[string]string{"Content-Type": "text/plain"}
	return []step{
		{API: api, Method: "PUT", Path: "/v1/notes/1", Headers: with("If-Match", `"1"`, "Idempotency-Key", "0199a0b1-1234-7000-8000-000000000003"), Body: `{"n":2}`},
		{API: api, Method: "PATCH", Path: "/v1/notes/1", Headers: with("If-Match", "*"), Body: `{"n":2}`},
		{API: api, Method: "DELETE", Path: "/v1/notes/1", Headers: map[string]string{"If-Match": "*"}},
		{API: api, Method: "POST", Path: "/v1/notes", Headers: jsonType, Body: `{"n":2}`},
		{API: api, Method: "POST", Path: "/v1/notes", Headers: plain, Body: `{"n":2}`},
		{API: api, Method: "POST", Path: "/v1/notes", Headers: plain, Body: `{"n":2}`, Mode: "no-cors", Credentials: "include"},
		{API: api, Method: "GET", Path: "/v1/notes/1"},
		{API: api, Method: "GET", Path: "/v1/notes/1", Mode: "no-cors"},
	}
}

// snapshot is what a program without a browser reads of the store.
func snapshot(t *testing.T, api string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/notes", "/v1/notes/1", "/v1/notes/1/_history"} {
		answer, err := http.Get(api + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s, %v", path, answer.Status, err)
		}
		fmt.Fprintln(&all, path, answer.Header.Get("ETag"), string(body))
	}
	return all.String()
}

// create makes the document that pages are after.
func create(t *testing.T, api string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, api+"/v1/notes/1", strings.NewReader(`{"secret":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusCreated {
		t.Fatal(answer.Status)
	}
}

// unlistedPages: pages of other origins read nothing and change nothing, whether
// they come from another site, another port or a sandbox.
func unlistedPages(t *testing.T, chromium, binary string) {
	for name, where := range map[string]func(*site) string{
		"another site":               func(s *site) string { return s.under("localhost") + "/page.html" },
		"another port":               func(s *site) string { return s.URL + "/page.html" },
		"a sandbox in a listed page": func(s *site) string { return s.under(rebound) + "/sandbox.html" },
	} {
		t.Run(name, func(t *testing.T) {
			pages := newSite(t)
			api := start(t, binary, "--cors", pages.under(rebound))
			create(t, api)
			before := snapshot(t, api)
			for i, got := range pages.visit(t, chromium, where(pages), attacks(api)) {
				opaque := attacks(api)[i].Mode == "no-cors"
				if got.Status != 0 || got.Body != "" || len(got.Headers) > 0 || (got.Error == "") != opaque {
					t.Errorf("attack %d: the script sees %+v", i, got)
				}
			}
			if after := snapshot(t, api); after != before {
				t.Errorf("stored is\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// reboundName: a page whose own name is made to lead to the API is of the same
// origin as the API, so that no browser holds it back. The server does.
func reboundName(t *testing.T, chromium, binary string) {
	pages := newSite(t)
	api := start(t, binary)
	create(t, api)
	before := snapshot(t, api)
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	// What the name leads to changes from the site to the API; to the browser a
	// way through the site that leaves every header alone is the same.
	pages.mux.Handle("/v1/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}})
	for i, got := range pages.visit(t, chromium, pages.under(rebound)+"/page.html", attacks("")) {
		var p struct{ Type string }
		if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != http.StatusForbidden || p.Type != "urn:ifmatch:problem:forbidden" || strings.Contains(got.Body, "secret") {
			t.Errorf("attack %d: %v: %+v", i, err, got)
		}
	}
	if after := snapshot(t, api); after != before {
		t.Errorf("stored is\n%s\nwas\n%s", after, before)
	}
}
