package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The walks yield key, id, and all keys of the document, in an order that an index of
// the database has. Each reads some rows behind a place, and is asked again for more.
const (
	walkRows = `SELECT r.key, r.id, k.names, k.keys FROM index_rows r JOIN document_keys k ON k.part = r.part AND k.id = r.id
		WHERE r.part = $1 AND r.name = $2 AND r.key >= $3 AND r.key < $4`
	walkUp    = walkRows + " ORDER BY r.key, r.id LIMIT $5"
	walkOn    = walkRows + " AND (r.key, r.id) > ($6, $7) ORDER BY r.key, r.id LIMIT $5"
	walkDown  = walkRows + " ORDER BY r.key DESC, r.id DESC LIMIT $5"
	walkBack  = walkRows + " AND (r.key, r.id) < ($6, $7) ORDER BY r.key DESC, r.id DESC LIMIT $5"
	walkUnder = `SELECT ''::bytea, r.id, k.names, k.keys FROM unnest($3::bytea[]) u(key)
		CROSS JOIN LATERAL (SELECT o.part, o.id FROM index_rows o WHERE o.part = $1 AND o.name = $2 AND o.key = u.key AND ($4 OR o.id > $5) ORDER BY o.id LIMIT $6) r
		JOIN document_keys k ON k.part = r.part AND k.id = r.id ORDER BY r.id LIMIT $6`
	walkAll = `SELECT ''::bytea, d.id, k.names, k.keys FROM documents d JOIN document_keys k ON k.part = d.part AND k.id = d.id
		WHERE d.part = $1 AND d.live AND ($2 OR d.id > $3) ORDER BY d.id LIMIT $4`
	listSome = listColumns + "d.id = ANY ($2)"
)

// indexWalk takes a page's documents from the front of the rows that it is handed.
type indexWalk struct {
	q      *store.ListQuery
	found  []string // ids
	passed int
	page   *store.Page
	done   bool
}

// take judges one row.
func (w *indexWalk) take(at store.Place, keys []store.IndexKey) {
	fits := w.q.Hold(keys)
	if w.passed == w.q.MaxPassed() || fits && len(w.found) == w.q.Limit {
		w.page.More, w.done = true, true
		return
	}
	if w.page.Last = at; fits {
		w.found = append(w.found, at.ID)
	} else {
		w.passed++
	}
}

// listByIndex fills a page of a part whose query needs indexes.
func (s *Store) listByIndex(ctx context.Context, part store.Part, q *store.ListQuery, page *store.Page) error {
	number := s.number(part)
	return s.snapshot(ctx, func(tx pgx.Tx) error {
		var floor int64
		err := tx.QueryRow(ctx, readPart, number, part.Collection, part.Params).Scan(&floor, &page.Head)
		if noRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		set, err := readCollection(ctx, tx, part.Collection)
		if err != nil {
			return err
		}
		if !set.whole {
			return set.invalid(part.Collection, q.Indexes())
		}
		if err := q.Under(set.names); err != nil {
			return err
		}
		w := &indexWalk{q: q, page: page}
		if err := w.run(ctx, tx, number); err != nil {
			return err
		}
		page.Documents, err = documents(ctx, tx, part, number, floor, w.found)
		return err
	})
}

const readSet = "SELECT names, whole FROM collections WHERE collection = $1"

// readCollection returns what a collection is under; it is whole and empty where the
// collection never had a document.
func readCollection(ctx context.Context, tx pgx.Tx, collection string) (*collectionSet, error) {
	set := &collectionSet{whole: true}
	err := tx.QueryRow(ctx, readSet, collection).Scan(&set.names, &set.whole)
	if noRows(err) {
		err = nil
	}
	return set, err
}

// run walks what drives the list: the index of Sort, the rows under the keys of the
// leading condition, or all documents by id.
func (w *indexWalk) run(ctx context.Context, tx pgx.Tx, part int64) error {
	after := w.q.After
	begins := after.ID == "" && len(after.Key) == 0
	ask := w.sorted
	switch lead := w.q.Lead(); {
	case w.q.Sort != "":
	case lead != nil:
		keys := slices.DeleteFunc(slices.Clone(lead.In), func(k []byte) bool { return len(k) == 0 })
		keys = slices.CompactFunc(slices.SortedFunc(slices.Values(keys), bytes.Compare), bytes.Equal)
		ask = func(part int64, begins bool, after store.Place, limit int) (string, []any) {
			return walkUnder, []any{part, lead.Index, keys, begins, after.ID, limit}
		}
	default:
		ask = func(part int64, begins bool, after store.Place, limit int) (string, []any) {
			return walkAll, []any{part, begins, after.ID, limit}
		}
	}
	for limit := w.q.Limit + 1; !w.done; limit = min(4*limit, 2000) {
		query, args := ask(part, begins, after, limit)
		n, last, err := w.some(ctx, tx, query, args)
		if err != nil {
			return err
		}
		if n < limit {
			return nil
		}
		begins, after = false, last
	}
	return nil
}

// sorted asks for rows of the index of Sort, within the bounds that the conditions on
// it leave.
func (w *indexWalk) sorted(part int64, begins bool, after store.Place, limit int) (string, []any) {
	from, to := w.q.Bounds()
	if to == nil {
		to = aboveAll
	}
	args := []any{part, w.q.Sort, present(from), to, limit}
	switch {
	case begins && w.q.Descending:
		return walkDown, args
	case begins:
		return walkUp, args
	case w.q.Descending:
		return walkBack, append(args, present(after.Key), after.ID)
	}
	return walkOn, append(args, present(after.Key), after.ID)
}

// aboveAll is greater than every key.
var aboveAll = bytes.Repeat([]byte{0xff}, store.MaxIndexKey+1)

// some hands on the rows of one query. It returns how many there are, and the last.
func (w *indexWalk) some(ctx context.Context, tx pgx.Tx, query string, args []any) (n int, last store.Place, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return 0, last, err
	}
	var at store.Place
	var names []string
	var keys [][]byte
	_, err = pgx.ForEachRow(rows, []any{&at.Key, &at.ID, &names, &keys}, func() error {
		n++
		last = store.Place{ID: at.ID}
		if w.q.Sort != "" {
			last.Key = slices.Clone(at.Key)
		}
		if w.done {
			return nil
		}
		if len(names) != len(keys) {
			return errors.New("postgres: the keys of a document cannot be read: " + at.ID)
		}
		all := make([]store.IndexKey, len(names))
		for i := range names {
			all[i] = store.IndexKey{Index: names[i], Key: keys[i]}
		}
		w.take(last, all)
		return nil
	})
	return n, last, err
}

// documents reads the living documents of some ids, in that order.
func documents(ctx context.Context, tx pgx.Tx, part store.Part, number, floor int64, ids []string) ([]*store.Document, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, listSome, number, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byID := make(map[string]*store.Document, len(ids))
	for rows.Next() {
		d, err := listed(rows, part, floor)
		if err != nil {
			return nil, err
		}
		byID[d.Ref.ID] = d
	}
	var all []*store.Document
	for _, id := range ids {
		if d := byID[id]; d != nil {
			all = append(all, d)
		}
	}
	return all, rows.Err()
}
