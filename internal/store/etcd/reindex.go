package etcd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The keys of a document stand in its head. There is nothing to find rows by: what
// goes by an index reads all heads of a part.

// Indexes implements [store.Indexer].
func (s *Store) Indexes(ctx context.Context, collection string) (names []string, whole bool, err error) {
	whole = true
	err = s.reading(ctx, func(v *snapshot) error {
		st := s.newState()
		err := v.read(ctx, st.getIndexes(collection))
		if under := st.indexes[collection]; under != nil {
			names, whole = under.Names, under.Whole
		}
		return err
	})
	return names, whole, err
}

// Reindex implements [store.Indexer].
func (s *Store) Reindex(ctx context.Context, collection string, names []string, keys func(*store.Document) ([]store.IndexKey, error)) (documents int64, err error) {
	if err := s.putIndexes(ctx, collection, &indexes{Names: names}); err != nil {
		return 0, err
	}
	parts, err := s.Parts(ctx)
	if err != nil {
		return 0, err
	}
	for _, name := range parts {
		if name.Collection != collection {
			continue
		}
		n, err := s.reindexPart(ctx, name, names, keys)
		if documents += n; err != nil {
			return documents, err
		}
	}
	return documents, s.putIndexes(ctx, collection, &indexes{Names: names, Whole: true})
}

func (s *Store) putIndexes(ctx context.Context, collection string, under *indexes) error {
	values := map[string][]byte{}
	key := s.keys.indexes(collection)
	if err := put(values, key, under); err != nil {
		return err
	}
	return s.change(ctx, func(*state) []get { return nil }, func(*state, bool) ([]clientv3.Op, error) {
		return []clientv3.Op{clientv3.OpPut(key, string(values[key]))}, nil
	})
}

// reindexPart puts the documents of a part under the indexes, some at a time.
func (s *Store) reindexPart(ctx context.Context, name store.Part, names []string, keys func(*store.Document) ([]store.IndexKey, error)) (documents int64, err error) {
	all := s.keys.key(kindHeads, name.Collection, name.Params)
	for from := all; from != ""; {
		if err := ctx.Err(); err != nil {
			return documents, err
		}
		var some []*store.Document
		var heads []*head
		next := ""
		err := s.change(ctx, func(st *state) []get {
			some, heads, next = nil, nil, ""
			return []get{{key: from, opts: []clientv3.OpOption{clientv3.WithRange(end(all)), clientv3.WithLimit(scanned)}, got: func(r *clientv3.GetResponse) error {
				for _, kv := range r.Kvs {
					ref, err := s.keys.refOf(kv.Key)
					if err != nil {
						return err
					}
					h := &head{}
					if err := decode(kv.Value, h); err != nil {
						return err
					}
					if next = string(kv.Key) + "\x00"; !h.Deleted {
						some, heads = append(some, &store.Document{Head: h.of(ref, 0)}), append(heads, h)
					}
				}
				if !r.More {
					next = ""
				}
				return nil
			}}}
		}, func(st *state, _ bool) ([]clientv3.Op, error) {
			return s.rekeyed(ctx, &st.snap, some, heads, names, keys)
		})
		if err != nil {
			return documents, err
		}
		documents, from = documents+int64(len(some)), next
	}
	return documents, nil
}

// rekeyed returns what puts documents under other keys.
func (s *Store) rekeyed(ctx context.Context, v *snapshot, some []*store.Document, heads []*head, names []string, keys func(*store.Document) ([]store.IndexKey, error)) ([]clientv3.Op, error) {
	if err := s.addBodies(ctx, v, some); err != nil {
		return nil, err
	}
	values := map[string][]byte{}
	for i, d := range some {
		list, err := keys(d)
		if err != nil {
			return nil, err
		}
		if are := store.Names(list); !slices.Equal(are, names) {
			return nil, fmt.Errorf("%w: keys in %q of %s, which goes under %q", store.ErrInvalid, are, d.Ref.ID, names)
		}
		heads[i].Keys = nil
		for _, k := range list {
			heads[i].Keys = append(heads[i].Keys, indexKey(k))
		}
		if err := put(values, s.keys.head(d.Ref), heads[i]); err != nil {
			return nil, err
		}
	}
	return opsOf(values), nil
}

// ScanIndexes implements [store.Indexer].
func (s *Store) ScanIndexes(ctx context.Context, yield func(*store.IndexRow) error) error {
	return s.scanning(ctx, func(v *snapshot, yielded *bool) error {
		parts, err := s.newState().allParts(ctx, v)
		for i := 0; i < len(parts) && err == nil; i++ {
			var rows []store.IndexRow
			err = s.walkHeads(ctx, v, parts[i].name, "", chunk, func(ref store.Ref, h *head) (bool, error) {
				for _, k := range h.keys() {
					rows = append(rows, store.IndexRow{Ref: ref, IndexKey: k})
				}
				return true, nil
			})
			slices.SortFunc(rows, func(a, b store.IndexRow) int {
				return cmp.Or(strings.Compare(a.Index, b.Index), bytes.Compare(a.Key, b.Key), strings.Compare(a.Ref.ID, b.Ref.ID))
			})
			for k := 0; k < len(rows) && err == nil; k++ {
				*yielded = true
				err = yield(&rows[k])
			}
		}
		return err
	})
}
