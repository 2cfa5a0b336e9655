package protocol_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
)

// nested is an API of organisations with what belongs to each of them.
func nested() []httpapi.Collection {
	rules := &engine.Rules{}
	return []httpapi.Collection{
		{Name: "orgs", Path: "/v1/orgs", Rules: rules},
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: rules},
		{Name: "keys", Path: "/v1/orgs/{orgId}/users/{userId}/keys", Rules: rules},
		{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: rules},
		{Name: "site", Path: "/v1/site", Singleton: true, Rules: rules},
		{Name: "acme", Path: "/v1/orgs/acme/reports/all", Rules: rules},
		{Name: "logs", Path: "/v1/orgs/acme/teams/{teamId}/logs", Rules: rules},
	}
}

func (a *api) ids(path string) string {
	a.t.Helper()
	var page listPage
	if err := json.Unmarshal([]byte(a.must(200, "GET", path, "").body), &page); err != nil {
		a.t.Fatal(err)
	}
	var ids []string
	for _, item := range page.Items {
		ids = append(ids, item.ID)
	}
	return strings.Join(ids, " ")
}

// TestNestedCollections: the documents of each value of a parameter are apart.
func TestNestedCollections(t *testing.T) {
	onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/orgs/acme", `{"n":"org"}`)
		a.must(201, "PUT", "/v1/orgs/acme/users/ann", `{"n":"acme"}`)
		a.must(201, "PUT", "/v1/orgs/bits/users/ann", `{"n":"bits"}`)
		a.must(201, "PUT", "/v1/orgs/bits/users/bob", `{"n":"bits"}`)
		a.must(201, "PUT", "/v1/orgs/acme/users/ann/keys/k", `{"n":"key"}`)
		a.must(201, "PUT", "/v1/orgs/acme/users/-/keys/k", `{"n":"another key"}`)
		a.must(201, "PUT", "/v1/orgs/acme/reports/all/1", `{"n":"report"}`)
		a.must(201, "PUT", "/v1/orgs/acme/teams/x/logs/1", `{"n":"log"}`)
		a.must(200, "PUT", "/v1/orgs/bits/users/ann", `{"n":"changed"}`, "If-Match", `"1"`)
		for path, want := range map[string]string{
			"/v1/orgs/acme": `{"n":"org"}`, "/v1/orgs/acme/users/ann": `{"n":"acme"}`, "/v1/orgs/bits/users/ann": `{"n":"changed"}`,
			"/v1/orgs/acme/users/ann/keys/k": `{"n":"key"}`, "/v1/orgs/acme/reports/all/1": `{"n":"report"}`,
			"/v1/orgs/acme/teams/x/logs/1":       `{"n":"log"}`,
			"/v1/orgs/bits/users/ann/_history/1": `{"n":"bits"}`,
		} {
			a.body(a.must(200, "GET", path, ""), want)
		}
		for path, want := range map[string]string{
			"/v1/orgs": "acme", "/v1/orgs/acme/users": "ann", "/v1/orgs/bits/users": "ann bob", "/v1/orgs/none/users": "",
			"/v1/orgs/acme/users/ann/keys": "k", "/v1/orgs/acme/users/bob/keys": "", "/v1/orgs/acme/reports/all": "1",
		} {
			if got := a.ids(path); got != want {
				t.Errorf("%s lists %q, want %q", path, got, want)
			}
		}
		for _, path := range []string{
			"/v1/orgs/acme/", "/v1/orgs/acme/user", "/v1/orgs//users", "/v1/orgs/./users", "/v1/orgs/../users", "/v1/orgs/_x/users/ann", "/v1/orgs/_x/users",
			"/v1/orgs/.x/users", "/v1/orgs/a%2Fb/users", "/v1/orgs/%61cme/users/ann", "/v1/orgs/" + strings.Repeat("a", 129) + "/users",
			"/v1/orgs/acme/users/", "/v1/orgs/acme/users/_ann", "/v1/orgs/acme/users/ann/key", "/v1/orgs/acme/users/ann/keys/k/x",
			"/v1/orgs/acme/users/_x/keys/k", "/v1/orgs/acme/reports", "/v1/orgs/bits/teams/x/logs/1", "/v1/orgs/acme/teams/x", "/v1/orgs/acme/reports/1", "/v1/users/ann", "/v1/brand",
			"/v1/orgs/{orgId}/users", "/v1/orgs/acme/brand/x", "/v1/orgs/acme/brand/", "/v1/site/x", "/v1/site/", "/v1/orgs/acme/brand/_",
		} {
			for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
				a.refusedWithoutOutcome(404, "not-found", method, path)
			}
		}
		a.verify()
	})
}

// TestPartsHaveTheirOwnTags: what happens in one part is not seen in another.
func TestPartsHaveTheirOwnTags(t *testing.T) {
	onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/orgs/acme/users/ann", `{"n":1}`)
		tag := a.must(200, "GET", "/v1/orgs/acme/users", "").header.Get("ETag")
		a.must(201, "PUT", "/v1/orgs/bits/users/ann", `{"n":2}`)
		a.must(201, "PUT", "/v1/orgs/acme/users/ann/keys/k", `{"n":3}`)
		a.must(304, "GET", "/v1/orgs/acme/users", "", "If-None-Match", tag)
		a.must(200, "PUT", "/v1/orgs/acme/users/ann", `{"n":4}`, "If-Match", `"1"`)
		a.must(200, "GET", "/v1/orgs/acme/users", "", "If-None-Match", tag)
		a.body(a.must(200, "GET", "/v1/orgs/bits/users/ann", ""), `{"n":2}`)
	})
}

// TestParams: a part is named by the values alone, in the order of the path.
func TestParams(t *testing.T) {
	onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
		for path, want := range map[string]store.Ref{
			"/v1/orgs/acme/users/ann":        {Part: store.Part{Collection: "users", Params: "acme"}, ID: "ann"},
			"/v1/orgs/acme/users/a.b/keys/k": {Part: store.Part{Collection: "keys", Params: "acme/a.b"}, ID: "k"},
			"/v1/orgs/~/brand":               {Part: store.Part{Collection: "brand", Params: "~"}},
			"/v1/site":                       {Part: store.Part{Collection: "site"}},
		} {
			a.must(201, "PUT", path, `{}`)
			if doc, err := a.store.Get(t.Context(), want); err != nil || !doc.Exists() {
				t.Errorf("%s is not at %+v: %v", path, want, err)
			}
		}
	})
}

func TestPostToATemplate(t *testing.T) {
	onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
		got := a.must(201, "POST", "/v1/orgs/acme/users", `{"n":1}`)
		location := got.header.Get("Location")
		id, ok := strings.CutPrefix(location, "/v1/orgs/acme/users/")
		if !ok {
			t.Fatalf("Location is %q", location)
		}
		a.isUUID(id)
		if id[14] != '7' {
			t.Errorf("%s is no UUIDv7", id)
		}
		a.body(a.must(200, "GET", location, ""), `{"n":1}`)
	})
}

func TestSingleton(t *testing.T) {
	for _, path := range []string{"/v1/orgs/acme/brand", "/v1/site"} {
		t.Run(path, func(t *testing.T) {
			onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
				a.refused(404, "not-found", "GET", path, "")
				a.refused(404, "not-found", "GET", path+"/_history", "")
				got := a.must(201, "PUT", path, `{"colour":"red"}`)
				a.header(got, "ETag", `"1"`)
				a.body(a.must(200, "GET", path, ""), `{"colour":"red"}`)
				a.must(304, "GET", path, "", "If-None-Match", `"1"`)
				a.refused(428, "precondition-required", "PUT", path, `{"colour":"blue"}`)
				a.must(200, "PATCH", path, `{"font":"Inter"}`, "If-Match", `"1"`)
				p := a.refused(412, "stale", "PUT", path, `{"colour":"blue"}`, "If-Match", `"1"`)
				if p.Resource != path || p.CurrentVersion != 2 {
					t.Errorf("%+v", p)
				}
				got = a.must(200, "GET", path+"/_history/1", "")
				a.body(got, `{"colour":"red"}`)
				a.header(got, "Link", "<"+path+`>; rel="latest-version", <`+path+`/_history>; rel="version-history"`)
				a.must(200, "GET", path+"/_diff?from=1&to=2", "")
				for _, method := range []string{"POST", "TRACE", "FOO"} {
					got := a.do(method, path, "")
					a.status(got, 405)
					a.header(got, "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
				}
				a.header(a.must(204, "OPTIONS", path, ""), "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
				a.must(204, "DELETE", path, "", "If-Match", `"2"`)
				a.refused(404, "not-found", "GET", path, "")
				a.must(201, "PUT", path, `{"colour":"blue"}`)
				if history := a.must(200, "GET", path+"/_history", "").body; strings.Count(history, `"version":`) != 4 {
					t.Errorf("history %s", history)
				}
				a.verify()
			})
		})
	}
	t.Run("apart", func(t *testing.T) {
		onEveryStore(t, setup{collections: nested()}, func(t *testing.T, a *api) {
			a.must(201, "PUT", "/v1/orgs/acme/brand", `{"n":1}`)
			a.refused(404, "not-found", "GET", "/v1/orgs/bits/brand", "")
			a.must(201, "PUT", "/v1/orgs/bits/brand", `{"n":2}`)
			a.body(a.must(200, "GET", "/v1/orgs/acme/brand", ""), `{"n":1}`)
		})
	})
}

// TestUnservedPathNamesTheServed: who asks for a path that nothing can have is
// told which ones there are.
func TestUnservedPathNamesTheServed(t *testing.T) {
	some := []httpapi.Collection{
		{Name: "orgs", Path: "/v1/orgs", Param: "orgId", Rules: &engine.Rules{}},
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: &engine.Rules{}},
		{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: &engine.Rules{}},
	}
	many := append([]httpapi.Collection{}, some...)
	for i := range 20 {
		name := fmt.Sprint("n", i)
		many = append(many, httpapi.Collection{Name: name, Path: "/v1/" + name, Rules: &engine.Rules{}})
	}
	for name, tt := range map[string]struct {
		collections []httpapi.Collection
		want        string
	}{
		"any":  {nil, " at /v1/{collection}/{id}, with"},
		"one":  {some[:1], " at /v1/orgs/{orgId}, with"},
		"some": {some, " at /v1/orgs/{orgId}, /v1/orgs/{orgId}/users/{id} and /v1/orgs/{orgId}/brand, with"},
		"many": {many, ", /v1/n5/{id}, /v1/n6/{id} and others, with"},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{collections: tt.collections}, func(t *testing.T, a *api) {
				if p := a.refused(404, "not-found", "GET", "/nowhere", ""); !strings.Contains(p.Detail, tt.want) {
					t.Errorf("%q does not say %q", p.Detail, tt.want)
				}
			})
		})
	}
}
