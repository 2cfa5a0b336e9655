package engine

import (
	"slices"
	"testing"
	"time"
)

func TestStrategies(t *testing.T) {
	all := []Strategy{StrategyReject, StrategyOverwrite}
	tests := []struct {
		name    string
		onStale Strategy
		allow   []Strategy
		wish    Strategy
		applies Strategy
		granted bool
		may     []Strategy
	}{
		{"nothing said", "", nil, "", StrategyReject, false, all[:1]},
		{"a wish that is not allowed", "", nil, StrategyOverwrite, StrategyReject, false, all[:1]},
		{"a wish that is allowed", "", all, StrategyOverwrite, StrategyOverwrite, true, all},
		{"a wish that nobody knows", "", all, "merge-it-all", StrategyReject, false, all},
		{"the default", StrategyOverwrite, nil, "", StrategyOverwrite, false, all},
		{"the default by name", StrategyOverwrite, nil, StrategyOverwrite, StrategyOverwrite, true, all},
		{"a strategy named twice", StrategyOverwrite, []Strategy{StrategyOverwrite, StrategyReject, StrategyOverwrite}, "", StrategyOverwrite, false, all},
		{"reject can always be had", StrategyOverwrite, nil, StrategyReject, StrategyReject, true, all},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := Rules{OnStale: tt.onStale, Allow: tt.allow}
			if s, granted := rules.strategy(tt.wish); s != tt.applies || granted != tt.granted {
				t.Errorf("%s, the caller's wish: %t; want %s, %t", s, granted, tt.applies, tt.granted)
			}
			if may := slices.Collect(rules.Strategies()); !slices.Equal(may, tt.may) {
				t.Errorf("may ask for %s, want %s", may, tt.may)
			}
			if n := testing.AllocsPerRun(100, func() { rules.strategy(tt.wish) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestOverwrite(t *testing.T) {
	tests := []struct {
		name   string
		op     Op
		body   string
		result Result
		stored string
		base   int64
	}{
		{"a document replaces what is there", OpPut, `{"a":9}`, Overwritten, `{"a":9}`, 1},
		{"a patch is applied to what is there", OpMergePatch, `{"a":9}`, Overwritten, `{"a":9,"b":2}`, 1},
		{"a JSON Patch is too", OpJSONPatch, `[{"op":"remove","path":"/b"}]`, Overwritten, `{"a":1}`, 1},
		{"a deletion", OpDelete, "", Overwritten, "", 1},
		{"what is there already", OpPut, `{"a":1,"b":2}`, Unchanged, `{"a":1,"b":2}`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{Allow: []Strategy{StrategyOverwrite}}, Config{})
			r.must(OpPut, `{"a":1}`)
			r.byRival(OpMergePatch, `{"b":2}`, "rival")
			out := r.must(tt.op, tt.body, "If-Match", `"1"`, "Prefer", "overwrite")
			if out.Result != tt.result || out.Granted != StrategyOverwrite {
				t.Errorf("%s, granted %q", out.Result, out.Granted)
			}
			version := int64(3)
			if tt.result == Unchanged {
				version = 2
			} else if row := r.log()[2]; row.Outcome != string(Overwritten) || row.Base != tt.base {
				t.Errorf("logged as %s on base %d", row.Outcome, row.Base)
			}
			r.holds(version, tt.stored)
			r.verified()
		})
	}
	t.Run("only of a state that was read", func(t *testing.T) {
		r := newRig(t, Rules{Allow: []Strategy{StrategyOverwrite}}, Config{})
		r.must(OpPut, `{"a":1}`)
		r.refused(ReasonStale, r.intent(OpPut, `{"a":9}`, "If-Match", `"77"`, "Prefer", "overwrite"))
		r.refused(ReasonRequired, r.intent(OpPut, `{"a":9}`, "Prefer", "overwrite"))
	})
}

// TestDry checks that a dry run answers as the write would, and leaves nothing.
func TestDry(t *testing.T) {
	tests := []struct {
		name    string
		before  string
		op      Op
		body    string
		headers []string
		result  Result
		reason  Reason
		version int64
		would   string
	}{
		{"a creation", "", OpPut, `{"a":1}`, nil, Created, "", 1, `{"a":1}`},
		{"a replacement", `{"a":1}`, OpPut, `{"a":2}`, []string{"If-Match", `"1"`}, Replaced, "", 2, `{"a":2}`},
		{"a patch", `{"a":1}`, OpMergePatch, `{"b":2}`, []string{"If-Match", `"1"`}, Patched, "", 2, `{"a":1,"b":2}`},
		{"a deletion", `{"a":1}`, OpDelete, "", []string{"If-Match", `"1"`}, Deleted, "", 2, ""},
		{"no change", `{"a":1}`, OpPut, `{"a":1}`, []string{"If-Match", `"1"`}, Unchanged, "", 1, `{"a":1}`},
		{"no precondition", `{"a":1}`, OpPut, `{"a":2}`, nil, "", ReasonRequired, 0, ""},
		{"a stale tag", `{"a":1}`, OpPut, `{"a":2}`, []string{"If-Match", `"9"`}, "", ReasonStale, 0, ""},
		{"nothing there", "", OpMergePatch, `{"a":2}`, nil, "", ReasonNotFound, 0, ""},
		{"content that is not valid", `{"a":1}`, OpPut, `[]`, []string{"If-Match", `"1"`}, "", ReasonInvalid, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			if tt.before != "" {
				r.must(OpPut, tt.before)
			}
			in := r.intent(tt.op, tt.body, tt.headers...)
			in.Dry = true
			before := r.dump()
			out, refusal := r.do(in)
			if r.dump() != before {
				t.Errorf("a dry run left something behind: %s", r.dump())
			}
			if tt.reason != "" {
				if refusal == nil || refusal.Reason != tt.reason {
					t.Errorf("got %+v, %v", out, refusal)
				}
				return
			}
			if refusal != nil || out.Result != tt.result || out.Document.Version != tt.version || string(out.Document.Body) != tt.would {
				t.Fatalf("got %+v, %v", out, refusal)
			}
			if out.Before.Exists() != (tt.before != "") || out.Before.Version > 1 {
				t.Errorf("found version %d, exists: %t", out.Before.Version, out.Before.Exists())
			}
			wrote := r.must(tt.op, tt.body, tt.headers...)
			if wrote.Result != out.Result || wrote.Document.Version != out.Document.Version || string(wrote.Document.Body) != string(out.Document.Body) {
				t.Errorf("the dry run said %s at %d, the real one %s at %d", out.Result, out.Document.Version, wrote.Result, wrote.Document.Version)
			}
		})
	}
	t.Run("a lost race goes round", func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"a":1}`)
		r.loseOnce(func() { r.byRival(OpMergePatch, `{"b":2}`, "rival") })
		in := r.intent(OpMergePatch, `{"c":3}`)
		in.Dry = true
		out, refusal := r.do(in)
		if refusal != nil || out.Rounds != 2 || string(out.Document.Body) != `{"a":1,"b":2,"c":3}` {
			t.Errorf("got %+v, %v", out, refusal)
		}
		r.holds(2, `{"a":1,"b":2}`)
	})
}

// TestAppliedUnderDate checks the one other precondition that may find its
// result there already.
func TestAppliedUnderDate(t *testing.T) {
	now := noon
	r := newRig(t, Rules{}, Config{Now: func() time.Time { return now }})
	r.rules.Contract.AcceptApplied = true
	r.must(OpPut, `{"n":5}`)
	now = noon.Add(time.Minute)
	r.must(OpPut, `{"n":6}`, "If-Match", "*")
	date := noon.Format("Mon, 02 Jan 2006 15:04:05 GMT")
	if out := r.must(OpPut, `{"n":6}`, "If-Unmodified-Since", date); out.Result != Unchanged {
		t.Errorf("%s, want unchanged", out.Result)
	}
	r.refused(ReasonStale, r.intent(OpPut, `{"n":7}`, "If-Unmodified-Since", date))
	r.refused(ReasonStale, r.intent(OpMergePatch, `{"n":6}`, "If-Unmodified-Since", date))
	r.refused(ReasonStale, r.intent(OpDelete, "", "If-Unmodified-Since", date))
	r.rules.Contract.AcceptApplied = false
	r.refused(ReasonStale, r.intent(OpPut, `{"n":6}`, "If-Unmodified-Since", date))
}
