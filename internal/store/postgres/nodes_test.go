package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/postgres"
)

// open opens a store for a test and closes it in the end.
func open(t testing.TB, dsn string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, o)
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

var ids atomic.Uint64

func newID() (id store.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixNano()))
	binary.BigEndian.PutUint64(id[8:], ids.Add(1))
	return id
}

func thing(id string) store.Ref {
	return store.Ref{Part: store.Part{Collection: "things"}, ID: id}
}

// put returns a commit that replaces or creates what h shows.
func put(h store.Head, body string) *store.Commit {
	w := store.Write{
		Ref: h.Ref, Rev: h.Rev, Content: store.ContentBody, Version: h.Next, Life: max(h.Life, 1), At: h.At.Add(time.Second),
		Body: []byte(body), Digest: sha256.Sum256([]byte(body)), Log: store.Log{Action: store.ActionPut, Outcome: "replaced"},
	}
	if h.At.IsZero() {
		w.At = time.Unix(1_700_000_000, 0)
	}
	return &store.Commit{ID: newID(), Now: w.At, Actor: store.Actor{Name: "ada"}, Writes: []store.Write{w}}
}

func get(t testing.TB, s store.Store, ref store.Ref) *store.Document {
	t.Helper()
	d, err := s.Get(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func isStale(err error) bool {
	_, stale := errors.AsType[*store.StaleError](err)
	return stale
}

// TestNodes has three nodes add to the same counters, in commits of one and of two, as
// production sends them: nothing is lost, and every receipt is in the log once.
func TestNodes(t *testing.T) {
	dsn := fresh(t)
	nodes := []*postgres.Store{open(t, dsn, postgres.Options{}), open(t, dsn, postgres.Options{Writers: 4}), open(t, dsn, postgres.Options{MaxGather: 3})}
	const counters = 12
	var added [counters]atomic.Int64
	var mu sync.Mutex
	receipts := make(map[store.ID]int)
	var wg sync.WaitGroup
	for w := range 24 {
		wg.Go(func() {
			s := nodes[w%len(nodes)]
			for range 40 {
				a, b := rand.N(counters), rand.N(counters)
				c := increment(t, s, a)
				if other := increment(t, s, b); a != b && c != nil && other != nil && w%2 == 0 {
					c.Writes = append(c.Writes, other.Writes...)
				}
				if c == nil {
					return
				}
				_, err := s.Commit(t.Context(), c)
				switch {
				case isStale(err):
					continue
				case err != nil:
					t.Errorf("Commit: %v", err)
					return
				}
				mu.Lock()
				receipts[c.ID] = len(c.Writes)
				mu.Unlock()
				for i := range c.Writes {
					n, _ := strconv.Atoi(c.Writes[i].Ref.ID)
					added[n].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for n := range counters {
		d := get(t, nodes[n%3], thing(strconv.Itoa(n)))
		if got, want := string(d.Body), strconv.FormatInt(added[n].Load(), 10); d.Exists() && got != want || d.Rev != added[n].Load() {
			t.Errorf("counter %d is %s at rev %d; receipts have added %s", n, got, d.Rev, want)
		}
	}
	if err := nodes[0].ScanLog(t.Context(), func(e *store.Entry) error {
		receipts[e.CommitID]--
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for id, missing := range receipts {
		if missing != 0 {
			t.Errorf("commit %x has a receipt and %d log rows too few", id, missing)
		}
	}
	if err := nodes[0].CheckIntegrity(t.Context()); err != nil {
		t.Error(err)
	}
}

// increment returns a commit that adds one to a counter, nil where it cannot be read.
func increment(t testing.TB, s store.Store, n int) *store.Commit {
	d, err := s.Get(context.Background(), thing(strconv.Itoa(n)))
	if err != nil {
		t.Errorf("Get: %v", err)
		return nil
	}
	value := 0
	if d.Exists() {
		if value, err = strconv.Atoi(string(d.Body)); err != nil {
			t.Errorf("a counter holds %q", d.Body)
		}
	}
	return put(d.Head, strconv.Itoa(value+1))
}

// TestClaimsOfNodes has nodes take the same natural keys, idempotency keys and absent
// documents: one wins each time.
func TestClaimsOfNodes(t *testing.T) {
	dsn := fresh(t)
	nodes := []*postgres.Store{open(t, dsn, postgres.Options{}), open(t, dsn, postgres.Options{})}
	for round := range 30 {
		var claimed, keyed, created atomic.Int64
		var wg sync.WaitGroup
		for w := range 8 {
			s := nodes[w%2]
			run := func(won *atomic.Int64, c *store.Commit) {
				wg.Go(func() {
					_, err := s.Commit(t.Context(), c)
					_, taken := errors.AsType[*store.TakenError](err)
					_, replayed := errors.AsType[*store.ReplayedError](err)
					switch {
					case err == nil:
						won.Add(1)
					case !taken && !replayed && !isStale(err):
						t.Errorf("Commit: %v", err)
					}
				})
			}
			head := func(id string) store.Head { return store.Head{Ref: thing(id), Next: 1} }
			claim := put(head(fmt.Sprintf("claim %d/%d", round, w)), "1")
			claim.Claims = []store.Claim{{Part: thing("").Part, Index: "name", Value: fmt.Sprint(round), ID: claim.Writes[0].Ref.ID}}
			run(&claimed, claim)
			key := put(head(fmt.Sprintf("key %d/%d", round, w)), "1")
			key.Key = &store.Key{Scope: "ada", Key: fmt.Sprint(round), Answer: store.Answer{Expires: key.Now.Add(time.Hour)}}
			run(&keyed, key)
			run(&created, put(head(fmt.Sprintf("doc %d", round)), strconv.Itoa(w)))
		}
		wg.Wait()
		if claimed.Load() != 1 || keyed.Load() != 1 || created.Load() != 1 {
			t.Fatalf("of 8 each, %d took the natural key, %d the idempotency key, %d created the document; want 1", claimed.Load(), keyed.Load(), created.Load())
		}
	}
}

// TestGathered has one connection commit what many ask for at once. The refused do not
// harm their neighbours.
func TestGathered(t *testing.T) {
	s := open(t, fresh(t), postgres.Options{Writers: 1})
	var wg sync.WaitGroup
	var won, stale atomic.Int64
	for n := range 200 {
		h := store.Head{Ref: thing(strconv.Itoa(n)), Next: 1}
		if n%5 == 0 {
			h.Rev, h.Next = 3, 4
		}
		wg.Go(func() {
			_, err := s.Commit(t.Context(), put(h, "x"))
			switch {
			case err == nil:
				won.Add(1)
			case isStale(err):
				stale.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 160 || stale.Load() != 40 {
		t.Errorf("%d commits went through and %d were stale, want 160 and 40", won.Load(), stale.Load())
	}
}

// TestFollowingNodes follows at one node what others write, and is woken: every change
// comes once, in each lane in order.
func TestFollowingNodes(t *testing.T) {
	dsn := fresh(t)
	follower := open(t, dsn, postgres.Options{PollEvery: 20 * time.Millisecond})
	writers := []*postgres.Store{open(t, dsn, postgres.Options{}), open(t, dsn, postgres.Options{})}
	const each, documents = 100, 40
	done := make(chan struct{})
	var wg sync.WaitGroup
	var committed atomic.Int64
	for w := range 16 {
		wg.Go(func() {
			for i := range each {
				ref := thing(strconv.Itoa((w*each + i) % documents))
				d, err := writers[w%2].Get(t.Context(), ref)
				if err == nil {
					_, err = writers[w%2].Commit(t.Context(), put(d.Head, "x"))
				}
				if err == nil {
					committed.Add(1)
				} else if !isStale(err) {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	var seen int64
	var after store.Mark
	versions := make(map[string]int64)
	for ended := false; ; {
		w := follower.Watch(store.Scope{})
		page, err := follower.Changes(t.Context(), store.ChangeQuery{After: after, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.Position != after.At(e.Lane)+1 || e.Version != versions[e.Ref.ID]+1 {
				t.Fatalf("after position %d of lane %d and version %d comes %+v", after.At(e.Lane), e.Lane, versions[e.Ref.ID], e)
			}
			after, versions[e.Ref.ID] = after.With(e.Lane, e.Position), e.Version
			seen++
		}
		after = page.Last
		if after.Covers(page.Newest) {
			if ended {
				w.Stop()
				break
			}
			select {
			case <-w.Changed():
			case <-done:
				ended = true
			}
			after = after.Join(w.Quiet())
		}
		w.Stop()
	}
	if seen != committed.Load() {
		t.Errorf("%d changes were seen of %d", seen, committed.Load())
	}
}
