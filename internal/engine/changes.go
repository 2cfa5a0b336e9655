package engine

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// FeedPlace is how far somebody has read a feed.
type FeedPlace struct {
	// Mark is where the next page begins: everything up to it was shown.
	Mark store.Mark
	// Pruned is what the feed had lost already when its reader began with the oldest
	// that was kept.
	Pruned store.Mark
}

// misses tells whether rows behind the place are gone that were there when its reader
// began.
func (p *FeedPlace) misses(pruned store.Mark) bool {
	for lane, gone := range pruned {
		if p.Mark.At(lane) < gone && p.Pruned.At(lane) != gone {
			return true
		}
	}
	return false
}

// Changes returns the page of a feed that comes behind a place, and its end; nil is
// the place before the oldest change that is kept. A page without entries whose Last
// covers its Newest tells that there is no more now. It fails with a [*Refusal]:
// ReasonResync where changes behind the place are no longer kept, or the store does
// not come so far, and ReasonNotFound where it keeps no feed.
func (e *Engine) Changes(ctx context.Context, q store.ChangeQuery, from *FeedPlace) (store.ChangePage, FeedPlace, error) {
	feed, ok := e.store.(store.Feed)
	if !ok {
		return store.ChangePage{}, FeedPlace{}, &Refusal{Reason: ReasonNotFound, Detail: "The store of this server keeps no feed of changes."}
	}
	if q.After = nil; from != nil {
		q.After = from.Mark
	}
	page, err := feed.Changes(ctx, q)
	if err != nil {
		return page, FeedPlace{}, e.refusalOf(err, nil)
	}
	next := FeedPlace{Mark: page.Last, Pruned: page.Pruned}
	if from != nil {
		next.Pruned = from.Pruned
		if from.misses(page.Pruned) || !page.Newest.Covers(from.Mark) {
			return page, FeedPlace{}, &Refusal{Reason: ReasonResync}
		}
	}
	return page, next, nil
}

// Watch waits for the next change in a scope; the caller must Stop it. Where the
// store keeps no feed it never ends.
func (e *Engine) Watch(scope store.Scope) *store.Watch {
	if feed, ok := e.store.(store.Feed); ok {
		return feed.Watch(scope)
	}
	return new(store.Tail).Watch(scope)
}
