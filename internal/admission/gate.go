package admission

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"
)

// How long somebody may wait for a place: calm, as long as the queue has been empty
// within the last busyAfter, and hurried where it has not.
const (
	busyAfter = 10 * time.Millisecond
	calm      = 100 * time.Millisecond
	hurried   = 5 * time.Millisecond
)

// Of refusals: one is let go for every so many who leave, one is held back for heldFor at
// most, and no more than maxHeld are.
const (
	leaveEach = 16
	heldFor   = time.Second
	maxHeld   = 1 << 13
)

// Gate has places for a bounded number at a time, and a short queue for them. What the
// queue is for is a burst: it is served in order of arrival. A queue that does not get
// empty any more is no burst but overload, where everybody would wait as long as the
// queue is, for nothing. Then nobody waits longer than a moment, and who came last is
// served first: those who are served are served at once, and the others are refused
// while their refusal is still of use to them (controlled delay with adaptive LIFO, as
// in Maurer, Fail at Scale, ACM Queue 13/8).
//
// To refuse costs something too, most of what a write does, and who tries again at once
// would have the server do little else. So a refusal is held back for a while, unless
// enough have been served since the one before.
//
// It is safe for concurrent use.
type Gate struct {
	places int

	mu      sync.Mutex
	inside  int
	left    int       // who have left
	waiting []*waiter // in order of arrival; none where there are places
	since   time.Time // when the queue was last empty
	held    list.List // of chan struct{}, which are closed; those who are to be refused
}

type waiter struct {
	came time.Time
	let  chan bool // whether it is let in; it holds the answer until that is read
}

// NewGate returns a gate with places, more than 0, for which as many may wait as there
// are.
func NewGate(places int) *Gate { return &Gate{places: places} }

// Full tells whether whoever comes now would be refused.
func (g *Gate) Full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside >= g.places && len(g.waiting) >= g.places
}

// Enter takes a place, and waits for one for a moment. It returns false where there is
// none to be had, or ctx ends first. Whoever was let in has to call [Gate.Leave].
func (g *Gate) Enter(ctx context.Context) bool {
	g.mu.Lock()
	if g.inside < g.places {
		g.inside++
		g.mu.Unlock()
		return true
	}
	if len(g.waiting) >= g.places {
		g.mu.Unlock()
		return false
	}
	w := &waiter{came: time.Now(), let: make(chan bool, 1)}
	if len(g.waiting) == 0 {
		g.since = w.came
	}
	g.waiting = append(g.waiting, w)
	patience := time.NewTimer(g.patience(w.came))
	g.mu.Unlock()
	defer patience.Stop()
	select {
	case let := <-w.let:
		return let
	case <-patience.C:
	case <-ctx.Done():
	}
	return g.giveUp(w)
}

// giveUp ends a wait. Who was let in meanwhile is in.
func (g *Gate) giveUp(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return false
	}
	return <-w.let
}

// patience is how long somebody may wait. The caller holds the mutex.
func (g *Gate) patience(now time.Time) time.Duration {
	if now.Sub(g.since) > busyAfter {
		return hurried
	}
	return calm
}

// Leave gives a place up.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside--; g.inside < g.places && len(g.waiting) > 0; {
		g.admit(time.Now())
	}
	if g.left++; g.left%leaveEach != 0 {
		return
	}
	if first := g.held.Front(); first != nil {
		close(g.held.Remove(first).(chan struct{}))
	}
}

// Hold holds a refusal back, for a second at most and not longer than ctx.
func (g *Gate) Hold(ctx context.Context) {
	let := make(chan struct{})
	g.mu.Lock()
	if g.held.Len() >= maxHeld {
		g.mu.Unlock()
		return
	}
	place := g.held.PushBack(let)
	g.mu.Unlock()
	end := time.NewTimer(heldFor)
	defer end.Stop()
	select {
	case <-let:
		return
	case <-end.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held.Remove(place) // which is nothing where somebody has left meanwhile
}

// admit lets the next one in, or refuses all where all have waited too long. The
// caller holds the mutex.
func (g *Gate) admit(now time.Time) {
	next := 0
	if most := g.patience(now); most == hurried {
		next = len(g.waiting) - 1
		if now.Sub(g.waiting[next].came) > most {
			for _, w := range g.waiting {
				w.let <- false
			}
			g.waiting = g.waiting[:0]
			return
		}
	}
	g.waiting[next].let <- true
	g.waiting = slices.Delete(g.waiting, next, next+1)
	g.inside++
}

// Return takes a place again, after [Gate.Leave], for what has begun already and only
// waited for somebody else. It is not refused, so that for a while there may be more
// inside than there are places.
func (g *Gate) Return() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}
