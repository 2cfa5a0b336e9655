package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Indexer = (*Store)(nil)

// Indexes implements [store.Indexer].
func (s *Store) Indexes(ctx context.Context, collection string) (names []string, whole bool, err error) {
	var set *indexSet
	err = s.read(ctx, false, func(r *reader) (err error) {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		set, err = readIndexes(r.conn, r.index.set, collection)
		return err
	})
	if err != nil || set == nil {
		return nil, err == nil, err
	}
	return set.names, set.whole, nil
}

// Reindex implements [store.Indexer]. It takes some documents at a time, each time
// in a transaction that leaves them as they will stay, so that a run after an
// interruption changes the rest.
func (s *Store) Reindex(ctx context.Context, collection string, names []string, keys func(*store.Document) ([]store.IndexKey, error)) (documents int64, err error) {
	r := &reindexing{store: s, collection: collection, names: slices.Clone(names), keys: keys}
	if err := s.submit(ctx, &member{step: r.begin}); err != nil {
		return 0, err
	}
	for {
		chunk, err := r.read(ctx)
		if err != nil {
			return documents, err
		}
		if len(chunk) == 0 {
			return documents, s.submit(ctx, &member{step: r.end})
		}
		if err := s.submit(ctx, &member{step: func(g *group) error { return r.put(g, chunk) }, writes: len(chunk)}); err != nil {
			return documents, err
		}
		documents, r.after = documents+int64(len(chunk)), chunk[len(chunk)-1].doc
	}
}

// reindexing is one collection on its way under other indexes.
type reindexing struct {
	store      *Store
	collection string
	names      []string
	keys       func(*store.Document) ([]store.IndexKey, error)
	after      int64 // documents.doc of the last that was put under them
}

// reindexed is a document as it was read, with its keys.
type reindexed struct {
	doc, part, version int64
	id                 string
	keys               []store.IndexKey
}

// begin notes the indexes that come and says that none is whole.
func (r *reindexing) begin(g *group) error {
	set, err := readIndexes(g.w.conn, g.w.st.indexes, r.collection)
	if err != nil {
		return err
	}
	for _, name := range r.names {
		if set != nil && slices.Contains(set.names, name) {
			continue
		}
		g.lastIndex++
		if _, err := g.w.conn.exec(g.w.st.insertIndex, g.lastIndex, r.collection, name, flag(false)); err != nil {
			return err
		}
	}
	return r.mark(g, false)
}

// end forgets the indexes that are gone and says that the others are whole.
func (r *reindexing) end(g *group) error {
	set, err := readIndexes(g.w.conn, g.w.st.indexes, r.collection)
	if err != nil {
		return err
	}
	for i := range set.all() {
		if slices.Contains(r.names, set.names[i]) {
			continue
		}
		if _, err := g.w.conn.exec(g.w.st.deleteIndex, set.numbers[i]); err != nil {
			return err
		}
	}
	return r.mark(g, true)
}

// all returns as many as there are.
func (s *indexSet) all() []string {
	if s == nil {
		return nil
	}
	return s.names
}

func (r *reindexing) mark(g *group, whole bool) error {
	if _, err := g.w.conn.exec(g.w.st.setWhole, flag(whole), r.collection); err != nil {
		return err
	}
	set, err := readIndexes(g.w.conn, g.w.st.indexes, r.collection)
	g.setIndexes(r.collection, set)
	return err
}

// What one transaction takes at most.
const (
	reindexDocuments = 1000
	reindexBytes     = 8 << 20
)

// read returns the next documents with their keys, none at the end.
func (r *reindexing) read(ctx context.Context) (chunk []reindexed, err error) {
	size := 0
	err = r.store.read(ctx, true, func(reader *reader) error {
		return enough(reader.conn.each(reader.index.toBeReindexed, func(row row) error {
			d := reindexed{doc: row.int(0), part: row.int(1), id: row.text(2), version: row.int(3)}
			ref := store.Ref{Part: store.Part{Collection: r.collection, Params: row.text(5)}, ID: d.id}
			document := &store.Document{Head: store.Head{Ref: ref, Version: d.version}, Body: row.blob(4)}
			var err error
			if d.keys, err = r.keys(document); err != nil {
				return err
			}
			if names := store.Names(d.keys); !slices.Equal(names, r.names) {
				return fmt.Errorf("%w: keys in %q of %s, which goes under %q", store.ErrInvalid, names, d.id, r.names)
			}
			chunk = append(chunk, d)
			if size += len(document.Body); len(chunk) == reindexDocuments || size >= reindexBytes {
				return errEnough
			}
			return ctx.Err()
		}, r.collection, r.after))
	})
	return chunk, err
}

// put puts documents under their keys, unless they were deleted since.
func (r *reindexing) put(g *group, chunk []reindexed) error {
	set := g.indexSet(r.collection)
	for _, d := range chunk {
		stands := false
		if _, err := g.w.conn.one(g.w.st.standing, func(row row) { stands = row.int(0) == d.version && !row.flag(1) }, d.doc); err != nil {
			return err
		}
		if !stands {
			continue
		}
		if err := g.writeKeys(d.part, d.doc, d.id, set, d.keys); err != nil {
			return err
		}
	}
	return nil
}

// ScanIndexes implements [store.Indexer].
func (s *Store) ScanIndexes(ctx context.Context, yield func(*store.IndexRow) error) error {
	return s.read(ctx, true, func(r *reader) error {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		type numbered struct {
			store.Part
			number int64
		}
		var parts []numbered
		if err := r.conn.each(r.index.parts, func(row row) error {
			parts = append(parts, numbered{store.Part{Collection: row.text(0), Params: row.text(1)}, row.int(2)})
			return nil
		}); err != nil {
			return err
		}
		for _, p := range parts {
			set, err := readIndexes(r.conn, r.index.set, p.Collection)
			if err != nil {
				return err
			}
			for i, name := range set.all() {
				if err := r.conn.each(r.index.partRows, func(row row) error {
					line := &store.IndexRow{Ref: store.Ref{Part: p.Part, ID: row.text(1)}, IndexKey: store.IndexKey{Index: name, Key: row.blob(0)}}
					return errors.Join(ctx.Err(), yield(line))
				}, p.number, set.numbers[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
