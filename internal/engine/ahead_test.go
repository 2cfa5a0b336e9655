package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/merge"
)

// ordered is a store that takes commits in order and carries none out before it
// is told to: what a test releases is one flush.
type ordered struct {
	*memory.Store
	mu      sync.Mutex
	waiting []*submission
	fail    func(n int) error // of the commit submitted as the n-th, from 0; nil commits
	count   int
}

type submission struct {
	commit  *store.Commit
	number  int
	after   *submission
	receipt store.Receipt
	err     error
	done    chan struct{}
}

func (o *ordered) Submit(_ context.Context, c *store.Commit, after store.Submission) (store.Submission, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &submission{commit: c, number: o.count, done: make(chan struct{})}
	if after != nil {
		s.after = after.(*submission)
	}
	o.count++
	o.waiting = append(o.waiting, s)
	return s, nil
}

func (s *submission) Wait() (store.Receipt, error) {
	<-s.done
	return s.receipt, s.err
}

// flush carries out what was submitted, and returns how much that was.
func (o *ordered) flush() int {
	o.mu.Lock()
	waiting := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	for _, s := range waiting {
		switch {
		case s.after != nil && s.after.err != nil:
			s.err = &store.StaleError{}
		case o.fail != nil && o.fail(s.number) != nil:
			s.err = o.fail(s.number)
		default:
			s.receipt, s.err = o.Commit(context.Background(), s.commit)
		}
		close(s.done)
	}
	return len(waiting)
}

// orderedRig is a rig over such a store.
type orderedRig struct {
	*rig
	ordered *ordered
	holder  *write
}

// newOrderedRig has the document {"n":0}, and its turn in hand.
func newOrderedRig(t *testing.T, rules Rules) *orderedRig {
	t.Helper()
	r := newRig(t, rules, Config{})
	o := &ordered{Store: r.memory}
	r.must(OpPut, `{"n":0}`)
	r.engine = New(o, Config{Chain: r.chain})
	holder := r.inLine()
	if err := holder.joinQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &orderedRig{rig: r, ordered: o, holder: holder}
}

// answer is what became of one of several writes.
type answer struct {
	out *Outcome
	err error
}

// together begins writes, one behind the other in line, and returns where their
// answers come.
func (r *orderedRig) together(intents ...*Intent) []*answer {
	answers := make([]*answer, len(intents))
	for i, in := range intents {
		answers[i] = &answer{}
		go func() { answers[i].out, answers[i].err = r.engine.Do(r.t.Context(), in) }()
		synctest.Wait()
	}
	r.holder.leaveQueue()
	synctest.Wait()
	return answers
}

func (a *answer) came() bool { return a.out != nil || a.err != nil }

func (r *orderedRig) patches(n int) []*Intent {
	var intents []*Intent
	for i := range n {
		intents = append(intents, r.intent(OpMergePatch, fmt.Sprintf(`{"w%d":1}`, i)))
	}
	return intents
}

// TestWritesShareAFlush: all that stand in line are built one on the other and
// made durable at once, and nobody is answered before.
func TestWritesShareAFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrderedRig(t, optional)
		answers := r.together(r.patches(4)...)
		for i, a := range answers {
			if a.came() {
				t.Errorf("write %d was answered before it was durable: %+v", i, a)
			}
		}
		if n := r.ordered.flush(); n != 4 {
			t.Errorf("%d commits in the flush, want 4", n)
		}
		synctest.Wait()
		for i, a := range answers {
			if a.err != nil || a.out.Document.Version != int64(i+2) || a.out.Rounds != 1 {
				t.Errorf("write %d: %+v, %v", i, a.out, a.err)
			}
		}
		r.holds(5, `{"n":0,"w0":1,"w1":1,"w2":1,"w3":1}`)
		r.verified()
		r.noQueues()
	})
}

// TestWhatStandsOnAFailedCommitGoesRound: one commit fails for itself, and those
// that were built on it are built anew without it.
func TestWhatStandsOnAFailedCommitGoesRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrderedRig(t, optional)
		r.ordered.fail = func(n int) error {
			if n == 1 {
				return store.ErrFull
			}
			return nil
		}
		answers := r.together(r.patches(4)...)
		for flushes := 0; slices.ContainsFunc(answers, func(a *answer) bool { return !a.came() }); flushes++ {
			if flushes > 5 {
				t.Fatal("the writes do not come to an end")
			}
			r.ordered.flush()
			synctest.Wait()
		}
		for i, a := range answers {
			if (a.err != nil) != (i == 1) {
				t.Errorf("write %d: %+v, %v", i, a.out, a.err)
			}
		}
		if doc := r.current(); doc.Version != 4 || len(doc.Body) != len(`{"n":0,"w0":1,"w2":1,"w3":1}`) {
			t.Errorf("stored is version %d, %s", doc.Version, doc.Body)
		}
		r.verified()
		r.noQueues()
	})
}

// TestAnotherWriteAtTheSameRev: a write of somebody else takes the place of the
// commit that the next one was built on, at the very rev that it would have had.
// Nothing of it may be lost.
func TestAnotherWriteAtTheSameRev(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrderedRig(t, optional)
		answers := r.together(r.patches(2)...)
		r.byRival(OpMergePatch, `{"rival":1}`, "rival")
		r.ordered.flush()
		synctest.Wait()
		for range 2 {
			r.ordered.flush()
			synctest.Wait()
		}
		for i, a := range answers {
			if a.err != nil || a.out == nil || a.out.Rounds != 2 {
				t.Errorf("write %d: %+v, %v", i, a.out, a.err)
			}
		}
		if doc := r.current(); doc.Version != 4 || len(doc.Body) != len(`{"n":0,"rival":1,"w0":1,"w1":1}`) { // who goes first is chance
			t.Errorf("stored is version %d, %s", doc.Version, doc.Body)
		}
		r.verified()
		r.noQueues()
	})
}

// TestRefusalsWaitForWhatTheyTellOf: neither a refusal nor "unchanged" tells of a
// state that could still be rolled back.
func TestRefusalsWaitForWhatTheyTellOf(t *testing.T) {
	tests := []struct {
		name string
		fail bool // the commit that is told of
		in   func(*rig) *Intent
		is   func(*answer) bool
	}{
		{"stale", false, func(r *rig) *Intent { return r.intent(OpPut, `{"n":9}`, "If-Match", `"1"`) },
			func(a *answer) bool {
				refusal, ok := a.err.(*Refusal)
				return ok && refusal.Reason == ReasonStale && refusal.Current.Version == 2
			}},
		{"stale, but for a write that fails", true, func(r *rig) *Intent { return r.intent(OpPut, `{"n":9}`, "If-Match", `"1"`) },
			func(a *answer) bool { return a.err == nil && a.out.Result == Replaced }},
		{"unchanged", false, func(r *rig) *Intent { return r.intent(OpMergePatch, `{"w0":1}`) },
			func(a *answer) bool { return a.err == nil && a.out.Result == Unchanged && a.out.Document.Version == 2 }},
		{"unchanged, but for a write that fails", true, func(r *rig) *Intent { return r.intent(OpMergePatch, `{"w0":1}`) },
			func(a *answer) bool { return a.err == nil && a.out.Result == Patched }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrderedRig(t, optional)
				r.ordered.fail = func(n int) error {
					if tt.fail && n == 0 {
						return store.ErrFull
					}
					return nil
				}
				answers := r.together(r.patches(1)[0], tt.in(r.rig))
				if answers[1].came() {
					t.Errorf("answered before what it tells of is durable: %+v", answers[1])
				}
				for range 2 {
					r.ordered.flush()
					synctest.Wait()
				}
				if a := answers[1]; !a.came() || !tt.is(a) {
					t.Errorf("answered %+v, %v", a.out, a.err)
				}
				r.verified()
				r.noQueues()
			})
		})
	}
}

// TestDeletionInTheMiddle: what is not handed on at once still stands on what was
// submitted before it.
func TestDeletionInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrderedRig(t, optional)
		answers := r.together(r.patches(1)[0], r.intent(OpDelete, ""), r.intent(OpPut, `{"new":1}`))
		for range 3 {
			r.ordered.flush()
			synctest.Wait()
		}
		for i, want := range []Result{Patched, Deleted, Created} {
			if a := answers[i]; a.err != nil || a.out == nil || a.out.Result != want {
				t.Errorf("write %d: %+v, %v; want %s", i, a.out, a.err, want)
			}
		}
		r.holds(4, `{"new":1}`)
		r.verified()
		r.noQueues()
	})
}

// TestAuthorityUnderWritesAhead: whose change is stored is known of a commit that
// is not durable yet, too.
func TestAuthorityUnderWritesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/n", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor", "bot"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		rules := optional
		rules.OnStale, rules.Merge = StrategyMerge, p
		r := newOrderedRig(t, rules)
		first := r.intent(OpMergePatch, `{"n":1}`, "If-Match", `"1"`)
		first.Actor.Roles = []string{"admin"}
		second := r.intent(OpMergePatch, `{"n":2,"x":1}`, "If-Match", `"1"`)
		second.Actor.Roles = []string{"editor"}
		answers := r.together(first, second)
		for range 3 {
			r.ordered.flush()
			synctest.Wait()
		}
		for i, a := range answers {
			if a.err != nil {
				t.Errorf("write %d: %v", i, a.err)
			}
		}
		r.holds(3, `{"n":1,"x":1}`)
		r.verified()
	})
}
