package sqlite

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Exporter = (*Store)(nil)

// Export implements [store.Exporter].
func (s *Store) Export(ctx context.Context, yield func(store.Piece) error) error {
	return s.read(ctx, true, func(r *reader) error {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		x := &export{c: r.conn, yield: func(p store.Piece) error { return errors.Join(ctx.Err(), yield(p)) }}
		for _, kind := range []func() error{x.whole, x.parts, x.indexes, x.documents, x.rows, x.claims, x.log, x.answers} {
			if err := kind(); err != nil {
				return err
			}
		}
		return nil
	})
}

// export is one walk over everything, in a read transaction of its connection.
type export struct {
	c     *conn
	yield func(store.Piece) error
	names map[string]map[int64]string // of indexes, by collection and number
}

// each runs a query that no connection keeps.
func (x *export) each(query string, scan func(row) error) error {
	s, _, err := x.c.raw.PrepareTransient(query)
	if err != nil {
		return err
	}
	return errors.Join(x.c.each(&stmt{raw: s}, scan), s.Finalize())
}

func (x *export) whole() error {
	return x.each("SELECT ("+newestPosition+`), (SELECT value FROM meta WHERE key = 'pruned'), (SELECT value FROM meta WHERE key = 'floor'),
		(SELECT count(*) FROM documents) + (SELECT coalesce(max(position), 0) FROM log)`, func(r row) error {
		return x.yield(store.Piece{Whole: &store.Whole{
			Lanes: 1, Newest: store.Mark{r.int(0)}, Pruned: store.Mark{r.int(1)}, Floor: r.int(2), About: r.int(3),
		}})
	})
}

func (x *export) parts() error {
	return x.each("SELECT collection, params, floor, pruned FROM parts ORDER BY collection, params", func(r row) error {
		return x.yield(store.Piece{Part: &store.PartPiece{Part: partAt(r, 0), Floor: r.int(2), Pruned: store.Mark{r.int(3)}}})
	})
}

// partAt reads a part's collection and parameters from two columns.
func partAt(r row, column int) store.Part {
	return store.Part{Collection: r.text(column), Params: r.text(column + 1)}
}

// indexes yields the sets of those collections whose indexes are whole.
func (x *export) indexes() error {
	x.names = make(map[string]map[int64]string)
	var sets []*store.IndexSet
	err := x.each(`SELECT collection, name, number FROM indexes
		WHERE collection NOT IN (SELECT collection FROM indexes WHERE whole = 0) ORDER BY collection, name`, func(r row) error {
		collection := r.text(0)
		if x.names[collection] == nil {
			x.names[collection] = make(map[int64]string)
			sets = append(sets, &store.IndexSet{Collection: collection})
		}
		set := sets[len(sets)-1]
		set.Names = append(set.Names, r.text(1))
		x.names[collection][r.int(2)] = r.text(1)
		return nil
	})
	for _, set := range sets {
		if err == nil {
			err = x.yield(store.Piece{Indexes: set})
		}
	}
	return err
}

func (x *export) documents() error {
	return x.each("SELECT "+headColumns+`, p.collection, p.params, d.id, p.floor, k.keys FROM documents d
		JOIN parts p ON p.part = d.part LEFT JOIN document_keys k ON k.doc = d.doc ORDER BY d.doc`, func(r row) error {
		ref := store.Ref{Part: partAt(r, headWidth), ID: r.text(headWidth + 2)}
		e := scanHead(r, ref, r.int(headWidth+3))
		keys, err := x.keys(ref.Part.Collection, r.blob(headWidth+4))
		if err != nil {
			return err
		}
		return x.yield(store.Piece{Document: &store.DocumentPiece{Head: e.doc.Head, Fence: e.fence, Keys: keys}})
	})
}

// keys returns a document's keys by the names of their indexes, none where these are
// not whole.
func (x *export) keys(collection string, column []byte) ([]store.IndexKey, error) {
	names := x.names[collection]
	if names == nil {
		return nil, nil
	}
	numbered, err := decodeKeys(column)
	if err != nil {
		return nil, err
	}
	var keys []store.IndexKey
	for _, k := range numbered {
		keys = append(keys, store.IndexKey{Index: names[k.index], Key: k.key})
	}
	return keys, nil
}

func (x *export) rows() error {
	return x.each(`SELECT p.collection, p.params, d.id, s.kind, s.id, s.value FROM side_rows s
		JOIN documents d ON d.doc = s.doc JOIN parts p ON p.part = d.part ORDER BY s.doc, s.kind, s.id`, func(r row) error {
		return x.yield(store.Piece{Row: &store.Row{Ref: store.Ref{Part: partAt(r, 0), ID: r.text(2)}, Kind: r.text(3), ID: r.text(4), Value: r.blob(5)}})
	})
}

func (x *export) claims() error {
	return x.each(`SELECT p.collection, p.params, c.name, c.value, c.id FROM claims c
		JOIN parts p ON p.part = c.part ORDER BY c.part, c.name, c.value`, func(r row) error {
		return x.yield(store.Piece{Claim: &store.Claim{Part: partAt(r, 0), Index: r.text(2), Value: r.text(3), ID: r.text(4)}})
	})
}

func (x *export) log() error {
	return x.each("SELECT "+logColumns+`, l.body, p.collection, p.params, d.id FROM log l
		JOIN documents d ON d.doc = l.doc JOIN parts p ON p.part = d.part ORDER BY l.position`, func(r row) error {
		e, err := scanLog(r, store.Ref{Part: partAt(r, logWidth+1), ID: r.text(logWidth + 3)})
		if err != nil {
			return err
		}
		return x.yield(store.Piece{Entry: &e.Entry})
	})
}

func (x *export) answers() error {
	return x.each("SELECT digest, content, expires, scope, key FROM answers ORDER BY scope, key", func(r row) error {
		return x.yield(store.Piece{Answer: &store.AnswerPiece{Scope: r.text(3), Key: r.text(4), Answer: scanAnswer(r)}})
	})
}
