package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

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
		long := "/v1/orgs/" + strings.Repeat("o", ifmatch.MaxName)
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
