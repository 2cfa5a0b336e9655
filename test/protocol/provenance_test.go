package protocol_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/merge"
)

// TestProvenance: who asks is told what each place comes of, under a tag of its own.
func TestProvenance(t *testing.T) {
	rules := contributed(t, "0.7", merge.Field{Path: "/tags", Type: merge.Set})
	links := []httpapi.Link{{Rel: "other", Path: "/v1/notes/2"}}
	var err error
	if rules.Members, err = engine.NewMembers(ifmatch.Dialect{}, engine.Added{Provenance: true, Links: httpapi.RoomForLinks(links), Meta: true}); err != nil {
		t.Fatal(err)
	}
	onEveryStore(t, setup{rules: rules, links: links}, func(t *testing.T, a *api) {
		const traced = item + "?include=provenance"
		a.must(404, "GET", traced, "")
		crm := `{"source":"crm","confidence":0.80,"observedAt":"2024-05-01T12:01:00Z"}`
		erp := `{"source":"erp","confidence":0.5,"observedAt":"2024-05-01T12:02:00Z"}`
		a.contribute(says("crm", "0.80", 1, `{"name":"Ann","o":{"a/b":1,"c":[1,2]},"tags":["x"]}`))
		first := a.must(200, "GET", traced, "")
		a.body(first, `{"name":"Ann","o":{"a/b":1,"c":[1,2]},"tags":["x"],"_provenance":{"/name":`+crm+`,"/o/a~1b":`+crm+`,"/o/c":`+crm+`,"/tags":`+crm+`}}`)
		erpID := a.contribute(says("erp", "0.5", 2, `{"name":"Anna","o":{"d":{}},"tags":["y"]}`)).ID
		got := a.must(200, "GET", traced, "")
		a.body(got, `{"name":"Ann","o":{"a/b":1,"c":[1,2],"d":{}},"tags":["x","y"],"_provenance":{"/name":`+crm+`,"/o/a~1b":`+crm+`,"/o/c":`+crm+`,"/o/d":`+erp+`,"/tags":[`+crm+`,`+erp+`]}}`)
		tag := got.header.Get("ETag")
		if tag == first.header.Get("ETag") || !strings.HasPrefix(tag, `W/"2+`) {
			t.Errorf("the tag is %s, after %s", tag, first.header.Get("ETag"))
		}
		a.header(got, "Ifmatch-ETag", `"2"`)
		a.header(got, "Last-Modified", "")
		same := a.must(304, "GET", traced, "", "If-None-Match", tag)
		a.header(same, "ETag", tag)
		a.must(200, "GET", traced, "", "If-None-Match", `"2"`)
		a.must(304, "GET", item, "", "If-None-Match", `"2"`)
		a.refused(412, "weak-validator", "PUT", item, `{}`, "If-Match", tag)

		// The content stays, and what it comes of does not.
		a.contribute(says("web", "0.9", 3, `{"name":"Ann"}`))
		got = a.must(200, "GET", traced, "", "If-None-Match", tag)
		a.header(got, "Ifmatch-ETag", `"2"`)
		if !strings.Contains(got.body, `"/name":{"source":"web"`) {
			t.Errorf("it comes of %s", got.body)
		}
		both := a.must(200, "GET", traced+",links,meta", "")
		if !strings.Contains(both.body, `"_links":{"other"`) || !strings.Contains(both.body, `"_provenance":{`) || !strings.Contains(both.body, `"_meta":{`) || both.header.Get("ETag") == got.header.Get("ETag") {
			t.Errorf("%s under %s", both.body, both.header.Get("ETag"))
		}

		// What was read can be written back, and a JSON Patch may look at it.
		a.header(a.must(200, "PUT", item, both.body, "If-Match", `"2"`), "Ifmatch-Outcome", "unchanged")
		a.header(a.must(200, "PATCH", item, `{"_provenance":{"/name":null}}`), "Ifmatch-Outcome", "unchanged")
		test := func(source string) string {
			return `[{"op":"test","path":"/_provenance/~1name/source","value":"` + source + `"},{"op":"add","path":"/new","value":1}]`
		}
		a.refused(409, "patch-test-failed", "PATCH", item, test("crm"), "Content-Type", jsonPatch)
		a.refused(400, "malformed", "PATCH", item, `[{"op":"remove","path":"/_provenance"}]`, "Content-Type", jsonPatch)
		a.must(200, "PATCH", item, test("web"), "Content-Type", jsonPatch)
		a.contribute(says("api", "1", 4, `{"_provenance":{},"_links":1,"_meta":1,"z":1}`))
		all, _ := a.contributors("")
		if data := string(all[len(all)-1].Data); data != `{"z":1}` {
			t.Errorf("kept is %s", data)
		}
		a.must(204, "DELETE", contributions+"/"+erpID, "")
		a.verify()
	})
}
