package guard_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/examples/guarded/notes"
	"github.com/ifmatch/ifmatch/guard"
)

// mapStore keeps every version of every document in memory.
type mapStore struct {
	mu       sync.Mutex
	versions map[string][]guard.Document // version v at v-1
}

func newMapStore() *mapStore { return &mapStore{versions: make(map[string][]guard.Document)} }

func (s *mapStore) Load(_ context.Context, id string) (guard.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(id, int64(len(s.versions[id]))), nil
}

func (s *mapStore) at(id string, version int64) guard.Document {
	if version < 1 || version > int64(len(s.versions[id])) {
		return guard.Document{}
	}
	return s.versions[id][version-1]
}

func (s *mapStore) CompareAndSwap(_ context.Context, id string, from int64, next guard.Document) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int64(len(s.versions[id])) != from {
		return false, nil
	}
	s.versions[id] = append(s.versions[id], next)
	return true, nil
}

func (s *mapStore) LoadVersion(_ context.Context, id string, version int64) (guard.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(id, version), nil
}

// newSQLStore opens the store of the example, which is what a service writes
// over its own tables.
func newSQLStore(t *testing.T) *notes.Store {
	t.Helper()
	s, err := notes.Open(t.Context(), filepath.Join(t.TempDir(), "notes.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stores are the ones that every test of answers runs over.
var stores = map[string]func(*testing.T) guard.Store{
	"map": func(*testing.T) guard.Store { return newMapStore() },
	"sql": func(t *testing.T) guard.Store { return newSQLStore(t) },
}
