package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// queues hold back the writers of hot documents. A write tries alone where
// nobody waits; once one has lost a race, it and all that come after it go on in
// turn, so that of many writers of one document in this process only one at a
// time is on its way to the store. That spares work and nothing more: writers of
// other processes stand in no line of this one, and the compare-and-swap of the
// store decides between all of them.
type queues struct {
	// open is how many documents have a queue: where none has, the way of a write
	// past the queues takes no lock.
	open atomic.Int32

	mu    sync.Mutex
	byRef map[store.Ref]*queue
}

// queue is the line before one document.
type queue struct {
	turn    chan struct{} // holds one token; waiting receivers are served in order
	members int           // who waits, has the turn, or has not heard of its commit; under queues.mu
	ahead   ahead
}

// joinQueue waits for this write's turn at its document. It keeps it until it
// hands it on or leaves the queue. Further calls return at once. It fails when ctx
// ends first, and with a [*Refusal] where the queue is full.
func (w *write) joinQueue(ctx context.Context) error {
	return w.queueUp(ctx, true)
}

// joinOthers is joinQueue where others wait already, else nothing: whoever went
// past them would make the one in front lose its race.
func (w *write) joinOthers(ctx context.Context) error {
	if w.engine.queues.open.Load() == 0 {
		return nil
	}
	return w.queueUp(ctx, false)
}

func (w *write) queueUp(ctx context.Context, create bool) error {
	if w.hasTurn {
		return nil
	}
	if w.queue == nil {
		q, full := w.engine.queues.enter(w.intent.Ref, create, w.engine.maxQueue)
		if full {
			return &Refusal{Reason: ReasonContended, Current: w.current, RetryAfter: time.Second}
		}
		if q == nil {
			return nil
		}
		w.queue = q
	}
	select {
	case <-w.queue.turn:
		w.hasTurn = true
		return nil
	case <-ctx.Done():
		w.leaveQueue()
		return ctx.Err()
	}
}

// passTurn hands the turn to the next write, if this one has it.
func (w *write) passTurn() {
	if w.hasTurn {
		w.hasTurn = false
		w.queue.turn <- struct{}{}
	}
}

// leaveQueue hands the turn on, and leaves the queue if this write is in one.
func (w *write) leaveQueue() {
	if w.queue == nil {
		return
	}
	w.passTurn()
	w.engine.queues.leave(w.intent.Ref, w.queue)
	w.queue = nil
}

// enter makes the caller a member of a document's queue, which must be left
// again. It returns nil where there is none and none is to be created, and where
// the queue has as many members as it may.
func (qs *queues) enter(ref store.Ref, create bool, limit int) (q *queue, full bool) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q = qs.byRef[ref]
	switch {
	case q == nil && !create:
		return nil, false
	case q == nil:
		q = &queue{turn: make(chan struct{}, 1)}
		q.turn <- struct{}{}
		if qs.byRef == nil {
			qs.byRef = make(map[store.Ref]*queue)
		}
		qs.byRef[ref] = q
		qs.open.Add(1)
	case q.members >= limit:
		return nil, true
	}
	q.members++
	return q, false
}

func (qs *queues) leave(ref store.Ref, q *queue) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q.members--; q.members == 0 {
		delete(qs.byRef, ref)
		qs.open.Add(-1)
	}
}

// The least and the most that a stale writer is advised to wait where nobody
// else wants the document; each writer that stands in line adds as much.
const (
	leastPatience = 50 * time.Millisecond
	mostPatience  = 200 * time.Millisecond
)

// patience is how long a stale writer does well to wait before it tries again.
func (e *Engine) patience(ref store.Ref) time.Duration {
	once := leastPatience + time.Duration(e.random()*float64(mostPatience-leastPatience))
	return once * time.Duration(1+e.queues.waiting(ref))
}

// crowd is how many others have to want a document for it to be hot.
const crowd = 2

// isHot tells whether those who write the document of this write keep defeating each
// other: several are in its queue, or somebody waits for a lease on it.
func (w *write) isHot() bool {
	if !w.engine.keepsLeases() {
		return false
	}
	others := w.engine.queues.waiting(w.intent.Ref)
	if w.queue != nil {
		others-- // this write itself
	}
	return others >= crowd || w.engine.lines.waiting(w.intent.Ref) > 0
}

// waiting counts who stands in line before a document.
func (qs *queues) waiting(ref store.Ref) int {
	if qs.open.Load() == 0 {
		return 0
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.byRef[ref]; q != nil {
		return q.members
	}
	return 0
}
