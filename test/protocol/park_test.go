package protocol_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// parking are rules under which callers may ask to have disputed writes parked.
func parking(t *testing.T, rules merge.Rules) engine.Rules {
	t.Helper()
	r := merging(t, rules)
	r.OnStale, r.Allow = engine.StrategyReject, []engine.Strategy{engine.StrategyPark}
	return r
}

// parkingByDefault are rules under which they are parked unless a caller asks for
// something else.
func parkingByDefault(t *testing.T, rules merge.Rules) engine.Rules {
	t.Helper()
	r := merging(t, rules)
	r.OnStale = engine.StrategyPark
	return r
}

// openConflict is an item of _conflicts.
type openConflict struct {
	ID, By, At     string
	YourVersion    int64
	CurrentVersion int64
	Base, Yours    json.RawMessage
	Conflicts      []conflict
	Mergeable      *bool
	Faults         []struct{ Pointer, Detail string }
}

func (a *api) openConflict(got answer) openConflict {
	a.t.Helper()
	var c openConflict
	if err := json.Unmarshal([]byte(got.body), &c); err != nil {
		a.t.Fatalf("no conflict: %v: %s", err, got.body)
	}
	return c
}

type conflictsPage struct {
	Items []openConflict
	Next  string
}

func (a *api) conflicts(path string) conflictsPage {
	a.t.Helper()
	got := a.must(200, "GET", path, "")
	var page conflictsPage
	if err := json.Unmarshal([]byte(got.body), &page); err != nil {
		a.t.Fatalf("no page: %v: %s", err, got.body)
	}
	return page
}

// twoVersions writes the note twice, the second time as bob.
func (a *api) twoVersions(first, second string) {
	a.t.Helper()
	a.must(201, "PUT", item, first)
	a.must(200, "PUT", item, second, "If-Match", `"1"`, "X-Writer", "bob")
}

// parked parks a write of ann's on the note's first version, and returns where.
func (a *api) parked(body string, headers ...string) string {
	a.t.Helper()
	got := a.must(202, "PATCH", item, body, append([]string{"If-Match", `"1"`, "Prefer", "conflict=park", "X-Writer", "ann"}, headers...)...)
	return got.header.Get("Location")
}

// TestPark: a disputed write is kept for whoever asked for that, the document is
// what it was, and what is kept says everything that deciding takes.
func TestPark(t *testing.T) {
	rules := parking(t, merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter, Max: "9"}}})
	rules.Validate = func(v jsonvalue.Value) []engine.Fault {
		if order, ok := jsonvalue.CompareNumbers(v.Lookup("min"), v.Lookup("max")); ok && order > 0 {
			return []engine.Fault{{Pointer: "/min", Detail: "must not be above max"}}
		}
		return nil
	}
	const first, second = `{"title":"A","body":"x","n":1,"min":1,"max":9}`, `{"title":"B","body":"y","n":7,"min":1,"max":3}`
	tests := []struct {
		name         string
		method, body string
		headers      []string
		yours        string
		disputed     string
		faults       int
	}{
		{"a document", "PUT", `{"title":"C","body":"x","n":1,"min":1,"max":9}`, nil, `{"title":"C","body":"x","n":1,"min":1,"max":9}`, "/title reject", 0},
		{"a merge patch", "PATCH", `{"title":"C","body":null}`, nil, `{"title":"C","n":1,"min":1,"max":9}`, "/body reject, /title reject", 0},
		{"a JSON Patch", "PATCH", `[{"op":"replace","path":"/title","value":"C"}]`, []string{"Content-Type", jsonPatch}, `{"title":"C","body":"x","n":1,"min":1,"max":9}`, "/title reject", 0},
		{"a test of a JSON Patch", "PATCH", `[{"op":"test","path":"/title","value":"A"},{"op":"add","path":"/new","value":1}]`, []string{"Content-Type", jsonPatch},
			`{"title":"A","body":"x","n":1,"min":1,"max":9,"new":1}`, "/title test", 0},
		{"a schema", "PATCH", `{"min":5}`, nil, `{"title":"A","body":"x","n":1,"min":5,"max":9}`, "/min schema", 1},
		{"a counter beyond its bounds, though it counts", "PATCH", `{"n":5}`, nil, `{"title":"A","body":"x","n":5,"min":1,"max":9}`, "/n reject", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules, actor: writerName}, func(t *testing.T, a *api) {
				a.twoVersions(first, second)
				before := a.must(200, "GET", item, "")
				got := a.must(202, tt.method, item, tt.body, append(tt.headers, "If-Match", `"1"`, "Prefer", "return=minimal, conflict=park", "X-Writer", "ann")...)
				at := got.header.Get("Location")
				id, ok := strings.CutPrefix(at, item+"/_conflicts/")
				if !ok {
					t.Fatalf("Location: %s", at)
				}
				for name, want := range map[string]string{"ETag": "", "Last-Modified": "", "Ifmatch-ETag": "", "Content-Location": "",
					"Ifmatch-Outcome": "parked", "Preference-Applied": "conflict=park", "Content-Type": "application/json", "Cache-Control": "no-store"} {
					a.header(got, name, want)
				}
				told := a.openConflict(got)
				if told.ID != id || told.YourVersion != 1 || told.CurrentVersion != 2 || listed(told.Conflicts) != tt.disputed || *told.Mergeable {
					t.Errorf("told %s", got.body)
				}
				after := a.must(200, "GET", item, "")
				if after.body != before.body || after.header.Get("ETag") != `"2"` || after.header.Get("Last-Modified") != before.header.Get("Last-Modified") {
					t.Errorf("the document became %s under %s", after.body, after.header.Get("ETag"))
				}
				shown := a.must(200, "GET", at, "")
				a.header(shown, "Ifmatch-ETag", `"2"`)
				a.header(shown, "ETag", "")
				a.header(shown, "Cache-Control", "no-store")
				c := a.openConflict(shown)
				if c.ID != id || c.By != "ann" || c.At == "" || c.YourVersion != 1 || string(c.Base) != first || string(c.Yours) != tt.yours ||
					listed(c.Conflicts) != tt.disputed || len(c.Faults) != tt.faults {
					t.Errorf("kept is %s", shown.body)
				}
				if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 1 || page.Items[0].ID != id || page.Next != "" {
					t.Errorf("listed are %+v", page)
				}
				if e := a.newest(item); e.Outcome != "parked" || e.Action != "touch" || e.Version != 2 || e.YourVersion != 1 || e.By != "ann" || e.Conflict != id {
					t.Errorf("the history says %+v", e)
				}
				a.verify()
			})
		})
	}
}

// listed names disputes with their rules.
func listed(all []conflict) string {
	var out []string
	for _, c := range all {
		out = append(out, c.Path+" "+c.Rule)
	}
	return strings.Join(out, ", ")
}

// TestParkByDefault: who has not asked for it is told that the write is not saved,
// and where it is.
func TestParkByDefault(t *testing.T) {
	onEveryStore(t, setup{rules: parkingByDefault(t, merge.Rules{}), actor: writerName}, func(t *testing.T, a *api) {
		a.twoVersions(`{"title":"A"}`, `{"title":"B"}`)
		got := a.must(412, "PUT", item, `{"title":"C"}`, "If-Match", `"1"`, "X-Writer", "ann")
		at := got.header.Get("Location")
		for name, want := range map[string]string{"ETag": "", "Last-Modified": "", "Retry-After": "", "Preference-Applied": "",
			"Ifmatch-Outcome": "parked", "Content-Type": "application/problem+json", "Cache-Control": "no-store"} {
			a.header(got, name, want)
		}
		p := a.problem(got)
		if p.Type != "urn:ifmatch:problem:merge-conflict" || p.CurrentEtag != "" || p.CurrentVersion != 2 || listed(p.Conflicts) != "/title reject" ||
			*p.Mergeable || p.Advice != "ask-a-person" || !strings.Contains(p.Detail, at) || !strings.Contains(p.Detail, "not saved") || p.RetryAfterMs != 0 {
			t.Errorf("told %s", got.body)
		}
		if c := a.openConflict(a.must(200, "GET", at, "")); c.By != "ann" || string(c.Yours) != `{"title":"C"}` {
			t.Errorf("kept is %+v", c)
		}
		a.body(a.must(200, "GET", item, ""), `{"title":"B"}`)
		// Asked for by its name it is an answer, and who does not want it is refused.
		a.header(a.must(202, "PUT", item, `{"title":"C"}`, "If-Match", `"1"`, "X-Writer", "ann", "Prefer", "conflict=park"), "Location", at)
		a.refused(412, "stale", "PUT", item, `{"title":"D"}`, "If-Match", `"1"`, "Prefer", "conflict=reject")
		if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 1 {
			t.Errorf("%d are parked", len(page.Items))
		}
		a.verify()
	})
}

// TestWhatIsNotParked: each is answered as it would be under merge, and nothing is
// kept.
func TestWhatIsNotParked(t *testing.T) {
	counting := parking(t, merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}, {Path: "/log", Type: merge.Append}}})
	immutable := parking(t, merge.Rules{Fields: []merge.Field{{Path: "/title", Type: merge.Immutable}}})
	immutable.Validate = func(v jsonvalue.Value) []engine.Fault {
		if v.Lookup("body").Kind() != jsonvalue.KindString {
			return []engine.Fault{{Pointer: "/body", Detail: "is no text"}}
		}
		return nil
	}
	forgetful := counting
	forgetful.Keep = 1
	refusing := counting
	refusing.Allow = nil
	tests := []struct {
		name, method, body string
		rules              engine.Rules
		headers            []string
		status             int
		slug               string
	}{
		{"a deletion", "DELETE", "", counting, nil, 412, "stale"},
		{"a counter that disputes nothing", "PATCH", `{"n":2}`, counting, nil, 412, "stale"},
		{"what is appended", "PATCH", `{"log":["a","mine"]}`, counting, nil, 412, "stale"},
		{"what the policy does not allow", "PATCH", `{"title":"C"}`, refusing, nil, 412, "stale"},
		{"a base that is gone", "PATCH", `{"title":"C"}`, forgetful, nil, 412, "base-unavailable"},
		{"a tag that names nothing", "PATCH", `{"title":"C"}`, counting, []string{"If-Match", `"77"`}, 412, "stale"},
		{"what is not valid by itself", "PATCH", `{"body":5}`, immutable, nil, 422, "invalid"},
		{"what does not change", "PATCH", `{"title":"C","body":"z"}`, immutable, nil, 422, "invalid"},
		{"a patch that does not apply", "PATCH", `[{"op":"remove","path":"/none"}]`, counting, []string{"Content-Type", jsonPatch}, 409, "patch-inapplicable"},
		{"what cannot be read", "PATCH", `{"title":`, counting, nil, 400, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: tt.rules}, func(t *testing.T, a *api) {
				a.must(201, "PUT", item, `{"title":"A","body":"x","n":1,"log":["a"]}`)
				a.must(200, "PATCH", item, `{"body":"y","n":5,"log":["a","b"]}`, "If-Match", `"1"`)
				if !tt.rules.Merge.HasImmutable() {
					a.must(200, "PATCH", item, `{"title":"B"}`, "If-Match", `"2"`)
				}
				headers := tt.headers
				if len(headers) == 0 || headers[0] != "If-Match" {
					headers = append(headers, "If-Match", `"1"`)
				}
				a.refused(tt.status, tt.slug, tt.method, item, tt.body, append(headers, "Prefer", "conflict=park")...)
				if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 0 {
					t.Errorf("parked is %+v", page)
				}
			})
		})
	}
	t.Run("what merges", func(t *testing.T) {
		onEveryStore(t, setup{rules: counting}, func(t *testing.T, a *api) {
			a.twoVersions(`{"title":"A","body":"x"}`, `{"title":"B","body":"x"}`)
			got := a.must(200, "PATCH", item, `{"body":"mine"}`, "If-Match", `"1"`, "Prefer", "conflict=park")
			a.header(got, "Ifmatch-Outcome", "merged")
			a.header(got, "Preference-Applied", "conflict=park")
			a.header(got, "Location", "")
			a.body(got, `{"title":"B","body":"mine"}`)
		})
	})
}
