package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
)

// loseOnce lets a rival write between the first commit's evaluation and its
// compare-and-swap.
func (r *rig) loseOnce(rival func()) {
	var once sync.Once
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		once.Do(rival)
		return next()
	})
}

// TestLostRaceIsEvaluatedAnew checks that only an evaluation on the state that
// won may answer.
func TestLostRaceIsEvaluatedAnew(t *testing.T) {
	type write struct {
		op   Op
		body string
	}
	tests := []struct {
		name    string
		before  string // "" for no document
		rival   write
		op      Op
		body    string
		headers []string
		result  Result // "" for a refusal
		reason  Reason
		version int64
		stored  string
	}{
		{"a patch is applied to what won", `{"a":1}`, write{OpMergePatch, `{"b":2}`}, OpMergePatch, `{"c":3}`, nil,
			Patched, "", 3, `{"a":1,"b":2,"c":3}`},
		{"a JSON Patch is tested on what won", `{"a":1}`, write{OpMergePatch, `{"a":2}`}, OpJSONPatch,
			`[{"op":"test","path":"/a","value":1},{"op":"replace","path":"/a","value":9}]`, nil, "", ReasonPatchTestFailed, 2, `{"a":2}`},
		{"a tag is compared with what won", `{"a":1}`, write{OpPut, `{"a":2}`}, OpPut, `{"a":3}`, []string{"If-Match", `"1"`},
			"", ReasonStale, 2, `{"a":2}`},
		{"a star holds for what won", `{"a":1}`, write{OpPut, `{"a":2}`}, OpPut, `{"a":3}`, []string{"If-Match", `*`},
			Replaced, "", 3, `{"a":3}`},
		{"two creations make one document", "", write{OpPut, `{"a":2}`}, OpPut, `{"a":3}`, []string{"If-None-Match", `*`},
			"", ReasonExists, 1, `{"a":2}`},
		{"a creation becomes a replacement", "", write{OpPut, `{"a":2}`}, OpPut, `{"a":3}`, nil, Replaced, "", 2, `{"a":3}`},
		{"a deletion leaves nothing to patch", `{"a":1}`, write{OpDelete, ""}, OpMergePatch, `{"a":3}`, nil, "", ReasonNotFound, 2, ""},
		{"a deletion makes a replacement a creation", `{"a":1}`, write{OpDelete, ""}, OpPut, `{"a":3}`, nil, Created, "", 3, `{"a":3}`},
		{"what won may be what was wanted", `{"a":1}`, write{OpPut, `{"a":3}`}, OpPut, `{"a":3}`, nil, Unchanged, "", 2, `{"a":3}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, optional, Config{})
			if tt.before != "" {
				r.must(OpPut, tt.before)
			}
			r.loseOnce(func() { r.byRival(tt.rival.op, tt.rival.body, "rival") })
			out, refusal := r.do(r.intent(tt.op, tt.body, tt.headers...))
			switch {
			case refusal != nil && refusal.Reason != tt.reason:
				t.Errorf("refused: %v, want %q", refusal, tt.reason)
			case refusal != nil && refusal.Current.Version != tt.version:
				t.Errorf("refused on version %d, want %d", refusal.Current.Version, tt.version)
			case refusal == nil && (out.Result != tt.result || out.Rounds != 2 || out.Document.Version != tt.version):
				t.Errorf("%s at version %d after %d rounds, want %q at %d after 2", out.Result, out.Document.Version, out.Rounds, tt.result, tt.version)
			}
			r.holds(tt.version, tt.stored)
			r.verified()
			r.noQueues()
		})
	}
}

// TestStaleHeadsAnswerNothing checks that what a store says about a lost race is
// never taken for the state.
func TestStaleHeadsAnswerNothing(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"a":1}`)
	lied := false
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if !lied {
			lied = true
			return store.Receipt{}, &store.StaleError{Heads: []store.Head{{Ref: ref, Rev: 99, Version: 99}}}
		}
		return next()
	})
	out := r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
	if out.Rounds != 2 || out.Document.Version != 2 {
		t.Errorf("version %d after %d rounds, want version 2 after 2", out.Document.Version, out.Rounds)
	}
}

func TestRoundsAreBounded(t *testing.T) {
	for _, bound := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(bound), func(t *testing.T) {
			r := newRig(t, optional, Config{MaxRounds: bound})
			r.must(OpPut, `{"n":0}`)
			commits := 0
			r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
				commits++
				r.byRival(OpPut, fmt.Sprintf(`{"n":%d}`, commits), "rival")
				return next()
			})
			_, refusal := r.do(r.intent(OpMergePatch, `{"mine":true}`, "Writer", "loser"))
			if refusal == nil || refusal.Reason != ReasonContended || refusal.RetryAfter <= 0 {
				t.Fatalf("got %+v, want contended and when to try again", refusal)
			}
			if commits != bound {
				t.Errorf("%d commits, want %d", commits, bound)
			}
			r.holds(int64(bound)+1, fmt.Sprintf(`{"n":%d}`, bound))
			for _, row := range r.log() {
				if row.Actor.Name == "loser" {
					t.Errorf("the loser has written version %d", row.Version)
				}
			}
			r.verified()
			r.noQueues()
		})
	}
}

// TestEveryAttemptIsACommitOfItsOwn checks that a new round never runs under the
// id of a commit that was judged before.
func TestEveryAttemptIsACommitOfItsOwn(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	seen := make(map[store.ID]bool)
	r.store.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if seen[c.ID] {
			t.Error("two rounds share a commit id")
		}
		seen[c.ID] = true
		if len(seen) < 4 {
			r.byRival(OpPut, fmt.Sprintf(`{"n":%d}`, len(seen)), "rival")
		}
		return next()
	})
	if out := r.must(OpMergePatch, `{"mine":true}`); out.Rounds != 4 {
		t.Errorf("%d rounds, want 4", out.Rounds)
	}
	r.holds(5, `{"n":3,"mine":true}`)
}

// TestPatchesOfOneDocumentLoseNothing is the promise of the optional contract:
// an unconditional patch is applied to the state at commit. Every version must
// differ from the one before by exactly the next patch of one writer.
func TestPatchesOfOneDocumentLoseNothing(t *testing.T) {
	const writers, each = 64, 50
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"title":"kept"}`)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				in := r.intent(OpMergePatch, fmt.Sprintf(`{"w%d":%d}`, w, i+1))
				if _, err := r.engine.Do(t.Context(), in); err != nil {
					t.Errorf("writer %d, patch %d: %v", w, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	applied := make(map[string]int) // member → the newest patch of its writer
	for _, row := range r.log()[1:] {
		value, err := r.engine.parseStored(row.Body)
		if err != nil {
			t.Fatal(err)
		}
		moved := 0
		for _, m := range value.Members()[1:] {
			switch m.Value.Text() {
			case fmt.Sprint(applied[m.Name]):
			case fmt.Sprint(applied[m.Name] + 1):
				applied[m.Name]++
				moved++
			default:
				t.Fatalf("version %d: %s went from %d to %s", row.Version, m.Name, applied[m.Name], m.Value.Text())
			}
		}
		if moved != 1 || value.Len() != len(applied)+1 || value.Lookup("title").Text() != "kept" {
			t.Fatalf("version %d is not version %d with one patch: %s", row.Version, row.Version-1, row.Body)
		}
	}
	if version := r.current().Version; version != 1+writers*each {
		t.Errorf("version %d after %d patches", version, writers*each)
	}
	r.verified()
	r.noQueues()
}

// TestOneOfManyWithOneTagWins checks that checking and writing are one step.
func TestOneOfManyWithOneTagWins(t *testing.T) {
	const writers, rounds = 32, 20
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"n":0}`)
	for round := range rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for w := range writers {
			wg.Go(func() {
				in := r.intent(OpPut, fmt.Sprintf(`{"n":%d,"by":%d}`, round+1, w), "If-Match", fmt.Sprintf(`"%d"`, round+1))
				out, refusal := r.do(in)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case refusal == nil:
					won++
					if out.Document.Version != int64(round)+2 {
						t.Errorf("made version %d, want %d", out.Document.Version, round+2)
					}
				case refusal.Reason != ReasonStale:
					t.Errorf("a loser was told %v", refusal)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("round %d: %d writers won", round, won)
		}
	}
	r.verified()
	r.noQueues()
}
