package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

// reweigh merges a parked write with the current document. Its result is judged
// like any that would be stored; what is wrong with it is disputed.
func (w *write) reweigh(ctx context.Context, parked *ParkedWrite) (*weighed, error) {
	s := &weighed{tests: parked.tests}
	var err error
	if s.base, err = w.engine.parseStored(parked.Base.Body); err != nil {
		return nil, err
	}
	if s.theirs, err = w.currentValue(); err != nil {
		return nil, err
	}
	mine, err := w.engine.parseLike(parked.Yours, s.base)
	if err != nil {
		return nil, err
	}
	parked.Base.Digest = s.base.Digest()
	s.mine = candidate{value: mine, body: parked.Yours, digest: mine.Digest()}
	if err := w.threeWay(ctx, parked.Base, s, parked.By.Roles); err != nil {
		return nil, err
	}
	s.dispute(s.disputedTests()...)
	if !s.merged.Clean() {
		return s, nil
	}
	_, err = w.judge(s)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Reason == ReasonTooLarge { // who decides may choose less
		err = nil
	}
	return s, err
}

// OpenConflict is a parked write with what it disputes of the current document, as
// far as its reader sees these.
type OpenConflict struct {
	*ParkedWrite
	Disputes []Dispute
	Faults   []Fault // of a merge that would not be valid
}

// OpenConflicts are the parked writes of a document, a page of them.
type OpenConflicts struct {
	Current *store.Document // that they are merged with
	Items   []OpenConflict
	More    bool
	Last    ParkedPlace // of the last item
}

// OpenConflicts returns up to limit parked writes of a document, the oldest first,
// behind a place; nil starts at the first. It fails with a [*Refusal], which says
// not found where there is no document.
func (e *Engine) OpenConflicts(ctx context.Context, ref store.Ref, rules *Rules, a Authority, after *ParkedPlace, limit int) (*OpenConflicts, error) {
	w := &write{engine: e, intent: &Intent{Ref: ref, Rules: rules, Op: OpResolve, Authority: a}, whole: true}
	open, err := w.openConflicts(ctx)
	if err != nil {
		return nil, w.failed(err)
	}
	page := &OpenConflicts{Current: w.current}
	for _, p := range open {
		if after != nil && p.place().compare(*after) <= 0 {
			continue
		}
		if len(page.Items) == limit {
			page.More = true
			break
		}
		item, err := w.openConflict(ctx, p)
		if err != nil {
			return nil, w.failed(err)
		}
		if item != nil {
			page.Items, page.Last = append(page.Items, *item), p.place()
		}
	}
	return page, nil
}

// OpenConflict returns one parked write, and the document that it is merged with.
// It fails with a [*Refusal], which says not found where there is none under that
// id, or no document.
func (e *Engine) OpenConflict(ctx context.Context, ref store.Ref, rules *Rules, a Authority, id string) (*OpenConflict, *store.Document, error) {
	w := &write{engine: e, intent: &Intent{Ref: ref, Rules: rules, Op: OpResolve, Authority: a}, whole: true}
	open, err := w.openConflicts(ctx)
	if err != nil {
		return nil, nil, w.failed(err)
	}
	for _, p := range open {
		if p.ID != id {
			continue
		}
		item, err := w.openConflict(ctx, p)
		if err != nil {
			return nil, nil, w.failed(err)
		}
		if item != nil {
			return item, w.current, nil
		}
	}
	return nil, nil, w.noConflict()
}

// openConflicts loads the document and its parked writes, without their bodies.
func (w *write) openConflicts(ctx context.Context) ([]*ParkedWrite, error) {
	if err := w.load(ctx); err != nil {
		return nil, err
	}
	if !w.current.Exists() {
		return nil, w.noConflict()
	}
	open, _, err := w.engine.parkedRows(ctx, &w.current.Head)
	return open, err
}

// openConflict completes a parked write, nil where it was decided meanwhile.
func (w *write) openConflict(ctx context.Context, p *ParkedWrite) (*OpenConflict, error) {
	there, err := w.engine.loadBodies(ctx, p)
	if err != nil || !there {
		return nil, err
	}
	s, err := w.reweigh(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.Base.Body, err = w.engine.Seen(p.Base.Body, w.view); err != nil {
		return nil, err
	}
	if p.Yours, err = w.engine.Seen(p.Yours, w.view); err != nil {
		return nil, err
	}
	return &OpenConflict{ParkedWrite: p, Disputes: shown(w.intent.Rules.disputes(s), w.view), Faults: s.faults}, nil
}

// noConflict refuses what is asked of a parked write that is not there.
func (w *write) noConflict() *Refusal {
	r := &Refusal{Reason: ReasonNotFound, Current: w.current,
		Detail: "Nothing is parked here: somebody has decided about it already, or it never was. The document's _conflicts lists what is open."}
	if !w.current.Exists() {
		r.Detail = "There is no document, and nothing that is parked of it. What was parked of one that was deleted is gone with it."
	}
	return r
}
