package etcd

import (
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// listed is a document at its place in a list.
type listed struct {
	store.Place
	ref  store.Ref
	head *head
}

// List implements [store.Store]. A page by ids costs what it passes; one by an index
// reads the heads of the whole part, and the bodies of the page.
func (s *Store) List(ctx context.Context, name store.Part, q store.ListQuery) (page store.Page, err error) {
	if err := q.Validate(); err != nil {
		return page, err
	}
	err = s.reading(ctx, func(v *snapshot) error {
		page = store.Page{}
		st := s.newState()
		if err := v.read(ctx, st.getTail(), st.getPart(name), st.getIndexes(name.Collection)); err != nil {
			return err
		}
		p := st.parts[name]
		if p == nil {
			return nil
		}
		if err := q.Under(st.whole(name.Collection)); err != nil {
			return err
		}
		pager := &pager{q: &q, page: &page, floor: st.floor(name)}
		if page.Head = p.Head; q.Sort == "" {
			err = s.listByID(ctx, v, name, pager)
		} else {
			err = s.listByIndex(ctx, v, name, pager)
		}
		if err != nil {
			return err
		}
		return s.addBodies(ctx, v, page.Documents)
	})
	return page, err
}

// whole returns the indexes that a collection's documents are under, all of them.
func (st *state) whole(collection string) []string {
	if under := st.indexes[collection]; under != nil && under.Whole {
		return under.Names
	}
	return nil
}

// pager takes the documents of a page from the rows of a list.
type pager struct {
	q      *store.ListQuery
	page   *store.Page
	floor  int64
	passed int
}

// take looks at the next row. It tells whether to go on.
func (p *pager) take(row *listed) bool {
	fits := p.q.Hold(row.head.keys())
	if p.passed == p.q.MaxPassed() || fits && len(p.page.Documents) == p.q.Limit {
		p.page.More = true
		return false
	}
	if p.page.Last = row.Place; fits {
		p.page.Documents = append(p.page.Documents, &store.Document{Head: row.head.of(row.ref, p.floor)})
	} else {
		p.passed++
	}
	return true
}

// walkHeads yields the heads of a part in the order of ids, from a key on.
func (s *Store) walkHeads(ctx context.Context, v *snapshot, name store.Part, from string, size int64, yield func(ref store.Ref, h *head) (bool, error)) error {
	all := s.keys.key(kindHeads, name.Collection, name.Params)
	return v.walk(ctx, max(from, all), end(all), size, func(key, value []byte) (bool, error) {
		ref, err := s.keys.refOf(key)
		if err != nil {
			return false, err
		}
		h := &head{}
		if err := decode(value, h); err != nil {
			return false, err
		}
		return yield(ref, h)
	})
}

func (s *Store) listByID(ctx context.Context, v *snapshot, name store.Part, p *pager) error {
	from := ""
	if p.q.After.ID != "" {
		from = s.keys.head(store.Ref{Part: name, ID: p.q.After.ID}) + "\x00"
	}
	lead := p.q.Lead()
	return s.walkHeads(ctx, v, name, from, int64(min(p.q.Limit+1, chunk)), func(ref store.Ref, h *head) (bool, error) {
		if h.Deleted || lead != nil && !lead.Holds(store.KeyIn(h.keys(), lead.Index)) {
			return true, nil
		}
		return p.take(&listed{store.Place{ID: ref.ID}, ref, h}), nil
	})
}

func (s *Store) listByIndex(ctx context.Context, v *snapshot, name store.Part, p *pager) error {
	from, to := p.q.Bounds()
	var rows []listed
	err := s.walkHeads(ctx, v, name, "", chunk, func(ref store.Ref, h *head) (bool, error) {
		if h.Deleted {
			return true, nil
		}
		at := store.Place{Key: store.KeyIn(h.keys(), p.q.Sort), ID: ref.ID}
		if (from == nil || string(at.Key) >= string(from)) && (to == nil || string(at.Key) < string(to)) && p.q.Follows(at) {
			rows = append(rows, listed{at, ref, h})
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b listed) int {
		if p.q.Descending {
			a, b = b, a
		}
		return a.Compare(b.Place)
	})
	for i := range rows {
		if !p.take(&rows[i]) {
			break
		}
	}
	return nil
}
