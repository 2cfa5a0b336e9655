package engine

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestNewcomerStandsInLine checks that a write does not go past those that wait
// before its document, and that one before another document does not wait.
func TestNewcomerStandsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		holder := r.inLine()
		if err := holder.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		loads := 0
		r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
			loads++
			return next()
		}
		var out *Outcome
		var err error
		go func() { out, err = r.engine.Do(t.Context(), r.intent(OpMergePatch, `{"n":1}`)) }()
		synctest.Wait()
		if loads != 0 || out != nil || err != nil {
			t.Fatalf("%d loads, %+v, %v while another has the turn", loads, out, err)
		}
		other := r.intent(OpPut, `{}`)
		other.Ref.ID = "2"
		if _, refusal := r.do(other); refusal != nil || loads != 1 {
			t.Errorf("another document: %d loads, %v", loads, refusal)
		}
		holder.leaveQueue()
		synctest.Wait()
		if err != nil || out == nil || out.Rounds != 1 || loads != 2 {
			t.Fatalf("%d loads, %+v, %v when the turn has come", loads, out, err)
		}
		r.holds(2, `{"n":1}`)
		r.noQueues()
	})
}

// TestHotDocument has 64 writers patch one document as fast as they can. Each
// commit waits until everybody else can do nothing but wait too, which is the
// order in which the most races are lost: where newcomers went past the queue,
// nearly each of them would make the one whose turn it is go round again.
func TestHotDocument(t *testing.T) {
	const writers, each = 64, 20
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{}`)
		commits := 0
		one := make(chan struct{}, 1)
		r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
			one <- struct{}{}
			defer func() { <-one }()
			synctest.Wait()
			commits++
			return next()
		})
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if _, err := r.engine.Do(t.Context(), r.intent(OpMergePatch, fmt.Sprintf(`{"w%d":%d}`, w, i+1))); err != nil {
						t.Errorf("writer %d, patch %d: %v", w, i+1, err)
						return
					}
				}
			})
		}
		wg.Wait()
		successes := writers * each
		if lost := commits - successes; lost > writers {
			t.Errorf("%d races were lost for %d successes; want at most the one that each writer loses before there is a queue", lost, successes)
		}
		if version := r.current().Version; version != int64(successes)+1 {
			t.Errorf("version %d after %d patches", version, successes)
		}
		r.verified()
		r.noQueues()
	})
}

// TestFullQueue checks that a line has an end: who finds it full is told when to
// come again, and nothing is written.
func TestFullQueue(t *testing.T) {
	for _, newcomer := range []bool{true, false} {
		t.Run(fmt.Sprintf("newcomer: %t", newcomer), func(t *testing.T) {
			r := newRig(t, optional, Config{MaxQueue: 1})
			r.must(OpPut, `{"n":0}`)
			holder := r.inLine()
			hold := func() {
				if err := holder.joinQueue(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if newcomer {
				hold()
			} else {
				r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
					hold()
					return store.Receipt{}, &store.StaleError{}
				})
			}
			refusal := r.refused(ReasonContended, r.intent(OpMergePatch, `{"n":1}`))
			if refusal.RetryAfter <= 0 {
				t.Error("it is not said when to try again")
			}
			r.store.onCommit(nil)
			holder.leaveQueue()
			r.noQueues()
			r.must(OpMergePatch, `{"n":1}`)
			r.holds(2, `{"n":1}`)
		})
	}
}

// TestPanicInTurn checks that a turn which panics goes to the next in line.
func TestPanicInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		broken := errors.New("a driver's mistake")
		holder := r.inLine()
		if err := holder.joinQueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
			r.store.onCommit(nil)
			panic(broken)
		})
		var panicked any
		go func() {
			defer func() { panicked = recover() }()
			_, err := r.engine.Do(t.Context(), r.intent(OpMergePatch, `{"n":1}`))
			t.Errorf("returned %v", err)
		}()
		synctest.Wait()
		var out *Outcome
		var err error
		go func() { out, err = r.engine.Do(t.Context(), r.intent(OpMergePatch, `{"n":2}`)) }()
		synctest.Wait()
		holder.leaveQueue()
		synctest.Wait()
		if panicked != broken || err != nil || out == nil || out.Rounds != 1 {
			t.Errorf("the first panicked with %v, the one behind it got %+v, %v", panicked, out, err)
		}
		r.holds(2, `{"n":2}`)
		r.noQueues()
	})
}
