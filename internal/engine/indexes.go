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

// Reindexed tells what Reindex has done.
type Reindexed struct {
	Was       []string // the indexes as they were; they may have been half done
	Documents int64    // that were read
}

// Reindex puts a collection's documents under these indexes, in the order of
// [index.Sorted], unless they are already: then it returns nil. It has to run
// before anything is written to the collection, and may be run again wherever it
// was interrupted. It fails with [ErrNoIndexes], or what the store says.
func Reindex(ctx context.Context, s store.Store, collection string, indexes []*index.Index) (*Reindexed, error) {
	indexer, ok := s.(store.Indexer)
	if !ok {
		if len(indexes) == 0 {
			return nil, nil
		}
		return nil, ErrNoIndexes
	}
	var names []string
	for _, x := range indexes {
		names = append(names, x.ID())
	}
	was, whole, err := indexer.Indexes(ctx, collection)
	if err != nil || whole && slices.Equal(was, names) {
		return nil, err
	}
	documents, err := indexer.Reindex(ctx, collection, names, func(d *store.Document) ([]store.IndexKey, error) {
		v, err := jsonvalue.Parse(d.Body, jsonvalue.Limits{Depth: storedDepth})
		if err != nil {
			return nil, err
		}
		return keysOf(v, indexes), nil
	})
	if err != nil {
		return nil, err
	}
	return &Reindexed{Was: was, Documents: documents}, nil
}
