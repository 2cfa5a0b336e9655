package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Indexes implements [store.Indexer].
func (s *Store) Indexes(ctx context.Context, collection string) (names []string, whole bool, err error) {
	set := &collectionSet{}
	err = s.read(ctx, func(ctx context.Context) error {
		set = &collectionSet{whole: true}
		err := s.pools.read.QueryRow(ctx, readSet, collection).Scan(&set.names, &set.whole)
		if noRows(err) {
			err = nil
		}
		return err
	})
	if len(set.names) == 0 {
		return nil, err == nil && set.whole, err
	}
	return set.names, set.whole, err
}

// Reindex implements [store.Indexer]. It takes some documents at a time, each time in
// a transaction that leaves them as they will stay.
func (s *Store) Reindex(ctx context.Context, collection string, names []string, keys func(*store.Document) ([]store.IndexKey, error)) (count int64, err error) {
	if err := plain(append([]string{collection}, names...)...); err != nil {
		return 0, err
	}
	r := &reindexing{store: s, collection: collection, names: append([]string{}, names...), keys: keys}
	for _, step := range []func(context.Context) error{r.begin, r.rows, r.end} {
		if err := ctx.Err(); err != nil {
			return r.count, err
		}
		if err := s.enter(); err != nil {
			return r.count, err
		}
		err := classify(step(ctx))
		s.leave()
		if err != nil {
			return r.count, err
		}
	}
	return r.count, nil
}

// reindexing is one collection on its way under other indexes.
type reindexing struct {
	store      *Store
	collection string
	names      []string
	keys       func(*store.Document) ([]store.IndexKey, error)
	count      int64

	part  int64 // of the last document that was put under them
	after string
	begun bool // there was one
}

// begin notes the indexes that come and says that they are not whole. Every commit that
// may have read otherwise has ended by then, and all that come later see it.
func (r *reindexing) begin(ctx context.Context) error {
	return pgx.BeginFunc(ctx, r.store.pools.write, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE documents IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO collections (collection, names, whole) VALUES ($1, $2, false)
			ON CONFLICT (collection) DO UPDATE SET names = excluded.names, whole = false`, r.collection, r.names)
		return err
	})
}

func (r *reindexing) end(ctx context.Context) error {
	_, err := r.store.pools.write.Exec(ctx, "UPDATE collections SET whole = true WHERE collection = $1", r.collection)
	return err
}

// What one transaction takes at most.
const (
	reindexDocuments = 500
	reindexBytes     = 8 << 20
)

// reindexed are documents as they were read, in columns, with their keys.
type reindexed struct {
	parts    []int64
	ids      []string
	versions []int64
	keyRef   []int32 // counts documents from 1
	keyName  []string
	key      [][]byte
}

func (r *reindexing) rows(ctx context.Context) error {
	for {
		chunk, err := r.read(ctx)
		if err != nil || len(chunk.ids) == 0 {
			return err
		}
		if err := r.put(ctx, chunk); err != nil {
			return err
		}
		n := len(chunk.ids)
		r.count, r.part, r.after, r.begun = r.count+int64(n), chunk.parts[n-1], chunk.ids[n-1], true
	}
}

const toBeReindexed = `SELECT d.part, d.id, d.version, p.params, l.body FROM parts p JOIN documents d ON d.part = p.part AND d.live
	JOIN log l ON l.part = d.part AND l.id = d.id AND l.rev = d.body_rev
	WHERE p.collection = $1 AND (NOT $2 OR (d.part, d.id) > ($3, $4)) ORDER BY d.part, d.id LIMIT $5`

// read returns the next documents with their keys, none at the end.
func (r *reindexing) read(ctx context.Context) (*reindexed, error) {
	rows, err := r.store.pools.read.Query(ctx, toBeReindexed, r.collection, r.begun, r.part, r.after, reindexDocuments)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	chunk := &reindexed{parts: []int64{}, ids: []string{}, versions: []int64{}, keyRef: []int32{}, keyName: []string{}, key: [][]byte{}}
	size := 0
	for size < reindexBytes && rows.Next() {
		var part int64
		d := &store.Document{Head: store.Head{Ref: store.Ref{Part: store.Part{Collection: r.collection}}}}
		if err := rows.Scan(&part, &d.Ref.ID, &d.Version, &d.Ref.Part.Params, &d.Body); err != nil {
			return nil, err
		}
		size += len(d.Body)
		keys, err := r.keys(d)
		if err != nil {
			return nil, err
		}
		if names := store.Names(keys); !slices.Equal(names, r.names) {
			return nil, fmt.Errorf("%w: keys in %q of %s, which goes under %q", store.ErrInvalid, names, d.Ref.ID, r.names)
		}
		chunk.parts, chunk.ids, chunk.versions = append(chunk.parts, part), append(chunk.ids, d.Ref.ID), append(chunk.versions, d.Version)
		for i := range keys {
			chunk.keyRef, chunk.keyName = append(chunk.keyRef, int32(len(chunk.ids))), append(chunk.keyName, keys[i].Index)
			chunk.key = append(chunk.key, present(keys[i].Key))
		}
	}
	rows.Close()
	return chunk, rows.Err()
}

// Of the documents of a chunk those stand that were not deleted since.
const (
	lockChunk = `SELECT d.part FROM unnest($1::bigint[], $2::text[]) u(part, id) JOIN documents d ON d.part = u.part AND d.id = u.id
		ORDER BY d.part, d.id FOR UPDATE OF d`
	stillThere = `SELECT u.ord FROM unnest($1::bigint[], $2::text[], $3::bigint[]) WITH ORDINALITY u(part, id, version, ord)
		JOIN documents d ON d.part = u.part AND d.id = u.id WHERE d.live AND d.version = u.version`
	clearRows = `DELETE FROM index_rows i USING (SELECT k.part, k.id, o.name, o.key
			FROM unnest($1::bigint[], $2::text[]) u(part, id) JOIN document_keys k ON k.part = u.part AND k.id = u.id
			CROSS JOIN LATERAL unnest(k.names, k.keys) o(name, key)) was
		WHERE i.part = was.part AND i.name = was.name AND i.key = was.key AND i.id = was.id`
	clearKeys = `DELETE FROM document_keys k USING unnest($1::bigint[], $2::text[]) u(part, id) WHERE k.part = u.part AND k.id = u.id`
	putRows   = `INSERT INTO index_rows (part, name, key, id)
		SELECT u.part, w.name, w.key, u.id FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY u(part, id, ord)
		JOIN unnest($4::int[], $5::text[], $6::bytea[]) w(ref, name, key) ON w.ref = u.ord
		JOIN unnest($3::bigint[]) s(ord) ON s.ord = u.ord`
	putKeys = `INSERT INTO document_keys (part, id, names, keys)
		SELECT u.part, u.id, array_agg(w.name ORDER BY w.nth), array_agg(w.key ORDER BY w.nth)
		FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY u(part, id, ord)
		JOIN unnest($4::int[], $5::text[], $6::bytea[]) WITH ORDINALITY w(ref, name, key, nth) ON w.ref = u.ord
		JOIN unnest($3::bigint[]) s(ord) ON s.ord = u.ord GROUP BY u.part, u.id`
)

// put puts documents under their keys, unless they were deleted since.
func (r *reindexing) put(ctx context.Context, c *reindexed) error {
	return pgx.BeginFunc(ctx, r.store.pools.read, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockChunk, c.parts, c.ids); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, stillThere, c.parts, c.ids, c.versions)
		if err != nil {
			return err
		}
		stand, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, statement := range []string{clearRows, clearKeys} {
			if _, err := tx.Exec(ctx, statement, c.parts, c.ids); err != nil {
				return err
			}
		}
		for _, statement := range []string{putRows, putKeys} {
			if _, err := tx.Exec(ctx, statement, c.parts, c.ids, stand, c.keyRef, c.keyName, c.key); err != nil {
				return err
			}
		}
		return nil
	})
}

// ScanIndexes implements [store.Indexer].
func (s *Store) ScanIndexes(ctx context.Context, yield func(*store.IndexRow) error) error {
	return s.walk(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT p.collection, p.params, i.name, i.key, i.id FROM index_rows i JOIN parts p ON p.part = i.part
			ORDER BY p.collection, p.params, i.name, i.key, i.id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var row store.IndexRow
			if err := rows.Scan(&row.Ref.Part.Collection, &row.Ref.Part.Params, &row.Index, &row.Key, &row.Ref.ID); err != nil {
				return err
			}
			if err := yield(&row); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
