package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// observing has the writers observed who ask for nothing.
var observing = Rules{Contract: ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionObserve, Patch: ifmatch.PreconditionObserve, Delete: ifmatch.PreconditionObserve,
}}}

// seen is an intent whose sender was shown a version.
func (r *rig) seen(op Op, body string, version int64) *Intent {
	in := r.intent(op, body, "Writer", "ann")
	in.Seen = Seen{Version: version}
	return in
}

// TestObservedAtTheCommit forces a write to lose its race: what counts is the state that
// its commit has overwritten, and the row of the log says the same as the outcome.
func TestObservedAtTheCommit(t *testing.T) {
	for name, tt := range map[string]struct {
		op    Op
		body  string
		rival string
		want  Overwriting
	}{
		"a PUT":                      {OpPut, `{"a":3}`, `{"a":2}`, OverwroteLost},
		"a deletion":                 {OpDelete, "", `{"a":2}`, OverwroteLost},
		"a patch of the same":        {OpMergePatch, `{"a":3}`, `{"a":2}`, OverwroteLost},
		"a patch of something else":  {OpMergePatch, `{"b":3}`, `{"a":2}`, OverwroteDisjoint},
		"a JSON Patch":               {OpJSONPatch, `[{"op":"add","path":"/a","value":3}]`, `{"a":2}`, OverwroteLost},
		"what the rival wrote, too":  {OpPut, `{"a":2}`, `{"a":2}`, OverwroteUnchanged},
		"a patch that says the same": {OpMergePatch, `{"a":2,"b":1}`, `{"a":2}`, OverwroteDisjoint},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, observing, Config{})
			r.must(OpPut, `{"a":1}`)
			r.loseOnce(func() { r.byRival(OpPut, tt.rival, "bob") })
			out, refusal := r.do(r.seen(tt.op, tt.body, 1))
			if refusal != nil || out.Rounds != 2 || out.Observed == nil {
				t.Fatalf("%+v, %v", out, refusal)
			}
			if got, want := *out.Observed, (Observation{Overwriting: tt.want, Read: 1, Overwrote: 2}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			rows := r.log()
			if got := observedIn(rows[len(rows)-1].Decisions); tt.want != OverwroteUnchanged && (got.Unconditional != tt.want || got.Read != 1) {
				t.Errorf("the log has %+v", got)
			}
			r.verified()
		})
	}
}

// TestObservingNeverRefuses: a write goes on when what was read cannot be looked up.
func TestObservingNeverRefuses(t *testing.T) {
	for name, fail := range map[string]error{"storage fails": errors.New("disk"), "it is not kept": store.ErrNoEntry, "the client is gone": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, observing, Config{})
			r.must(OpPut, `{"a":1}`)
			r.must(OpPut, `{"a":2}`)
			r.store.entry = func(int64, func() (*store.Entry, error)) (*store.Entry, error) { return nil, fail }
			out, refusal := r.do(r.seen(OpMergePatch, `{"a":3}`, 1))
			if refusal != nil || out.Observed == nil || out.Observed.Overwriting != OverwroteUnread {
				t.Errorf("%+v, %v", out, refusal)
			}
			r.holds(3, `{"a":3}`)
		})
	}
}

// TestObservedLives: what was read of an earlier life of the document tells nothing of
// this one, to a patch.
func TestObservedLives(t *testing.T) {
	r := newRig(t, observing, Config{})
	r.must(OpPut, `{"a":1}`)
	r.must(OpDelete, "")
	r.must(OpPut, `{"a":1}`)
	if out, _ := r.do(r.seen(OpMergePatch, `{"a":3}`, 1)); out == nil || out.Observed.Overwriting != OverwroteUnread {
		t.Errorf("a patch: %+v", out)
	}
	if out, _ := r.do(r.seen(OpPut, `{"a":4}`, 1)); out == nil || out.Observed.Overwriting != OverwroteLost {
		t.Errorf("a PUT: %+v", out)
	}
}

// FuzzObserved checks that no row of the log is taken for an observation that is none.
func FuzzObserved(f *testing.F) {
	for _, text := range []string{"", `[{"unconditional":"lost","read":5}]`, `[{"unconditional":"lost"},{"path":"/a"}]`, `[{"unconditional":"`, `[{"conflict":"x"}]`, `[{"path":"/a","winner":"mine","rule":"mine"}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, decisions []byte) {
		n := observedIn(decisions)
		if n != (observedNote{}) && (!strings.HasPrefix(string(decisions), observedPrefix) || !json.Valid(decisions)) {
			t.Errorf("%q is %+v", decisions, n)
		}
		if conflictOf(decisions) != "" && n != (observedNote{}) {
			t.Errorf("%q is both", decisions)
		}
	})
}
