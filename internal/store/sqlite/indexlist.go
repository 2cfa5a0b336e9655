package sqlite

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// indexReads are a reader's statements for indexes. The walks yield id, doc, keys
// and key, in an order that SQLite finds in a table: none of them sorts.
type indexReads struct {
	set                            *stmt
	upFirst, upAfter               *stmt
	downFirst, downAfter           *stmt
	under                          *stmt
	byID                           *stmt
	listed                         *stmt
	parts, partRows, toBeReindexed *stmt
	allRows, allKeys               *stmt
}

const walkRows = `SELECT r.id, r.doc, k.keys, r.key FROM index_rows r JOIN document_keys k ON k.doc = r.doc WHERE r.part = ? AND r.number = ? AND `

func (x *indexReads) statements() map[**stmt]string {
	return map[**stmt]string{
		&x.set:       collectionIndexes,
		&x.upFirst:   walkRows + "r.key >= ? AND r.key < ? ORDER BY r.key, r.id",
		&x.upAfter:   walkRows + "(r.key, r.id) > (?, ?) AND r.key < ? ORDER BY r.key, r.id",
		&x.downFirst: walkRows + "r.key < ? AND r.key >= ? ORDER BY r.key DESC, r.id DESC",
		&x.downAfter: walkRows + "(r.key, r.id) < (?, ?) AND r.key >= ? ORDER BY r.key DESC, r.id DESC",
		&x.under:     walkRows + "r.key = ? AND r.id >= ? ORDER BY r.id LIMIT ?",
		&x.byID:      "SELECT d.id, d.doc, k.keys FROM documents d JOIN document_keys k ON k.doc = d.doc WHERE d.part = ? AND d.deleted = 0 AND d.id >= ? ORDER BY d.id",
		&x.listed:    listColumns + "d.doc = ?",
		&x.parts:     "SELECT collection, params, part FROM parts ORDER BY collection, params",
		&x.partRows:  "SELECT key, id FROM index_rows WHERE part = ? AND number = ? ORDER BY key, id",
		&x.allRows: `SELECT r.number, r.key, r.id, k.keys, d.doc IS NOT NULL AND d.part = r.part AND d.id = r.id AND d.deleted = 0
			FROM index_rows r LEFT JOIN documents d ON d.doc = r.doc LEFT JOIN document_keys k ON k.doc = r.doc`,
		&x.allKeys: "SELECT keys FROM document_keys",
		&x.toBeReindexed: `SELECT d.doc, d.part, d.id, d.version, l.body, p.params FROM documents d JOIN parts p ON p.part = d.part
			JOIN log l ON l.position = d.body_at WHERE p.collection = ? AND d.doc > ? AND d.deleted = 0 ORDER BY d.doc`,
	}
}

// errEnough ends a query before its last row.
var errEnough = errors.New("enough")

func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// walk takes a page's documents from the front of the rows that it is handed.
type walk struct {
	q       *store.ListQuery
	set     *indexSet
	numbers []int64 // of the indexes of q.Where
	found   []int64 // documents.doc
	passed  int
	page    *store.Page
}

// take judges one row. It returns errEnough when the page is done.
func (w *walk) take(at store.Place, doc int64, column []byte) error {
	fits, err := w.hold(column)
	if err != nil {
		return err
	}
	if w.passed == w.q.MaxPassed() || fits && len(w.found) == w.q.Limit {
		w.page.More = true
		return errEnough
	}
	if w.page.Last = at; fits {
		w.found = append(w.found, doc)
	} else {
		w.passed++
	}
	return nil
}

func (w *walk) hold(column []byte) (bool, error) {
	if len(w.q.Where) == 0 {
		return true, nil
	}
	keys, err := decodeKeys(column)
	if err != nil {
		return false, err
	}
	for i := range w.q.Where {
		at := slices.IndexFunc(keys, func(k numberedKey) bool { return k.index == w.numbers[i] })
		if at < 0 || !w.q.Where[i].Holds(keys[at].key) {
			return false, nil
		}
	}
	return true, nil
}

// listByIndex fills a page of a part whose query needs indexes.
func (r *reader) listByIndex(ctx context.Context, part store.Part, number, floor int64, q *store.ListQuery, page *store.Page) error {
	set, err := readIndexes(r.conn, r.index.set, part.Collection)
	if err != nil {
		return err
	}
	if set == nil || !set.whole {
		return set.invalid(part.Collection, q.Indexes())
	}
	if err := q.Under(set.names); err != nil {
		return err
	}
	w := &walk{q: q, set: set, page: page}
	for i := range q.Where {
		w.numbers = append(w.numbers, set.number(q.Where[i].Index))
	}
	switch lead := q.Lead(); {
	case q.Sort != "":
		err = r.walkSorted(number, w)
	case lead != nil:
		err = r.walkUnder(number, set.number(lead.Index), lead.In, w)
	default:
		err = r.walkAll(number, w)
	}
	if err = enough(err); err != nil {
		return err
	}
	for _, doc := range w.found {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := r.conn.one(r.index.listed, func(r row) {
			e := scanHead(r, store.Ref{Part: part, ID: r.text(headWidth)}, floor)
			e.doc.Body = r.blob(headWidth + 1)
			page.Documents = append(page.Documents, &e.doc)
		}, doc); err != nil {
			return err
		}
	}
	return nil
}

// aboveAll is greater than every key.
var aboveAll = bytes.Repeat([]byte{0xff}, store.MaxIndexKey+1)

// walkSorted walks the index of Sort, within the bounds that the conditions on it
// leave.
func (r *reader) walkSorted(part int64, w *walk) error {
	from, to := w.q.Bounds()
	if from == nil {
		from = []byte{}
	}
	if to == nil {
		to = aboveAll
	}
	after := w.q.After
	begins := after.ID == "" && len(after.Key) == 0
	key := after.Key
	if key == nil {
		key = []byte{}
	}
	x := &r.index
	statement, bounds := x.upFirst, []any{from, to}
	switch {
	case w.q.Descending && (begins || bytes.Compare(key, to) >= 0):
		statement, bounds = x.downFirst, []any{to, from}
	case w.q.Descending:
		statement, bounds = x.downAfter, []any{key, after.ID, from}
	case !begins && bytes.Compare(key, from) >= 0:
		statement, bounds = x.upAfter, []any{key, after.ID, to}
	}
	return r.conn.each(statement, func(r row) error {
		return w.take(store.Place{Key: r.blob(3), ID: r.text(0)}, r.int(1), r.blob(2))
	}, append([]any{part, w.set.number(w.q.Sort)}, bounds...)...)
}

// walkAll walks all documents of the part by their ids.
func (r *reader) walkAll(part int64, w *walk) error {
	after := w.q.After.ID
	return r.conn.each(r.index.byID, func(r row) error {
		id := r.text(0)
		if id == after && after != "" { // the statement begins with it, since a singleton's id is empty
			return nil
		}
		return w.take(store.Place{ID: id}, r.int(1), r.blob(2))
	}, part, after)
}

// lane is the rows under one key, by id, of which some are read ahead.
type lane struct {
	key   []byte
	rows  []laneRow
	after string
	ended bool
}

type laneRow struct {
	id   string
	doc  int64
	keys []byte
}

// walkUnder walks the rows under some keys of one index together, by id. A
// document has one key in an index, so that none comes twice.
func (r *reader) walkUnder(part, number int64, keys [][]byte, w *walk) error {
	keys = slices.CompactFunc(slices.SortedFunc(slices.Values(keys), bytes.Compare), bytes.Equal)
	var lanes []*lane
	for _, key := range keys {
		if len(key) > 0 { // no condition holds for the empty one
			lanes = append(lanes, &lane{key: key, after: w.q.After.ID})
		}
	}
	ahead := min(w.q.Limit/max(len(lanes), 1)+16, 512)
	for {
		var first *lane
		for _, l := range lanes {
			if len(l.rows) == 0 && !l.ended {
				if err := r.readAhead(part, number, l, ahead); err != nil {
					return err
				}
			}
			if len(l.rows) > 0 && (first == nil || l.rows[0].id < first.rows[0].id) {
				first = l
			}
		}
		if first == nil {
			return nil
		}
		next := first.rows[0]
		first.rows = first.rows[1:]
		if err := w.take(store.Place{ID: next.id}, next.doc, next.keys); err != nil {
			return err
		}
	}
}

func (r *reader) readAhead(part, number int64, l *lane, rows int) error {
	read, after := 0, l.after
	err := r.conn.each(r.index.under, func(r row) error {
		read++
		if id := r.text(0); id != after || after == "" {
			l.rows, l.after = append(l.rows, laneRow{id, r.int(1), r.blob(2)}), id
		}
		return nil
	}, part, number, l.key, after, int64(rows)+1)
	l.ended = read <= rows
	return err
}
