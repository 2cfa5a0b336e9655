package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// rig is one store under test with what belongs to it.
type rig struct {
	*testing.T
	h      Harness
	s      store.Store
	clock  *clock
	probes *probes

	mu   sync.Mutex
	refs map[store.Ref]bool // what the test has written or tried to

	indexed bool // every document goes under indexes, by keysOf
	purged  bool // rows may be missing from the log
	closed  bool // by the test, so that nothing can be verified
}

// start opens a fresh store for t.
func (h Harness) start(t *testing.T, cacheBytes int64) *rig {
	t.Helper()
	r := &rig{
		T: t, h: h,
		clock:  &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
		probes: newProbes(),
		refs:   make(map[store.Ref]bool),
	}
	r.s = h.Open(t, OpenOptions{Probe: r.probes.at, Clock: r.clock.Now, CacheBytes: cacheBytes})
	t.Cleanup(func() {
		r.probes.releaseAll()
		if err := r.s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	t.Cleanup(func() {
		r.probes.releaseAll()
		if !t.Failed() && !t.Skipped() && !r.closed {
			r.verify()
		}
	})
	return r
}

// reopen opens the store's data again, where the driver can.
func (r *rig) reopen() bool {
	r.Helper()
	if r.h.Reopen == nil {
		return false
	}
	r.probes.releaseAll()
	r.s = r.h.Reopen(r.T, r.s)
	return true
}

// clock is a clock that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var commits atomic.Uint64

// newID returns a UUIDv7 that no other commit of this process has.
func newID() store.ID {
	var id store.ID
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], commits.Add(1))
	id[6] |= 0x70
	id[8] |= 0x80
	return id
}

var ctx = context.Background()

// part returns the part of the given name, ref a document in it.
func part(name string) store.Part          { return store.Part{Collection: name} }
func in(p store.Part, id string) store.Ref { return store.Ref{Part: p, ID: id} }
func ref(id string) store.Ref              { return in(part("things"), id) }
func digest(body string) [32]byte          { return sha256.Sum256([]byte(body)) }
func bodyf(format string, args ...any) string {
	return fmt.Sprintf(`{"v":%q}`, fmt.Sprintf(format, args...))
}

// commit returns a fresh commit of writes.
func (r *rig) commit(writes ...store.Write) *store.Commit {
	r.mu.Lock()
	for _, w := range writes {
		r.refs[w.Ref] = true
	}
	r.mu.Unlock()
	return &store.Commit{
		ID:          newID(),
		Actor:       store.Actor{Name: "ada", Roles: []string{"editor", "owner"}},
		Correlation: "corr-1",
		Now:         r.clock.Now(),
		Writes:      writes,
	}
}

// put returns a write of body on the document that h shows.
func (r *rig) put(h store.Head, body string) store.Write {
	w := r.write(h, store.ContentBody, store.ActionPut, "replaced")
	if !h.Exists() {
		w.Life++
		w.Log.Outcome = "created"
	}
	w.Version, w.Body, w.Digest = h.Next, []byte(body), digest(body)
	if r.indexed {
		w.Keys = keysOf(w.Body)
	}
	return w
}

// keysOf makes a body's keys: in an index where many documents share one and some
// have none, and in one where few do.
func keysOf(body []byte) []store.IndexKey {
	sum := sha256.Sum256(body)
	few := []byte(nil)
	if sum[0]%4 != 0 {
		few = []byte{sum[0] % 4}
	}
	return []store.IndexKey{{Index: "few", Key: few}, {Index: "many", Key: body[:min(len(body), 40)]}}
}

// remove returns a write that deletes the document that h shows.
func (r *rig) remove(h store.Head) store.Write {
	w := r.write(h, store.ContentTombstone, store.ActionDelete, "deleted")
	w.Version = h.Next
	return w
}

// touch returns a write that leaves the content of the document that h shows.
func (r *rig) touch(h store.Head) store.Write {
	w := r.write(h, store.ContentTouch, store.ActionTouch, "touched")
	w.Version, w.Digest = h.Version, h.Digest
	return w
}

func (r *rig) write(h store.Head, content store.Content, action store.Action, outcome string) store.Write {
	at := r.clock.Now()
	if at.Before(h.At) {
		at = h.At
	}
	link := sha256.Sum256(fmt.Appendf(h.Link, "%s %d %s", h.Ref.ID, h.Rev, action))
	return store.Write{
		Ref: h.Ref, Rev: h.Rev, Content: content, Life: h.Life, At: at,
		Log: store.Log{Action: action, Outcome: outcome, Base: h.Version, Link: link[:]},
	}
}

// get returns ref as it stands.
func (r *rig) get(ref store.Ref) *store.Document {
	r.Helper()
	d, err := r.s.Get(ctx, ref)
	if err != nil {
		r.Fatalf("Get(%v): %v", ref, err)
	}
	return d
}

// do runs c, which must succeed.
func (r *rig) do(c *store.Commit) store.Receipt {
	r.Helper()
	receipt, err := r.s.Commit(ctx, c)
	if err != nil {
		r.Fatalf("Commit of %s: %v", commitLine(c), err)
	}
	if len(receipt.Heads) != len(c.Writes) {
		r.Fatalf("Commit of %s: receipt has %d heads, want %d", commitLine(c), len(receipt.Heads), len(c.Writes))
	}
	return receipt
}

// save puts body into ref, whatever stands there, and returns the new head.
func (r *rig) save(ref store.Ref, body string) store.Head {
	r.Helper()
	return r.do(r.commit(r.put(r.get(ref).Head, body))).Heads[0]
}

// drop deletes ref and returns the tombstone's head.
func (r *rig) drop(ref store.Ref) store.Head {
	r.Helper()
	return r.do(r.commit(r.remove(r.get(ref).Head))).Heads[0]
}

// brush touches ref and returns the new head.
func (r *rig) brush(ref store.Ref) store.Head {
	r.Helper()
	return r.do(r.commit(r.touch(r.get(ref).Head))).Heads[0]
}
