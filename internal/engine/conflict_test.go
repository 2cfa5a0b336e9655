package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// summary is a conflict's changes, one line each.
func (c *Conflict) summary() string {
	var b strings.Builder
	for _, ch := range c.Changes {
		fmt.Fprintf(&b, "%s %s %s→%s v%d %s\n", ch.Op, ch.Path, ch.From.Append(nil), ch.To.Append(nil), ch.Version, ch.By)
	}
	return strings.TrimSpace(b.String())
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name   string
		writes []string // versions 2, 3, …, by writers b, c, …
		want   string
	}{
		{"one change", []string{`{"a":2,"b":{"x":1}}`}, "replace /a 1→2 v2 b"},
		{"each by its own writer", []string{`{"a":2,"b":{"x":1}}`, `{"a":2,"b":{"x":3}}`}, "replace /a 1→2 v2 b\nreplace /b/x 1→3 v3 c"},
		{"the latest of several", []string{`{"a":2,"b":{"x":1}}`, `{"a":3,"b":{"x":1}}`}, "replace /a 1→3 v3 c"},
		{"there and back is no change", []string{`{"a":2,"b":{"x":1}}`, `{"a":1,"b":{"x":1}}`}, ""},
		{"there, back, and there again", []string{`{"a":2,"b":{"x":1}}`, `{"a":1,"b":{"x":1}}`, `{"a":2,"b":{"x":1}}`}, "replace /a 1→2 v4 d"},
		{"a member that came", []string{`{"a":1,"b":{"x":1},"c":null}`}, "add /c →null v2 b"},
		{"a member that went", []string{`{"b":{"x":1}}`}, "remove /a 1→ v2 b"},
		{"below what another replaced", []string{`{"a":1,"b":7}`, `{"a":1,"b":{"x":2}}`}, "replace /b/x 1→2 v3 c"},
		{"what another changed below", []string{`{"a":1,"b":{"x":2}}`, `{"a":1,"b":7}`}, `replace /b {"x":1}→7 v3 c`},
		{"a member that was changed and went", []string{`{"a":5,"b":{"x":1}}`, `{"b":{"x":1}}`}, "remove /a 1→ v3 c"},
		{"a name that wants escaping", []string{`{"a":1,"b":{"x":1,"y/~":0}}`}, "add /b/y~1~0 →0 v2 b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"a":1,"b":{"x":1}}`, "Writer", "a")
			writer := ""
			for i, body := range tt.writes {
				writer = string(rune('b' + i))
				r.byRival(OpPut, body, writer)
			}
			refusal := r.refused(ReasonStale, r.intent(OpMergePatch, `{"z":1}`, "If-Match", `"1"`))
			c := refusal.Conflict
			if got := c.summary(); got != tt.want {
				t.Errorf("changes:\n%s\nwant:\n%s", got, tt.want)
			}
			if c.ChangedBy != writer || c.Base.Version != 1 || refusal.Current.Version != int64(len(tt.writes))+1 || refusal.By != ifmatch.FieldIfMatch {
				t.Errorf("changed by %s from %d to %d, decided by %s", c.ChangedBy, c.Base.Version, refusal.Current.Version, refusal.By)
			}
		})
	}
}

// TestExplainFarBack checks that a conflict is traced through a bounded number
// of versions, that it says what it can beyond, and that no more is loaded than
// that takes. Every version changes /n, the first one /a too.
func TestExplainFarBack(t *testing.T) {
	for _, tt := range []struct {
		behind int
		a      int // what the first version after the base makes of /a
		want   string
		loaded int // versions, the base included
	}{
		{1, 1, "replace /n 0→1 v2 w1\nreplace /a 0→1 v2 w1", 1},
		{maxAttributed, 0, "replace /n 0→32 v33 w32", 2},
		{maxAttributed, 1, "replace /n 0→32 v33 w32\nreplace /a 0→1 v2 w1", maxAttributed},
		{maxAttributed + 1, 1, "replace /n 0→33 v0 \nreplace /a 0→1 v0", 1},
	} {
		t.Run(fmt.Sprintf("%d back, a is %d", tt.behind, tt.a), func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"n":0,"a":0}`)
			for i := range tt.behind {
				r.byRival(OpPut, fmt.Sprintf(`{"n":%d,"a":%d}`, i+1, tt.a), fmt.Sprintf("w%d", i+1))
			}
			loaded, ranges := 0, 0
			r.store.entry = func(_ int64, next func() (*store.Entry, error)) (*store.Entry, error) {
				loaded++
				return next()
			}
			r.store.history = func() error { ranges++; return nil }
			c := r.refused(ReasonStale, r.intent(OpPut, `{"n":-1}`, "If-Match", `"1"`)).Conflict
			if got := c.summary(); got != tt.want || c.ChangedBy != fmt.Sprintf("w%d", tt.behind) {
				t.Errorf("changes %q by %s, want %q", got, c.ChangedBy, tt.want)
			}
			if loaded != tt.loaded || ranges != 1 {
				t.Errorf("%d versions were loaded and %d ranges, want %d and one", loaded, ranges, tt.loaded)
			}
		})
	}
}

// TestExplainAcrossVersionsNotKept checks that what a missing version did is put
// down to the next one that is known.
func TestExplainAcrossVersionsNotKept(t *testing.T) {
	tests := []struct {
		name    string
		missing map[int64]bool
		want    string
		by      string
	}{
		{"one between", map[int64]bool{2: true}, "replace /a 1→2 v3 c\nreplace /b 1→2 v3 c\nadd /c →1 v4 d", "d"},
		{"the current one, which is at hand", map[int64]bool{4: true}, "replace /a 1→2 v2 b\nreplace /b 1→2 v3 c\nadd /c →1 v4 d", "d"},
		{"all between", map[int64]bool{2: true, 3: true}, "replace /a 1→2 v4 d\nreplace /b 1→2 v4 d\nadd /c →1 v4 d", "d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"a":1,"b":1}`)
			r.byRival(OpMergePatch, `{"a":2}`, "b")
			r.byRival(OpMergePatch, `{"b":2}`, "c")
			r.byRival(OpMergePatch, `{"c":1}`, "d")
			r.store.entry = func(version int64, next func() (*store.Entry, error)) (*store.Entry, error) {
				if tt.missing[version] {
					return nil, store.ErrNoEntry
				}
				return next()
			}
			c := r.refused(ReasonStale, r.intent(OpPut, `{}`, "If-Match", `"1"`)).Conflict
			if got := c.summary(); got != tt.want || c.ChangedBy != tt.by {
				t.Errorf("changed by %s:\n%s\nwant by %s:\n%s", c.ChangedBy, got, tt.by, tt.want)
			}
		})
	}
	t.Run("the base itself", func(t *testing.T) {
		r := newRig(t, Rules{}, Config{})
		r.must(OpPut, `{"a":1}`)
		r.byRival(OpMergePatch, `{"a":2}`, "b")
		r.store.entry = func(int64, func() (*store.Entry, error)) (*store.Entry, error) { return nil, store.ErrNoEntry }
		if refusal := r.refused(ReasonStale, r.intent(OpPut, `{}`, "If-Match", `"1"`)); refusal.Conflict != nil {
			t.Errorf("explained without a base: %+v", refusal.Conflict)
		}
	})
	broken := errors.New("disk")
	for name, fail := range map[string]func(*hooked){
		"the base": func(h *hooked) {
			h.entry = func(int64, func() (*store.Entry, error)) (*store.Entry, error) { return nil, broken }
		},
		"a version": func(h *hooked) {
			h.entry = func(version int64, next func() (*store.Entry, error)) (*store.Entry, error) {
				if version == 2 {
					return nil, broken
				}
				return next()
			}
		},
		"the range": func(h *hooked) { h.history = func() error { return broken } },
	} {
		t.Run("a store that fails at "+name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"a":1}`)
			r.byRival(OpMergePatch, `{"a":2}`, "b")
			r.byRival(OpMergePatch, `{"b":1}`, "c")
			fail(r.store)
			if refusal := r.refused(ReasonInternal, r.intent(OpPut, `{}`, "If-Match", `"1"`)); !errors.Is(refusal, broken) {
				t.Errorf("got %v", refusal)
			}
		})
	}
}

// TestManyChangesAreCredited is in the shape that would never end if every change
// were compared with every step.
func TestManyChangesAreCredited(t *testing.T) {
	const members = 20000
	r := newRig(t, Rules{}, Config{})
	doc := func(n int) string {
		var b strings.Builder
		for i := range members {
			fmt.Fprintf(&b, `,"m%d":%d`, i, n)
		}
		return "{" + b.String()[1:] + "}"
	}
	r.must(OpPut, doc(0))
	r.byRival(OpPut, doc(1), "b")
	c := r.refused(ReasonStale, r.intent(OpMergePatch, `{}`, "If-Match", `"1"`)).Conflict
	if len(c.Changes) != members {
		t.Fatalf("%d changes", len(c.Changes))
	}
	for _, ch := range c.Changes {
		if ch.Version != 2 || ch.By != "b" {
			t.Fatalf("%s is credited to version %d by %q", ch.Path, ch.Version, ch.By)
		}
	}
}

func TestAlreadyApplied(t *testing.T) {
	tests := []struct {
		name  string
		op    Op
		body  string
		there string // what the rival stored on {"n":5,"k":1}
		want  bool
	}{
		{"the same document", OpPut, `{"n":6,"k":1}`, `{"n":6,"k":1}`, true},
		{"in another order", OpPut, `{"k":1,"n":6}`, `{"n":6,"k":1}`, true},
		{"in another spelling", OpPut, `{"n":6.0,"k":1}`, `{"n":6,"k":1}`, false},
		{"another document", OpPut, `{"n":7,"k":1}`, `{"n":6,"k":1}`, false},
		{"a patch of the base gives it", OpMergePatch, `{"n":6}`, `{"n":6,"k":1}`, true},
		{"a patch of the current one would, of the base not", OpMergePatch, `{"n":6}`, `{"n":6,"k":2}`, false},
		{"a JSON Patch", OpJSONPatch, `[{"op":"test","path":"/n","value":5},{"op":"replace","path":"/n","value":6}]`, `{"n":6,"k":1}`, true},
		{"a JSON Patch that does not apply", OpJSONPatch, `[{"op":"remove","path":"/zz"}]`, `{"n":6,"k":1}`, false},
		{"content that cannot be read", OpPut, `{"n":`, `{"n":6,"k":1}`, false},
		{"content that is no document", OpPut, `[]`, `{"n":6,"k":1}`, false},
		{"a deletion", OpDelete, "", `{"n":6,"k":1}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"n":5,"k":1}`)
			r.byRival(OpPut, tt.there, "rival")
			refusal := r.refused(ReasonStale, r.intent(tt.op, tt.body, "If-Match", `"1"`))
			if got := refusal.Conflict.AlreadyApplied; got != tt.want {
				t.Errorf("already applied: %t, want %t", got, tt.want)
			}
			r.rules.Contract.AcceptApplied = true
			before := r.dump()
			out, refusal := r.do(r.intent(tt.op, tt.body, "If-Match", `"1"`))
			if accepted := refusal == nil; accepted != tt.want || accepted && (out.Result != Unchanged || out.Document.Version != 2) {
				t.Errorf("under already_applied: accept: %+v, %v", out, refusal)
			}
			if r.dump() != before {
				t.Error("something was written")
			}
		})
	}
}
