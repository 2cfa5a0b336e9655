package protocol_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

const (
	note   = "/v1/notes/1"
	fields = note + "/_fields"
)

// tagOf returns the entity tag that a GET shows.
func (a *api) tagOf(path string) string {
	a.t.Helper()
	tag := a.must(200, "GET", path, "").header.Get("ETag")
	if tag == "" {
		a.t.Fatalf("%s has no tag", path)
	}
	return tag
}

// shows checks one value: its content, and that it has a tag of its own beside that of
// its document.
func (a *api) shows(path, body, document string) {
	a.t.Helper()
	got := a.must(200, "GET", path, "")
	a.body(got, body)
	a.header(got, "Content-Type", "application/json")
	a.header(got, "Ifmatch-ETag", document)
	a.header(got, "Last-Modified", "")
	a.header(got, "Cache-Control", "public, no-cache")
	tag := got.header.Get("ETag")
	a.header(a.must(304, "GET", path, "", "If-None-Match", tag), "ETag", tag)
	a.must(200, "GET", path, "", "If-None-Match", document)
	a.must(200, "GET", path, "", "If-Match", tag)
	a.refused(412, "stale", "GET", path, "", "If-Match", document)
}

func TestFieldsAreRead(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, `{"title":"A","n":1.0,"none":null,"list":["x",{"y":[]}],"a/b":{"~":true,"":{"..":1},"ü %":2},"0":{"-":3}}`)
		for path, body := range map[string]string{
			"/title": `"A"`, "/n": `1.0`, "/none": `null`, "/list": `["x",{"y":[]}]`, "/list/0": `"x"`, "/list/1/y": `[]`,
			"/a~1b": `{"~":true,"":{"..":1},"ü %":2}`, "/a~1b/~0": `true`, "/a~1b/%7E0": `true`, "/a~1b/%C3%BC%20%25": `2`, "/0/-": `3`,
			"?pointer=/title": `"A"`, "?pointer=%2Flist%2F1%2Fy": `[]`, "?pointer=/a~1b/": `{"..":1}`, "?pointer=/a~1b//..": `1`, "?pointer=/a~1b/ü+%25": `2`,
		} {
			t.Run(path, func(t *testing.T) { a.in(t).shows(fields+path, body, `"1"`) })
		}
		for _, path := range []string{
			"/none/x", "/title/x", "/list/2", "/list/-", "/list/00", "/list/-1", "/list/1e0", "/list/x", "/A", "/a", "/n/", "//", "/title/", "/./title", "/%2e/title", "/a~1b//%2E%2E", "/%2E%2e",
			"?pointer=/", "?pointer=/x", "?pointer=/list/-",
		} {
			a.refused(404, "not-found", "GET", fields+path, "")
		}
		for _, path := range []string{
			"", "/a~2", "/a~", "/%FF", "/a%2Fb", "?pointer=", "?pointer=title", "?pointer=/~2", "?pointer=%FF", "?pointer=/n&pointer=/n", "/title?pointer=/title", "?Pointer=/n", "?pointer=/n&dry_run=true", "/n?x=%zz",
		} {
			a.refused(400, "malformed", "GET", fields+path, "")
			a.refused(400, "malformed", "PUT", fields+path, `1`, "If-Match", "*")
			a.refused(400, "malformed", "DELETE", fields+path, ``, "If-Match", "*")
		}
		a.refused(404, "not-found", "GET", "/v1/notes/none/_fields/a", "")
		a.must(204, "DELETE", note, "", "If-Match", `"1"`)
		a.refused(404, "not-found", "GET", fields+"/title", "")
	})
}

// TestFieldsAreWritten: each write of one value, what it answers, and what the document
// is then.
func TestFieldsAreWritten(t *testing.T) {
	const document = `{"title":"A","list":["x","y"],"o":{"p":1}}`
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		outcome, answer, then    string
	}{
		{"a member", "PUT", "/title", `"B"`, nil, 200, "replaced", `"B"`, `{"title":"B","list":["x","y"],"o":{"p":1}}`},
		{"to another kind", "PUT", "/title", `{"a":null}`, nil, 200, "replaced", `{"a":null}`, `{"title":{"a":null},"list":["x","y"],"o":{"p":1}}`},
		{"to what it is", "PUT", "/title", ` "A" `, nil, 200, "unchanged", `"A"`, document},
		{"an element", "PUT", "/list/1", `"z"`, nil, 200, "replaced", `"z"`, `{"title":"A","list":["x","z"],"o":{"p":1}}`},
		{"a new member", "PUT", "/o/q", `2`, nil, 201, "created", `2`, `{"title":"A","list":["x","y"],"o":{"p":1,"q":2}}`},
		{"a new member, asked for", "PUT", "/new", `null`, []string{"If-None-Match", "*"}, 201, "created", `null`, `{"title":"A","list":["x","y"],"o":{"p":1},"new":null}`},
		{"a member without a name", "PUT", "?pointer=/o/", `2`, nil, 201, "created", `2`, `{"title":"A","list":["x","y"],"o":{"p":1,"":2}}`},
		{"behind the last element", "PUT", "/list/2", `"z"`, nil, 201, "created", `"z"`, `{"title":"A","list":["x","y","z"],"o":{"p":1}}`},
		{"a merge patch", "PATCH", "/o", `{"p":null,"q":{"r":2}}`, nil, 200, "patched", `{"q":{"r":2}}`, `{"title":"A","list":["x","y"],"o":{"q":{"r":2}}}`},
		{"a merge patch of a scalar", "PATCH", "/title", `{"q":2}`, nil, 200, "patched", `{"q":2}`, `{"title":{"q":2},"list":["x","y"],"o":{"p":1}}`},
		{"a JSON Patch", "PATCH", "/list", `[{"op":"test","path":"/0","value":"x"},{"op":"add","path":"/-","value":"z"}]`, []string{"Content-Type", jsonPatch}, 200, "patched", `["x","y","z"]`, `{"title":"A","list":["x","y","z"],"o":{"p":1}}`},
		{"a JSON Patch of all of an element", "PATCH", "/list/0", `[{"op":"add","path":"","value":1}]`, []string{"Content-Type", jsonPatch}, 200, "patched", `1`, `{"title":"A","list":[1,"y"],"o":{"p":1}}`},
		{"a member goes", "DELETE", "/o/p", "", nil, 204, "deleted", "", `{"title":"A","list":["x","y"],"o":{}}`},
		{"an element goes", "DELETE", "/list/0", "", nil, 204, "deleted", "", `{"title":"A","list":["y"],"o":{"p":1}}`},
		{"minimal", "PUT", "/title", `"B"`, []string{"Prefer", "return=minimal"}, 204, "replaced", "", `{"title":"B","list":["x","y"],"o":{"p":1}}`},
		{"minimal and new", "PUT", "/t", `"B"`, []string{"Prefer", "return=minimal"}, 201, "created", "", `{"title":"A","list":["x","y"],"o":{"p":1},"t":"B"}`},
		{"any value", "PUT", "/title", `"B"`, []string{"If-Match", "*"}, 200, "replaced", `"B"`, `{"title":"B","list":["x","y"],"o":{"p":1}}`},
		{"a strategy has no say", "PUT", "/title", `"B"`, []string{"Prefer", "conflict=merge"}, 200, "replaced", `"B"`, `{"title":"B","list":["x","y"],"o":{"p":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{actor: writerName, rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyMerge}}}, func(t *testing.T, a *api) {
				a.must(201, "PUT", note, document)
				headers := append(tt.headers, "X-Writer", "ann")
				if got := a.do("GET", fields+tt.path, ""); got.status == 200 && !strings.Contains(strings.Join(headers, " "), "If-") {
					headers = append(headers, "If-Match", got.header.Get("ETag"))
				}
				dry := "?dryRun=true"
				if strings.Contains(tt.path, "?") {
					dry = "&dryRun=true"
				}
				was, before := a.do("GET", fields+tt.path, "").header.Get("ETag"), a.dump()
				tried := a.must(tt.status, tt.method, fields+tt.path+dry, tt.body, headers...)
				a.header(tried, "ETag", was)
				a.header(tried, "Ifmatch-ETag", `"1"`)
				a.body(tried, tt.answer)
				if a.dump() != before {
					t.Error("a dry run has written something")
				}

				got := a.must(tt.status, tt.method, fields+tt.path, tt.body, headers...)
				a.body(got, tt.answer)
				a.header(got, "Ifmatch-Outcome", tt.outcome)
				a.header(got, "Cache-Control", "no-store")
				version := `"2"`
				if tt.then == document {
					version = `"1"`
				}
				a.header(got, "Ifmatch-ETag", version)
				whole := a.must(200, "GET", note, "")
				a.body(whole, tt.then)
				a.header(whole, "ETag", version)
				if tt.outcome == "deleted" {
					a.header(got, "ETag", "")
				} else {
					a.header(got, "ETag", a.tagOf(fields+tt.path))
				}
				if e := a.newest(note); version == `"2"` && (e.Action != "patch" || e.Outcome != "patched" || e.By != "ann" || e.YourVersion != 0) {
					t.Errorf("the history says %+v", e)
				}
				a.verify()
			})
		})
	}
}

// TestFieldsRefuse: whatever a write of one value is refused for, it leaves nothing
// behind.
func TestFieldsRefuse(t *testing.T) {
	policy, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/code", Type: merge.Immutable}}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := engine.NewNaturalKey("/email")
	if err != nil {
		t.Fatal(err)
	}
	members, err := engine.NewMembers(ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/meta/version", DigestField: "sum"}, engine.Added{})
	if err != nil {
		t.Fatal(err)
	}
	rules := &engine.Rules{Merge: policy, Members: members, Key: key, OnStale: engine.StrategyMerge, Allow: []engine.Strategy{engine.StrategyPark}, Validate: func(v jsonvalue.Value) []engine.Fault {
		if v.Lookup("title").Kind() != jsonvalue.KindString {
			return []engine.Fault{{Pointer: "/title", Detail: "It is a text."}}
		}
		return nil
	}}
	s := setup{collections: []httpapi.Collection{{Name: "notes", Path: "/v1/notes", Rules: rules}}, limits: engine.Limits{Body: 200, Depth: 4}}
	onEveryStore(t, s, func(t *testing.T, a *api) {
		at := a.must(201, "POST", "/v1/notes", `{"email":"a@b","title":"A","code":1,"list":["x"],"meta":{"k":1}}`).header.Get("Location")
		a.must(201, "POST", "/v1/notes", `{"email":"c@d","title":"C"}`)
		at += "/_fields"
		for _, tt := range []struct {
			status             int
			slug               string
			method, path, body string
			headers            []string
		}{
			{428, "precondition-required", "PUT", "/title", `"B"`, nil},
			{428, "precondition-required", "PATCH", "/meta", `{}`, nil},
			{428, "precondition-required", "DELETE", "/list", ``, nil},
			{412, "stale", "PUT", "/title", `"B"`, []string{"If-Match", `"1"`}},
			{412, "stale", "PUT", "/title", `"B"`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}},
			{412, "stale", "PATCH", "/meta", `{}`, []string{"If-Match", `"x"`}},
			{412, "stale", "DELETE", "/list", ``, []string{"If-Match", `"x"`}},
			{412, "stale", "PUT", "/none", `1`, []string{"If-Match", "*"}},
			{412, "stale", "PUT", "/title", `"B"`, []string{"If-None-Match", a.tagOf(at + "/title")}},
			{412, "exists", "PUT", "/title", `"B"`, []string{"If-None-Match", "*"}},
			{412, "weak-validator", "PUT", "/title", `"B"`, []string{"If-Match", "W/" + a.tagOf(at+"/title")}},
			{412, "stale", "PUT", "/title", `"B"`, []string{"If-Unmodified-Since", httpDate(noon)}},
			{400, "malformed", "PUT", "/title", `"B"`, []string{"If-Match", "x"}},
			{400, "malformed", "PUT", "/title", `B`, []string{"If-Match", "*"}},
			{400, "malformed", "PATCH", "/title", `{}`, []string{"If-Match", "*", "Content-Type", jsonPatch}},
			{415, "unsupported-media-type", "PUT", "/title", `"B"`, []string{"If-Match", "*", "Content-Type", "text/plain"}},
			{400, "malformed", "PUT", "/title?dryrun=true", `"B"`, []string{"If-Match", "*"}},
			{404, "not-found", "PATCH", "/none", `{}`, []string{"If-Match", "*"}},
			{404, "not-found", "DELETE", "/none", ``, []string{"If-Match", "*"}},
			{404, "not-found", "PUT", "/none/at/all", `1`, nil},
			{404, "not-found", "PUT", "/title/x", `1`, nil},
			{404, "not-found", "PUT", "/list/2", `1`, nil},
			{404, "not-found", "PUT", "/list/-", `1`, nil},
			{404, "not-found", "PUT", "/list/01", `1`, nil},
			{404, "not-found", "PUT", "/list/x", `1`, []string{"If-None-Match", "*"}},
			{409, "patch-test-failed", "PATCH", "/list", `[{"op":"test","path":"/0","value":"y"}]`, []string{"If-Match", "*", "Content-Type", jsonPatch}},
			{409, "patch-inapplicable", "PATCH", "/list", `[{"op":"remove","path":"/1"}]`, []string{"If-Match", "*", "Content-Type", jsonPatch}},
			{409, "patch-inapplicable", "PATCH", "/list", `[{"op":"remove","path":""}]`, []string{"If-Match", "*", "Content-Type", jsonPatch}},
			{422, "invalid", "DELETE", "/title", ``, []string{"If-Match", "*"}},
			{422, "invalid", "PUT", "/title", `1`, []string{"If-Match", "*"}},
			{422, "invalid", "PUT", "/code", `2`, []string{"If-Match", "*"}},
			{422, "invalid", "DELETE", "/code", ``, []string{"If-Match", "*"}},
			{422, "invalid", "PUT", "/meta", `1`, []string{"If-Match", "*"}}, // where the contract's members stand
			{400, "malformed", "PUT", "/meta/version", `1`, nil},
			{400, "malformed", "PUT", "/sum", `"x"`, nil},
			{400, "malformed", "PUT", "/sum/x", `"x"`, nil},
			{404, "not-found", "GET", "/meta/version", ``, nil},
			{413, "too-large", "PUT", "/title", `"` + strings.Repeat("x", 200) + `"`, []string{"If-Match", "*"}},
			{413, "too-large", "PUT", "/meta/k", `[[[1]]]`, []string{"If-Match", "*"}},
		} {
			t.Run(fmt.Sprint(tt.status, tt.method, tt.path, tt.body, tt.headers), func(t *testing.T) {
				p := a.in(t).refused(tt.status, tt.slug, tt.method, at+tt.path, tt.body, tt.headers...)
				if tt.status == 412 && p.CurrentEtag != "" && p.CurrentEtag != a.tagOf(at+tt.path) {
					t.Errorf("the current tag is said to be %s", p.CurrentEtag)
				}
				if len(p.Strategies) > 0 || p.YourVersion != 0 {
					t.Errorf("%+v", p)
				}
			})
		}
		a.duplicate("/v1/notes/c~40d", "PUT", at+"/email", `"c@d"`, "If-Match", "*")
		a.must(200, "PUT", at+"/meta/k", `[[1]]`, "If-Match", "*")
		a.must(200, "PUT", at+"/email", `"e@f"`, "If-Match", a.tagOf(at+"/email"))
		a.must(201, "POST", "/v1/notes", `{"email":"a@b","title":"another"}`) // which is free now
		a.verify()
	})
}

// A conflict document is about the value, and tells a retry that it is done.
func TestFieldConflicts(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, `{"title":"A"}`)
		old := a.tagOf(fields + "/title")
		a.must(200, "PUT", fields+"/title", `"B"`, "If-Match", old)
		for body, applied := range map[string]bool{`"C"`: false, `"B"`: true} {
			p := a.refused(412, "stale", "PUT", fields+"/title", body, "If-Match", old)
			if p.AlreadyApplied == nil || *p.AlreadyApplied != applied || p.YourEtag != old || p.CurrentEtag != a.tagOf(fields+"/title") || p.CurrentVersion != 2 || p.Resource != fields+"/title" {
				t.Errorf("%s: %+v", body, p)
			}
		}
		a.refused(404, "not-found", "PUT", "/v1/notes/none/_fields/a", `1`, "If-None-Match", "*")
		a.refused(412, "stale", "PUT", "/v1/notes/none/_fields/a", `1`, "If-Match", "*")
		a.must(204, "DELETE", note, "", "If-Match", "*")
		a.refused(404, "not-found", "PUT", fields+"/title", `"C"`)
		a.refused(404, "not-found", "PATCH", fields+"/title", `"C"`, "If-Match", "*")
	})
}

// TestFieldTags: a tag fits the value that it was given for, as long as that is what it
// was, in no other place, document or life.
func TestFieldTags(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		const document = `{"a":{"b":1},"c":{"b":1},"l":[1,1]}`
		seen := make(map[string]string)
		fresh := func(paths ...string) {
			for _, path := range paths {
				tag := a.tagOf(path)
				if other := seen[tag]; other != "" {
					t.Errorf("%s and %s both have %s", path, other, tag)
				}
				seen[tag] = path
			}
		}
		var paths []string
		for _, document := range []string{"/v1/notes/1", "/v1/notes/2", "/v1/others/1"} {
			for _, at := range []string{"", "/a", "/c", "/a/b", "/c/b", "/l/0", "/l/1"} {
				paths = append(paths, document+"/_fields"+at)
			}
		}
		for _, path := range []string{"/v1/notes/1", "/v1/notes/2", "/v1/others/1"} {
			a.must(201, "PUT", path, document)
		}
		for _, path := range paths {
			if !strings.HasSuffix(path, "_fields") {
				fresh(path)
			}
		}
		tag := a.tagOf("/v1/notes/1/_fields/a")
		if again := a.tagOf("/v1/notes/1/_fields?pointer=" + url.QueryEscape("/a")); again != tag {
			t.Errorf("one place has the tags %s and %s", tag, again)
		}
		same := func(want bool, why string) {
			t.Helper()
			if is := a.tagOf("/v1/notes/1/_fields/a") == tag; is != want {
				t.Errorf("the tag is the same: %t, after %s", is, why)
			}
		}
		a.must(200, "PUT", "/v1/notes/1/_fields/c/b", `2`, "If-Match", "*")
		same(true, "a write elsewhere")
		a.must(200, "PUT", "/v1/notes/1/_fields/a/b", `2`, "If-Match", "*")
		same(false, "a write within")
		a.must(200, "PUT", "/v1/notes/1", document, "If-Match", `"3"`)
		same(true, "what it was")
		a.must(204, "DELETE", "/v1/notes/1", "", "If-Match", "*")
		a.must(201, "PUT", "/v1/notes/1", document)
		same(false, "another life")
		fresh("/v1/notes/1/_fields/a", "/v1/notes/1/_fields/c")
		a.refused(412, "stale", "PUT", "/v1/notes/1/_fields/a", `1`, "If-Match", tag)
		a.refused(412, "stale", "DELETE", "/v1/notes/1", "", "If-Match", tag)
	})
}

// Under a contract with weak tags those of values are weak too, and tags of compressed
// answers are taken.
func TestFieldTagsOnTheirWay(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Weak: true}}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, `{"a":1}`)
		tag := a.tagOf(fields + "/a")
		if !strings.HasPrefix(tag, "W/") {
			t.Errorf("the tag is %s", tag)
		}
		a.must(200, "PUT", fields+"/a", `2`, "If-Match", tag)
	})
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, fmt.Sprintf(`{"a":%q}`, strings.Repeat("x", 2000)))
		got := a.must(200, "GET", fields+"/a", "", "Accept-Encoding", "gzip")
		a.header(got, "Content-Encoding", "gzip")
		tag := got.header.Get("ETag")
		a.must(304, "GET", fields+"/a", "", "If-None-Match", tag, "Accept-Encoding", "gzip")
		if tag == a.tagOf(fields+"/a") {
			t.Errorf("%s is the tag of both", tag)
		}
		a.must(200, "PUT", fields+"/a", `2`, "If-Match", tag)
	})
}

// A request under an idempotency key is carried out once, and dates are those of the
// document.
func TestFieldsUnderKeysAndDates(t *testing.T) {
	c := &clock{}
	onEveryStoreAlone(t, setup{now: c.Now}, func(t *testing.T, a *api) {
		c.set(noon)
		a.must(201, "PUT", note, `{"list":[],"n":1}`)
		add := func() answer {
			return a.must(200, "PATCH", fields+"/list", `[{"op":"add","path":"/-","value":1}]`, withKey("If-Match", "*", "Content-Type", jsonPatch)...)
		}
		first := add()
		again := add()
		a.header(again, "Idempotent-Replayed", "true")
		a.header(again, "ETag", first.header.Get("ETag"))
		a.body(again, `[1]`)
		a.body(a.must(200, "GET", note, ""), `{"list":[1],"n":1}`)

		c.set(noon.Add(time.Hour))
		a.must(200, "PUT", note, `{"list":[2],"n":1}`, "If-Match", `"2"`)
		a.must(200, "GET", fields+"/n", "", "If-Modified-Since", httpDate(noon))
		a.must(304, "GET", fields+"/n", "", "If-Modified-Since", httpDate(noon.Add(time.Hour)))
		a.must(200, "PUT", fields+"/n", `2`, "If-Unmodified-Since", httpDate(noon.Add(time.Hour)))
		a.verify()
	})
}

// Where a document takes contributions, a value is written like the document: others
// may win it.
func TestFieldsAndContributions(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "0.5")}, func(t *testing.T, a *api) {
		a.contribute(says("crm", "0.4", 1, `{"name":"Ann","city":"Ulm"}`))
		a.contribute(says("erp", "0.9", 2, `{"name":"Anna"}`))
		a.refused(409, "outranked", "PUT", item+"/_fields/name", `"B"`)
		got := a.must(200, "PUT", item+"/_fields/city", `"Bonn"`)
		a.body(got, `"Bonn"`)
		a.header(got, "ETag", a.tagOf(item+"/_fields/city"))
		a.body(a.must(200, "GET", item, ""), `{"name":"Anna","city":"Bonn"}`)
		a.verify()
	})
}
