package protocol_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// speaking sets up a contract with a dialect.
func speaking(t *testing.T, d ifmatch.Dialect, c ifmatch.Contract) setup {
	t.Helper()
	m, err := engine.NewMembers(d, engine.Added{})
	if err != nil {
		t.Fatal(err)
	}
	return setup{rules: engine.Rules{Contract: c, Members: m}, dialect: d}
}

// always has the version in every body.
var always = ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways}

// stored checks what the store holds of a document, past every dialect.
func (a *api) stored(version int64, body string) {
	a.t.Helper()
	page := a.history("/v1/notes/1")
	if page.Items[0].Version != version {
		a.t.Errorf("version %d is current, want %d", page.Items[0].Version, version)
	}
	if dump := a.dump(); !strings.Contains(dump, jsonBytes(body)) {
		a.t.Errorf("%s is not what is stored:\n%s", body, dump)
	}
}

// jsonBytes is how a dump prints a body.
func jsonBytes(body string) string {
	text, err := json.Marshal([]byte(body))
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestVersionInBodies: every body shows the version, no other answer does.
func TestVersionInBodies(t *testing.T) {
	onEveryStore(t, speaking(t, always, ifmatch.Contract{}), func(t *testing.T, a *api) {
		const item = "/v1/notes/1"
		a.body(a.must(201, "PUT", item, `{"a":"A"}`), `{"a":"A","version":1}`)
		a.body(a.must(200, "PUT", item, `{"version":1,"a":"B"}`), `{"a":"B","version":2}`)
		a.body(a.must(200, "PATCH", item, `{"a":"C","version":2}`), `{"a":"C","version":3}`)
		got := a.must(200, "PATCH", item, `[{"op":"replace","path":"/a","value":"D"}]`, "Content-Type", jsonPatch, "If-Match", `"3"`)
		a.body(got, `{"a":"D","version":4}`)
		a.header(got, "ETag", `"4"`)
		got = a.must(200, "GET", item, "")
		a.body(got, `{"a":"D","version":4}`)
		a.header(got, "ETag", `"4"`)
		a.header(a.must(200, "HEAD", item, ""), "Content-Length", fmt.Sprint(len(got.body)))
		a.body(a.must(200, "GET", item+"?include=version", ""), got.body)
		a.body(a.must(304, "GET", item, "", "If-None-Match", `"4"`), "")
		a.body(a.must(200, "GET", item+"/_history/2", ""), `{"a":"B","version":2}`)
		a.body(a.must(200, "GET", item+"/_diff?from=1&to=2", ""), `[{"op":"replace","path":"/a","value":"B"}]`)
		a.body(a.must(200, "GET", "/v1/notes", ""), `{"items":[{"id":"1","etag":"\"4\"","version":4,"data":{"a":"D","version":4}}]}`)
		a.body(a.must(200, "PUT", item+"?dryRun=true", `{"a":"E","version":4}`), `{"a":"E","version":5}`)
		a.body(a.must(204, "PUT", item, `{"a":"E","version":4}`, "Prefer", "return=minimal"), "")
		a.stored(5, `{"a":"E"}`)
		a.must(204, "DELETE", item, "", "If-Match", `"5"`)
		a.body(a.must(201, "PUT", item, `{"a":"F"}`), `{"a":"F","version":7}`)
		a.body(a.must(201, "POST", "/v1/notes", `{}`), `{"version":1}`)
		a.verify()
	})
}

// TestBodyVersionPrecondition: the version in a body is a precondition beside
// the headers, and what it refuses changes nothing.
func TestBodyVersionPrecondition(t *testing.T) {
	onEveryStore(t, speaking(t, always, ifmatch.Contract{}), func(t *testing.T, a *api) {
		const item = "/v1/notes/1"
		a.must(201, "PUT", item, `{"a":1}`)
		a.must(200, "PUT", item, `{"a":2,"version":1}`)

		for _, test := range []struct {
			status             int
			slug, method, body string
			headers            []string
		}{
			{428, "precondition-required", "PUT", `{"a":3}`, nil},
			{428, "precondition-required", "PATCH", `{"a":3}`, nil},
			{428, "precondition-required", "DELETE", ``, nil},
			{428, "precondition-required", "PATCH", `[{"op":"test","path":"/version","value":2}]`, []string{"Content-Type", jsonPatch}},
			{400, "malformed", "PUT", `{"a":3,"version":0}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":-1}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":1.5}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":2e0}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":"2"}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":null}`, nil},
			{400, "malformed", "PATCH", `{"a":3,"version":null}`, nil},
			{400, "malformed", "PATCH", `{"version":{"a":2}}`, nil},
			{400, "malformed", "PUT", `{"a":3,"version":"x"}`, []string{"If-Match", `"1"`}}, // before preconditions
			{400, "malformed", "PUT", `{"a":3,`, []string{"If-Match", `"1"`}},               // and so is the syntax
			{400, "malformed", "PUT", `{"a":3,"version":2}`, []string{"If-Match", `"1"`}},
			{400, "malformed", "PUT", `{"a":3,"version":1}`, []string{"If-Match", `"2"`}},
			{400, "malformed", "PATCH", `{"a":3,"version":2}`, []string{"If-Match", `2`}},
			{412, "stale", "PUT", `{"a":3,"version":1}`, nil},
			{412, "stale", "PUT", `{"a":3,"version":1}`, []string{"If-Match", `*`}},
			{412, "stale", "PATCH", `{"a":3,"version":1}`, nil},
			{412, "stale", "PUT", `{"a":3,"version":3}`, nil},
			{412, "stale", "PUT", `{"a":3,"version":99999999999999999999}`, nil},
			{412, "stale", "PUT", `{"a":3}`, []string{"If-Match", `"1"`}},
			{412, "exists", "PUT", `{"a":3,"version":2}`, []string{"If-None-Match", `*`}},
		} {
			t.Run(fmt.Sprint(test.status, test.method, test.body, test.headers), func(t *testing.T) {
				a.in(t).refused(test.status, test.slug, test.method, item, test.body, test.headers...)
			})
		}

		t.Run("the base explains a conflict", func(t *testing.T) {
			p := a.in(t).refused(412, "stale", "PUT", item, `{"a":3,"version":1}`)
			if p.YourVersion != 1 || p.YourEtag != `"1"` || p.CurrentVersion != 2 || p.CurrentEtag != `"2"` ||
				len(p.Changes) != 1 || p.Changes[0].Path != "/a" || p.AlreadyApplied == nil || *p.AlreadyApplied || len(p.Strategies) == 0 {
				t.Errorf("%+v", p)
			}
			p = a.in(t).refused(412, "stale", "PUT", item, `{"a":2,"version":1}`)
			if p.AlreadyApplied == nil || !*p.AlreadyApplied {
				t.Errorf("the same content is not told to be there: %+v", p)
			}
			if p = a.in(t).refused(412, "stale", "PUT", item, `{"a":3,"version":9}`); p.YourVersion != 0 || p.Strategies != nil {
				t.Errorf("a version that never was is explained: %+v", p)
			}
		})
		t.Run("nothing there", func(t *testing.T) {
			a := a.in(t)
			a.refused(412, "stale", "PUT", "/v1/notes/none", `{"a":3,"version":1}`)
			a.refused(400, "malformed", "PUT", "/v1/notes/none", `{"a":3,"version":"1"}`)
			a.refused(404, "not-found", "PATCH", "/v1/notes/none", `{"a":3,"version":1}`)
			a.refused(404, "not-found", "PATCH", "/v1/notes/none", `{"a":`)
		})
		t.Run("headers come before content", func(t *testing.T) {
			if p := a.in(t).refused(400, "malformed", "PUT", item, `{"a":`, "If-Match", `2`); !strings.HasPrefix(p.Detail, "If-Match cannot be read") {
				t.Errorf("%s", p.Detail)
			}
		})
		t.Run("either will do", func(t *testing.T) {
			a := a.in(t)
			a.must(200, "PUT", item, `{"a":3}`, "If-Match", `"2"`)
			a.must(200, "PUT", item, `{"a":4,"version":3}`, "If-Match", `"3"`)
			a.must(200, "PUT", item, `{"a":5,"version":4}`, "If-Match", `*`)
			a.must(200, "PATCH", item, `{"a":6}`, "If-Match", `"5"`)
			a.must(200, "PATCH", item, `{"a":7,"version":6}`)
			a.must(201, "POST", "/v1/notes", `{"a":1,"version":12}`) // which takes none
			if e := a.newest(item); e.YourVersion != 6 || e.Blind {
				t.Errorf("%+v", e)
			}
		})
		a.stored(7, `{"a":7}`)
		a.verify()
	})
}

// TestBodyVersionUnderRules: other rules of the contract hold for it as well.
func TestBodyVersionUnderRules(t *testing.T) {
	const item = "/v1/notes/1"
	onEveryStore(t, speaking(t, always, ifmatch.Contract{Token: ifmatch.TokenHash, AcceptApplied: true,
		Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionTag, Patch: ifmatch.PreconditionOptional}}), func(t *testing.T, a *api) {
		one := a.must(201, "PUT", item, `{"a":1}`)
		two := a.must(200, "PUT", item, `{"a":2,"version":1}`, "If-Match", one.header.Get("ETag"))
		a.refused(400, "malformed", "PUT", item, `{"a":3,"version":2}`, "If-Match", one.header.Get("ETag"))
		a.refused(400, "malformed", "PUT", item, `{"a":3,"version":1}`, "If-Match", two.header.Get("ETag"))
		a.refused(412, "stale", "PUT", item, `{"a":3,"version":1}`, "If-Match", one.header.Get("ETag"))
		a.refused(428, "precondition-required", "PUT", item, `{"a":3}`, "If-Match", `*`)
		a.header(a.must(200, "PUT", item, `{"a":2,"version":1}`), "Ifmatch-Outcome", "unchanged") // applied already
		a.header(a.must(200, "PATCH", item, `{"a":2,"version":1}`), "Ifmatch-Outcome", "unchanged")
		a.must(200, "PATCH", item, `{"b":1}`)
		a.refused(412, "stale", "PATCH", item, `{"b":2,"version":2}`)
		a.stored(3, `{"a":2,"b":1}`)
		a.verify()
	})
}

// TestWriteBack: what was read can be sent back as it is, wherever the contract
// puts its members; that changes nothing, and they are never stored.
func TestWriteBack(t *testing.T) {
	nested := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/metadata/resourceVersion", VersionAsString: true}
	digests, both, included := always, nested, ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionInclude}
	digests.DigestField = "sha256"
	both.DigestField = "/metadata/checks/sha256"
	dialects := map[string]struct {
		ifmatch.Dialect
		query, empty string // the query of reads, and how {} is shown
	}{
		"always":   {always, "", `{"version":1}`},
		"nested":   {nested, "", `{"metadata":{"resourceVersion":"1"}}`},
		"digests":  {digests, "", `{"version":1,"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`},
		"both":     {both, "", `{"metadata":{"resourceVersion":"1","checks":{"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}}`},
		"included": {included, "?include=version", `{"version":1}`},
		"rev":      {ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: `r"ev`}, "", `{"r\"ev":1}`},
	}
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, speaking(t, d.Dialect, ifmatch.Contract{}), func(t *testing.T, a *api) {
				for i, doc := range []string{`{}`, `{"a":1}`, `{"metadata":{"name":"x"},"z":[{"version":1}]}`,
					`{"x":{"version":7,"sha256":"y"},"t":"\"version\":1}\n"}`, `{"é":"\\u0076ersion","n":1.50}`} {
					path := fmt.Sprintf("/v1/notes/w%d", i)
					shown := a.must(201, "PUT", path+d.query, doc).body
					if doc == `{}` {
						a.body(answer{body: shown}, d.empty)
					}
					read := a.must(200, "GET", path+d.query, "")
					a.body(read, shown)
					before := a.dump()
					for _, method := range []string{"PUT", "PATCH"} {
						got := a.must(200, method, path+d.query, read.body, "If-Match", read.header.Get("ETag"))
						a.header(got, "Ifmatch-Outcome", "unchanged")
						a.body(got, shown)
					}
					if after := a.dump(); after != before || !strings.Contains(after, jsonBytes(doc)) {
						t.Errorf("%s was written back and left\n%s\nafter\n%s", read.body, after, before)
					}
					want := strings.Replace(`{"added":true,`+doc[1:], ",}", "}", 1)
					edited := `{"added":true,` + read.body[1:]
					if a.must(200, "PUT", path, edited, "If-Match", read.header.Get("ETag")); !strings.Contains(a.dump(), jsonBytes(want)) {
						t.Errorf("%s is not stored as %s:\n%s", edited, want, a.dump())
					}
				}
				a.verify()
			})
		})
	}
}

// TestMembersInTheWay: a document must have room for what the contract shows.
func TestMembersInTheWay(t *testing.T) {
	const item = "/v1/notes/1"
	nested := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/m/v"}
	onEveryStore(t, speaking(t, nested, ifmatch.Contract{}), func(t *testing.T, a *api) {
		for _, body := range []string{`{"m":1}`, `{"m":[{"v":1}]}`, `{"m":null}`} {
			p := a.refused(422, "invalid", "PUT", item, body)
			if len(p.Faults) != 1 || p.Faults[0].Pointer != "/m" {
				t.Errorf("%s: %+v", body, p.Faults)
			}
		}
		a.body(a.must(201, "PUT", item, `{"a":1,"m":{}}`), `{"a":1,"m":{"v":1}}`)
		a.refused(422, "invalid", "PATCH", item, `{"m":"x"}`, "If-Match", `"1"`)
		a.refused(422, "invalid", "PATCH", item, `[{"op":"replace","path":"/m","value":7}]`, "Content-Type", jsonPatch, "If-Match", `"1"`)
		a.header(a.must(200, "PATCH", item, `{"m":{"v":1}}`), "Ifmatch-Outcome", "unchanged")
		a.header(a.must(200, "PATCH", item, `{"m":null}`, "If-Match", `"1"`), "Ifmatch-Outcome", "unchanged")
		a.stored(1, `{"a":1}`)
		a.verify()
	})
}

// TestMembersInJSONPatch: a JSON Patch may test what the contract adds, and do
// nothing else to it.
func TestMembersInJSONPatch(t *testing.T) {
	const item = "/v1/notes/1"
	digest := `"015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"` // of {"a":1}
	d := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/m/version", DigestField: "sha256"}
	onEveryStore(t, speaking(t, d, ifmatch.Contract{}), func(t *testing.T, a *api) {
		shown := a.must(201, "PUT", item, `{"a":1}`).body
		a.body(answer{body: shown}, `{"a":1,"m":{"version":1},"sha256":`+digest+`}`)
		headers := []string{"Content-Type", jsonPatch, "If-Match", `"1"`}
		for _, op := range []string{
			`{"op":"add","path":"/m/version","value":2}`, `{"op":"replace","path":"/m/version","value":1}`,
			`{"op":"remove","path":"/sha256"}`, `{"op":"add","path":"/m/version/x","value":2}`,
			`{"op":"copy","from":"/m/version","path":"/b"}`, `{"op":"move","from":"/sha256","path":"/b"}`,
			`{"op":"copy","from":"/a","path":"/sha256"}`, `{"op":"add","path":"/m","value":{"version":3}}`,
			`{"op":"replace","path":"","value":` + shown + `}`,
		} {
			p := a.refused(400, "malformed", "PATCH", item, `[`+op+`]`, headers...)
			if !strings.Contains(p.Detail, "may only test it") {
				t.Errorf("%s: %s", op, p.Detail)
			}
		}
		for _, op := range []string{
			`{"op":"test","path":"/m/version","value":2}`, `{"op":"test","path":"/m/version","value":"1"}`,
			`{"op":"test","path":"/sha256","value":"00"}`, `{"op":"test","path":"/m/version/x","value":1}`,
			`{"op":"test","path":"/m","value":{"version":2}}`, `{"op":"test","path":"","value":{"a":1,"m":{"version":2}}}`,
			`{"op":"test","path":"","value":{"a":2,"m":{"version":1}}}`,
		} {
			a.refused(409, "patch-test-failed", "PATCH", item, `[`+op+`,{"op":"add","path":"/b","value":1}]`, headers...)
		}
		for _, op := range []string{
			`{"op":"test","path":"/m/version","value":1}`, `{"op":"test","path":"/sha256","value":` + digest + `}`,
			`{"op":"test","path":"/m","value":{"version":1}}`, `{"op":"test","path":"/m","value":{}}`,
			`{"op":"test","path":"","value":` + shown + `}`, `{"op":"test","path":"","value":{"a":1}}`,
			`{"op":"add","path":"/a","value":1}`,
		} {
			a.header(a.must(200, "PATCH", item, `[`+op+`]`, headers...), "Ifmatch-Outcome", "unchanged")
		}
		got := a.must(200, "PATCH", item, `[{"op":"test","path":"/m/version","value":1},{"op":"add","path":"/m/name","value":"x"},
			{"op":"test","path":"/m","value":{"name":"x","version":1}},{"op":"copy","from":"/m","path":"/c"}]`, headers...)
		if !strings.HasPrefix(got.body, `{"a":1,"m":{"name":"x","version":2},"c":{"name":"x"},"sha256":"`) {
			t.Errorf("%s", got.body)
		}
		a.stored(2, `{"a":1,"m":{"name":"x"},"c":{"name":"x"}}`)
		// The index of an operation is the one that its writer gave it.
		p := a.refused(409, "patch-inapplicable", "PATCH", item, `[{"op":"test","path":"/m/version","value":2},{"op":"remove","path":"/none"}]`,
			"Content-Type", jsonPatch, "If-Match", `"2"`)
		if !strings.Contains(p.Faults[0].Detail, "operation 1") {
			t.Errorf("%+v", p.Faults)
		}
		p = a.refused(409, "patch-test-failed", "PATCH", item, `[{"op":"remove","path":"/c"},{"op":"test","path":"/m/version","value":1}]`,
			"Content-Type", jsonPatch, "If-Match", `"2"`)
		if !strings.Contains(p.Faults[0].Detail, "operation 1") {
			t.Errorf("%+v", p.Faults)
		}
		a.verify()
	})
}

// TestInclude: who asks for the version gets it, in every answer with a body; it
// is no precondition then.
func TestInclude(t *testing.T) {
	const item = "/v1/notes/1"
	onEveryStore(t, speaking(t, ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionInclude}, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.body(a.must(201, "PUT", item, `{"a":1,"version":9}`), `{"a":1}`)
		a.body(a.must(200, "PUT", item+"?include=version", `{"a":2,"version":9}`, "If-Match", `"1"`), `{"a":2,"version":2}`)
		a.refused(428, "precondition-required", "PUT", item, `{"a":3,"version":2}`)
		a.body(a.must(200, "GET", item, ""), `{"a":2}`)
		a.body(a.must(200, "GET", item+"?include=version", ""), `{"a":2,"version":2}`)
		a.body(a.must(200, "GET", item+"?include=sha256,version", ""), `{"a":2,"version":2}`)
		a.body(a.must(200, "GET", item+"/_history/1", ""), `{"a":1}`)
		a.body(a.must(200, "GET", item+"/_history/1?include=version", ""), `{"a":1,"version":1}`)
		a.body(a.must(200, "GET", "/v1/notes", ""), `{"items":[{"id":"1","etag":"\"2\"","version":2,"data":{"a":2}}]}`)
		for _, query := range []string{"?include=versions", "?include=", "?include=version,link", "?Include=version", "?include=version&include=x"} {
			a.refused(400, "malformed", "GET", item+query, "")
			a.refused(400, "malformed", "PUT", item+query, `{}`, "If-Match", `"2"`)
		}
		a.refused(400, "malformed", "GET", item+"/_history/1?include=x", "")
		a.stored(2, `{"a":2}`)
		a.verify()
	})
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"version":"mine"}`)
		a.body(a.must(200, "GET", item+"?include=version", ""), `{"version":"mine"}`)
	})
}

// TestStaleStatus: 409 is for writes that name a state which is not current.
func TestStaleStatus(t *testing.T) {
	const item, date = "/v1/notes/1", "Sun, 06 Nov 1994 08:49:37 GMT"
	d := always
	d.StaleStatus = 409
	onEveryStore(t, speaking(t, d, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"a":1}`)
		a.must(200, "PUT", item, `{"a":2,"version":1}`)
		for _, test := range []struct {
			status             int
			slug, method, body string
			headers            []string
		}{
			{409, "stale", "PUT", `{"a":3,"version":1}`, nil},
			{409, "stale", "PUT", `{"a":3,"version":7}`, nil},
			{409, "stale", "PATCH", `{"a":3,"version":1}`, nil},
			{409, "stale", "PUT", `{"a":3}`, []string{"If-Match", `"1"`}},
			{409, "stale", "PUT", `{"a":3}`, []string{"If-Match", `"x"`}},
			{409, "stale", "DELETE", ``, []string{"If-Match", `"1"`}},
			{409, "weak-validator", "DELETE", ``, []string{"If-Match", `W/"2"`}},
			{409, "stale", "PUT", `{"a":3}`, []string{"If-Unmodified-Since", date}},
			{412, "stale", "PUT", `{"a":3}`, []string{"If-None-Match", `"2"`}},
			{412, "exists", "PUT", `{"a":3}`, []string{"If-None-Match", `*`}},
			{412, "stale", "GET", ``, []string{"If-Match", `"1"`}},
			{412, "stale", "GET", ``, []string{"If-Unmodified-Since", date}},
			{428, "precondition-required", "PUT", `{"a":3}`, nil},
		} {
			t.Run(fmt.Sprint(test.method, test.body, test.headers), func(t *testing.T) {
				a.in(t).refused(test.status, test.slug, test.method, item, test.body, test.headers...)
			})
		}
		a.refused(409, "stale", "PUT", "/v1/notes/none", `{"a":3,"version":1}`)
		a.refused(409, "stale", "POST", "/v1/notes", `{"a":3}`, "If-Match", `"1"`)
		a.refused(412, "stale", "GET", "/v1/notes", "", "If-Match", `"1"`)
		a.refused(409, "stale", "PUT", "/v1/notes/none", `{"a":3}`, "If-Match", `*`)
		a.refused(412, "stale", "GET", item+"/_history/1", "", "If-Match", `"2"`)
	})
}

// envelope is a refusal in the envelope dialect.
type envelope struct {
	Error struct {
		Code, Message string
		problem
	}
}

// enveloped checks a refusal's whole form, and that it changed nothing.
func (a *api) enveloped(status int, code, method, path, body string, headers ...string) envelope {
	a.t.Helper()
	before := a.dump()
	got := a.do(method, path, body, headers...)
	if a.status(got, status); a.dump() != before {
		a.t.Errorf("a refused %s has left something behind", method)
	}
	a.header(got, "Content-Type", "application/json")
	a.header(got, "Cache-Control", "no-store")
	var e envelope
	if err := json.Unmarshal([]byte(got.body), &e); err != nil {
		a.t.Fatalf("%v: %s", err, got.body)
	}
	a.isUUID(e.Error.CorrelationID)
	if e.Error.Code != code || e.Error.Message == "" || e.Error.Status != status {
		a.t.Errorf("%s %s: %s, want %s", method, path, got.body, code)
	}
	a.header(got, "ETag", e.Error.CurrentEtag)
	return e
}

var conflictEnvelope = regexp.MustCompile(`^\{"error":\{"code":"CONFLICT","message":"Version mismatch — read fresh and retry","correlationId":"[0-9a-f-]{36}",.*\}\}$`)

// TestEnvelope: every refusal about a collection has the form that it promises.
func TestEnvelope(t *testing.T) {
	const item = "/v1/notes/1"
	d := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, StaleStatus: 409, Envelope: true}
	onEveryStore(t, speaking(t, d, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"a":1}`)
		a.must(200, "PUT", item, `{"a":2,"version":1}`)
		stale := a.do("PUT", item, `{"a":3,"version":1}`)
		a.status(stale, 409)
		if !conflictEnvelope.MatchString(stale.body) {
			t.Errorf("%s", stale.body)
		}
		e := a.enveloped(409, "CONFLICT", "PUT", item, `{"a":3,"version":1}`).Error
		if e.CurrentVersion != 2 || e.CurrentEtag != `"2"` || e.YourVersion != 1 || len(e.Changes) != 1 || e.Type != "urn:ifmatch:problem:stale" || e.Detail == "" {
			t.Errorf("%+v", e)
		}
		a.enveloped(409, "CONFLICT", "DELETE", item, ``, "If-Match", `"1"`)
		a.enveloped(428, "PRECONDITION_REQUIRED", "PUT", item, `{"a":3}`)
		a.enveloped(400, "MALFORMED", "PUT", item, `{"a":3,"version":"x"}`)
		a.enveloped(400, "MALFORMED", "PUT", item+"?dryrun=true", `{"a":3,"version":2}`)
		a.enveloped(400, "MALFORMED", "GET", "/v1/notes?page=2", ``)
		a.enveloped(404, "NOT_FOUND", "GET", "/v1/notes/none", ``)
		a.enveloped(404, "NOT_FOUND", "GET", "/v1/notes/_none", ``)
		a.enveloped(404, "NOT_FOUND", "GET", "/v1/notes/1/none", ``)
		a.enveloped(404, "NOT_FOUND", "GET", item+"/_history/9", ``)
		a.enveloped(405, "METHOD_NOT_ALLOWED", "POST", item, `{}`)
		a.enveloped(405, "METHOD_NOT_ALLOWED", "PUT", item+"/_history", `{}`)
		a.enveloped(412, "EXISTS", "PUT", item, `{"version":2}`, "If-None-Match", "*")
		a.enveloped(415, "UNSUPPORTED_MEDIA_TYPE", "PUT", item, `{}`, "Content-Type", "text/plain")
		a.enveloped(422, "INVALID", "PUT", item, `[]`, "If-Match", `"2"`)
		a.isProblem(a.do("GET", "/nowhere", ""), 404, "not-found", "GET", "/nowhere")
		a.stored(2, `{"a":2}`)
	})
}

// TestWriteBackAtTheLimit: what the contract adds does not make a document too
// large to come back.
func TestWriteBackAtTheLimit(t *testing.T) {
	d := always
	d.DigestField = "/check/sha256"
	s := speaking(t, d, ifmatch.Contract{})
	s.limits.Body = 200
	onEveryStore(t, s, func(t *testing.T, a *api) {
		doc := `{"a":"` + strings.Repeat("x", 192) + `"}`
		read := a.must(201, "PUT", "/v1/notes/1", doc)
		a.must(200, "PUT", "/v1/notes/1", strings.Replace(read.body, "x", "y", 1))
		a.refused(413, "too-large", "PUT", "/v1/notes/2", strings.Repeat(" ", 1000)+doc)
	})
}

// TestContractOverOldDocuments: members of that name that were stored before the
// contract give way to it.
func TestContractOverOldDocuments(t *testing.T) {
	after := speaking(t, always, ifmatch.Contract{}).rules
	s := setup{collections: []httpapi.Collection{
		{Name: "notes", Path: "/before", Rules: &engine.Rules{}}, {Name: "notes", Path: "/v1/notes", Rules: &after},
	}}
	onEveryStore(t, s, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/before/1", `{"version":"mine","a":1}`)
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"version":1,"a":1}`)
		a.body(a.must(200, "PATCH", "/v1/notes/1", `{"a":2,"version":1}`), `{"a":2,"version":2}`)
		a.stored(2, `{"a":2}`)
		a.verify()
	})
}
