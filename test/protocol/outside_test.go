package protocol_test

import (
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// TestCallersAndPages: with keys, rules, versions and pages of another origin, every
// path outside collections is answered as it is described, and so is a collection that
// not everybody may use.
func TestCallersAndPages(t *testing.T) {
	const origin = "https://app.example.com"
	key, digest := access.NewKey()
	keys, err := access.NewKeys([]access.Key{{Principal: access.Principal{Name: "ann"}, Digest: digest}})
	if err != nil {
		t.Fatal(err)
	}
	rule := func(text string) *access.Rule {
		compiled, err := access.CompileRule(text, "collection", "id")
		if err != nil {
			t.Fatal(err)
		}
		return compiled
	}
	rules := &httpapi.Authority{Access: &httpapi.Access{
		engine.ActRead: rule("resource.open == true"), engine.ActWrite: rule("resource.mine == true"), engine.ActDelete: rule("false"), engine.ActHistory: rule("false"),
	}}
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.serve(httpapi.Config{
			Door: &door.Door{Engine: engine.New(a.store, engine.Config{})}, Auth: httpapi.Auth{Keys: keys}, Origins: []string{origin}, APIVersions: []string{"1"},
			Default: &engine.Rules{Reserved: rules.Reserved()}, DefaultAuthority: rules,
		})
		as := []string{"Authorization", "Bearer " + key, "Origin", origin}
		for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/_/api-docs"} {
			want := 401
			if path == "/healthz" || path == "/readyz" {
				want = 200
			}
			a.must(want, "GET", path, "")
			for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "PUT": 405} {
				a.must(status, method, path, "", as...)
			}
			a.must(204, "OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "GET")
			a.must(400, "GET", path, "", append(as, "Api-Version", "2")...)
			a.must(200, "GET", path, "", append(as, "Api-Version", "1", "Accept-Encoding", "gzip", "Want-Repr-Digest", "sha-256=1")...)
		}
		tag := a.must(200, "GET", "/openapi.json", "", as...).header.Get("ETag")
		a.must(304, "GET", "/openapi.json", "", append(as, "If-None-Match", tag)...)

		a.must(201, "PUT", "/v1/notes/1", `{"open":true,"mine":true}`, as...)
		a.must(201, "PUT", "/v1/notes/2", `{"open":true}`, as...)
		a.must(201, "PUT", "/v1/notes/3", `{}`, as...)
		before := a.dump()
		a.must(200, "GET", "/v1/notes/1", "", as...)
		a.must(404, "GET", "/v1/notes/3", "", as...)
		a.must(200, "GET", "/v1/notes", "", as...)
		a.must(403, "PUT", "/v1/notes/2", `{"open":true,"n":1}`, append(as, "If-Match", `"1"`)...)
		a.must(404, "PATCH", "/v1/notes/3", `{"n":1}`, append(as, "If-Match", `"1"`)...)
		a.must(403, "DELETE", "/v1/notes/1", "", append(as, "If-Match", `"1"`)...)
		a.must(403, "GET", "/v1/notes/1/_history", "", as...)
		a.must(401, "PUT", "/v1/notes/1", `{}`, "Origin", origin)
		a.must(403, "PUT", "/v1/notes/1", `{}`, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
		if a.dump() != before {
			t.Error("something was written")
		}
	})
}
