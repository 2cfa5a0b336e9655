package etcd

import (
	"context"
	"encoding/json"

	"github.com/ifmatch/ifmatch/internal/store"
)

// spot is where a row of the feed is found.
type spot struct {
	ref      store.Ref
	rev      int64
	position int64
}

// Changes implements [store.Feed]. It walks the feed of the whole store, but for a
// scope in which nothing has come since the page before.
func (s *Store) Changes(ctx context.Context, q store.ChangeQuery) (page store.ChangePage, err error) {
	if err := q.Validate(); err != nil {
		return page, err
	}
	err = s.reading(ctx, func(v *snapshot) error {
		st := s.newState()
		gets := []get{st.getTail()}
		if q.Part.Collection != "" {
			gets = append(gets, st.getPart(q.Part))
		}
		if q.One {
			gets = append(gets, st.getHead(store.Ref{Part: q.Part, ID: q.ID}))
		}
		if err := v.read(ctx, gets...); err != nil {
			return err
		}
		newest, after := st.tail.Position, q.After.At(0)
		pruned, head := st.inScope(&q.Scope)
		page = store.ChangePage{Newest: store.Mark{newest}, Pruned: store.Mark{pruned}}
		last := max(after, newest)
		if head > after && newest > after {
			last = min(newest, after+store.MaxFeedScan)
			spots, err := s.spots(ctx, v, &q, &last)
			if err != nil {
				return err
			}
			if page.Entries, err = s.entries(ctx, v, spots, q.Bodies); err != nil {
				return err
			}
		}
		page.Last = store.Mark{last}
		return nil
	})
	return page, err
}

// inScope returns the greatest position of a row that is gone from a scope, and a
// position behind which nothing in it has come.
func (st *state) inScope(scope *store.Scope) (pruned, head int64) {
	if scope.Part.Collection == "" {
		return st.tail.Pruned, st.tail.Position
	}
	if p := st.parts[scope.Part]; p != nil {
		pruned, head = p.Pruned, p.Head
	}
	if scope.One {
		head = 0
		if h := st.heads[store.Ref{Part: scope.Part, ID: scope.ID}]; h != nil {
			head = h.Position
		}
	}
	return pruned, head
}

// spots returns where the rows of a page are, up to a position, which it takes back to
// that of the last row where there is no room for more.
func (s *Store) spots(ctx context.Context, v *snapshot, q *store.ChangeQuery, last *int64) (spots []spot, err error) {
	after := q.After.At(0)
	err = v.walk(ctx, s.keys.feed(after+1), end(s.keys.key(kindFeed)), chunk, func(key, value []byte) (bool, error) {
		var changes []change
		if err := json.Unmarshal(value, &changes); err != nil {
			return false, err
		}
		position := readNumber(string(key[len(key)-8:])) - int64(len(changes))
		for i := range changes {
			c := &changes[i]
			if position++; position > *last {
				return false, nil
			}
			if position > after && (q.Touches || !c.Touch) && includes(&q.Scope, c) {
				spots = append(spots, spot{c.ref(), c.Rev, position})
				if len(spots) == q.Limit {
					*last = position
					return false, nil
				}
			}
		}
		return true, nil
	})
	return spots, err
}

// includes tells whether a change is in a scope.
func includes(scope *store.Scope, c *change) bool {
	return scope.Part.Collection == "" ||
		scope.Part.Collection == c.Collection && scope.Part.Params == string(c.Params) && (!scope.One || scope.ID == string(c.ID))
}

// entries returns the rows at spots that are still kept.
func (s *Store) entries(ctx context.Context, v *snapshot, spots []spot, bodies bool) ([]store.Entry, error) {
	all := make([]store.Entry, 0, len(spots))
	var gets []get
	for _, at := range spots {
		gets = append(gets, one(s.keys.log(at.ref, at.rev), func(value []byte) error {
			row := logRow{}
			if err := decode(value, &row); err != nil {
				return err
			}
			if row.Position == at.position { // else it was purged, and another document has come there
				all = append(all, row.entry(at.ref))
			}
			return nil
		}))
	}
	if err := v.read(ctx, gets...); err != nil || !bodies {
		return all, err
	}
	gets = nil
	for i := range all {
		if e := &all[i]; e.Action == store.ActionPut || e.Action == store.ActionPatch {
			gets = append(gets, one(s.keys.body(e.Ref, e.Version, e.At), func(value []byte) (err error) {
				_, e.Body, err = decodeBody(value)
				return err
			}))
		}
	}
	return all, v.read(ctx, gets...)
}
