package engine

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Create carries out the creation of a document, as [Intent.Post] makes it of an
// intent. Where the natural key is taken nothing is written: equal content is an
// outcome, [Unchanged], on the document that holds it; other content is refused with
// [ReasonDuplicate].
func (e *Engine) Create(ctx context.Context, in *Intent) (*Outcome, error) {
	in.Post()
	for range e.maxRounds {
		if out, err := e.create(ctx, in); err != errLostRace {
			return out, err
		}
	}
	return nil, &Refusal{Reason: ReasonContended, RetryAfter: time.Second}
}

// create is Create, but that the document which has the key may change before the
// answer is stored: then it fails with errLostRace.
func (e *Engine) create(ctx context.Context, in *Intent) (*Outcome, error) {
	w := &write{engine: e, intent: in}
	if in.Rules.Key == nil {
		in.Ref.ID = e.freshID()
		return w.run(ctx)
	}
	c, err := w.candidate(ctx, nil, nil)
	if err != nil {
		return nil, w.failed(err)
	}
	if err := w.authorizeAs(ActCreate, func() (jsonvalue.Value, error) { return c.value, nil }); err != nil {
		return nil, err // before the key is looked up
	}
	in.Ref.ID = in.Rules.Key.id(c.value)
	out, err := w.run(ctx)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Reason == ReasonExists {
		out, err = w.elsewhere(ctx, r.Current, c)
	}
	if r, ok := errors.AsType[*Refusal](err); ok && r.Reason == ReasonDuplicate {
		there, err := w.alreadyThere(r, c)
		if err != nil {
			return nil, err
		}
		return there.unchanged(ctx, &plan{unchanged: true})
	}
	return out, err
}

// freshID makes the id of a document that brings none.
func (e *Engine) freshID() string { return uuid.UUID(e.newID()).String() }

// elsewhere goes on with a creation whose id another document has. If that one
// has the key too, it is a duplicate. If it has changed its key since, the key is
// free, and the new document gets a UUIDv7.
func (w *write) elsewhere(ctx context.Context, occupant *store.Document, c candidate) (*Outcome, error) {
	value, err := w.intent.Rules.Key.held(w.engine, occupant)
	if err != nil {
		return nil, w.failed(err)
	}
	if value == c.key {
		w.current = nil
		return nil, w.duplicate(occupant)
	}
	w.intent.Ref.ID = w.engine.freshID()
	again := &write{engine: w.engine, intent: w.intent, content: w.content}
	return again.run(ctx)
}

// alreadyThere decides about a creation whose key another document holds: it returns the
// write that would not change that one, or fails with r. Of the document counts what the
// creator sees, so that who gives a value for anything else is not told whether it is the
// same.
func (w *write) alreadyThere(r *Refusal, c candidate) (*write, error) {
	if r.Holder == nil { // the creator may not know of it
		return nil, r
	}
	is, err := w.engine.parseStored(r.Holder.Body)
	if err != nil {
		return nil, w.engine.refusalOf(err, r.Current)
	}
	v := w.intent.Rules.View(w.intent.Authority, is)
	if !jsonvalue.Identical(v.Value(is), c.value) {
		return nil, r
	}
	return &write{engine: w.engine, intent: w.intent, current: r.Holder, value: is, view: v}, nil
}
