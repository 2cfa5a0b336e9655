package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// keys returns a candidate's keys in the indexes of its collection, nil for a
// deletion.
func (c *candidate) keys(indexes []*index.Index) []store.IndexKey {
	if len(indexes) == 0 || c.value.IsAbsent() {
		return nil
	}
	return keysOf(c.value, indexes)
}

func keysOf(document jsonvalue.Value, indexes []*index.Index) []store.IndexKey {
	keys := make([]store.IndexKey, len(indexes))
	for i, x := range indexes {
		keys[i] = store.IndexKey{Index: x.ID(), Key: x.Key(document)}
	}
	return keys
}

// ErrNoIndexes is the error of a store that keeps no documents under indexes.
var ErrNoIndexes = errors.New("engine: the store keeps no indexes")

// Indexed tells whether a collection's documents are under exactly these indexes,
// and under which they are; a Reindex that was interrupted has left them under
// neither. It fails with [ErrNoIndexes], or what the store says.
func Indexed(ctx context.Context, s store.Store, collection string, indexes []*index.Index) (yes bool, are []string, err error) {
	indexer, ok := s.(store.Indexer)
	if !ok && len(indexes) > 0 {
		return false, nil, ErrNoIndexes
	}
	if !ok {
		return true, nil, nil
	}
	are, whole, err := indexer.Indexes(ctx, collection)
	return whole && slices.Equal(are, idsOf(indexes)), are, err
}

// Reindex puts a collection's documents under these indexes, which are in the
// order of [index.Sorted], and returns how many there are. It has to run before
// anything is written to the collection under other rules than before, and may be
// run again wherever it was interrupted. It fails with [ErrNoIndexes], or what the
// store says.
func Reindex(ctx context.Context, s store.Store, collection string, indexes []*index.Index) (documents int64, err error) {
	indexer, ok := s.(store.Indexer)
	if !ok {
		return 0, ErrNoIndexes
	}
	return indexer.Reindex(ctx, collection, idsOf(indexes), func(d *store.Document) ([]store.IndexKey, error) {
		v, err := jsonvalue.Parse(d.Body, jsonvalue.Limits{Depth: storedDepth})
		if err != nil {
			return nil, err
		}
		return keysOf(v, indexes), nil
	})
}

func idsOf(indexes []*index.Index) []string {
	var ids []string
	for _, x := range indexes {
		ids = append(ids, x.ID())
	}
	return ids
}
