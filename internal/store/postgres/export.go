package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Exporter = (*Store)(nil)

// Export implements [store.Exporter].
func (s *Store) Export(ctx context.Context, yield func(store.Piece) error) error {
	return s.walk(ctx, func(tx pgx.Tx) error {
		x := &export{tx: tx, yield: func(p store.Piece) error { return errors.Join(ctx.Err(), yield(p)) }}
		for _, kind := range []func(context.Context) error{x.whole, x.parts, x.indexes, x.documents, x.rows, x.claims, x.log, x.answers} {
			if err := kind(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// export is one walk over everything, in one snapshot.
type export struct {
	tx    pgx.Tx
	yield func(store.Piece) error
}

// each runs a query and makes pieces of its rows.
func (x *export) each(ctx context.Context, query string, piece func(rows pgx.Rows) (store.Piece, error)) error {
	rows, err := x.tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := piece(rows)
		if err == nil {
			err = x.yield(p)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

func (x *export) whole(ctx context.Context) (err error) {
	w := &store.Whole{Lanes: lanes}
	if w.Newest, err = readMark(ctx, x.tx, readLanes, 0); err != nil {
		return err
	}
	if w.Pruned, err = readMark(ctx, x.tx, readPruned, 0); err != nil {
		return err
	}
	if err = x.tx.QueryRow(ctx, `SELECT (SELECT value::bigint FROM meta WHERE key = 'floor'),
		(SELECT count(*) FROM documents) + (SELECT sum(position) FROM lanes WHERE part = 0)`).Scan(&w.Floor, &w.About); err != nil {
		return err
	}
	return x.yield(store.Piece{Whole: w})
}

func (x *export) parts(ctx context.Context) error {
	return x.each(ctx, `SELECT p.collection, p.params, p.floor, ARRAY(
			SELECT coalesce(o.position, 0) FROM generate_series(0, 15) n(lane) LEFT JOIN pruned o ON o.part = p.part AND o.lane = n.lane ORDER BY n.lane)
		FROM parts p ORDER BY p.collection, p.params`, func(rows pgx.Rows) (store.Piece, error) {
		var p store.PartPiece
		var pruned []int64
		err := rows.Scan(&p.Part.Collection, &p.Part.Params, &p.Floor, &pruned)
		p.Pruned = pruned
		return store.Piece{Part: &p}, err
	})
}

func (x *export) indexes(ctx context.Context) error {
	return x.each(ctx, "SELECT collection, names FROM collections WHERE whole AND names <> '{}' ORDER BY collection", func(rows pgx.Rows) (store.Piece, error) {
		var set store.IndexSet
		err := rows.Scan(&set.Collection, &set.Names)
		return store.Piece{Indexes: &set}, err
	})
}

func (x *export) documents(ctx context.Context) error {
	return x.each(ctx, "SELECT "+headColumns+`, p.collection, p.params, d.id, p.floor, k.names, k.keys
		FROM documents d JOIN parts p ON p.part = d.part
		LEFT JOIN collections c ON c.collection = p.collection AND c.whole
		LEFT JOIN document_keys k ON k.part = d.part AND k.id = d.id AND c.whole
		WHERE d.rev > 0 ORDER BY d.part, d.id`, func(rows pgx.Rows) (store.Piece, error) {
		var r headRow
		var ref store.Ref
		var floor int64
		var names []string
		var keys [][]byte
		if err := rows.Scan(r.targets(&ref.Part.Collection, &ref.Part.Params, &ref.ID, &floor, &names, &keys)...); err != nil {
			return store.Piece{}, err
		}
		d := &store.DocumentPiece{Head: r.head(ref, floor), Fence: r.fence}
		for i := range names {
			d.Keys = append(d.Keys, store.IndexKey{Index: names[i], Key: keys[i]})
		}
		return store.Piece{Document: d}, nil
	})
}

func (x *export) rows(ctx context.Context) error {
	return x.each(ctx, `SELECT p.collection, p.params, s.id, s.kind, s.row_id, s.value FROM side_rows s
		JOIN parts p ON p.part = s.part ORDER BY s.part, s.id, s.kind, s.row_id`, func(rows pgx.Rows) (store.Piece, error) {
		var r store.Row
		var id, value []byte
		err := rows.Scan(&r.Ref.Part.Collection, &r.Ref.Part.Params, &r.Ref.ID, &r.Kind, &id, &value)
		r.ID, r.Value = string(id), slices.Clone(value)
		return store.Piece{Row: &r}, err
	})
}

func (x *export) claims(ctx context.Context) error {
	return x.each(ctx, `SELECT p.collection, p.params, c.name, coalesce(n.name, substr(c.value, 2)), c.id FROM claims c
		JOIN parts p ON p.part = c.part LEFT JOIN long_names n ON n.digest = c.value
		WHERE c.id IS NOT NULL ORDER BY c.part, c.name, c.value`, func(rows pgx.Rows) (store.Piece, error) {
		var c store.Claim
		var value []byte
		err := rows.Scan(&c.Part.Collection, &c.Part.Params, &c.Index, &value, &c.ID)
		c.Value = string(value)
		return store.Piece{Claim: &c}, err
	})
}

func (x *export) log(ctx context.Context) error {
	return x.each(ctx, "SELECT "+logColumns+`, l.body, p.collection, p.params, l.id FROM log l JOIN parts p ON p.part = l.part
		ORDER BY l.lane, l.position`, func(rows pgx.Rows) (store.Piece, error) {
		var r logRow
		targets := r.targets()
		if err := rows.Scan(append(targets, &r.body, &r.e.Ref.Part.Collection, &r.e.Ref.Part.Params, &r.e.Ref.ID)...); err != nil {
			return store.Piece{}, err
		}
		e, err := r.entry(r.e.Ref)
		return store.Piece{Entry: &e}, err
	})
}

func (x *export) answers(ctx context.Context) error {
	return x.each(ctx, `SELECT coalesce(s.name, substr(a.scope, 2)), coalesce(k.name, substr(a.key, 2)), a.digest, a.content, a.expires FROM answers a
		LEFT JOIN long_names s ON s.digest = a.scope LEFT JOIN long_names k ON k.digest = a.key
		WHERE a.expires IS NOT NULL ORDER BY a.part, a.scope, a.key`, func(rows pgx.Rows) (store.Piece, error) {
		var a store.AnswerPiece
		var scope, key, sum []byte
		var expires int64
		err := rows.Scan(&scope, &key, &sum, &a.Content, &expires)
		a.Scope, a.Key, a.Digest, a.Expires = string(scope), string(key), digest(sum), time.UnixMicro(expires).UTC()
		return store.Piece{Answer: &a}, err
	})
}
