package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

// FeedPlace is how far somebody has read a feed.
type FeedPlace struct {
	// Position is where the next page begins: everything up to it was shown.
	Position int64
	// Pruned is what the feed had lost already when its reader began with the oldest
	// that was kept.
	Pruned int64
}

// Changes returns the page of a feed that comes behind a place, and its end; nil is
// the place before the oldest change that is kept. A page without entries whose Last
// is its Newest tells that there is no more now. It fails with a [*Refusal]:
// ReasonResync where changes behind the place are no longer kept, or the store does
// not come so far, and ReasonNotFound where it keeps no feed.
func (e *Engine) Changes(ctx context.Context, q store.ChangeQuery, from *FeedPlace) (store.ChangePage, FeedPlace, error) {
	feed, ok := e.store.(store.Feed)
	if !ok {
		return store.ChangePage{}, FeedPlace{}, &Refusal{Reason: ReasonNotFound, Detail: "The store of this server keeps no feed of changes."}
	}
	if q.After = 0; from != nil {
		q.After = from.Position
	}
	page, err := feed.Changes(ctx, q)
	if err != nil {
		return page, FeedPlace{}, e.refusalOf(err, nil)
	}
	next := FeedPlace{Position: page.Last, Pruned: page.Pruned}
	if from != nil {
		next.Pruned = from.Pruned
		lost := from.Position < page.Pruned && from.Pruned != page.Pruned
		if lost || from.Position > page.Newest {
			return page, FeedPlace{}, &Refusal{Reason: ReasonResync}
		}
	}
	return page, next, nil
}

// MayFollow tells whether a caller may know of a document's changes: who may read it,
// and its history, as it stands now. Of one that was deleted they may know who might
// have read what was there last, as far as that is kept. It fails with a [*Refusal].
func (e *Engine) MayFollow(ctx context.Context, ref store.Ref, rules *Rules, a Authority) (bool, error) {
	if !rules.Reserved.Access {
		return true, nil
	}
	doc, err := e.store.Get(ctx, ref)
	if err == nil && doc.Deleted {
		doc, err = e.beforeDeletion(ctx, doc)
	}
	if err != nil {
		return false, e.refusalOf(err, nil)
	}
	barred := e.permit(rules, a, doc, ActHistory)
	if refusal, ok := errors.AsType[*Refusal](barred); ok && (refusal.Reason == ReasonNotFound || refusal.Reason == ReasonForbidden) {
		return false, nil
	}
	return barred == nil, barred
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

// Watch waits for the next change in a scope; the caller must Stop it. Where the
// store keeps no feed it never ends.
func (e *Engine) Watch(scope store.Scope) *store.Watch {
	if feed, ok := e.store.(store.Feed); ok {
		return feed.Watch(scope)
	}
	return new(store.Tail).Watch(scope)
}
