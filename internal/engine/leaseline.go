package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// MaxWait is how long a write waits at most for a document that somebody has a lease
// on, whatever its caller would. It is less than a server takes to end, so that who
// waits is answered.
const MaxWait = 20 * time.Second

// How often the first in line looks whether the document is free, beside when its
// lease ends: at most, since clocks differ, and at least, since another server on the
// same store may have released it.
const (
	mostLooks  = 10 * time.Millisecond
	leastLooks = time.Second
)

// lines are where writes wait for documents that somebody has a lease on: first come,
// first served, among the writes of this process. The first in line tries as soon as
// the lease is released or expires, the others wait for those before them. Writers of
// other processes stand in lines of their own; which of the first ones gets the
// document the store decides.
type lines struct {
	// open is how many documents have a line: where none has, writes take no lock.
	open atomic.Int32

	mu    sync.Mutex
	byRef map[store.Ref]*line
}

// line is who waits for one document, in the order in which they came.
type line struct {
	places []*place
	until  time.Time // when the lease ends that the first one met
}

// place is that of one write in a line.
type place struct {
	called chan struct{} // holds a token when its write is the first and may try
}

// run takes a write to its end. Where somebody else has a lease on the document, it
// waits as long as its caller will.
func (w *write) run(ctx context.Context) (*Outcome, error) {
	out, err := w.attempt(ctx)
	if w.patience() <= 0 || lockOf(err) == nil {
		return out, err
	}
	return w.standInLine(ctx)
}

// patience is how long a write may wait in line. Who holds a lease that has ended does
// not get it back by waiting, and a batch would wait for one document and not for
// another.
func (w *write) patience() time.Duration {
	if w.intent.Dry || w.intent.Lease != "" || w.together {
		return 0
	}
	return min(w.intent.Wait, MaxWait)
}

// inTurn refuses a write that asks for the lease, or would wait for it, as long as
// others wait already: it does not go past them.
func (w *write) inTurn() error {
	asks := w.intent.Lease == "" && (w.intent.Op == OpLease || w.patience() > 0)
	if !asks || w.waited || w.engine.lines.waiting(w.intent.Ref) == 0 {
		return nil
	}
	return w.lockedOut()
}

// lockOf returns the lease of somebody else that a write was refused for, nil for none.
func lockOf(err error) *store.LockedError {
	locked, _ := errors.AsType[*store.LockedError](err)
	return locked
}

// lockedOut refuses a write because others wait for the document.
func (w *write) lockedOut() *Refusal {
	until := w.engine.lines.until(w.intent.Ref)
	return w.failed(&store.LockedError{Ref: w.intent.Ref, Until: until})
}

// standInLine carries a write out once it is its turn and the document is free, or
// refuses it as locked when its patience is at an end. The line has no more places
// than a queue: see [Config]'s MaxQueue.
func (w *write) standInLine(ctx context.Context) (*Outcome, error) {
	lines, ref := &w.engine.lines, w.intent.Ref
	p := lines.enter(ref, w.engine.maxQueue)
	if p == nil {
		return nil, w.lockedOut()
	}
	defer lines.leave(ref, p)
	w.waited = true
	end := time.NewTimer(w.patience())
	defer end.Stop()
	again := time.NewTimer(0)
	again.Stop() // until it is this one's turn
	defer again.Stop()
	for {
		if refused := w.stand(ctx, p, again.C, end.C); refused != nil {
			return nil, refused
		}
		out, err := w.attempt(ctx)
		locked := lockOf(err)
		if locked == nil {
			return out, err
		}
		lines.met(ref, locked.Until)
		again.Reset(min(max(locked.Until.Sub(w.engine.now()), mostLooks), leastLooks))
	}
}

// stand waits in line until the write may try. It fails with a [*Refusal].
func (w *write) stand(ctx context.Context, p *place, again, end <-chan time.Time) error {
	defer w.intent.stepAside()()
	select {
	case <-p.called:
	case <-again:
	case <-end:
		return w.lockedOut()
	case <-ctx.Done():
		return w.failed(ctx.Err())
	}
	return nil
}

// enter takes the last place in the line of a document, which must be left again. It
// returns nil where the line has as many as it may.
func (ls *lines) enter(ref store.Ref, limit int) *place {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byRef[ref]
	switch {
	case l == nil:
		if ls.byRef == nil {
			ls.byRef = make(map[store.Ref]*line)
		}
		l = new(line)
		ls.byRef[ref] = l
		ls.open.Add(1)
	case len(l.places) >= limit:
		return nil
	}
	p := &place{called: make(chan struct{}, 1)}
	if l.places = append(l.places, p); len(l.places) == 1 {
		l.call() // the lease may have ended since this write met it
	}
	return p
}

// leave gives a place up. If it was the first, the next one is called.
func (ls *lines) leave(ref store.Ref, p *place) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byRef[ref]
	i := slices.Index(l.places, p)
	l.places = slices.Delete(l.places, i, i+1)
	if len(l.places) == 0 {
		delete(ls.byRef, ref)
		ls.open.Add(-1)
		return
	}
	if i == 0 {
		l.call()
	}
}

// call lets the first in line try. The caller holds the mutex.
func (l *line) call() {
	select {
	case l.places[0].called <- struct{}{}:
	default: // it is called already
	}
}

// released calls the first in line of a document whose lease was given back.
func (ls *lines) released(ref store.Ref) {
	ls.look(ref, (*line).call)
}

// met notes when the lease ends that the first in line has met.
func (ls *lines) met(ref store.Ref, until time.Time) {
	ls.look(ref, func(l *line) { l.until = until })
}

// until returns when the lease ends that others wait for, as far as is known.
func (ls *lines) until(ref store.Ref) (until time.Time) {
	ls.look(ref, func(l *line) { until = l.until })
	return until
}

// waiting counts who stands in line for a document.
func (ls *lines) waiting(ref store.Ref) (n int) {
	ls.look(ref, func(l *line) { n = len(l.places) })
	return n
}

// look calls f with the line of a document, if it has one.
func (ls *lines) look(ref store.Ref, f func(*line)) {
	if ls.open.Load() == 0 {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byRef[ref]; l != nil {
		f(l)
	}
}
