package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Past is what a caller may see of the history of one document. The zero value is
// nothing.
//
// It is judged on the document as it is now. That says nothing about one which was
// deleted under the same id before: whoever may create a document would learn from it
// what somebody else had deleted. So of a life that has ended is shown what does not
// depend on the document.
type Past struct {
	life  int64      // that the document is in
	now   *view.View // of what they see of that life
	ended bool       // lives before it are shown too

	rules     *Rules
	authority Authority
}

// Shows tells whether the caller may see versions of a life of the document.
func (p *Past) Shows(life int64) bool { return life == p.life || p.ended }

// View returns what the caller sees of a version of a life, nil for everything.
func (p *Past) View(life int64) *view.View {
	if life == p.life || p.rules == nil {
		return p.now
	}
	return p.rules.View(p.authority, jsonvalue.Value{})
}

// Past judges what a caller may see of a document's history: who may read it, and its
// history, as it is stored now. Whoever shows versions of it reads them before, so that
// none is newer than what was judged. It fails with a [*Refusal].
func (e *Engine) Past(ctx context.Context, ref store.Ref, rules *Rules, a Authority) (Past, error) {
	if !rules.Reserved.Access && rules.Readers == nil {
		return Past{ended: true}, nil
	}
	doc, err := e.store.Get(ctx, ref)
	if err != nil {
		return Past{}, e.refusalOf(err, nil)
	}
	return e.past(doc, doc, rules, a)
}

// Following is Past for a feed. Of a document that was deleted they may know of changes
// who might have read what was there last, as far as that is kept; who may not is no
// error, and sees nothing.
func (e *Engine) Following(ctx context.Context, ref store.Ref, rules *Rules, a Authority) (Past, error) {
	if !rules.Reserved.Access && rules.Readers == nil {
		return Past{ended: true}, nil
	}
	doc, err := e.store.Get(ctx, ref)
	judged := doc
	if err == nil && doc.Deleted {
		judged, err = e.beforeDeletion(ctx, doc)
	}
	if err != nil {
		return Past{}, e.refusalOf(err, nil)
	}
	p, err := e.past(doc, judged, rules, a)
	if refusal, ok := errors.AsType[*Refusal](err); ok && (refusal.Reason == ReasonNotFound || refusal.Reason == ReasonForbidden) {
		return Past{}, nil
	}
	return p, err
}

// past judges the history of a document by what judged is: the document, or what it was
// before it was deleted.
func (e *Engine) past(doc, judged *store.Document, rules *Rules, a Authority) (Past, error) {
	if err := e.permit(rules, a, judged, ActHistory); err != nil {
		return Past{}, err
	}
	now, err := e.ViewOf(rules, a, doc)
	if err != nil {
		return Past{}, err
	}
	ended := rules.may(a, ActRead, jsonvalue.Value{}) == Yes && rules.may(a, ActHistory, jsonvalue.Value{}) == Yes
	return Past{life: doc.Life, now: now, ended: ended, rules: rules, authority: a}, nil
}

// beforeDeletion returns what a tombstone was before, the tombstone where that is not
// kept.
func (e *Engine) beforeDeletion(ctx context.Context, doc *store.Document) (*store.Document, error) {
	last, err := e.store.Entry(ctx, doc.Ref, doc.Version-1)
	switch {
	case errors.Is(err, store.ErrNoEntry), err == nil && last.Body == nil:
		return doc, nil
	case err != nil:
		return nil, err
	}
	return &store.Document{Head: store.Head{Ref: doc.Ref, Rev: last.Rev, Version: last.Version}, Body: last.Body}, nil
}
