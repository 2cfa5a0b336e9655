package engine

import (
	"context"

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

// Watch waits for the next change in a scope; the caller must Stop it. Where the
// store keeps no feed it never ends.
func (e *Engine) Watch(scope store.Scope) *store.Watch {
	if feed, ok := e.store.(store.Feed); ok {
		return feed.Watch(scope)
	}
	return new(store.Tail).Watch(scope)
}
