package engine

import (
	"context"
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ahead is how far the writes of a hot document have come beyond what is known to
// be durable. Where the store takes commits in order, a write hands its turn on as
// soon as its commit is submitted, and the next one builds on what that will
// leave: so many writes share one flush to the disk. Nobody is answered on the
// strength of it before it is durable. If a commit fails, all that stand on it are
// refused by the store and go round.
type ahead struct {
	mu      sync.Mutex
	last    *pending // nil: ask the store
	attempt int      // counts the commits that failed with what stood on them
	recent  recent
}

// pending is a commit that was submitted, with the document that it will leave.
type pending struct {
	submission store.Submission
	document   store.Document
	value      jsonvalue.Value
	attempt    int
	done       chan struct{} // closed when it is decided
	stood      bool          // what was decided; after done
}

// newest returns what the next write builds on, nil for what the store has.
func (a *ahead) newest() *pending {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// push makes p what the next write builds on.
func (a *ahead) push(p *pending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.attempt = a.attempt
	a.last = p
}

// decide tells what became of p. Where it failed, what was built on it fails too,
// and the next write asks the store.
func (a *ahead) decide(p *pending, entry *store.Entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.stood = entry != nil
	if p.stood {
		a.recent.add(entry, p.value)
		if a.last == p {
			a.last = nil
		}
	} else if p.attempt == a.attempt { // else this has been seen to, and last is of a new start
		a.last = nil
		a.attempt++
	}
	close(p.done)
}

// settled waits until what this write was decided on is durable. It returns
// errLostRace where that has failed.
func (w *write) settled(ctx context.Context) error {
	if w.basis == nil {
		return nil
	}
	w.passTurn() // nobody has to wait for this answer
	return w.durable(ctx)
}

// durable waits for the same while the turn is kept, for who goes on from it with
// what the history says. Deciding a commit takes no turn, so that this ends.
func (w *write) durable(ctx context.Context) error {
	if w.basis == nil {
		return nil
	}
	select {
	case <-w.basis.done:
	case <-ctx.Done():
		return w.failed(ctx.Err())
	}
	if !w.basis.stood {
		return errLostRace
	}
	return nil
}

// letGo waits, after a lost race, until it is decided what became of what this write
// was built on. What is ahead ends with that, and the next turn asks the store: else it
// would build on the same again and lose again, where something has come on top of it
// that does not go ahead, such as a lease.
func (w *write) letGo(ctx context.Context) error {
	if w.basis == nil || !w.hasTurn {
		return nil
	}
	select {
	case <-w.basis.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send has the store carry a commit out. Where the document is hot and the store
// takes commits in order, the next write goes on meanwhile. What was built on a
// commit whose outcome is not known yet stands or falls with it.
func (w *write) send(ctx context.Context, c *store.Commit, p *plan) (store.Receipt, error) {
	submitter, ordered := w.engine.store.(store.Submitter)
	leads := ordered && w.hasTurn && !c.Dry && !p.unchanged && len(c.Claims) == 0 && len(c.Rows) == 0 && p.content == store.ContentBody
	if !leads && w.basis == nil {
		return w.engine.commit(ctx, c)
	}
	submission, err := submitter.Submit(ctx, c, w.basis.of())
	if err != nil {
		return store.Receipt{}, err
	}
	if !leads {
		return submission.Wait()
	}
	next := &pending{
		submission: submission,
		document:   store.Document{Head: c.Writes[0].After(w.current.Head), Body: p.candidate.body},
		value:      p.candidate.value, done: make(chan struct{}),
	}
	w.queue.ahead.push(next)
	var entry *store.Entry
	defer func() { w.queue.ahead.decide(next, entry) }() // also when the store panics: others wait for it
	w.passTurn()
	receipt, err := submission.Wait()
	if err == nil {
		entry = entryOf(c, &c.Writes[0])
		entry.Body, entry.Position = p.candidate.body, receipt.Heads[0].Position
	}
	return receipt, err
}

// of returns the submission of p, nil for none.
func (p *pending) of() store.Submission {
	if p == nil {
		return nil
	}
	return p.submission
}
