package protocol_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// canonicalTag is the hash tag of a canonical text, calculated apart.
func canonicalTag(text string) string {
	sum := sha256.Sum256([]byte(text))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

func TestVersionTags(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":"A"}`), "ETag", `"1"`)
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":"B"}`, "If-Match", `"1"`), "ETag", `"2"`)
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":"A"}`, "If-Match", `"2"`), "ETag", `"3"`)
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":"C"}`, "If-Match", `"1"`)
		for _, tag := range []string{`"03"`, `"+3"`, `"3.0"`, `"3 "`, `"٣"`, `""`} {
			if got := a.do("PUT", "/v1/notes/1", `{"n":"C"}`, "If-Match", tag); got.status != 412 && got.status != 400 {
				t.Errorf("If-Match: %s: %d", tag, got.status)
			}
		}
		a.header(a.must(200, "GET", "/v1/notes/1", ""), "ETag", `"3"`)
	})
}

func TestHashTags(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: hashTokens}}, func(t *testing.T, a *api) {
		tagA, tagB := canonicalTag(`{"a":2,"b":1}`), canonicalTag(`{"a":2,"b":100}`)
		a.header(a.must(201, "PUT", "/v1/notes/1", `{"b":1.0,"a":2}`), "ETag", tagA)
		a.header(a.must(200, "GET", "/v1/notes/1", ""), "ETag", tagA)
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"b":1e2,"a":2}`, "If-Match", tagA), "ETag", tagB)
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"a":2,"b":1}`, "If-Match", tagB), "ETag", tagA) // A → B → A matches again
		a.must(204, "DELETE", "/v1/notes/1", "", "If-Match", tagA)
		again := a.must(201, "PUT", "/v1/notes/1", `{"b":1.0,"a":2}`).header.Get("ETag")
		if again == tagA || again == "" {
			t.Errorf("the second life has the tag %s again", again)
		}
	})
}

// TestHashTagsBeyondFloat64: what a float64 cannot tell apart must not hash alike.
func TestHashTagsBeyondFloat64(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: hashTokens}}, func(t *testing.T, a *api) {
		seen := map[string]string{}
		path := "/v1/notes/1"
		tag := a.must(201, "PUT", path, `{"n":0}`).header.Get("ETag")
		for _, doc := range []string{
			`{"n":9007199254740992}`, `{"n":9007199254740993}`, `{"n":9007199254740994}`, `{"n":0.1}`, `{"n":0.10000000000000001}`,
			`{"n":1e400}`, `{"n":1e401}`, `{"n":-1e400}`, `{"n":1e-400}`, `{"n":123456789012345678901234567890}`, `{"n":123456789012345678901234567891}`,
		} {
			old := tag
			tag = a.must(200, "PUT", path, doc, "If-Match", tag).header.Get("ETag")
			if other, twice := seen[tag]; twice {
				t.Errorf("%s and %s have the tag %s both", doc, other, tag)
			}
			seen[tag] = doc
			a.refused(412, "stale", "PUT", path, `{"n":"lost"}`, "If-Match", old)
			a.body(a.must(200, "GET", path, ""), doc)
		}
		a.verify()
	})
}

func TestWeakTags(t *testing.T) {
	t.Run("published weak", func(t *testing.T) {
		onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Weak: true}}}, func(t *testing.T, a *api) {
			a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":1}`), "ETag", `W/"1"`)
			a.header(a.must(200, "GET", "/v1/notes/1", ""), "ETag", `W/"1"`)
			a.header(a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", `"1"`), "ETag", `W/"1"`)
			a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `W/"1"`), "ETag", `W/"2"`)
			a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"2"`), "ETag", `W/"3"`)
			p := a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":4}`, "If-Match", `W/"2"`)
			if p.YourVersion != 2 || p.CurrentEtag != `W/"3"` || p.YourEtag != `W/"2"` {
				t.Errorf("%+v", p)
			}
		})
	})
	t.Run("accepted weak", func(t *testing.T) {
		onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{AcceptWeak: true}}}, func(t *testing.T, a *api) {
			a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":1}`), "ETag", `"1"`)
			a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `W/"1"`), "ETag", `"2"`)
			a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", `W/"2"`)
			a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `W/"1"`)
		})
	})
	t.Run("strict", func(t *testing.T) {
		onEveryStore(t, setup{}, func(t *testing.T, a *api) {
			a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
			a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", `W/"1"`)
			p := a.refused(412, "weak-validator", "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `W/"1"`)
			if p.CurrentEtag != `"1"` || p.YourEtag != `W/"1"` || p.CurrentVersion != 1 || p.YourVersion != 0 || p.Strategies != nil {
				t.Errorf("%+v", p)
			}
			a.refused(412, "weak-validator", "DELETE", "/v1/notes/1", "", "If-Match", `W/"1"`)
			a.refused(412, "weak-validator", "PATCH", "/v1/notes/1", `{"n":2}`, "If-Match", `"7", W/"1"`)
			a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `W/"7"`)
			a.refused(412, "weak-validator", "GET", "/v1/notes/1", "", "If-Match", `W/"1"`)
			a.refused(412, "weak-validator", "GET", "/v1/notes/1/_history/1", "", "If-Match", `W/"1"`)
		})
	})
}

func TestUnchangedWrites(t *testing.T) {
	const doc = `{"a":1,"b":{"x":1.0,"y":[1,2]},"s":"é"}`
	tests := []struct {
		name, method, media, body string
		changed                   bool
	}{
		{"the same", "PUT", "", doc, false},
		{"other order", "PUT", "", `{"s":"é","b":{"y":[1,2],"x":1.0},"a":1}`, false},
		{"other white space", "PUT", "", " {\n\"a\" : 1, \"b\":{\"x\":1.0,\"y\":[1, 2]},\"s\":\"é\"}\t", false},
		{"other escapes", "PUT", "", `{"\u0061":1,"b":{"x":1.0,"y":[1,2]},"s":"\u00e9"}`, false},
		{"empty merge patch", "PATCH", "", `{}`, false},
		{"merge patch of the same", "PATCH", "", `{"b":{"x":1.0},"none":null}`, false},
		{"empty JSON Patch", "PATCH", "application/json-patch+json", `[]`, false},
		{"JSON Patch that only tests", "PATCH", "application/json-patch+json", `[{"op":"test","path":"/a","value":1.0}]`, false},
		{"JSON Patch there and back", "PATCH", "application/json-patch+json", `[{"op":"add","path":"/z","value":1},{"op":"remove","path":"/z"}]`, false},
		{"1 for 1.0", "PUT", "", `{"a":1,"b":{"x":1,"y":[1,2]},"s":"é"}`, true},
		{"1.0 for 1", "PATCH", "", `{"a":1.0}`, true},
		{"1e0 for 1", "PATCH", "application/json-patch+json", `[{"op":"replace","path":"/a","value":1e0}]`, true},
		{"other order in an array", "PATCH", "", `{"b":{"y":[2,1]}}`, true},
		{"null for absent", "PUT", "", `{"a":1,"b":{"x":1.0,"y":[1,2]},"s":"é","n":null}`, true},
	}
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				for i, test := range tests {
					t.Run(test.name, func(t *testing.T) {
						a, path := a.in(t), "/v1/notes/"+string(rune('a'+i))
						created := a.must(201, "PUT", path, doc)
						before, headers := a.dump(), []string{"If-Match", created.header.Get("ETag")}
						if test.media != "" {
							headers = append(headers, "Content-Type", test.media)
						}
						got := a.must(200, test.method, path, test.body, headers...)
						read := a.must(200, "GET", path, "")
						a.body(got, read.body)
						a.header(read, "ETag", got.header.Get("ETag"))
						if test.changed {
							if got.header.Get("Ifmatch-Outcome") == "unchanged" || a.dump() == before {
								t.Errorf("the change is lost: %v", got.header)
							}
							a.must(200, "GET", path+"/_history/2", "")
							return
						}
						a.header(got, "Ifmatch-Outcome", "unchanged")
						a.header(got, "ETag", created.header.Get("ETag"))
						a.header(got, "Last-Modified", created.header.Get("Last-Modified"))
						a.body(read, doc)
						if a.dump() != before {
							t.Error("something was written")
						}
					})
				}
				a.verify()
			})
		})
	}
}

// TestWhereTagsAppear holds the list of §2: successes carry the state's tag, and
// so do 412, 409 and 428; nothing else does.
func TestWhereTagsAppear(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		const path, ops = "/v1/notes/1", "application/json-patch+json"
		a.header(a.must(201, "PUT", path, `{"n":1}`), "ETag", `"1"`)
		a.header(a.must(200, "PATCH", path, `{"n":2}`, "If-Match", `"1"`), "ETag", `"2"`)
		a.header(a.must(204, "PUT", path, `{"n":3}`, "If-Match", `"2"`, "Prefer", "return=minimal"), "ETag", `"3"`)
		a.header(a.must(201, "POST", "/v1/notes", `{}`), "ETag", `"1"`)
		a.header(a.must(304, "GET", path, "", "If-None-Match", `"0", "3"`), "ETag", `"3"`)
		a.header(a.must(304, "HEAD", path, "", "If-None-Match", "*"), "ETag", `"3"`)
		for _, test := range []struct {
			status                  int
			method, body, tag, want string
			headers                 []string
		}{
			{412, "PUT", `{"n":4}`, `"1"`, `"3"`, nil},
			{412, "PUT", `{"n":4}`, `"77"`, `"3"`, nil},
			{412, "DELETE", "", `"1"`, `"3"`, nil},
			{412, "GET", "", `"1"`, `"3"`, nil},
			{412, "PUT", `{"n":4}`, "", `"3"`, []string{"If-None-Match", "*"}},
			{428, "PUT", `{"n":4}`, "", `"3"`, nil},
			{428, "PATCH", `{"n":4}`, "", `"3"`, nil},
			{428, "DELETE", "", "", `"3"`, nil},
			{409, "PATCH", `[{"op":"test","path":"/n","value":9}]`, `"3"`, `"3"`, []string{"Content-Type", ops}},
			{409, "PATCH", `[{"op":"remove","path":"/z"}]`, `"3"`, `"3"`, []string{"Content-Type", ops}},
			{400, "PUT", `{`, `"3"`, "", nil},
			{422, "PUT", `[]`, `"3"`, "", nil},
			{415, "PUT", `{}`, `"3"`, "", []string{"Content-Type", "text/plain"}},
			{405, "POST", `{}`, `"3"`, "", nil},
		} {
			if test.tag != "" {
				test.headers = append(test.headers, "If-Match", test.tag)
			}
			got := a.do(test.method, path, test.body, test.headers...)
			a.status(got, test.status)
			a.header(got, "ETag", test.want)
			if p := a.problem(got); p.CurrentEtag != test.want {
				t.Errorf("%d %s: currentEtag %q, want %q", test.status, test.method, p.CurrentEtag, test.want)
			}
		}
		a.header(a.must(204, "DELETE", path, "", "If-Match", `"3"`), "ETag", "")
		a.header(a.must(404, "GET", path, ""), "ETag", "")
		a.header(a.must(412, "PUT", path, `{}`, "If-Match", `"3"`), "ETag", "")
	})
}

func TestCaching(t *testing.T) {
	const vary = "Accept-Encoding, Accept, Prefer, Origin"
	for _, test := range []struct {
		name, control, vary string
		setup               setup
	}{
		{"public", "public, no-cache", vary + ", Authorization", setup{}},
		{"private", "private, no-cache", vary, setup{actor: writerName}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEveryStore(t, test.setup, func(t *testing.T, a *api) {
				a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":1}`), "Cache-Control", "no-store")
				a.must(200, "PATCH", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
				for _, got := range []answer{
					a.must(200, "GET", "/v1/notes/1", ""), a.must(200, "HEAD", "/v1/notes/1", ""), a.must(200, "GET", "/v1/notes", ""),
					a.must(304, "GET", "/v1/notes/1", "", "If-None-Match", `"2"`), a.must(304, "GET", "/v1/notes", "", "If-None-Match", "*"),
				} {
					a.header(got, "Cache-Control", test.control)
					a.header(got, "Vary", test.vary)
				}
				for _, got := range []answer{
					a.must(200, "GET", "/v1/notes/1/_history/1", ""), a.must(304, "GET", "/v1/notes/1/_history/1", "", "If-None-Match", `"1"`),
				} {
					a.header(got, "Cache-Control", "private, max-age=31536000, immutable")
					a.header(got, "Vary", vary)
				}
				for _, got := range []answer{
					a.do("GET", "/v1/notes/none", ""), a.do("GET", "/v1/notes/1/_history/9", ""), a.do("GET", "/v1/notes/1", "", "If-Match", `"9"`),
					a.do("GET", "/v1/notes?x=1", ""), a.do("GET", "/v1/notes/1/_history", ""), a.do("GET", "/v1/notes/1/_diff?from=1&to=2", ""),
					a.do("OPTIONS", "/v1/notes/1", ""), a.do("DELETE", "/v1/notes/1", "", "If-Match", "*"),
				} {
					a.header(got, "Cache-Control", "no-store")
				}
			})
		})
	}
}
