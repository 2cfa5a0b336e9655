package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

// judgeKeys refuses c when its keys are not those of the indexes that their
// collections are under. It returns the indexes of the collections that get their
// first documents by it.
func (s *Store) judgeKeys(c *store.Commit) (map[string][]string, error) {
	first := make(map[string][]string)
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.Content != store.ContentBody {
			continue
		}
		collection, names := w.Ref.Part.Collection, store.Names(w.Keys)
		under, known := s.indexes[collection]
		if !known && !s.holdsAny(collection) {
			if under, known = first[collection]; !known {
				under, first[collection] = names, names
			}
		}
		if !slices.Equal(names, under) {
			return nil, fmt.Errorf("%w: write %d has keys in %q, and %s is under %q", store.ErrInvalid, i, names, collection, under)
		}
	}
	return first, nil
}

// holdsAny tells whether a collection has a document or a tombstone.
func (s *Store) holdsAny(collection string) bool {
	for name, p := range s.parts {
		if name.Collection == collection && len(p.documents) > 0 {
			return true
		}
	}
	return false
}

// Indexes implements [store.Indexer]. They are whole always.
func (s *Store) Indexes(ctx context.Context, collection string) (names []string, whole bool, err error) {
	err = s.read(ctx, func() error {
		names = slices.Clone(s.indexes[collection])
		return nil
	})
	return names, true, err
}

// Reindex implements [store.Indexer]. It happens as a whole or not at all.
func (s *Store) Reindex(ctx context.Context, collection string, names []string, keys func(*store.Document) ([]store.IndexKey, error)) (documents int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	after := make(map[*record][]store.IndexKey)
	for name, p := range s.parts {
		for _, r := range p.documents {
			if name.Collection != collection || !r.doc.Exists() {
				continue
			}
			if after[r], err = keys(r.doc); err != nil {
				return 0, err
			}
			if are := store.Names(after[r]); !slices.Equal(are, names) {
				return 0, fmt.Errorf("%w: keys in %q of %s, which goes under %q", store.ErrInvalid, are, r.doc.Ref.ID, names)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for r, keys := range after {
		r.keys = keys
	}
	s.indexes[collection] = slices.Clone(names)
	return int64(len(after)), nil
}

// ScanIndexes implements [store.Indexer]. The snapshot is taken first, so yield
// may call the store and commits go on meanwhile.
func (s *Store) ScanIndexes(ctx context.Context, yield func(*store.IndexRow) error) error {
	var all []*store.IndexRow
	err := s.read(ctx, func() error {
		for _, p := range s.parts {
			for _, r := range p.documents {
				for _, k := range r.keys {
					all = append(all, &store.IndexRow{Ref: r.doc.Ref, IndexKey: k})
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *store.IndexRow) int {
		return cmp.Or(
			compareRefs(store.Ref{Part: a.Ref.Part}, store.Ref{Part: b.Ref.Part}), strings.Compare(a.Index, b.Index),
			bytes.Compare(a.Key, b.Key), strings.Compare(a.Ref.ID, b.Ref.ID),
		)
	})
	for _, row := range all {
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}
