package memory

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Changes implements [store.Feed].
func (s *Store) Changes(ctx context.Context, q store.ChangeQuery) (store.ChangePage, error) {
	var page store.ChangePage
	if err := q.Validate(); err != nil {
		return page, err
	}
	err := s.read(ctx, func() error {
		page.Newest = s.tail.Newest()
		pruned := s.pruned
		if q.Part.Collection != "" {
			pruned = 0
			if p := s.parts[q.Part]; p != nil {
				pruned = p.pruned
			}
		}
		after := q.After.At(0)
		end, last := min(page.Newest.At(0), after+store.MaxFeedScan), after
		for ; last < end && len(page.Entries) < q.Limit; last++ {
			if e := s.log[last]; e != nil && (q.Touches || e.Action != store.ActionTouch) && includes(&q.Scope, &e.Ref) {
				page.Entries = append(page.Entries, *e)
				if !q.Bodies {
					page.Entries[len(page.Entries)-1].Body = nil
				}
			}
		}
		page.Last, page.Pruned = store.Mark{last}, store.Mark{pruned}
		return nil
	})
	return page, err
}

// includes tells whether a document's changes are in a scope.
func includes(scope *store.Scope, ref *store.Ref) bool {
	return scope.Part.Collection == "" || scope.Part == ref.Part && (!scope.One || scope.ID == ref.ID)
}

// Watch implements [store.Feed].
func (s *Store) Watch(scope store.Scope) *store.Watch { return s.tail.Watch(scope) }

// changes are what ch does to content, by position.
func (ch *change) changes() []store.Change {
	var changes []store.Change
	for _, e := range ch.entries {
		if e.Action != store.ActionTouch {
			changes = append(changes, store.Change{Ref: e.Ref, Position: e.Position})
		}
	}
	return changes
}
