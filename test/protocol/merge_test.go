package protocol_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// merging are rules under which stale writes are merged unless a caller asks for
// something else.
func merging(t *testing.T, rules merge.Rules) engine.Rules {
	t.Helper()
	p, err := merge.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Rules{OnStale: engine.StrategyMerge, Merge: p}
}

// TestMerge: what happened since the version that a writer had read, and what it
// wrote, both stand in the result, whichever way the write was worded.
func TestMerge(t *testing.T) {
	tests := []struct {
		name             string
		method, body     string
		headers          []string
		want             string
		combined         bool
		decisions, rules string
	}{
		{name: "a document", method: "PUT", body: `{"title":"A","body":"mine","tags":["a","c"]}`,
			want: `{"title":"B","body":"mine","tags":["a","b","c"]}`, combined: true},
		{name: "a merge patch", method: "PATCH", body: `{"body":"mine","tags":["a","c"]}`,
			want: `{"title":"B","body":"mine","tags":["a","b","c"]}`, combined: true},
		{name: "a JSON Patch, whose indexes are those that the writer saw", method: "PATCH", body: `[{"op":"add","path":"/tags/1","value":"c"}]`,
			headers: []string{"Content-Type", jsonPatch}, want: `{"title":"B","body":"x","tags":["a","b","c"]}`, combined: true},
		{name: "a document that is what the merge gives", method: "PUT", body: `{"title":"B","body":"mine","tags":["a","b"]}`,
			want: `{"title":"B","body":"mine","tags":["a","b"]}`},
	}
	rules := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/tags", Type: merge.Set}}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules, actor: writerName}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				a.must(201, "PUT", path, `{"title":"A","body":"x","tags":["a"]}`)
				a.must(200, "PUT", path, `{"title":"B","body":"x","tags":["a","b"]}`, "If-Match", `"1"`)
				got := a.must(200, tt.method, path, tt.body, append(tt.headers, "If-Match", `"1"`, "Prefer", "return=minimal, conflict=merge", "X-Writer", "ann")...)
				if got.header.Get("Ifmatch-Outcome") != "merged" {
					t.Errorf("the outcome is %q", got.header.Get("Ifmatch-Outcome"))
				}
				a.showsCombined(got, path, tt.want, `"3"`, tt.combined)
				if is := a.must(200, "GET", path, "").body; is != tt.want {
					t.Errorf("stored is %s, want %s", is, tt.want)
				}
				if e := a.newest(path); e.Outcome != "merged" || e.MergedFrom != 1 || e.Version != 3 || e.By != "ann" {
					t.Errorf("the history says %+v", e)
				}
			})
		})
	}
}

// showsCombined: an answer whose document is not what was sent has no validator,
// shows all of it, whatever was preferred, and gives its tag apart; any other is
// answered as writes are.
func (a *api) showsCombined(got answer, path, want, tag string, combined bool) {
	a.t.Helper()
	if !combined {
		if got.header.Get("ETag") != tag || got.header.Get("Ifmatch-ETag") != "" {
			a.t.Errorf("ETag %q, Ifmatch-ETag %q", got.header.Get("ETag"), got.header.Get("Ifmatch-ETag"))
		}
		return
	}
	h := got.header
	if h.Get("ETag") != "" || h.Get("Last-Modified") != "" || h.Get("Ifmatch-ETag") != tag || h.Get("Content-Location") != path {
		a.t.Errorf("ETag %q, Last-Modified %q, Ifmatch-ETag %q, Content-Location %q", h.Get("ETag"), h.Get("Last-Modified"), h.Get("Ifmatch-ETag"), h.Get("Content-Location"))
	}
	if got.body != want {
		a.t.Errorf("the answer shows %s, want %s", got.body, want)
	}
	if applied := h.Get("Preference-Applied"); applied != "conflict=merge" {
		a.t.Errorf("Preference-Applied: %q", applied)
	}
}

// TestMergeConflict: what contradicts is refused with exactly the fields in
// dispute, and nothing is written.
func TestMergeConflict(t *testing.T) {
	rules := merging(t, merge.Rules{
		Fields:   []merge.Field{{Path: "/items", Type: merge.List, Key: "/id"}},
		Together: []merge.Group{{Paths: []string{"/from", "/to"}}},
	})
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"title":"A","n":1,"from":1,"to":2,"items":[{"id":"x","q":1},{"id":"y","q":1}]}`)
		a.must(200, "PUT", path, `{"title":"B","n":2,"from":5,"to":2,"items":[{"id":"y","q":2},{"id":"x","q":1}]}`, "If-Match", `"1"`)
		before := a.dump()
		got := a.do("PATCH", path, `{"title":"C","to":9,"items":[{"id":"x","q":1},{"id":"y","q":3}]}`, "If-Match", `"1"`)
		p := a.isProblem(got, 412, "merge-conflict", "PATCH", path)
		want := []conflict{
			{Path: "/from", Together: []string{"/from", "/to"}, Base: []byte(`{"/from":1,"/to":2}`), Theirs: []byte(`{"/from":5,"/to":2}`), Yours: []byte(`{"/from":1,"/to":9}`), Rule: "reject", Reason: "together"},
			{Path: "/items/0/q", Key: []byte(`"y"`), Base: []byte(`1`), Theirs: []byte(`2`), Yours: []byte(`3`), Rule: "reject", Reason: "both-changed"},
			{Path: "/title", Base: []byte(`"A"`), Theirs: []byte(`"B"`), Yours: []byte(`"C"`), Rule: "reject", Reason: "both-changed"},
		}
		if fmt.Sprint(p.Conflicts) != fmt.Sprint(want) {
			t.Errorf("in dispute are %s, want %s", p.Conflicts, want)
		}
		if p.Mergeable == nil || *p.Mergeable || p.Advice != "ask-a-person" || !slices.Equal(p.Strategies, []string{"reject", "merge"}) {
			t.Errorf("mergeable %v, advice %q, strategies %q", p.Mergeable, p.Advice, p.Strategies)
		}
		if got.header.Get("ETag") != `"2"` || got.header.Get("Ifmatch-Outcome") != "rejected" || a.dump() != before {
			t.Errorf("ETag %s, outcome %s, or something was written", got.header.Get("ETag"), got.header.Get("Ifmatch-Outcome"))
		}
	})
}

// TestMergeIsNotForEverybody: what a stale write gets where it is not merged.
func TestMergeIsNotForEverybody(t *testing.T) {
	counting := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}, {Path: "/log", Type: merge.Append}}})
	allowed := counting
	allowed.OnStale, allowed.Allow = engine.StrategyReject, []engine.Strategy{engine.StrategyMerge}
	accepting := counting
	accepting.Contract.AcceptApplied = true
	refusing := counting
	refusing.OnStale = engine.StrategyReject
	tests := []struct {
		name         string
		rules        engine.Rules
		method, body string
		prefer       string
		code         string
		advice       string
	}{
		{"a deletion is never merged", counting, "DELETE", "", "", "stale", "ask-a-person"},
		{"a counter without a proof that it is counted once", counting, "PATCH", `{"n":2}`, "", "stale", "retry"},
		{"what is appended", counting, "PATCH", `{"log":["a","mine"]}`, "", "stale", "retry"},
		{"nor is a counter taken for done", accepting, "PATCH", `{"n":5}`, "", "stale", ""},
		{"a caller who wants to be told", counting, "PATCH", `{"body":"mine"}`, "conflict=reject", "stale", "merge"},
		{"where the policy does not allow it", refusing, "PATCH", `{"body":"mine"}`, "conflict=merge", "stale", "retry"},
		{"where it is allowed and nobody asks", allowed, "PATCH", `{"body":"mine"}`, "", "stale", "merge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: tt.rules}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				a.must(201, "PUT", path, `{"n":1,"log":["a"],"body":"x","title":"A"}`)
				a.must(200, "PATCH", path, `{"n":5,"log":["a","b"],"title":"B"}`, "If-Match", `"1"`)
				before := a.dump()
				p := a.isProblem(a.do(tt.method, path, tt.body, "If-Match", `"1"`, "Prefer", tt.prefer), 412, tt.code, tt.method, path)
				if p.Advice != tt.advice && tt.advice != "" {
					t.Errorf("the advice is %q, want %q", p.Advice, tt.advice)
				}
				if a.dump() != before {
					t.Error("something was written")
				}
			})
		})
	}
}

// TestMergeHoldsTests: a test of a JSON Patch holds of what is stored too.
func TestMergeHoldsTests(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		disputed   string
	}{
		{"it still holds", `[{"op":"test","path":"/other","value":1},{"op":"replace","path":"/title","value":"T"}]`, 200, ""},
		{"the other side changed what it is about", `[{"op":"test","path":"/status","value":"open"},{"op":"replace","path":"/title","value":"T"}]`, 412, "/status"},
		{"the patch itself changes it later", `[{"op":"test","path":"/title","value":"A"},{"op":"replace","path":"/title","value":"T"}]`, 200, ""},
		{"it never held", `[{"op":"test","path":"/title","value":"Z"},{"op":"replace","path":"/title","value":"T"}]`, 409, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: merging(t, merge.Rules{})}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				a.must(201, "PUT", path, `{"title":"A","status":"open","other":1}`)
				a.must(200, "PATCH", path, `{"status":"closed"}`, "If-Match", `"1"`)
				got := a.must(tt.status, "PATCH", path, tt.body, "Content-Type", jsonPatch, "If-Match", `"1"`)
				if tt.disputed == "" {
					return
				}
				if p := a.problem(got); len(p.Conflicts) != 1 || p.Conflicts[0].Path != tt.disputed || p.Conflicts[0].Rule != "test" {
					t.Errorf("in dispute are %+v", p.Conflicts)
				}
			})
		})
	}
}

// TestMergeKeepsToTheSchema: a merge of two valid documents that is not valid is
// a dispute which quotes the faults; what was not valid when it was sent is
// refused for that.
func TestMergeKeepsToTheSchema(t *testing.T) {
	rules := merging(t, merge.Rules{})
	rules.Validate = func(v jsonvalue.Value) []engine.Fault {
		if order, ok := jsonvalue.CompareNumbers(v.Lookup("min"), v.Lookup("max")); ok && order > 0 {
			return []engine.Fault{{Pointer: "/min", Detail: "must not be above max"}}
		}
		return nil
	}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"min":1,"max":9}`)
		a.must(200, "PATCH", path, `{"max":3}`, "If-Match", `"1"`)
		before := a.dump()
		p := a.isProblem(a.do("PATCH", path, `{"min":5}`, "If-Match", `"1"`), 412, "merge-conflict", "PATCH", path)
		if len(p.Conflicts) != 1 || p.Conflicts[0].Path != "/min" || p.Conflicts[0].Rule != "schema" || len(p.Faults) != 1 || *p.Mergeable {
			t.Errorf("in dispute are %+v, faults %+v", p.Conflicts, p.Faults)
		}
		a.isProblem(a.do("PATCH", path, `{"min":10}`, "If-Match", `"1"`), 422, "invalid", "PATCH", path)
		if a.dump() != before {
			t.Error("something was written")
		}
	})
}

// TestMergeByAuthority: whose change stands is for the roles of the two writers
// to say, as the history knows them.
func TestMergeByAuthority(t *testing.T) {
	rules := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/title", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor"}}}}})
	for _, tt := range []struct{ first, second, want string }{
		{"admin", "editor", `{"title":"first","n":2}`},
		{"editor", "admin", `{"title":"second","n":2}`},
	} {
		t.Run(tt.first, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules, actor: writerRole}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				a.must(201, "PUT", path, `{"title":"A","n":1}`, "X-Role", "bot")
				a.must(200, "PATCH", path, `{"title":"first"}`, "If-Match", `"1"`, "X-Role", tt.first)
				a.must(200, "PATCH", path, `{"n":2}`, "If-Match", `"2"`, "X-Role", "bot")
				a.must(200, "PATCH", path, `{"title":"second"}`, "If-Match", `"1"`, "X-Role", tt.second)
				if is := a.must(200, "GET", path, "").body; is != tt.want {
					t.Errorf("stored is %s, want %s", is, tt.want)
				}
			})
		})
	}
}

// TestMergeDryRun shows what a merge would give, under the tag that is there.
func TestMergeDryRun(t *testing.T) {
	onEveryStore(t, setup{rules: merging(t, merge.Rules{})}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"a":1,"b":1}`)
		a.must(200, "PATCH", path, `{"a":2}`, "If-Match", `"1"`)
		before := a.dump()
		got := a.must(200, "PATCH", path+"?dryRun=true", `{"b":2}`, "If-Match", `"1"`)
		if got.body != `{"a":2,"b":2}` || got.header.Get("Ifmatch-ETag") != `"2"` || got.header.Get("ETag") != "" || a.dump() != before {
			t.Errorf("shows %s under %q, or something was written", got.body, got.header)
		}
	})
}

// TestMergeVersionInBody: the version in the content names the base.
func TestMergeVersionInBody(t *testing.T) {
	rules := merging(t, merge.Rules{})
	var err error
	if rules.Members, err = engine.NewMembers(ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "version"}, engine.Added{}); err != nil {
		t.Fatal(err)
	}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"a":1,"b":1}`)
		a.must(200, "PUT", path, `{"version":1,"a":2,"b":1}`)
		got := a.must(200, "PUT", path, `{"version":1,"a":1,"b":2}`)
		if got.body != `{"a":2,"b":2,"version":3}` {
			t.Errorf("the answer shows %s", got.body)
		}
	})
}

// TestWritersOfTheirOwnFields: with merging, writers who each own a field never
// see a conflict, and no write is lost.
func TestWritersOfTheirOwnFields(t *testing.T) {
	const writers, writes = 8, 25
	onEveryStore(t, setup{rules: merging(t, merge.Rules{})}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"start":true}`)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				tag := `"1"`
				for n := range writes {
					got, err := a.send("PATCH", path, fmt.Sprintf(`{"w%d":%d}`, w, n), "If-Match", tag)
					if err != nil || got.status != 200 {
						t.Errorf("writer %d: %d %s, %v", w, got.status, got.body, err)
						return
					}
					tag = cmp.Or(got.header.Get("Ifmatch-ETag"), got.header.Get("ETag"))
				}
			})
		}
		all.Wait()
		doc := a.must(200, "GET", path, "")
		v, err := jsonvalue.Parse([]byte(doc.body), jsonvalue.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for w := range writers {
			if is := v.Lookup(fmt.Sprintf("w%d", w)).Text(); is != fmt.Sprint(writes-1) {
				t.Errorf("writer %d's last write is %q", w, is)
			}
		}
		if want := fmt.Sprintf(`"%d"`, 1+writers*writes); doc.header.Get("ETag") != want {
			t.Errorf("the version is %s, want %s", doc.header.Get("ETag"), want)
		}
	})
}
