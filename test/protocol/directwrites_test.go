package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestDirectWrites: a write of the document is one contribution among others.
func TestDirectWrites(t *testing.T) {
	c := &clock{}
	c.set(noon.Add(time.Hour))
	onEveryStoreAlone(t, setup{rules: contributed(t, "0.7"), actor: writerName, now: c.Now}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"name":"Ann","city":"Ulm"}`, "X-Writer", "ann")
		a.contributes(`direct {"name":"Ann","city":"Ulm"}`)
		a.contribute(says("crm", "0.8", 1, `{"name":"Anna","zip":"89073"}`))
		a.is(2, `{"name":"Anna","zip":"89073","city":"Ulm"}`)

		// It changes what it wins, and says nothing about the rest.
		got := a.must(200, "PATCH", item, `{"city":"Bonn","tel":"1"}`, "If-Match", `"2"`)
		a.header(got, "ETag", `"3"`)
		a.header(got, "Ifmatch-Outcome", "patched")
		a.is(3, `{"name":"Anna","zip":"89073","city":"Bonn","tel":"1"}`)
		a.contributes(`direct {"name":"Ann"}`, `crm {"name":"Anna","zip":"89073"}`, `direct {"city":"Bonn","tel":"1"}`)
		a.must(200, "PUT", item, `{"name":"Anna","zip":"89073","city":"Bonn"}`)
		a.is(4, `{"name":"Anna","zip":"89073","city":"Bonn"}`)
		a.header(a.must(200, "PUT", item, `{"name":"Anna","zip":"89073","city":"Bonn"}`), "Ifmatch-Outcome", "unchanged")

		// What others win is refused as a whole, and named.
		p := a.refused(409, "outranked", "PATCH", item, `{"name":"Eve","zip":null,"city":"Kiel"}`, "If-Match", `"4"`)
		if p.CurrentEtag != `"4"` || len(p.Faults) != 2 || p.Faults[0].Pointer != "/name" || p.Faults[1].Pointer != "/zip" ||
			!strings.Contains(p.Detail, "/name, /zip") || !strings.Contains(p.Faults[0].Detail, "crm") || !strings.Contains(p.Faults[0].Detail, "0.8") {
			t.Errorf("it is told %+v", p)
		}
		a.refused(409, "outranked", "PUT", item, `{"city":"Kiel"}`, "Prefer", "handling=strict")

		// Who is content with the rest is told the same.
		got = a.must(200, "PATCH", item, `{"name":"Eve","zip":null,"city":"Kiel"}`, "If-Match", `"4"`, "Prefer", "return=minimal, handling=lenient")
		a.body(got, `{"name":"Anna","zip":"89073","city":"Kiel"}`)
		for name, want := range map[string]string{
			"ETag": "", "Last-Modified": "", "Ifmatch-ETag": `"5"`, "Content-Location": item, "Ifmatch-Outcome": "patched",
			"Preference-Applied": "handling=lenient", "Ifmatch-Outranked": `"/name", "/zip"`,
		} {
			a.header(got, name, want)
		}
		a.is(5, `{"name":"Anna","zip":"89073","city":"Kiel"}`)
		a.contributes(`crm {"name":"Anna","zip":"89073"}`, `direct {"name":"Eve","city":"Kiel"}`)

		// What it is outranked in is kept, and counts once nothing outranks it.
		got = a.must(200, "PATCH", item, `{"name":"Eva"}`, "Prefer", "handling=lenient")
		a.header(got, "Ifmatch-Outcome", "contributed")
		a.header(got, "Ifmatch-ETag", `"5"`)
		a.is(5, `{"name":"Anna","zip":"89073","city":"Kiel"}`)
		all, _ := a.contributors("")
		a.must(204, "DELETE", contributions+"/"+all[0].ID, "")
		a.is(6, `{"city":"Kiel","name":"Eva"}`)
		if e := a.newest(item); e.Outcome != "withdrawn" {
			t.Errorf("the newest entry is %+v", e)
		}
		// A lenient write that wins everything is a write like any other.
		got = a.must(200, "PATCH", item, `{"name":"Eve"}`, "Prefer", "handling=lenient")
		a.header(got, "ETag", `"7"`)
		a.header(got, "Preference-Applied", "")
		a.header(got, "Ifmatch-Outranked", "")
	})
}

// TestOutrankedNames: a header can hold the names of any fields, and as many as it
// can hold.
func TestOutrankedNames(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "0")}, func(t *testing.T, a *api) {
		var many []string
		for i := range 200 {
			many = append(many, fmt.Sprintf(`"a member with a long name, number %d":1`, i))
		}
		a.contribute(says("crm", "0.5", 0, `{"ä\"\\%/~ \n":1,`+strings.Join(many, ",")+`}`))
		got := a.must(200, "PATCH", item, `{"ä\"\\%/~ \n":2}`, "Prefer", "handling=lenient")
		a.header(got, "Ifmatch-Outranked", `"/%C3%A4%22%5C%25~1~0%20%0A"`)
		got = a.must(200, "PATCH", item, "{"+strings.ReplaceAll(strings.Join(many, ","), ":1", ":2")+"}", "Prefer", "handling=lenient")
		if named := got.header.Get("Ifmatch-Outranked"); len(named) > 4<<10+8 || !strings.HasSuffix(named, `", more`) {
			t.Errorf("named are %s", named)
		}
	})
}

// TestDirectMerge: a stale write is merged with what was stored since, whoever said
// that, and then contributes what it changes.
func TestDirectMerge(t *testing.T) {
	rules := contributed(t, "0.7")
	rules.OnStale = engine.StrategyMerge
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.contribute(says("crm", "0.8", 0, `{"name":"Ann","zip":"1"}`))
		a.contribute(says("erp", "0.9", 1, `{"name":"Anna"}`))
		got := a.must(200, "PUT", item, `{"name":"Ann","zip":"1","city":"Ulm"}`, "If-Match", `"1"`)
		a.header(got, "Ifmatch-Outcome", "merged")
		a.header(got, "ETag", "")
		a.header(got, "Ifmatch-ETag", `"3"`)
		a.is(3, `{"name":"Anna","zip":"1","city":"Ulm"}`)
		a.contributes(`crm {"name":"Ann","zip":"1"}`, `erp {"name":"Anna"}`, `direct {"city":"Ulm"}`)
		a.refused(409, "outranked", "PUT", item, `{"name":"Anna","zip":"2","city":"Ulm"}`, "If-Match", `"2"`)
		a.refused(412, "merge-conflict", "PUT", item, `{"name":"Eve","zip":"1"}`, "If-Match", `"1"`)
	})
}
