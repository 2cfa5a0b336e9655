package engine

import (
	"context"
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// write is one intent on its way.
type write struct {
	engine  *Engine
	intent  *Intent
	content content         // the parsed body, once for all turns
	current *store.Document // as this turn loaded it
	whole   bool            // the current body is needed, not only its head
	queue   *queue          // the document's queue, once this write has joined
	hasTurn bool            // it is this write's turn there
	basis   *pending        // the commit that current comes of, nil for what is durable
	value   jsonvalue.Value // the current body parsed, once it was
	view    *view.View      // what the caller sees of it
	// leftover is a claim in the way that belongs to nobody, nil for none.
	leftover *leftover
	// together tells that the write is one of a batch, and held the document that was
	// found to have the natural key which it would take.
	together bool
	held     *store.Ref
	// resolves is the parked write that this one decides about, nil for none.
	resolves *resolution
	// waited tells that this write has stood in line for the document.
	waited bool
}

// attempt takes a write through the corridor until it is decided.
func (w *write) attempt(ctx context.Context) (*Outcome, error) {
	defer w.leaveQueue() // also when a turn panics, or nobody behind it would get one
	if err := w.joinOthers(ctx); err != nil {
		return nil, w.failed(err)
	}
	for round := 1; round <= w.engine.maxRounds; round++ {
		out, err := w.turn(ctx)
		if err != errLostRace {
			if unsettled := w.settled(ctx); unsettled != nil {
				out, err = nil, unsettled
			}
		}
		if err == errLostRace {
			if err := w.letGo(ctx); err != nil {
				return nil, w.failed(err)
			}
			if err := w.joinQueue(ctx); err != nil {
				return nil, w.discreet(w.failed(err))
			}
			continue
		}
		if err != nil {
			return nil, w.discreet(err)
		}
		out.Rounds = round
		return out, nil
	}
	return nil, w.discreet(&Refusal{Reason: ReasonContended, Current: w.current, RetryAfter: time.Second})
}

// errLostRace is the only way back to the start of the corridor.
var errLostRace = errors.New("lost race")

// turn walks the corridor once: load, evaluate, build, commit. It returns a
// *Refusal, errLostRace, or the outcome.
func (w *write) turn(ctx context.Context) (*Outcome, error) {
	p, err := w.planned(ctx)
	switch {
	case err != nil:
		return nil, err
	case p.parked != nil:
		return w.park(ctx, &p)
	case p.unchanged:
		return w.unchanged(ctx, &p)
	}
	return w.commit(ctx, &p)
}

// planned loads the document and decides about the write on it. It fails with
// errLostRace or a *Refusal.
func (w *write) planned(ctx context.Context) (plan, error) {
	if err := w.load(ctx); err != nil {
		return plan{}, err
	}
	if err := w.knownLease(); err != nil {
		return plan{}, err
	}
	if err := w.inTurn(); err != nil {
		return plan{}, err
	}
	p, err := w.decide(ctx)
	if err == nil {
		err = w.authorizeResult(&p)
	}
	if (err != nil || p.unchanged) && err != errLostRace {
		if locked := w.judgeLease(ctx); locked != nil {
			return plan{}, locked
		}
	}
	return p, err
}

// load reads the current document. What replaces or deletes it is content with
// its head, where the store can read that for less.
func (w *write) load(ctx context.Context) error {
	if err := w.fetch(ctx); err != nil {
		return err
	}
	if err := w.authorize(); err != nil {
		return err
	}
	return w.see()
}

func (w *write) fetch(ctx context.Context) error {
	w.value, w.basis = jsonvalue.Value{}, nil
	if w.hasTurn {
		if p := w.queue.ahead.newest(); p != nil {
			w.current, w.value, w.basis = &p.document, p.value, p
			return nil
		}
	}
	get := w.engine.store.Get
	if heads, ok := w.engine.store.(store.HeadReader); ok && !w.whole && w.headIsEnough() {
		get = heads.Head
	}
	doc, err := get(ctx, w.intent.Ref)
	if err != nil {
		return w.failed(err)
	}
	w.current = doc
	return nil
}

// headIsEnough tells whether a write can do without the body that is there,
// unless it turns out to be stale.
func (w *write) headIsEnough() bool {
	rules := w.intent.Rules
	if rules.Reserved.Documents {
		return false
	}
	return w.intent.Op.leases() || rules.Key == nil && rules.Readers == nil && (w.intent.Op == OpDelete || w.intent.Op == OpCheck || w.intent.Op == OpPut && !rules.Merge.HasImmutable() && rules.Contributions == nil)
}

// errHeadOnly says that a turn on the head alone has come to need the body.
var errHeadOnly = errors.New("the body was not loaded")

// hasBody tells whether the body that there is, if any, is loaded.
func (w *write) hasBody() bool { return !w.current.Exists() || w.current.Body != nil }
