package engine

import (
	"context"
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

// queues hold back the writers of hot documents. A write tries alone first;
// once it has lost a race it goes on in turn, so that of many writers of one
// document in this process only one at a time is on its way to the store.
type queues struct {
	mu    sync.Mutex
	byRef map[store.Ref]*queue
}

// queue is the line before one document.
type queue struct {
	turn    chan struct{} // holds one token; waiting receivers are served in order
	members int           // under queues.mu
}

// joinQueue waits for this write's turn at its document, which it then keeps
// until leaveQueue. Further calls return at once.
func (w *write) joinQueue(ctx context.Context) error {
	if w.queue != nil {
		return nil
	}
	qs := &w.engine.queues
	qs.mu.Lock()
	q := qs.byRef[w.intent.Ref]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		q.turn <- struct{}{}
		if qs.byRef == nil {
			qs.byRef = make(map[store.Ref]*queue)
		}
		qs.byRef[w.intent.Ref] = q
	}
	q.members++
	qs.mu.Unlock()
	select {
	case <-q.turn:
		w.queue = q
		return nil
	case <-ctx.Done():
		qs.leave(w.intent.Ref, q)
		return ctx.Err()
	}
}

// leaveQueue hands the turn to the next write, if this one has it.
func (w *write) leaveQueue() {
	if w.queue == nil {
		return
	}
	w.queue.turn <- struct{}{}
	w.engine.queues.leave(w.intent.Ref, w.queue)
	w.queue = nil
}

func (qs *queues) leave(ref store.Ref, q *queue) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q.members--; q.members == 0 {
		delete(qs.byRef, ref)
	}
}
