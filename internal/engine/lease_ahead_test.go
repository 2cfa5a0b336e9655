package engine

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// lagging is a store that carries out at once what is submitted, and tells the first
// submitter of it when it is told to.
type lagging struct {
	*memory.Store
	first chan struct{} // nil once there was one
	tell  chan struct{}
}

type told struct {
	receipt store.Receipt
	err     error
	when    chan struct{}
}

func (l *lagging) Submit(ctx context.Context, c *store.Commit, _ store.Submission) (store.Submission, error) {
	t := &told{when: make(chan struct{})}
	t.receipt, t.err = l.Commit(ctx, c)
	if l.first != nil {
		close(l.first)
		t.when, l.first = l.tell, nil
		return t, nil
	}
	close(t.when)
	return t, nil
}

func (t *told) Wait() (store.Receipt, error) {
	<-t.when
	return t.receipt, t.err
}

// TestLeaseOnTopOfWhatIsAhead: a lease comes on top of a write whose writer has not heard
// of it yet. Who asks for one next does not build on that write without end, as the lease has
// come between: it looks again, and is locked out.
func TestLeaseOnTopOfWhatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.Open(memory.Options{})
		r := newRigOver(t, m, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		l := &lagging{Store: m, first: make(chan struct{}), tell: make(chan struct{})}
		r.engine.store = l
		holder := r.inLine()
		if err := holder.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := func(in *Intent, reason Reason) {
			go func() {
				if _, refusal := r.do(in); reason == "" && refusal != nil || reason != "" && (refusal == nil || refusal.Reason != reason) {
					t.Errorf("op %d: %v, want %q", in.Op, refusal, reason)
				}
			}()
			synctest.Wait() // until it stands in the queue
		}
		start(r.intent(OpPut, `{"n":1}`), "")
		start(r.intent(OpLease, `{"ttlMs":60000}`), "")
		start(r.intent(OpLease, `{"ttlMs":60000}`), ReasonLocked)
		holder.leaveQueue()
		synctest.Wait()
		close(l.tell)
		synctest.Wait()
		r.holds(2, `{"n":1}`)
		r.noQueues()
	})
}
