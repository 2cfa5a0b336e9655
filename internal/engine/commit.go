package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// commit carries a plan out on exactly the state it was made on.
func (w *write) commit(ctx context.Context, p *plan) (*Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, w.failed(err)
	}
	c := w.engine.begin(w.intent)
	document, err := w.enlist(c, p)
	if err != nil {
		return nil, w.failed(err)
	}
	out := w.outcome(p, document)
	if err := w.foretell(ctx, c, p, out); err != nil {
		return w.notCommitted(ctx, err)
	}
	if err := w.keep(c, p, out); err != nil {
		return nil, w.failed(err)
	}
	receipt, err := w.send(context.WithoutCancel(ctx), c, p)
	if err != nil {
		return w.notCommitted(ctx, err)
	}
	w.basis = nil // which was carried out before
	document.Head = receipt.Heads[0]
	if w.intent.Op == OpRelease {
		w.engine.lines.released(w.intent.Ref)
	}
	if err := w.tellLease(p, &receipt, out); err != nil {
		return nil, w.failed(err)
	}
	return out, nil
}

// begin declares a commit that has nothing in it yet.
func (e *Engine) begin(in *Intent) *store.Commit {
	return &store.Commit{ID: e.newID(), Actor: in.Actor, Correlation: in.Correlation, Now: e.stamp(), Dry: in.Dry}
}

// enlist adds to a commit what a plan writes, and returns the document that it will
// leave.
func (w *write) enlist(c *store.Commit, p *plan) (*store.Document, error) {
	if w.current.Next > ifmatch.MaxVersion {
		return nil, fmt.Errorf("version %d is beyond 2^53-1", w.current.Next)
	}
	claims, err := w.claims(p)
	if err != nil {
		return nil, err
	}
	write := w.declare(c, p)
	c.Writes, c.Claims, c.Rows = append(c.Writes, write), append(c.Claims, claims...), append(c.Rows, p.rows...)
	if w.leftover != nil {
		w.leftover.clear(c)
		w.leftover = nil
	}
	return &store.Document{Head: write.After(w.current.Head), Body: p.candidate.body}, nil
}

// outcome is what becomes of a plan that leaves document.
func (w *write) outcome(p *plan, document *store.Document) *Outcome {
	if p.parked != nil {
		return &Outcome{Result: Parked, Document: w.current, Before: w.current, Granted: p.granted, Parked: p.parked.Parked, Conflict: p.parked.Conflict}
	}
	out := &Outcome{
		Result: p.result, Document: document, Before: w.current, Granted: p.granted, Combined: p.combined,
		Contribution: p.contribution, Outranked: p.outranked, Waited: w.waited, Observed: p.observed,
	}
	if p.unchanged {
		out.Result, out.Outranked = Unchanged, nil
	}
	if w.resolves != nil && !w.resolves.discard {
		w.decided(out)
	}
	content := p.candidate.value
	if p.unchanged {
		content = w.value
	}
	w.reveal(out, content)
	return out
}

// notCommitted decides about a commit that the store did not carry out.
func (w *write) notCommitted(ctx context.Context, err error) (*Outcome, error) {
	out, err := notCommitted(err, func(t *store.TakenError) error { return w.taken(ctx, t) }, func(err error) error { return w.failed(err) })
	if out != nil {
		w.basis = nil // such an answer is durable, whatever this turn stood on
	}
	return out, err
}

// notCommitted decides about a commit, of a write or of a batch, that the store did not
// carry out: it has lost its race, or what was answered under its key before is the
// outcome. Taken and failed say what else it comes to.
func notCommitted(err error, taken func(*store.TakenError) error, failed func(error) error) (*Outcome, error) {
	if _, lost := errors.AsType[*store.StaleError](err); lost {
		return nil, errLostRace
	}
	if r, ok := errors.AsType[*store.ReplayedError](err); ok {
		return replayed(&r.Answer), nil
	}
	if t, ok := errors.AsType[*store.TakenError](err); ok {
		return nil, taken(t)
	}
	return nil, failed(err)
}

// stamp returns the time to the microsecond, as stores keep it.
func (e *Engine) stamp() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// declare makes the write of a plan, with its log row.
func (w *write) declare(c *store.Commit, p *plan) store.Write {
	in, head := w.intent, &w.current.Head
	write := store.Write{
		Ref: in.Ref, Rev: head.Rev,
		Content: p.content, Version: head.Next, Life: head.Life, At: c.Now,
		Body: p.candidate.body, Digest: p.candidate.digest, Keys: p.candidate.keys(in.Rules.Indexes),
		Log: store.Log{Action: in.Op.action(), Outcome: string(p.result), Base: p.base, Blind: p.blind, MergedFrom: p.mergedFrom, Decisions: p.decisions},
	}
	switch {
	case p.content == store.ContentTouch:
		write.Version, write.Digest = head.Version, head.Digest
		write.Body, write.Keys, write.Log.Action = nil, nil, store.ActionTouch
	case !head.Exists():
		write.Life++
	}
	if write.Lease = p.lease; write.Lease.Op == store.LeaseNone {
		write.Lease = w.underLease()
	}
	write.Keep = in.Rules.Keep
	if in.Rules.KeepFor > 0 {
		write.KeepSince = c.Now.Add(-in.Rules.KeepFor)
	}
	if write.At.Before(head.At) {
		write.At = head.At
	}
	if w.engine.chain != nil {
		write.Log.Link = w.engine.chain.Seal(head.Link, entryOf(c, &write))
	}
	return write
}

// entryOf is the log row that a write will leave, but for its feed position.
func entryOf(c *store.Commit, w *store.Write) *store.Entry {
	return &store.Entry{
		Log: w.Log, Ref: w.Ref, CommitID: c.ID, Correlation: c.Correlation, Actor: c.Actor,
		Rev: w.Rev + 1, Version: w.Version, Life: w.Life, At: w.At, Digest: w.Digest,
	}
}

// settleAttempts is how often a commit of unknown outcome is run again.
const settleAttempts = 2

// commit runs c, and runs it again where the store cannot say what became of
// it. Only an answer that judged the commit settles that; until then the
// outcome stays unknown, whatever else fails.
func (e *Engine) commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	receipt, err := e.store.Commit(ctx, c)
	if !errors.Is(err, store.ErrOutcomeUnknown) || !e.store.Info().Capabilities.Settles {
		return receipt, err
	}
	for range settleAttempts {
		again, errAgain := e.store.Commit(ctx, c)
		_, stale := errors.AsType[*store.StaleError](errAgain)
		_, taken := errors.AsType[*store.TakenError](errAgain)
		_, answered := errors.AsType[*store.ReplayedError](errAgain)
		locked := lockOf(errAgain) != nil || errors.Is(errAgain, store.ErrLeaseExpired)
		if errAgain == nil || stale || taken || answered || locked || errors.Is(errAgain, store.ErrKeyMismatch) {
			return again, errAgain
		}
	}
	return receipt, err
}

// failed is refusalOf for a document as this turn loaded it.
func (w *write) failed(err error) *Refusal { return w.engine.refusalOf(err, w.current) }

var reasonsOfStore = []struct {
	err    error
	reason Reason
	retry  time.Duration
}{
	{store.ErrOutcomeUnknown, ReasonUnknown, time.Second},
	{store.ErrContended, ReasonContended, time.Second},
	{store.ErrReadOnly, ReasonReadOnly, 10 * time.Second},
	{store.ErrFull, ReasonFull, 0},
	{store.ErrTooLarge, ReasonTooLarge, 0},
	{store.ErrKeyMismatch, ReasonKeyMismatch, 0},
	{store.ErrLeaseExpired, ReasonLeaseExpired, 0},
	{store.ErrClosed, ReasonReadOnly, time.Second},
	{store.ErrUnavailable, ReasonOverloaded, time.Second},
	{context.Canceled, ReasonOverloaded, time.Second},
	{context.DeadlineExceeded, ReasonOverloaded, time.Second},
}

// refusalOf turns an error of the store, or of the caller's context, into the
// refusal that its class has.
func (e *Engine) refusalOf(err error, current *store.Document) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	r := &Refusal{Reason: ReasonInternal, Current: current, cause: err}
	if locked := lockOf(err); locked != nil {
		r.Reason, r.RetryAfter = ReasonLocked, max(locked.Until.Sub(e.now()), time.Second)
		return r
	}
	for _, known := range reasonsOfStore {
		if errors.Is(err, known.err) {
			r.Reason, r.RetryAfter = known.reason, known.retry
			return r
		}
	}
	return r
}
