package protocol_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// TestContributionRefusals: what is no contribution is refused, with each of its
// faults, and changes nothing.
func TestContributionRefusals(t *testing.T) {
	c := &clock{}
	c.set(noon)
	rules := contributed(t, "1", merge.Field{Path: "/id", Type: merge.Immutable})
	rules.Validate = func(v jsonvalue.Value) []engine.Fault {
		if v.Lookup("n").Kind() == jsonvalue.KindString {
			return []engine.Fault{{Pointer: "/n", Detail: "must be a number"}}
		}
		return nil
	}
	const ok = `"source":"crm","confidence":0.8,"observedAt":"2024-05-01T12:00:00Z"`
	tests := []struct {
		name, body string
		status     int
		slug       string
		faults     string
	}{
		{"no JSON", `{"source"`, 400, "malformed", "*"},
		{"no object", `[1]`, 422, "invalid", ""},
		{"nothing", `{}`, 422, "invalid", "/source /confidence /observedAt /data"},
		{"a source without a name", `{"source":"","confidence":0.8,"observedAt":"2024-05-01T12:00:00Z","data":{}}`, 422, "invalid", "/source"},
		{"a source with a line break", `{"source":"a\nb","confidence":0.8,"observedAt":"2024-05-01T12:00:00Z","data":{}}`, 422, "invalid", "/source"},
		{"a source with a long name", says(strings.Repeat("x", 257), "0.8", 0, `{}`), 422, "invalid", "/source"},
		{"a source that is a number", `{"source":1,"confidence":0.8,"observedAt":"2024-05-01T12:00:00Z","data":{}}`, 422, "invalid", "/source"},
		{"the source of direct writes", says("direct", "0.8", 0, `{}`), 422, "invalid", "/source"},
		{"too sure", says("crm", "1.000000000000000000001", 0, `{}`), 422, "invalid", "/confidence"},
		{"less than unsure", says("crm", "-1e-300", 0, `{}`), 422, "invalid", "/confidence"},
		{"sure in words", says("crm", `"0.8"`, 0, `{}`), 422, "invalid", "/confidence"},
		{"no date-time", `{"source":"crm","confidence":0.8,"observedAt":"2024-05-01","data":{}}`, 422, "invalid", "/observedAt"},
		{"from the future", says("crm", "0.8", 6, `{}`), 422, "invalid", "/observedAt"},
		{"data that are none", `{` + ok + `,"data":[]}`, 422, "invalid", "/data"},
		{"a member that is misspelt", `{` + ok + `,"data":{},"observed_at":1}`, 422, "invalid", "/observed_at"},
		{"what the schema refuses", says("crm", "1", 4, `{"n":"x"}`), 422, "invalid", "/n"},
		{"what is immutable", says("crm", "1", 4, `{"id":2}`), 422, "invalid", "/id"},
	}
	onEveryStoreAlone(t, setup{rules: rules, now: c.Now}, func(t *testing.T, a *api) {
		a.contribute(says("erp", "0.5", 5, `{"id":1,"n":1}`)) // five minutes ahead, and no more
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				a := a.in(t)
				p := a.refused(tt.status, tt.slug, "POST", contributions, tt.body)
				var faults []string
				for _, f := range p.Faults {
					faults = append(faults, f.Pointer)
				}
				if got := strings.Join(faults, " "); tt.faults != "*" && got != tt.faults {
					t.Errorf("at fault are %q, want %q", got, tt.faults)
				}
			})
		}
		a.refused(415, "unsupported-media-type", "POST", contributions, says("crm", "1", 0, `{}`), "Content-Type", "text/plain")
		a.refused(405, "method-not-allowed", "PUT", contributions, `{}`)
		a.refused(405, "method-not-allowed", "PATCH", contributions+"/x", `{}`)
		a.refused(404, "not-found", "DELETE", contributions+"/x", "")
		a.refused(404, "not-found", "GET", contributions+"/_x", "")
		a.refused(400, "malformed", "GET", contributions+"?page=2", "")
		a.refused(400, "malformed", "GET", contributions+"?cursor=bDU", "")
		a.refused(400, "malformed", "POST", contributions+"?dry_run=true", says("crm", "1", 0, `{}`))
		a.contribute(says("web", "0.1", 1, `{"id":7,"n":"x"}`)) // it wins nothing, and so changes nothing
		a.is(1, `{"id":1,"n":1}`)
		a.header(a.must(204, "OPTIONS", contributions, ""), "Allow", "GET, HEAD, OPTIONS, POST")
		a.header(a.must(204, "OPTIONS", contributions+"/x", ""), "Allow", "DELETE, GET, HEAD, OPTIONS")
	})
}

// TestContributionConditions: what is asked about the document holds for the whole
// of it, and nothing has to be asked.
func TestContributionConditions(t *testing.T) {
	rules := contributed(t, "1")
	rules.Contract = ifmatch.Contract{} // which asks writers of the document
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.refused(412, "stale", "POST", contributions, says("crm", "0.5", 0, `{"a":1}`), "If-Match", "*")
		a.contribute(says("crm", "0.5", 0, `{"a":1}`), "If-None-Match", "*")
		a.refused(412, "exists", "POST", contributions, says("crm", "0.5", 1, `{"a":1}`), "If-None-Match", "*")
		second := a.contribute(says("crm", "0.5", 2, `{"a":2}`), "If-Match", `"1"`)
		p := a.refused(412, "stale", "POST", contributions, says("crm", "0.5", 3, `{"a":3}`), "If-Match", `"1"`)
		if p.YourVersion != 1 || p.CurrentVersion != 2 || len(p.Changes) != 1 || p.Changes[0].Path != "/a" {
			t.Errorf("it is told %+v", p)
		}
		a.refused(412, "weak-validator", "POST", contributions, says("crm", "0.5", 3, `{"a":3}`), "If-Match", `W/"2"`)
		a.refused(400, "malformed", "POST", contributions, says("crm", "0.5", 3, `{"a":3}`), "If-Match", `2`)
		a.refused(412, "stale", "DELETE", contributions+"/"+second.ID, "", "If-Match", `"1"`)
		a.refused(428, "precondition-required", "PUT", item, `{"a":9}`)
		a.must(204, "DELETE", contributions+"/"+second.ID, "", "If-Match", `"2"`)
		a.is(3, `{"a":1}`)
		third := a.contribute(says("crm", "0.5", 4, `{"a":4}`))
		a.must(204, "DELETE", contributions+"/"+third.ID, "")
		a.is(5, `{"a":1}`)
	})
}

// TestContributionsToDeleted: a deletion takes everything with it, and only who
// says so begins anew.
func TestContributionsToDeleted(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1")}, func(t *testing.T, a *api) {
		old := a.contribute(says("crm", "0.5", 0, `{"a":1}`))
		a.must(204, "DELETE", item, "")
		a.must(404, "GET", contributions, "")
		a.must(404, "GET", contributions+"/"+old.ID, "")
		a.refused(404, "not-found", "POST", contributions, says("crm", "0.5", 1, `{"b":1}`))
		a.refused(404, "not-found", "POST", contributions, says("crm", "0.5", 1, `{"b":1}`), "If-Match", `"1"`)
		a.refused(404, "not-found", "DELETE", contributions+"/"+old.ID, "")
		a.contribute(says("crm", "0.5", 1, `{"b":1}`), "If-None-Match", "*")
		a.is(3, `{"b":1}`)
		a.contributes(`crm {"b":1}`)
		a.must(204, "DELETE", item, "")
		a.must(201, "PUT", item, `{"c":1}`)
		a.contributes(`direct {"c":1}`)
		a.is(5, `{"c":1}`)
	})
}
