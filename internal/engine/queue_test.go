package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ifmatch/ifmatch/internal/store"
)

// inLine returns a write that waits for its turn before the rig's document, or
// has it.
func (r *rig) inLine() *write {
	return &write{engine: r.engine, intent: r.intent(OpDelete, "")}
}

func TestQueueServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		first := r.inLine()
		if err := first.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		var served []int
		for i := range 20 {
			go func() {
				w := r.inLine()
				if err := w.joinQueue(t.Context()); err != nil {
					t.Error(err)
				}
				served = append(served, i) // one at a time, or the race detector says so
				w.leaveQueue()
			}()
			synctest.Wait() // until it stands in line, so that arrivals have an order
		}
		if served != nil {
			t.Fatalf("%v were served while another had the turn", served)
		}
		first.leaveQueue()
		synctest.Wait()
		if len(served) != 20 || !slices.IsSorted(served) {
			t.Errorf("served in the order %v", served)
		}
		r.noQueues()
	})
}

// TestQueueIsLeftByWhoGivesUp checks that a writer whose caller goes away makes
// room for those behind it.
func TestQueueIsLeftByWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		first := r.inLine()
		if err := first.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var gaveUp error
		go func() { gaveUp = r.inLine().joinQueue(ctx) }()
		synctest.Wait()
		served := false
		go func() {
			w := r.inLine()
			if err := w.joinQueue(t.Context()); err != nil {
				t.Error(err)
			}
			served = true
			w.leaveQueue()
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) || served {
			t.Errorf("gave up with %v; the one behind was served: %t", gaveUp, served)
		}
		first.leaveQueue()
		synctest.Wait()
		if !served {
			t.Error("the one behind was never served")
		}
		r.noQueues()
	})
}

// TestCancelledInQueue is the same through Do, before and after a write has
// lost a race: nothing is written and nothing is left behind.
func TestCancelledInQueue(t *testing.T) {
	for _, newcomer := range []bool{true, false} {
		t.Run(fmt.Sprintf("newcomer: %t", newcomer), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.must(OpPut, `{"n":0}`)
				holder := r.inLine()
				hold := func() {
					if err := holder.joinQueue(t.Context()); err != nil {
						t.Error(err)
					}
				}
				commits := 0
				r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
					commits++
					hold()
					return store.Receipt{}, &store.StaleError{}
				})
				want := 1
				if newcomer {
					hold()
					want = 0
				}
				before := r.dump()
				ctx, cancel := context.WithCancel(t.Context())
				var err error
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, err = r.engine.Do(ctx, r.intent(OpMergePatch, `{"n":1}`))
				}()
				synctest.Wait()
				cancel()
				<-done
				if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonOverloaded || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want overloaded for the caller's context", err)
				}
				if commits != want || r.dump() != before {
					t.Errorf("%d commits, want %d; stored is %s", commits, want, r.dump())
				}
				holder.leaveQueue()
				r.noQueues()
			})
		})
	}
}

// TestQueuesAreApart checks that a hot document holds up no other.
func TestQueuesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		holder := r.inLine()
		if err := holder.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := r.inLine()
		other.intent.Ref.ID = "2"
		if err := other.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := other.joinQueue(t.Context()); err != nil {
			t.Errorf("joining again: %v", err)
		}
		other.leaveQueue()
		other.leaveQueue()
		holder.leaveQueue()
		r.noQueues()
	})
}

// TestContextBeforeCommit checks that a caller who is gone before the commit is
// sent changes nothing, and one who goes after it takes nothing back.
func TestContextBeforeCommit(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		ctx, cancel := context.WithCancel(t.Context())
		r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
			defer cancel()
			return next()
		}
		before := r.dump()
		_, err := r.engine.Do(ctx, r.intent(OpMergePatch, `{"n":1}`))
		if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonOverloaded || r.dump() != before {
			t.Errorf("got %v, stored %s", err, r.dump())
		}
	})
	t.Run("after", func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		ctx, cancel := context.WithCancel(t.Context())
		r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
			cancel()
			return next()
		})
		out, err := r.engine.Do(ctx, r.intent(OpMergePatch, `{"n":1}`))
		if err != nil || out.Document.Version != 2 {
			t.Errorf("got %+v, %v", out, err)
		}
		r.holds(2, `{"n":1}`)
	})
}
