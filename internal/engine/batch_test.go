package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// other is a second document of the rig's collection.
var other = store.Ref{Part: ref.Part, ID: "2"}

// of makes an intent one to another document.
func of(in *Intent, to store.Ref) *Intent {
	in.Ref = to
	return in
}

// together carries members out as one, and checks that what fails is a refusal which
// changes nothing, of the member of that index; -1 is of all.
func (r *rig) together(members ...*Intent) (out *Outcome, index int, refusal *Refusal) {
	r.t.Helper()
	out, err := r.engine.Together(context.Background(), &Intent{Members: members})
	r.noQueues()
	if err == nil {
		return out, -1, nil
	}
	index = -1
	if m, ok := errors.AsType[*MemberError](err); ok {
		index = m.Index
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || out != nil {
		r.t.Fatalf("got %+v and an error that is no refusal: %v", out, err)
	}
	return nil, index, refusal
}

// rivalOnce writes past the engine before its first commit, and counts commits.
func (r *rig) rivalOnce(write func()) (commits *int) {
	commits = new(int)
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if *commits++; *commits == 1 {
			write()
		}
		return next()
	})
	return commits
}

// TestTogetherGoesRound: where one document of a batch has changed, all of it is decided
// anew.
func TestTogetherGoesRound(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"n":1}`)
	commits := r.rivalOnce(func() { r.byRival(OpPut, `{"n":2}`, "bob") })
	out, _, refusal := r.together(r.intent(OpMergePatch, `{"m":1}`, "If-Match", "*"), of(r.intent(OpPut, `{"n":1}`), other))
	if refusal != nil || out.Rounds != 2 || *commits != 2 || len(out.Members) != 2 {
		t.Fatalf("%+v after %d commits: %v", out, *commits, refusal)
	}
	r.holds(3, `{"n":2,"m":1}`)
	rows := r.log()
	if a, b := rows[len(rows)-2], rows[len(rows)-1]; a.CommitID != b.CommitID || a.At != b.At {
		t.Errorf("two commits: %+v, %+v", a, b)
	}
	r.verified()
}

// TestCheckHolds: what a CHECK asserts holds until the commit, or refuses the batch.
func TestCheckHolds(t *testing.T) {
	for _, tt := range []struct {
		condition [2]string
		reason    Reason // "" where it still holds after the rival's write
	}{
		{[2]string{"If-Match", `"1"`}, ReasonStale},
		{[2]string{"If-Match", `*`}, ""},
	} {
		r := newRig(t, Rules{}, Config{})
		r.must(OpPut, `{"n":1}`)
		commits := r.rivalOnce(func() { r.byRival(OpPut, `{"n":2}`, "bob") })
		_, index, refusal := r.together(of(r.intent(OpPut, `{"n":1}`), other), r.intent(OpCheck, "", tt.condition[0], tt.condition[1]))
		there, err := r.memory.Get(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		if tt.reason == "" {
			if refusal != nil || *commits != 1 || !there.Exists() {
				t.Errorf("%v: %v after %d commits", tt.condition, refusal, *commits)
			}
			continue
		}
		if refusal == nil || refusal.Reason != tt.reason || index != 1 || there.Rev != 0 {
			t.Errorf("%v: %v for %d; the other document is %+v", tt.condition, refusal, index, there)
		}
	}
}

// TestTogetherGivesUp: a batch that loses every race is refused, and nothing of it is
// there.
func TestTogetherGivesUp(t *testing.T) {
	r := newRig(t, optional, Config{MaxRounds: 5})
	r.must(OpPut, `{"n":0}`)
	n := 0
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		n++
		r.byRival(OpPut, fmt.Sprintf(`{"n":%d}`, n), "bob")
		return next()
	})
	_, index, refusal := r.together(of(r.intent(OpPut, `{}`), other), r.intent(OpMergePatch, `{"m":1}`))
	if refusal == nil || refusal.Reason != ReasonContended || index != -1 || n != 5 || refusal.RetryAfter == 0 {
		t.Errorf("%v for %d after %d rounds", refusal, index, n)
	}
	r.holds(6, `{"n":5}`)
	if there, err := r.memory.Get(t.Context(), other); err != nil || there.Rev != 0 {
		t.Errorf("the other document is %+v, %v", there, err)
	}
}

// TestTogetherWhileAKeyIsTaken: somebody takes the natural key between the decision and
// the commit.
func TestTogetherWhileAKeyIsTaken(t *testing.T) {
	key, err := NewNaturalKey("/email")
	if err != nil {
		t.Fatal(err)
	}
	for theirs, want := range map[string]Reason{`{"email":"ann"}`: "", `{"email":"ann","n":1}`: ReasonDuplicate} {
		r := newRig(t, Rules{Key: key}, Config{})
		r.rivalOnce(func() {
			in := of(r.intent(OpPut, theirs), store.Ref{Part: ref.Part, ID: "theirs"})
			if _, refusal := r.on(r.rival, in); refusal != nil {
				t.Error(refusal)
			}
		})
		post := r.intent(OpPut, `{"email":"ann"}`)
		post.Ref.ID = ""
		post.Post()
		out, index, refusal := r.together(of(r.intent(OpPut, `{"email":"bob"}`), other), post)
		if want != "" {
			if refusal == nil || refusal.Reason != want || index != 1 || refusal.Holder.Ref.ID != "theirs" || len(r.log()) != 1 {
				t.Errorf("%v for %d", refusal, index)
			}
			continue
		}
		if refusal != nil || out.Members[1].Result != Unchanged || out.Members[1].Document.Ref.ID != "theirs" {
			t.Errorf("%+v, %v", out, refusal)
		}
		r.verified()
	}
}

// TestTogetherIsBounded: what a store does not take at once is refused before anything is
// looked at.
func TestTogetherIsBounded(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	info := r.memory.Info()
	r.store.info = &info
	info.Capabilities.MaxOps = 1
	if _, _, refusal := r.together(r.intent(OpPut, `{}`), of(r.intent(OpPut, `{}`), other)); refusal == nil || refusal.Reason != ReasonTooLarge {
		t.Errorf("more operations than the store takes: %v", refusal)
	}
	info.Capabilities.MaxOps, info.Capabilities.CrossPart = 2, false
	elsewhere := of(r.intent(OpPut, `{}`), store.Ref{Part: store.Part{Collection: "plans"}, ID: "1"})
	if _, index, refusal := r.together(r.intent(OpPut, `{}`), elsewhere); refusal == nil || refusal.Reason != ReasonMalformed || index != 1 {
		t.Errorf("two parts: %v", refusal)
	}
	if _, _, refusal := r.together(r.intent(OpPut, `{}`), of(r.intent(OpPut, `{}`), other)); refusal != nil || len(r.log()) != 2 {
		t.Errorf("what the store takes: %v", refusal)
	}
}

// TestTogetherOutcomeUnknown: a batch whose outcome the store does not know is settled by
// its commit, run again.
func TestTogetherOutcomeUnknown(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	lost := false
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		receipt, err := next()
		if !lost {
			lost = true
			return store.Receipt{}, store.ErrOutcomeUnknown
		}
		return receipt, err
	})
	out, _, refusal := r.together(r.intent(OpPut, `{}`), of(r.intent(OpPut, `{}`), other))
	if refusal != nil || len(r.log()) != 2 || out.Members[1].Document.Position != 2 {
		t.Errorf("%+v, %v", out, refusal)
	}
	r.verified()
}

// TestTogetherBehindHotDocuments: batches that name the same documents in different orders,
// and single writes of these, all lose their first race at once. They wait for each other
// in turn, and all get through.
func TestTogetherBehindHotDocuments(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	const writers = 24
	var all, lost sync.WaitGroup
	lost.Add(writers)
	var commits atomic.Int32
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if commits.Add(1) <= writers {
			lost.Done()
			lost.Wait()
			return store.Receipt{}, &store.StaleError{}
		}
		return next()
	})
	for i := range writers {
		all.Go(func() {
			body := fmt.Sprintf(`{"w%d":1}`, i)
			one, two := &Intent{Ref: ref, Rules: &r.rules, Op: OpMergePatch, Body: []byte(body)}, &Intent{Ref: other, Rules: &r.rules, Op: OpPut, Body: []byte(body)}
			var err error
			switch i % 3 {
			case 0:
				_, err = r.engine.Do(context.Background(), one)
			case 1:
				_, err = r.engine.Together(context.Background(), &Intent{Members: []*Intent{one, two}})
			default:
				_, err = r.engine.Together(context.Background(), &Intent{Members: []*Intent{two, one}})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r.noQueues()
	if v := r.current(); v.Version != writers+1 {
		t.Errorf("version %d after %d writes", v.Version, writers)
	}
	r.verified()
}

// TestCheckIsNoWrite: a CHECK asks no authority of a write, and leaves nothing.
func TestCheckIsNoWrite(t *testing.T) {
	r := newRig(t, Rules{Contract: ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionTag}}}, Config{})
	r.must(OpPut, `{}`)
	before := r.dump()
	out, _, refusal := r.together(r.intent(OpCheck, "", "If-Match", "*"), r.intent(OpCheck, "", "If-Match", `"1"`), of(r.intent(OpCheck, "", "If-None-Match", "*"), other))
	if refusal != nil || len(out.Members) != 3 || out.Members[0].Result != Unchanged {
		t.Errorf("%+v, %v", out, refusal)
	}
	if r.dump() != before {
		t.Error("checks have written something")
	}
}

// TestGroupsQueueInOneOrder: two batches that name documents in different orders wait for
// the same one first, so that neither has what the other waits for.
func TestGroupsQueueInOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		first := r.inLine()
		if err := first.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		queued := func(refs ...store.Ref) *group {
			g := &group{engine: r.engine, intent: &Intent{}}
			for _, to := range refs {
				g.writes = append(g.writes, &write{engine: r.engine, intent: of(r.intent(OpPut, `{}`), to), together: true})
			}
			return g
		}
		ended := 0
		for _, g := range []*group{queued(ref, other), queued(other, ref)} {
			go func() {
				if err := g.queueForAll(t.Context()); err != nil {
					t.Error(err)
				}
				ended++ // one at a time, or the race detector says so
				g.leaveQueues()
			}()
			synctest.Wait()
		}
		if n := r.engine.queues.waiting(other); n != 0 || ended != 0 {
			t.Errorf("%d have queued for the second document, and %d have had their turn, before the first was free", n, ended)
		}
		first.leaveQueue()
		synctest.Wait()
		if ended != 2 {
			t.Errorf("%d of 2 had their turn", ended)
		}
		r.noQueues()
	})
}
