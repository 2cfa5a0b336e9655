package protocol_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// keyed serves users under a natural key, in a part for each organisation.
func keyed(t *testing.T, contract ifmatch.Contract, pointers ...string) setup {
	t.Helper()
	key, err := engine.NewNaturalKey(pointers...)
	if err != nil {
		t.Fatal(err)
	}
	return setup{collections: []httpapi.Collection{
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: &engine.Rules{Contract: contract, Key: key}},
	}}
}

const users = "/v1/orgs/acme/users"

// duplicate sends a write whose key another document holds, and checks that it
// is told which, and that nothing was written.
func (a *api) duplicate(holder, method, path, body string, headers ...string) problem {
	a.t.Helper()
	before := a.dump()
	got := a.do(method, path, body, headers...)
	a.status(got, 409)
	a.header(got, "Location", holder)
	a.header(got, "Content-Type", "application/problem+json")
	a.header(got, "Ifmatch-Outcome", "rejected")
	p := a.problem(got)
	a.header(got, "ETag", p.CurrentEtag)
	if p.Type != "urn:ifmatch:problem:duplicate" || p.Detail == "" || p.Resource != path || len(p.Faults) == 0 {
		a.t.Errorf("%+v", p)
	}
	if a.dump() != before {
		a.t.Errorf("a refused %s has changed something", method)
	}
	return p
}

// TestNaturalKey is the life of a key: taken, refused, changed, freed.
func TestNaturalKey(t *testing.T) {
	onEveryStore(t, keyed(t, ifmatch.Contract{}, "/email"), func(t *testing.T, a *api) {
		const ann = users + "/ann~40example.org"
		got := a.must(201, "POST", users, `{"email":"ann@example.org","n":1}`)
		a.header(got, "Location", ann)
		a.header(got, "Ifmatch-Outcome", "created")
		a.header(got, "ETag", `"1"`)

		// The same again changes nothing, in whatever order its members stand.
		before := a.dump()
		got = a.must(200, "POST", users, `{"n":1,"email":"ann@example.org"}`)
		a.header(got, "Location", ann)
		a.header(got, "Ifmatch-Outcome", "unchanged")
		a.header(got, "ETag", `"1"`)
		a.body(got, `{"email":"ann@example.org","n":1}`)
		got = a.must(204, "POST", users, `{"email":"ann@example.org","n":1}`, "Prefer", "return=minimal")
		a.header(got, "Location", ann)
		if a.dump() != before {
			t.Error("an equal POST has changed something")
		}
		if p := a.duplicate(ann, "POST", users, `{"email":"ann@example.org","n":2}`); p.Faults[0].Pointer != "/email" || p.CurrentEtag != "" {
			t.Errorf("%+v", p)
		}

		// Another id is no way round it.
		a.must(201, "PUT", users+"/bob", `{"email":"bob@example.org"}`)
		a.duplicate(ann, "PUT", users+"/new", `{"email":"ann@example.org"}`)
		if p := a.duplicate(ann, "PUT", users+"/bob", `{"email":"ann@example.org"}`, "If-Match", `"1"`); p.CurrentEtag != `"1"` {
			t.Errorf("currentEtag %s is not that of the document that was to change", p.CurrentEtag)
		}
		a.duplicate(ann, "PATCH", users+"/bob", `{"email":"ann@example.org"}`, "If-Match", `"1"`)
		a.duplicate(ann, "PATCH", users+"/bob", `[{"op":"replace","path":"/email","value":"ann@example.org"}]`, "If-Match", `"1"`, "Content-Type", "application/json-patch+json")
		a.duplicate(users+"/bob", "POST", users, `{"email":"bob@example.org","n":1}`)
		a.must(201, "POST", "/v1/orgs/bits/users", `{"email":"ann@example.org"}`) // a part of its own

		// Preconditions come first, and a document may keep its own key.
		a.refused(412, "stale", "PUT", users+"/bob", `{"email":"ann@example.org"}`, "If-Match", `"9"`)
		a.must(200, "PATCH", users+"/bob", `{"n":1}`, "If-Match", `"1"`)
		a.must(200, "PUT", users+"/bob", `{"email":"bob@example.org"}`, "If-Match", `"2"`)

		// A change frees the old key and takes the new one.
		a.must(200, "PATCH", users+"/bob", `{"email":"robert@example.org"}`, "If-Match", `"3"`)
		a.duplicate(users+"/bob", "PUT", users+"/x", `{"email":"robert@example.org"}`)
		a.header(a.must(201, "POST", users, `{"email":"bob@example.org"}`), "Location", users+"/bob~40example.org")

		// So does a deletion; the tombstone goes on counting.
		a.must(204, "DELETE", ann, "", "If-Match", `"1"`)
		a.must(201, "PUT", users+"/other", `{"email":"ann@example.org"}`)
		a.duplicate(users+"/other", "POST", users, `{"email":"ann@example.org","n":3}`)
		a.must(204, "DELETE", users+"/other", "", "If-Match", `"1"`)
		got = a.must(201, "POST", users, `{"email":"ann@example.org","n":4}`)
		a.header(got, "Location", ann)
		a.header(got, "ETag", `"3"`)
		a.verify()
	})
}

// TestIDOfAnotherKey: a document may change its key and keeps its id; whoever
// takes the old key then gets an id of another form.
func TestIDOfAnotherKey(t *testing.T) {
	onEveryStore(t, keyed(t, ifmatch.Contract{}, "/email"), func(t *testing.T, a *api) {
		a.must(201, "POST", users, `{"email":"ann"}`)
		a.must(200, "PATCH", users+"/ann", `{"email":"anna"}`, "If-Match", `"1"`)
		got := a.must(201, "POST", users, `{"email":"ann"}`)
		id := strings.TrimPrefix(got.header.Get("Location"), users+"/")
		a.isUUID(id)
		a.header(a.must(200, "POST", users, `{"email":"ann"}`), "Location", users+"/"+id)
		a.duplicate(users+"/"+id, "POST", users, `{"email":"ann","n":1}`)
		a.duplicate(users+"/ann", "POST", users, `{"email":"anna","n":1}`)
		a.verify()
	})
}

func TestNaturalKeyIsInvalid(t *testing.T) {
	onEveryStore(t, keyed(t, optional, "/org", "/name/last"), func(t *testing.T, a *api) {
		a.must(201, "PUT", users+"/1", `{"org":7,"name":{"last":"Lee"}}`)
		for name, tt := range map[string]struct {
			body string
			at   []string
		}{
			"missing":       {`{"org":1}`, []string{"/name/last"}},
			"both missing":  {`{}`, []string{"/org", "/name/last"}},
			"null":          {`{"org":null,"name":{"last":"Lee"}}`, []string{"/org"}},
			"true":          {`{"org":true,"name":{"last":"Lee"}}`, []string{"/org"}},
			"an object":     {`{"org":{},"name":{"last":"Lee"}}`, []string{"/org"}},
			"an array":      {`{"org":1,"name":{"last":["Lee"]}}`, []string{"/name/last"}},
			"empty":         {`{"org":"","name":{"last":"Lee"}}`, []string{"/org"}},
			"inside a text": {`{"org":1,"name":"Lee"}`, []string{"/name/last"}},
		} {
			t.Run(name, func(t *testing.T) {
				a := a.in(t)
				for _, request := range []string{"POST " + users, "PUT " + users + "/1", "PUT " + users + "/2", "POST " + users + "?dryRun=true"} {
					method, path, _ := strings.Cut(request, " ")
					p := a.refused(422, "invalid", method, path, tt.body)
					var at []string
					for _, f := range p.Faults {
						at = append(at, f.Pointer)
					}
					if strings.Join(at, " ") != strings.Join(tt.at, " ") {
						t.Errorf("%s: faults at %v, want %v", request, at, tt.at)
					}
				}
			})
		}
		a.refused(422, "invalid", "PATCH", users+"/1", `{"name":null}`)
		a.refused(400, "malformed", "POST", users, `{"org":`)
		a.refused(422, "invalid", "POST", users, `[]`)
		a.body(a.must(200, "GET", users+"/1", ""), `{"org":7,"name":{"last":"Lee"}}`)
	})
}

// TestNaturalKeyValues: which values are one, and which are two.
func TestNaturalKeyValues(t *testing.T) {
	onEveryStore(t, keyed(t, ifmatch.Contract{}, "/a", "/b"), func(t *testing.T, a *api) {
		seen := map[string]string{}
		for i, pair := range []string{
			`"x","y"`, `"x","Y"`, `"x~.y","z"`, `"x","y~.z"`, `"x.","y"`, `"x",".y"`, `"1","y"`, `1,"y"`, `1,2`, `1.5,2`, `-1,2`, `"n1","y"`, `"~n1","y"`,
			`"é","y"`, `"e\u0301","y"`, `"a b","y"`, `"a/b","y"`, `"_","_"`, `".","."`, `"..",".."`, `"9007199254740993","y"`, `9007199254740993,"y"`,
			`9007199254740992,"y"`, `1e300,"y"`, `1e-300,"y"`, `"\u0000","y"`, `"%41","y"`, `"A","y"`, `"~41","y"`,
			`"` + strings.Repeat("l", 200) + `","y"`, `"` + strings.Repeat("l", 201) + `","y"`, `"` + strings.Repeat("l", 200) + `","z"`,
		} {
			av, bv, _ := strings.Cut(pair, ",")
			got := a.must(201, "POST", users, fmt.Sprintf(`{"a":%s,"b":%s,"i":%d}`, av, bv, i))
			location := got.header.Get("Location")
			id := strings.TrimPrefix(location, users+"/")
			if other, ok := seen[id]; ok {
				t.Errorf("%s and %s have the id %s", other, pair, id)
			}
			seen[id] = pair
			if len(id) > 128 || url.PathEscape(id) != id {
				t.Errorf("%s has the id %q", pair, id)
			}
			a.must(200, "GET", location, "")
			a.duplicate(location, "POST", users, fmt.Sprintf(`{"a":%s,"b":%s}`, av, bv))
		}
		a.duplicate(users+"/~n1~.~n2", "POST", users, `{"a":1.0,"b":20e-1}`)
		a.duplicate(users+"/~n1~.~n2", "PUT", users+"/9", `{"a":1e0,"b":2.00}`)
		a.header(a.must(200, "POST", users, `{"a":1,"b":2,"i":8}`), "Location", users+"/~n1~.~n2")
		a.verify()
	})
}

// TestNaturalKeyDryRun: a dry run says what would be, and takes no key.
func TestNaturalKeyDryRun(t *testing.T) {
	onEveryStore(t, keyed(t, ifmatch.Contract{}, "/email"), func(t *testing.T, a *api) {
		a.must(201, "POST", users+"?dryRun=true", `{"email":"ann"}`)
		a.must(201, "PUT", users+"/1?dryRun=true", `{"email":"ann"}`)
		a.must(201, "PUT", users+"/1", `{"email":"ann"}`)
		before := a.dump()
		for _, tt := range []struct {
			status       int
			method, path string
			body         string
		}{
			{200, "POST", users, `{"email":"ann"}`}, {409, "POST", users, `{"email":"ann","n":1}`},
			{409, "PUT", users + "/2", `{"email":"ann"}`}, {204, "DELETE", users + "/1", ""},
		} {
			headers := []string{}
			if tt.method == "DELETE" {
				headers = []string{"If-Match", `"1"`}
			}
			got := a.must(tt.status, tt.method, tt.path+"?dryRun=true", tt.body, headers...)
			a.header(got, "Location", "")
			a.header(got, "Ifmatch-Dry-Run", "true")
		}
		if a.dump() != before {
			t.Error("a dry run has changed something")
		}
		a.duplicate(users+"/1", "PUT", users+"/2", `{"email":"ann"}`)
	})
}
