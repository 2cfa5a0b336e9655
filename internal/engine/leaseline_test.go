package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestLineServesInOrder: who waits for a lease gets it in the order of arrival, each
// as soon as the one before has released it, and whoever comes without waiting does
// not go past them.
func TestLineServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		first := r.leased(MaxLease)
		var served, fences []int
		began := time.Now()
		for i := range 20 {
			go func() {
				out, refusal := r.lease(r.engine, MaxLease, MaxWait)
				if refusal != nil {
					t.Errorf("%d is refused: %v", i, refusal)
					return
				}
				if !out.Waited {
					t.Errorf("%d is not told that it has waited", i)
				}
				served, fences = append(served, i), append(fences, int(out.Lease.Fence)) // one at a time, or the race detector says so
				if _, refusal := r.do(r.under(out.Lease, OpPut, fmt.Sprintf(`{"n":%d}`, i))); refusal != nil {
					t.Errorf("%d has the lease and may not write: %v", i, refusal)
				}
				if i%3 == 0 { // others would take it now, and may not
					r.refused(ReasonLocked, r.intent(OpLease, `{"ttlMs":1}`))
				}
				if _, refusal := r.do(r.under(out.Lease, OpRelease, "")); refusal != nil {
					t.Errorf("%d cannot release: %v", i, refusal)
				}
			}()
			synctest.Wait() // until it stands in line, so that arrivals have an order
		}
		if served != nil {
			t.Fatalf("%v were served while another had the lease", served)
		}
		if _, refusal := r.do(r.under(first, OpRelease, "")); refusal != nil {
			t.Fatal(refusal)
		}
		synctest.Wait()
		if want := slices.Collect(func(yield func(int) bool) {
			for i := 0; i < 20 && yield(i); i++ {
			}
		}); !slices.Equal(served, want) {
			t.Errorf("served in the order %v", served)
		}
		if !slices.IsSorted(fences) || len(fences) != 20 || fences[0] != 2 || fences[19] != 21 {
			t.Errorf("fencing numbers are %v", fences)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a release was noticed by looking, after %s", took)
		}
		r.noLines()
		r.verified()
	})
}

// TestNobodyGoesPastTheLine: between a release and the grant to the first in line,
// somebody else asks.
func TestNobodyGoesPastTheLine(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "would wait": MaxWait} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.must(OpPut, `{"n":0}`)
				held := r.leased(MaxLease)
				var order arrivals
				go func() {
					if _, refusal := r.lease(r.engine, time.Second, MaxWait); refusal != nil {
						t.Error(refusal)
					}
					order.add("first")
				}()
				synctest.Wait()
				late := func() {
					if _, refusal := r.lease(r.engine, time.Second, wait); (refusal == nil) != (wait > 0) || refusal != nil && refusal.Reason != ReasonLocked {
						t.Errorf("who came late is refused: %v", refusal)
					}
					order.add("late")
				}
				r.store.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					receipt, err := next() // the release
					r.store.onCommit(nil)
					if wait == 0 {
						late()
					} else {
						go late()
						synctest.Wait()
					}
					return receipt, err
				})
				if _, refusal := r.do(r.under(held, OpRelease, "")); refusal != nil {
					t.Fatal(refusal)
				}
				<-time.After(MaxWait)
				synctest.Wait()
				want := []string{"first", "late"}
				if wait == 0 {
					want = []string{"late", "first"} // it was answered first, with a refusal
				}
				if !slices.Equal(order.names, want) {
					t.Errorf("answered in the order %v", order.names)
				}
				r.noLines()
			})
		})
	}
}

// TestExpiryFrees: a holder who is never heard of again keeps the document to the end
// of the lease, and not longer. Then the first in line has it, at that instant.
func TestExpiryFrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		gone := r.leased(3500 * time.Millisecond)
		began := time.Now()
		in := r.intent(OpMergePatch, `{"n":1}`)
		in.Wait = MaxWait
		out, refusal := r.do(in)
		if refusal != nil || !out.Waited {
			t.Fatalf("%+v, %v", out, refusal)
		}
		if took := time.Since(began); took != 3500*time.Millisecond {
			t.Errorf("it took %s to notice that the lease had ended", took)
		}
		r.refused(ReasonLeaseExpired, r.under(gone, OpPut, `{"n":2}`))
		r.refused(ReasonLeaseExpired, r.under(gone, OpRenew, `{"ttlMs":1000}`))
		r.refused(ReasonLeaseExpired, r.under(gone, OpRelease, ""))
		r.noLines()
	})
}

// TestOtherServerReleases: of what another server on the same store does nobody tells
// the line, which looks for itself.
func TestOtherServerReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		held := r.leased(MaxLease)
		time.AfterFunc(1500*time.Millisecond, func() {
			if _, refusal := r.on(r.rival, r.under(held, OpRelease, "")); refusal != nil {
				t.Error(refusal)
			}
		})
		if _, refusal := r.lease(r.engine, time.Second, MaxWait); refusal != nil {
			t.Fatal(refusal)
		}
		r.noLines()
	})
}

// TestLineEnds: waiting has an end, by the caller's wish, the engine's bound, or
// because the caller is gone; and those behind move up.
func TestLineEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wait   time.Duration
		ctx    time.Duration // when the caller goes away; 0 stays
		took   time.Duration
		reason Reason
	}{
		{"as long as was asked for", 5 * time.Second, 0, 5 * time.Second, ReasonLocked},
		{"not longer than is allowed", time.Hour, 0, MaxWait, ReasonLocked},
		{"not at all", 0, 0, 0, ReasonLocked},
		{"the caller goes away", 5 * time.Second, 1700 * time.Millisecond, 1700 * time.Millisecond, ReasonOverloaded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.must(OpPut, `{"n":0}`)
				r.leased(MaxLease)
				before := r.dump()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.ctx > 0 {
					time.AfterFunc(tt.ctx, cancel)
				}
				began := time.Now()
				in := r.intent(OpPut, `{"n":1}`)
				in.Wait = tt.wait
				_, err := r.engine.Do(ctx, in)
				refusal, ok := errors.AsType[*Refusal](err)
				if !ok || refusal.Reason != tt.reason || refusal.RetryAfter < time.Second {
					t.Errorf("refused as %v", err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("it waited for %s, want %s", took, tt.took)
				}
				if after := r.dump(); after != before {
					t.Errorf("it has left something behind:\n%s\nbefore:\n%s", after, before)
				}
				r.noLines()
			})
		})
	}
}

// TestLineMovesUp: places that are given up, first, in the middle and last, keep
// nobody from theirs.
func TestLineMovesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		held := r.leased(MaxLease)
		var served arrivals
		cancels := make([]context.CancelFunc, 5)
		for i := range cancels {
			ctx, cancel := context.WithCancel(t.Context())
			cancels[i] = cancel
			go func() {
				in := r.intent(OpMergePatch, fmt.Sprintf(`{"n":%d}`, i+1))
				in.Wait = MaxWait
				if _, err := r.engine.Do(ctx, in); err == nil {
					served.add(fmt.Sprint(i))
				}
			}()
			synctest.Wait()
		}
		for _, i := range []int{0, 2, 4} {
			cancels[i]()
			synctest.Wait()
		}
		if _, refusal := r.do(r.under(held, OpRelease, "")); refusal != nil {
			t.Fatal(refusal)
		}
		synctest.Wait()
		if !slices.Equal(served.names, []string{"1", "3"}) {
			t.Errorf("served %v", served.names)
		}
		cancels[1]()
		cancels[3]()
		r.noLines()
	})
}

// TestLineIsBounded: one more than may wait is refused at once.
func TestLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{MaxQueue: 3})
		r.must(OpPut, `{"n":0}`)
		held := r.leased(MaxLease)
		for range 3 {
			go r.lease(r.engine, time.Millisecond, MaxWait)
			synctest.Wait()
		}
		began := time.Now()
		if _, refusal := r.lease(r.engine, time.Second, MaxWait); refusal == nil || refusal.Reason != ReasonLocked || refusal.RetryAfter < time.Minute || time.Since(began) != 0 {
			t.Errorf("the fourth in a line of three: %v after %s", refusal, time.Since(began))
		}
		if _, refusal := r.do(r.under(held, OpRelease, "")); refusal != nil {
			t.Fatal(refusal)
		}
		<-time.After(time.Second)
		r.noLines()
	})
}

// TestDryRunsDoNotWait: they would only be told what is so now.
func TestDryRunsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		r.leased(MaxLease)
		began := time.Now()
		in := r.intent(OpPut, `{"n":1}`)
		in.Wait, in.Dry = MaxWait, true
		r.refused(ReasonLocked, in)
		if took := time.Since(began); took != 0 {
			t.Errorf("it waited for %s", took)
		}
	})
}
