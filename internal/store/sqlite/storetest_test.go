package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
	"github.com/ifmatch/ifmatch/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	type opened struct {
		path string
		opts sqlite.Options
	}
	var mu sync.Mutex
	all := make(map[store.Store]opened)
	open := func(t testing.TB, o opened) store.Store {
		s, err := sqlite.Open(context.Background(), o.path, o.opts)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all[s] = o
		return s
	}
	storetest.Run(t, storetest.Harness{
		Open: func(t testing.TB, o storetest.OpenOptions) store.Store {
			return open(t, opened{filepath.Join(t.TempDir(), "test.db"), sqlite.Options{
				Probe: o.Probe, Clock: o.Clock, CacheBytes: o.CacheBytes,
			}})
		},
		Reopen: func(t testing.TB, s store.Store) store.Store {
			mu.Lock()
			o := all[s]
			mu.Unlock()
			if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
				t.Fatal(err)
			}
			return open(t, o)
		},
	})
}
