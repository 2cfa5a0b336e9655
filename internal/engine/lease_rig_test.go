package engine

import (
	"fmt"
	"sync"
	"testing/synctest"
	"time"
)

// lease takes a lease, waiting for it if need be.
func (r *rig) lease(e *Engine, ttl, wait time.Duration) (*Outcome, *Refusal) {
	r.t.Helper()
	in := r.intent(OpLease, fmt.Sprintf(`{"ttlMs":%d}`, ttl.Milliseconds()))
	in.Wait = wait
	return r.on(e, in)
}

// leased takes a lease that must be granted at once.
func (r *rig) leased(ttl time.Duration) *Lease {
	r.t.Helper()
	out, refusal := r.lease(r.engine, ttl, 0)
	if refusal != nil {
		r.t.Fatal(refusal)
	}
	return out.Lease
}

// under makes the intent of a request under a lease.
func (r *rig) under(l *Lease, op Op, body string, headers ...string) *Intent {
	r.t.Helper()
	in := r.intent(op, body, headers...)
	in.Lease = l.ID
	return in
}

// arrivals are names in the order in which they came.
type arrivals struct {
	mu    sync.Mutex
	names []string
}

func (a *arrivals) add(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = append(a.names, name)
}

// noLines checks that nobody has left a place behind.
func (r *rig) noLines() {
	r.t.Helper()
	synctest.Wait()
	r.engine.lines.mu.Lock()
	defer r.engine.lines.mu.Unlock()
	if n := len(r.engine.lines.byRef); n != 0 || r.engine.lines.open.Load() != 0 {
		r.t.Errorf("%d lines are left, and %d are said to be open", n, r.engine.lines.open.Load())
	}
}
