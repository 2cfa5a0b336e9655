package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// showing makes rules under which bodies show links and log rows to whom asks.
func showing(t *testing.T, d ifmatch.Dialect, c ifmatch.Contract, links []httpapi.Link) engine.Rules {
	t.Helper()
	rules := speaking(t, d, c).rules
	var err error
	if rules.Members, err = engine.NewMembers(d, engine.Added{Links: httpapi.RoomForLinks(links), Meta: true}); err != nil {
		t.Fatal(err)
	}
	return rules
}

// organisations are documents with a brand, users, and links to them.
func organisations(t *testing.T, c ifmatch.Contract) setup {
	t.Helper()
	links := []httpapi.Link{
		{Rel: "brand", Path: "/v1/orgs/{orgId}/brand"}, {Rel: "owner", Path: "/v1/orgs/{orgId}/users/{orgId}"}, {Rel: "users", Path: "/v1/orgs/{orgId}/users"},
	}
	orgs := showing(t, ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionInclude}, c, links)
	return setup{collections: []httpapi.Collection{
		{Name: "orgs", Path: "/v1/orgs", Param: "orgId", Rules: &orgs, Links: links},
		{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: &engine.Rules{Contract: hashTokens}},
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: &engine.Rules{}},
	}}
}

const (
	org    = "/v1/orgs/o1"
	linked = org + "?include=links"
)

// etagOf returns the tag that a read of a path has.
func (a *api) etagOf(path string) string {
	a.t.Helper()
	return a.must(200, "GET", path, "").header.Get("ETag")
}

// quoted is a tag as it stands in JSON.
func quoted(tag string) string { return `"` + strings.ReplaceAll(tag, `"`, `\"`) + `"` }

// TestLinks: who asks for links gets the paths of what a document is related to,
// with the tags that reading them would give.
func TestLinks(t *testing.T) {
	onEveryStore(t, organisations(t, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(404, "GET", linked, "")
		a.must(201, "PUT", org, `{"name":"A"}`)
		shows := func(brand, owner string) answer {
			t.Helper()
			got := a.must(200, "GET", linked, "")
			a.body(got, `{"name":"A","_links":{"brand":{"href":"/v1/orgs/o1/brand"`+brand+`},"owner":{"href":"/v1/orgs/o1/users/o1"`+owner+
				`},"users":{"href":"/v1/orgs/o1/users","etag":`+quoted(a.etagOf(org+"/users"))+`}}}`)
			return got
		}
		shows("", "")
		a.must(201, "PUT", org+"/brand", `{"logo":"x"}`)
		hash := a.etagOf(org + "/brand")
		if len(hash) != 24 {
			t.Errorf("%s is no hash", hash)
		}
		shows(`,"etag":`+quoted(hash), "")
		a.must(201, "PUT", org+"/users/o1", `{}`)
		a.must(200, "PUT", org+"/users/o1", `{"a":1}`, "If-Match", `"1"`)
		shows(`,"etag":`+quoted(hash), `,"etag":"\"2\""`)
		a.must(204, "DELETE", org+"/brand", "", "If-Match", hash)
		shows("", `,"etag":"\"2\""`)

		a.must(201, "PUT", "/v1/orgs/o2", `{}`)
		if got := a.must(200, "GET", "/v1/orgs/o2?include=links", ""); !strings.HasPrefix(got.body, `{"_links":{"brand":{"href":"/v1/orgs/o2/brand"},"owner":{"href":"/v1/orgs/o2/users/o2"},`) {
			t.Errorf("%s", got.body)
		}
		a.body(a.must(200, "GET", org, ""), `{"name":"A"}`)
		a.body(a.must(200, "GET", org+"/users/o1?include=links", ""), `{"a":1}`) // has none
		a.header(a.must(200, "GET", org+"/users/o1?include=links", ""), "ETag", `"2"`)
		a.verify()
	})
}

// TestLinkedTag: the tag of such an answer is a weak one that changes with all that
// it shows; the state's own stands beside it.
func TestLinkedTag(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens, "weak": {Weak: true}} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, organisations(t, contract), func(t *testing.T, a *api) {
				a.must(201, "PUT", org, `{"name":"A"}`)
				seen := map[string]string{}
				tag := `W/"x"`
				changed := func(what string) {
					t.Helper()
					got := a.must(200, "GET", linked, "", "If-None-Match", tag)
					own := a.etagOf(org)
					if tag = got.header.Get("ETag"); !strings.HasPrefix(tag, `W/"`) || tag == own || seen[tag] != "" {
						t.Errorf("after %s the tag is %s, as after %q; the state's is %s", what, tag, seen[tag], own)
					}
					seen[tag] = what
					a.header(got, "Ifmatch-ETag", own)
					a.header(got, "Last-Modified", "")
					a.header(got, "Cache-Control", "public, no-cache")
					a.header(got, "Accept-Ranges", "none")
					head := a.must(200, "HEAD", linked, "")
					for _, field := range []string{"ETag", "Ifmatch-ETag", "Content-Length", "Last-Modified", "Vary"} {
						a.header(head, field, strings.Join(got.header.Values(field), " | "))
					}
					a.polled(tag, own)
				}
				changed("creation")
				a.must(201, "PUT", org+"/brand", `{"logo":"x"}`)
				changed("creation of a related document")
				a.must(200, "PATCH", org+"/brand", `{"logo":"y"}`, "If-Match", a.etagOf(org+"/brand"))
				changed("a change of it")
				a.must(201, "POST", org+"/users", `{}`)
				changed("a change inside a related list")
				a.must(200, "PATCH", org, `{"name":"B"}`, "If-Match", a.etagOf(org))
				changed("a change of the document")
				a.must(204, "DELETE", org+"/brand", "", "If-Match", "*")
				changed("deletion of a related document")
				a.must(201, "PUT", "/v1/orgs/o2/brand", `{}`)
				a.must(304, "GET", linked, "", "If-None-Match", tag) // nothing of that is of this document
			})
		})
	}
}

// polled checks the reads that a reader with the tag of a linked answer makes while
// nothing changes.
func (a *api) polled(tag, own string) {
	a.t.Helper()
	strong := strings.TrimPrefix(tag, "W/")
	for _, method := range []string{"GET", "HEAD"} {
		for _, list := range []string{tag, strong, `"x", ` + tag, `W/` + strings.TrimSuffix(strong, `"`) + `-gzip"`, "*"} {
			same := a.must(304, method, linked, "", "If-None-Match", list)
			a.header(same, "ETag", tag)
			a.header(same, "Ifmatch-ETag", own)
			a.header(same, "Last-Modified", "")
			a.body(same, "")
		}
		a.must(304, method, linked, "", "If-None-Match", tag, "If-Match", own)
		a.must(200, method, linked, "", "If-None-Match", own)
		a.must(200, method, linked, "", "If-Modified-Since", "Sun, 06 Nov 2094 08:49:37 GMT")
		a.must(200, method, org, "", "If-None-Match", tag)
		plain := a.must(304, method, org, "", "If-None-Match", own)
		a.header(plain, "ETag", own)
		a.header(plain, "Ifmatch-ETag", "")
	}
}

// TestLinkedTagInIfMatch: If-Match is about the state. The tag of an answer that
// showed more is refused with what to send instead.
func TestLinkedTagInIfMatch(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens, "accepting": {AcceptWeak: true}} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, organisations(t, contract), func(t *testing.T, a *api) {
				a.must(201, "PUT", org, `{"name":"A"}`)
				read := a.must(200, "GET", linked, "")
				tag, own := read.header.Get("ETag"), read.header.Get("Ifmatch-ETag")
				explained := func(slug, want, method, path, body string) {
					t.Helper()
					p := a.refused(412, slug, method, path, body, "If-Match", tag)
					if !strings.Contains(p.Detail, "Ifmatch-ETag") || !strings.Contains(p.Detail, "If-Match: "+want) || p.YourEtag != tag || p.CurrentEtag != want {
						t.Errorf("%s: %+v", tag, p)
					}
				}
				explained("weak-validator", own, "GET", linked, "")
				explained("weak-validator", own, "GET", org, "")
				explained("weak-validator", own, "PUT", org, `{"name":"B"}`)
				explained("weak-validator", own, "PATCH", org, `{"name":"B"}`)
				explained("weak-validator", own, "DELETE", org, "")
				a.must(200, "GET", linked, "", "If-Match", own)
				a.must(200, "GET", linked, "", "If-Unmodified-Since", "Sun, 06 Nov 2094 08:49:37 GMT")
				a.refused(412, "stale", "GET", linked, "", "If-Match", `"x"`)
				a.refused(412, "stale", "GET", linked, "", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")

				got := a.must(200, "PUT", org+"?include=links", `{"name":"B"}`, "If-Match", own)
				a.body(got, `{"name":"B"}`)
				now := a.etagOf(org)
				a.header(got, "ETag", now)
				a.header(got, "Ifmatch-ETag", "")
				explained("stale", now, "PUT", org, `{"name":"C"}`)
				explained("stale", now, "GET", linked, "")
				a.verify()
			})
		})
	}
}

// TestLinksWriteBack: what was read with everything in it can be edited and sent
// back, and nothing of what was added is stored.
func TestLinksWriteBack(t *testing.T) {
	const all = org + "?include=links,meta,version"
	onEveryStore(t, organisations(t, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(201, "PUT", org, `{"name":"A","_links":{"brand":"mine"},"_meta":1}`)
		read := a.must(200, "GET", all, "")
		if !strings.HasPrefix(read.body, `{"name":"A","version":1,"_links":{"brand":{"href":`) || !strings.Contains(read.body, `},"_meta":{"version":1,"etag":"\"1\"","action":"put",`) {
			t.Errorf("%s", read.body)
		}
		before := a.dump()
		own := read.header.Get("Ifmatch-ETag")
		for _, method := range []string{"PUT", "PATCH"} {
			for _, path := range []string{org, all} {
				a.header(a.must(200, method, path, read.body, "If-Match", own), "Ifmatch-Outcome", "unchanged")
			}
		}
		if after := a.dump(); after != before || !strings.Contains(after, jsonBytes(`{"name":"A"}`)) {
			t.Errorf("it was written back and left\n%s\nafter\n%s", after, before)
		}
		edited := strings.Replace(read.body, `"A"`, `"B"`, 1)
		a.body(a.must(200, "PUT", org, edited, "If-Match", own), `{"name":"B"}`)
		a.body(a.must(200, "PATCH", all, edited[:len(edited)-1]+`,"a":1}`, "If-Match", `"2"`), `{"name":"B","a":1,"version":3}`)
		a.body(a.must(200, "GET", org, ""), `{"name":"B","a":1}`)
		a.body(a.must(201, "POST", "/v1/orgs", read.body), `{"name":"A"}`)
		if dump := a.dump(); strings.Contains(dump, "_meta") || !strings.Contains(dump, jsonBytes(`{"name":"B","a":1}`)) {
			t.Errorf("%s", dump)
		}
		a.verify()
	})
}

// TestLinksInJSONPatch: a JSON Patch may test links and the log row, and do nothing
// else to them.
func TestLinksInJSONPatch(t *testing.T) {
	onEveryStore(t, organisations(t, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(201, "PUT", org, `{"name":"A"}`, "X-Request-Id", "0199aaaa-0000-7000-8000-000000000001")
		a.must(201, "PUT", org+"/users/o1", `{}`)
		shown := a.must(200, "GET", org+"?include=links,meta", "").body
		headers := []string{"Content-Type", jsonPatch, "If-Match", `"1"`}
		for _, op := range []string{
			`{"op":"add","path":"/_links","value":{}}`, `{"op":"replace","path":"/_links/owner/href","value":"/"}`, `{"op":"remove","path":"/_links"}`,
			`{"op":"copy","from":"/_links/owner","path":"/b"}`, `{"op":"move","from":"/_meta","path":"/b"}`, `{"op":"add","path":"/_meta/by","value":"me"}`,
			`{"op":"replace","path":"","value":` + shown + `}`,
		} {
			if p := a.refused(400, "malformed", "PATCH", org, `[`+op+`]`, headers...); !strings.Contains(p.Detail, "may only test it") {
				t.Errorf("%s: %s", op, p.Detail)
			}
		}
		for _, op := range []string{
			`{"op":"test","path":"/_links/owner/etag","value":"\"2\""}`, `{"op":"test","path":"/_links/brand/etag","value":"\"1\""}`,
			`{"op":"test","path":"/_links/none","value":1}`, `{"op":"test","path":"/_meta/version","value":2}`, `{"op":"test","path":"/_meta/by","value":"me"}`,
			`{"op":"test","path":"","value":{"name":"A","_meta":{}}}`, `{"op":"test","path":"","value":` + strings.Replace(shown, "brand", "brnd", 1) + `}`,
		} {
			a.refused(409, "patch-test-failed", "PATCH", org, `[`+op+`,{"op":"add","path":"/b","value":1}]`, headers...)
		}
		for _, op := range []string{
			`{"op":"test","path":"/_links/owner/etag","value":"\"1\""}`, `{"op":"test","path":"/_links/brand","value":{"href":"/v1/orgs/o1/brand"}}`,
			`{"op":"test","path":"/_meta/correlationId","value":"0199aaaa-0000-7000-8000-000000000001"}`, `{"op":"test","path":"/_meta/version","value":1}`,
			`{"op":"test","path":"","value":` + shown + `}`, `{"op":"test","path":"","value":{"name":"A"}}`,
		} {
			a.header(a.must(200, "PATCH", org, `[`+op+`]`, headers...), "Ifmatch-Outcome", "unchanged")
		}
		a.body(a.must(200, "PATCH", org, `[{"op":"test","path":"/_links/owner/etag","value":"\"1\""},{"op":"add","path":"/b","value":1}]`, headers...), `{"name":"A","b":1}`)
		// What a stale patch tests is what its writer had read.
		p := a.refused(412, "stale", "PATCH", org, `[{"op":"test","path":"/_meta/version","value":1},{"op":"add","path":"/b","value":1}]`, headers...)
		if p.AlreadyApplied == nil || !*p.AlreadyApplied {
			t.Errorf("%+v", p)
		}
		p = a.refused(412, "stale", "PATCH", org, `[{"op":"test","path":"/_meta/version","value":2},{"op":"add","path":"/b","value":1}]`, headers...)
		if p.AlreadyApplied == nil || *p.AlreadyApplied {
			t.Errorf("%+v", p)
		}
		a.verify()
	})
}

// TestLinkedAnswersAreCompressed: their tag is that of every coding.
func TestLinkedAnswersAreCompressed(t *testing.T) {
	onEveryStore(t, organisations(t, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.must(201, "PUT", org, `{"name":"`+strings.Repeat("A", 2000)+`"}`)
		plain := a.must(200, "GET", linked, "")
		tag := plain.header.Get("ETag")
		for _, coding := range codings {
			got := a.must(200, "GET", linked, "", "Accept-Encoding", coding)
			a.header(got, "Content-Encoding", coding)
			a.header(got, "ETag", tag)
			a.header(got, "Ifmatch-ETag", `"1"`)
			a.body(answer{body: a.decoded(got)}, plain.body)
			for _, list := range []string{tag, strings.TrimSuffix(tag, `"`) + ";" + coding + `"`} {
				same := a.must(304, "GET", linked, "", "Accept-Encoding", coding, "If-None-Match", list)
				a.header(same, "ETag", tag)
				a.header(same, "Ifmatch-ETag", `"1"`)
			}
		}
	})
}

// TestLinksThatCannotBeRead: what is not known is not made up.
func TestLinksThatCannotBeRead(t *testing.T) {
	s := organisations(t, ifmatch.Contract{})
	s.faulty = true
	onEveryStore(t, s, func(t *testing.T, a *api) {
		a.must(201, "PUT", org, `{"name":"A"}`)
		reads := 0
		a.faults.onGet(func(context.Context) error {
			if reads++; reads > 1 {
				return errors.New("the disk is gone")
			}
			return nil
		})
		a.isProblem(a.do("GET", linked, ""), 500, "internal", "GET", linked)
		reads = 0
		a.isProblem(a.do("PATCH", org, `[{"op":"test","path":"/_links/brand/href","value":1}]`, "Content-Type", jsonPatch, "If-Match", `"1"`), 500, "internal", "PATCH", org)
		a.faults.onGet(nil)
		a.body(a.must(200, "GET", org, ""), `{"name":"A"}`)
	})
}

// TestLinksOfTheDefault: its documents have the collection's name to fill in.
func TestLinksOfTheDefault(t *testing.T) {
	links := []httpapi.Link{{Rel: "list", Path: "/v1/{collection}"}, {Rel: "about", Path: "/v1/about/{collection}"}, {Rel: "same", Path: "/v1/other/{id}"}, {Rel: "gone", Path: "/v2/{id}"}}
	s := setup{rules: showing(t, ifmatch.Dialect{}, ifmatch.Contract{}, links), links: links}
	onEveryStore(t, s, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/n1", `{}`)
		a.must(201, "PUT", "/v1/about/notes", `{}`)
		a.body(a.must(200, "GET", "/v1/notes/n1?include=links", ""), `{"_links":{"list":{"href":"/v1/notes","etag":`+quoted(a.etagOf("/v1/notes"))+
			`},"about":{"href":"/v1/about/notes","etag":"\"1\""},"same":{"href":"/v1/other/n1"},"gone":{"href":"/v2/n1"}}}`)
	})
}

// TestMembersOfTheClientsOwn: where nothing is added, nothing is taken away.
func TestMembersOfTheClientsOwn(t *testing.T) {
	const item = "/v1/notes/1"
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		own := `{"_links":{"self":"x"},"_meta":{"by":"me"}}`
		a.must(201, "PUT", item, own)
		got := a.must(200, "GET", item+"?include=links,meta", "")
		a.body(got, own)
		a.header(got, "ETag", `"1"`)
		a.must(200, "PATCH", item, `[{"op":"replace","path":"/_links/self","value":"y"},{"op":"remove","path":"/_meta"}]`, "Content-Type", jsonPatch, "If-Match", `"1"`)
		a.body(a.must(200, "GET", item, ""), `{"_links":{"self":"y"}}`)
	})
	onEveryStore(t, setup{rules: showing(t, ifmatch.Dialect{}, ifmatch.Contract{}, nil)}, func(t *testing.T, a *api) {
		a.body(a.must(201, "PUT", item, `{"_links":{"self":"x"},"_meta":{"by":"me"},"a":{"_meta":1}}`), `{"_links":{"self":"x"},"a":{"_meta":1}}`)
		got := a.must(200, "GET", item+"?include=links", "")
		a.body(got, `{"_links":{"self":"x"},"a":{"_meta":1}}`)
		a.header(got, "ETag", `"1"`)
		a.header(got, "Ifmatch-ETag", "")
	})
}

// TestWriteBackOfLinksAtTheLimit: what is added does not make a document too large
// to come back, nor let a larger one in.
func TestWriteBackOfLinksAtTheLimit(t *testing.T) {
	s := organisations(t, ifmatch.Contract{})
	s.limits.Body = 400
	onEveryStore(t, s, func(t *testing.T, a *api) {
		long := "/v1/orgs/" + strings.Repeat("o", engine.MaxName)
		a.must(201, "PUT", long, `{"a":"`+strings.Repeat("x", 392)+`"}`)
		a.must(201, "PUT", long+"/brand", `{}`)
		read := a.must(200, "GET", long+"?include=links,meta,version", "")
		a.must(200, "PUT", long, strings.Replace(read.body, "x", "y", 1), "If-Match", `"1"`)
		for _, more := range []string{`{"a":"` + strings.Repeat("x", 393) + `"}`, strings.Replace(read.body, "x", "xy", 1), strings.Repeat(" ", 400) + `{}`, `{"a":"` + strings.Repeat("x", 400)} {
			p := a.refused(413, "too-large", "PUT", long, more, "If-Match", `"2"`)
			if !strings.Contains(p.Detail, " 400 bytes") {
				t.Errorf("%s", p.Detail)
			}
		}
		a.refused(413, "too-large", "PATCH", long, fmt.Sprintf(`[{"op":"test","path":"/a","value":"%0380d"}]`, 0), "Content-Type", jsonPatch, "If-Match", `"2"`)
	})
}
