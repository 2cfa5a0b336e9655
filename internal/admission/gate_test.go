package admission

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crowd is who comes to a gate, in order.
type crowd struct {
	gate *Gate
	in   []int // who was let in, in the order of that
	out  []int // who was refused
	mu   sync.Mutex
}

// come has somebody come, who stays until told otherwise. It returns once they are in,
// refused, or wait.
func (c *crowd) come(ctx context.Context, who int) {
	go func() {
		in := c.gate.Enter(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		if in {
			c.in = append(c.in, who)
		} else {
			c.out = append(c.out, who)
		}
	}()
	synctest.Wait()
}

func (c *crowd) leave() {
	c.gate.Leave()
	synctest.Wait()
}

func (c *crowd) want(t *testing.T, in, out []int) {
	t.Helper()
	if !slices.Equal(c.in, in) || !slices.Equal(c.out, out) {
		t.Errorf("in %v, refused %v, want %v and %v", c.in, c.out, in, out)
	}
}

func TestGateServesBurstsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{gate: NewGate(2)}
		for who := range 5 {
			c.come(t.Context(), who)
		}
		c.want(t, []int{0, 1}, []int{4})
		if !c.gate.Full() {
			t.Error("a gate that refuses is not full")
		}
		c.leave()
		if c.gate.Full() {
			t.Error("a gate with room in its queue is full")
		}
		c.leave()
		c.want(t, []int{0, 1, 2, 3}, []int{4})
		c.leave()
		c.leave()
		c.come(t.Context(), 5)
		c.want(t, []int{0, 1, 2, 3, 5}, []int{4})
	})
}

func TestGateEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{gate: NewGate(1)}
		c.come(t.Context(), 0)
		ctx, cancel := context.WithCancel(t.Context())
		c.come(ctx, 1)
		cancel()
		synctest.Wait()
		c.want(t, []int{0}, []int{1})
		c.come(t.Context(), 2)
		<-time.After(calm)
		synctest.Wait()
		c.want(t, []int{0}, []int{1, 2})
		c.leave()
		c.come(t.Context(), 3)
		c.want(t, []int{0, 3}, []int{1, 2})
	})
}

// TestGateUnderOverload: once the queue has not been empty for a while, who comes last
// is served first, and who has waited for a moment is refused.
func TestGateUnderOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{gate: NewGate(3)}
		who := 0
		come := func(n int) {
			for range n {
				c.come(t.Context(), who)
				who++
			}
		}
		come(3)
		// Somebody always waits, and is served before their patience ends.
		come(1)
		for began := time.Now(); time.Since(began) < busyAfter; {
			<-time.After(busyAfter / 2)
			come(1)
			c.leave()
		}
		served := len(c.in)
		if len(c.out) > 0 || !slices.IsSorted(c.in) {
			t.Fatalf("a queue that moves refuses %v, and serves %v", c.out, c.in)
		}
		<-time.After(1)
		last := who - 1 // who waits since then, with all the time of a calm queue
		come(2)
		c.leave()
		if got := c.in[served:]; !slices.Equal(got, []int{who - 1}) {
			t.Errorf("it serves %v, want the last to come, %d", got, who-1)
		}
		<-time.After(hurried)
		synctest.Wait()
		if !slices.Equal(c.out, []int{who - 2}) {
			t.Errorf("it refuses %v, want %d", c.out, who-2)
		}
		c.leave()
		if slices.Contains(c.in[served:], last) || !slices.Contains(c.out, last) {
			t.Errorf("%d has waited too long, and is served", last)
		}
		// The queue is empty, so that it is calm again.
		come(3)
		<-time.After(hurried + 1)
		c.leave()
		c.leave()
		if got := c.in[len(c.in)-2:]; !slices.Equal(got, []int{who - 2, who - 1}) {
			t.Errorf("after the overload it serves %v, want %d and %d", c.in, who-2, who-1)
		}
	})
}

func TestGateTakesBackWhoReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowd{gate: NewGate(1)}
		c.come(t.Context(), 0)
		c.leave()
		c.come(t.Context(), 1)
		c.gate.Return() // two are inside
		c.come(t.Context(), 2)
		c.leave()
		c.want(t, []int{0, 1}, nil)
		c.leave()
		c.want(t, []int{0, 1, 2}, nil)
	})
}

// TestGateKeepsCount: whatever happens at once, there are never more inside than there
// are places, and in the end all places are free.
func TestGateKeepsCount(t *testing.T) {
	const places, comers, times = 4, 32, 500
	g := NewGate(places)
	var inside, admitted, refused atomic.Int64
	var all sync.WaitGroup
	for i := range comers {
		all.Go(func() {
			for n := range times {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+n)%7 == 0 {
					go cancel()
				}
				if !g.Enter(ctx) {
					refused.Add(1)
				} else {
					admitted.Add(1)
					if now := inside.Add(1); now > places {
						t.Errorf("%d are inside", now)
					}
					inside.Add(-1)
					g.Leave()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if admitted.Load()+refused.Load() != comers*times || admitted.Load() == 0 {
		t.Errorf("%d admitted and %d refused", admitted.Load(), refused.Load())
	}
	if g.inside != 0 || len(g.waiting) != 0 {
		t.Errorf("in the end %d are inside, and %d wait", g.inside, len(g.waiting))
	}
}

func BenchmarkGate(b *testing.B) {
	g := NewGate(1 << 20)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			g.Enter(b.Context())
			g.Leave()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				g.Enter(b.Context())
				g.Leave()
			}
		})
	})
}

// TestGateHoldsRefusals: for every few who leave one who is refused is let go, in order,
// and nobody is held for ever.
func TestGateHoldsRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(2)
		leave := func(times int) {
			for range times {
				g.Return()
				g.Leave()
			}
		}
		var mu sync.Mutex
		var gone []int
		hold := func(ctx context.Context, who int) {
			go func() {
				g.Hold(ctx)
				mu.Lock()
				defer mu.Unlock()
				gone = append(gone, who)
			}()
			synctest.Wait()
		}
		want := func(want ...int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(gone, want) {
				t.Errorf("%v are let go, want %v", gone, want)
			}
		}
		impatient, cancel := context.WithCancel(t.Context())
		hold(t.Context(), 0)
		hold(impatient, 1)
		hold(t.Context(), 2)
		hold(t.Context(), 3)
		want()
		cancel()
		want(1)
		leave(leaveEach - 1)
		want(1)
		leave(1)
		want(1, 0)
		<-time.After(heldFor / 2)
		hold(t.Context(), 4)
		leave(leaveEach)
		want(1, 0, 2)
		<-time.After(heldFor / 2)
		want(1, 0, 2, 3)
		<-time.After(heldFor / 2)
		want(1, 0, 2, 3, 4)
		if n := g.held.Len(); n != 0 {
			t.Errorf("%d are held still", n)
		}
	})
}
