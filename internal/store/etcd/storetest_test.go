package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/etcd"
	"github.com/ifmatch/ifmatch/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	endpoints(t)
	type opened struct {
		address string
		opts    etcd.Options
	}
	var mu sync.Mutex
	all := make(map[store.Store]opened)
	open := func(t testing.TB, o opened) store.Store {
		s, err := etcd.Open(context.Background(), o.address, o.opts)
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
			return open(t, opened{fresh(t), etcd.Options{Probe: o.Probe, Clock: o.Clock, CacheBytes: o.CacheBytes}})
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

// endpoints returns where the etcd for tests serves clients.
func endpoints(t testing.TB) []string {
	t.Helper()
	value := os.Getenv("IFMATCH_TEST_ETCD")
	if value == "" {
		t.Skip("SKIPPED, NOT CHECKED: the etcd driver; set IFMATCH_TEST_ETCD to the endpoints of an etcd, as host:port,host:port, or run make test, which starts one")
	}
	return strings.Split(value, ",")
}

var prefixes atomic.Int64

// fresh returns the address of a prefix of its own, whose keys go with the test.
func fresh(t testing.TB) string {
	t.Helper()
	hosts := endpoints(t)
	prefix := fmt.Sprintf("ifmatch-test/%x-%d", time.Now().UnixNano(), prefixes.Add(1))
	client := dial(t)
	t.Cleanup(func() {
		if _, err := client.Delete(context.Background(), prefix+"/", clientv3.WithPrefix()); err != nil {
			t.Errorf("keys of the test stay behind: %v", err)
		}
	})
	return etcd.Scheme + strings.Join(hosts, ",") + "/" + prefix
}

// dial returns a client beside the stores.
func dial(t testing.TB) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints(t), DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}
