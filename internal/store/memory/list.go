package memory

import (
	"bytes"
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// listed is a document at its place in a list.
type listed struct {
	store.Place
	*record
}

// List implements [store.Store]. It sorts the whole part for every page.
func (s *Store) List(ctx context.Context, name store.Part, q store.ListQuery) (store.Page, error) {
	if err := q.Validate(); err != nil {
		return store.Page{}, err
	}
	var page store.Page
	err := s.read(ctx, func() error {
		p := s.parts[name]
		if p == nil {
			return nil
		}
		if err := q.Under(s.indexes[name.Collection]); err != nil {
			return err
		}
		page = pageOf(p.rows(&q), &q)
		page.Head = p.head
		for i, d := range page.Documents {
			page.Documents[i] = atFloor(d, p.floor)
		}
		return nil
	})
	return page, err
}

// rows returns what a list walks, in its order and behind where it begins: by an
// index what lies within its bounds, by ids what the leading condition allows.
func (p *part) rows(q *store.ListQuery) []listed {
	from, to := q.Bounds()
	lead := q.Lead()
	var rows []listed
	for id, r := range p.documents {
		at := store.Place{Key: store.KeyIn(r.keys, q.Sort), ID: id}
		inside := q.Sort == "" || bytes.Compare(at.Key, from) >= 0 && (to == nil || bytes.Compare(at.Key, to) < 0)
		led := q.Sort != "" || lead == nil || lead.Holds(store.KeyIn(r.keys, lead.Index))
		if r.doc.Exists() && inside && led && q.Follows(at) {
			rows = append(rows, listed{at, r})
		}
	}
	slices.SortFunc(rows, func(a, b listed) int {
		if q.Descending {
			a, b = b, a
		}
		return a.Compare(b.Place)
	})
	return rows
}

// pageOf takes a page's documents from the front of the rows.
func pageOf(rows []listed, q *store.ListQuery) store.Page {
	var page store.Page
	passed := 0
	for _, row := range rows {
		fits := q.Hold(row.keys)
		if passed == q.MaxPassed() || fits && len(page.Documents) == q.Limit {
			page.More = true
			break
		}
		if page.Last = row.Place; fits {
			page.Documents = append(page.Documents, row.doc)
		} else {
			passed++
		}
	}
	return page
}
