package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/etcd"
)

func open(t testing.TB, address string, opts etcd.Options) *etcd.Store {
	t.Helper()
	s, err := etcd.Open(t.Context(), address, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

func ref(id string) store.Ref { return store.Ref{Part: store.Part{Collection: "things"}, ID: id} }

// put returns a commit that stores a body in the document at h.
func put(h store.Head, body string) *store.Commit {
	w := store.Write{
		Ref: h.Ref, Rev: h.Rev, Content: store.ContentBody, Version: h.Next, Life: h.Life, At: time.Now(), Body: []byte(body),
		Log: store.Log{Action: store.ActionPut},
	}
	return &store.Commit{ID: store.ID(uuid.Must(uuid.NewV7())), Now: time.Now(), Writes: []store.Write{w}}
}

func get(t testing.TB, s *etcd.Store, id string) *store.Document {
	t.Helper()
	d, err := s.Get(context.Background(), ref(id))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func save(t testing.TB, s *etcd.Store, id, body string) store.Head {
	t.Helper()
	r, err := s.Commit(context.Background(), put(get(t, s, id).Head, body))
	if err != nil {
		t.Fatal(err)
	}
	return r.Heads[0]
}

// TestNodesMakeOneStore opens a new prefix from many sides at once.
func TestNodesMakeOneStore(t *testing.T) {
	address := fresh(t)
	ids := make([]string, 6)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := etcd.Open(t.Context(), address, etcd.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.Info().ID
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("the nodes have opened stores %q", ids)
		}
	}
}

// TestNodesCount adds one under compare-and-swap at several nodes: as often as it was
// told that it had, and each position of the feed is there once.
func TestNodesCount(t *testing.T) {
	address := fresh(t)
	var nodes []*etcd.Store
	for range 3 {
		nodes = append(nodes, open(t, address, etcd.Options{}))
	}
	save(t, nodes[0], "n", "0")
	var mu sync.Mutex
	var receipts int64
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			s := nodes[i%3]
			for range 15 {
				d := get(t, s, "n")
				n, err := strconv.Atoi(string(d.Body))
				if err != nil {
					t.Errorf("the counter is %q", d.Body)
					return
				}
				_, err = s.Commit(context.Background(), put(d.Head, strconv.Itoa(n+1)))
				if _, stale := errors.AsType[*store.StaleError](err); stale {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				receipts++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for i, s := range nodes {
		if d := get(t, s, "n"); string(d.Body) != strconv.FormatInt(receipts, 10) || d.Rev != receipts+1 {
			t.Errorf("node %d has %s at rev %d, and %d receipts were given", i, d.Body, d.Rev, receipts)
		}
		page, err := s.Changes(t.Context(), store.ChangeQuery{Limit: 1000})
		if err != nil || int64(len(page.Entries)) != receipts+1 {
			t.Errorf("node %d: the feed has %d changes, %v", i, len(page.Entries), err)
		}
		for at, e := range page.Entries {
			if e.Position != int64(at)+1 {
				t.Fatalf("node %d: change %d is at position %d", i, at, e.Position)
			}
		}
	}
}

// TestNodesHearOfOneAnother waits at one node for what another commits.
func TestNodesHearOfOneAnother(t *testing.T) {
	address := fresh(t)
	here, there := open(t, address, etcd.Options{}), open(t, address, etcd.Options{})
	for i := range 5 {
		w := here.Watch(store.Scope{Part: ref("a").Part, ID: "a", One: true})
		other := here.Watch(store.Scope{Part: ref("b").Part, ID: "b", One: true})
		h := save(t, there, "a", fmt.Sprint(i))
		select {
		case <-w.Changed():
		case <-time.After(30 * time.Second):
			t.Fatal("nobody was woken by what another node has committed")
		}
		page, err := here.Changes(t.Context(), store.ChangeQuery{Limit: 10, After: w.Quiet()})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Position != h.Position {
			t.Errorf("behind where it was quiet there is %+v, %v", page.Entries, err)
		}
		select {
		case <-other.Changed():
			t.Error("the change of another document has ended a watch")
		default:
		}
		w.Stop()
		other.Stop()
	}
}

// keysUnder prints all keys of a cluster under a prefix, and when each was written.
func keysUnder(t testing.TB, client *clientv3.Client, prefix string) string {
	t.Helper()
	all, err := client.Get(context.Background(), prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, kv := range all.Kvs {
		fmt.Fprintf(&b, "%q %d %q\n", kv.Key, kv.ModRevision, kv.Value)
	}
	return b.String()
}

// TestOpenRefuses opens what is no store for this version: one sentence that says what
// to do, and nothing is changed.
func TestOpenRefuses(t *testing.T) {
	client := dial(t)
	for name, tt := range map[string]struct {
		keys map[string]string
		opts etcd.Options
		says string
	}{
		"keys of another program": {map[string]string{"/registry/pods/a": "x"}, etcd.Options{}, "choose another prefix"},
		"its key where ours is":   {map[string]string{"/m/": "x"}, etcd.Options{}, "choose another prefix"},
		"a newer layout":          {map[string]string{"/m/": `{"layout":9,"id":"i","epoch":1}`, "/n/": `{"position":0}`}, etcd.Options{}, "run a newer ifmatch"},
		"nothing":                 {nil, etcd.Options{Existing: true}, "ifmatch serve makes one"},
		"a store without its end": {map[string]string{"/m/": `{"layout":1,"id":"i","epoch":1}`}, etcd.Options{}, "deleted its keys"},
	} {
		t.Run(name, func(t *testing.T) {
			address := fresh(t)
			_, prefix, _ := strings.Cut(strings.TrimPrefix(address, etcd.Scheme), "/")
			for key, value := range tt.keys {
				if _, err := client.Put(t.Context(), prefix+key, value); err != nil {
					t.Fatal(err)
				}
			}
			before := keysUnder(t, client, prefix)
			s, err := etcd.Open(t.Context(), address, tt.opts)
			if err == nil {
				t.Fatal(s.Close())
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it says %q, want %q in it", err, tt.says)
			}
			if after := keysUnder(t, client, prefix); after != before {
				t.Errorf("there were\n%sand are\n%s", before, after)
			}
		})
	}
}

// TestStoresSideBySide has a prefix that another begins with.
func TestStoresSideBySide(t *testing.T) {
	address := fresh(t)
	one, other := open(t, address, etcd.Options{}), open(t, address+"s", etcd.Options{})
	save(t, one, "a", "1")
	if d := get(t, other, "a"); d.Rev != 0 || one.Info().ID == other.Info().ID {
		t.Errorf("one store shows what is in another: %+v", d.Head)
	}
}

func TestNoAnswer(t *testing.T) {
	s, err := etcd.Open(t.Context(), "etcd://127.0.0.1:1/prefix", etcd.Options{})
	if err == nil {
		t.Fatal(s.Close())
	}
	if !strings.Contains(err.Error(), "no answer from 127.0.0.1:1") {
		t.Errorf("it says %q", err)
	}
}
