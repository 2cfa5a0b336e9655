package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/postgres"
	"github.com/ifmatch/ifmatch/internal/store/storetest"
)

var schemas atomic.Int64

// server returns the DSN that tests make their schemas in, and skips the test where
// there is none.
func server(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("IFMATCH_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("SKIPPED, NOT CHECKED: IFMATCH_TEST_POSTGRES names no PostgreSQL; make test starts one, or set it to a DSN that may create schemas")
	}
	return dsn
}

// fresh returns the DSN of a schema that nothing is in, and drops it in the end.
func fresh(t testing.TB) string {
	t.Helper()
	dsn := server(t)
	schema := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	t.Cleanup(func() { execute(t, dsn, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	return u.String()
}

// execute runs a statement on a connection of its own.
func execute(t testing.TB, dsn, statement string, args ...any) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestConformance(t *testing.T) {
	server(t)
	type opened struct {
		dsn  string
		opts postgres.Options
	}
	var mu sync.Mutex
	all := make(map[store.Store]opened)
	open := func(t testing.TB, o opened) store.Store {
		s, err := postgres.Open(context.Background(), o.dsn, o.opts)
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
			// The suite holds a commit and queues others behind it: one writer has them wait.
			return open(t, opened{fresh(t), postgres.Options{Probe: o.Probe, Clock: o.Clock, CacheBytes: o.CacheBytes, Writers: 1}})
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
