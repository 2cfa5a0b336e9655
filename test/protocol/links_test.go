package protocol_test

import (
	"context"
	"errors"
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
