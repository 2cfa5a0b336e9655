package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// TestPowerCut cuts the power under many writers and opens what the disk kept.
// Everything that was answered before the cut must be true of it: receipts,
// refusals with the heads that they quote, and reads.
func TestPowerCut(t *testing.T) {
	cuts := 20
	if testing.Short() {
		cuts = 5
	}
	first := uint64(time.Now().UnixNano())
	var acknowledged, dropped, moved int
	for i := range cuts {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			d := newDisk()
			d.rng = rand.New(rand.NewPCG(seed, 1))
			d.variant = []cutVariant{cutDrops, cutSubset, cutTorn}[i%3]
			d.cutAt = 200 + rng.IntN(4000)
			if i%10 == 4 {
				d.cutAt = 1 + rng.IntN(120) // while the store is made
			}
			j := newJournal(d)
			flushes := runUntilCut(t, d, j, seed)
			t.Logf("%s at operation %d: %d commits acknowledged, %d flushes of the file, %d changes lost", d.variant, d.cutAt, len(j.acks), flushes, d.dropped)
			acknowledged, dropped, moved = acknowledged+len(j.acks), dropped+d.dropped, moved+flushes
			j.check(t, writeImage(t, d))
		})
	}
	if acknowledged == 0 || dropped == 0 || moved <= cuts {
		t.Errorf("%d commits acknowledged, %d changes lost, %d flushes of the file: this tested nothing", acknowledged, dropped, moved)
	}
}

const cutWriters = 16

// runUntilCut has writers at work until the power is gone. It returns how often
// the write-ahead log was moved into the file.
func runUntilCut(t *testing.T, d *disk, j *journal, seed uint64) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cut.db")
	s, err := Open(context.Background(), path, Options{VFS: newFaultVFS(t, d), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.writer.checkpoints.restartEvery = 0 // so that pages of the log are written over
	inParallel(cutWriters, func(n int) {
		w := &cutWriter{s: s, j: j, n: n, rng: rand.New(rand.NewPCG(seed, uint64(10+n)))}
		for !d.off() {
			if err := w.act(); err != nil {
				t.Error(err)
				return
			}
			if w.rng.IntN(60) == 0 { // the log is too short to be moved by itself
				select {
				case s.writer.checkpoints.wake <- struct{}{}:
				default:
				}
			}
		}
	})
	flushes := d.flushes(path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return flushes
}

// writeImage puts what the cut left into a folder of its own.
func writeImage(t *testing.T, d *disk) string {
	t.Helper()
	if !d.off() {
		t.Fatal("the power was never cut")
	}
	dir := t.TempDir()
	for path, content := range d.image {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cut.db")
}

// cutWriter writes documents of its own and some that all writers share.
type cutWriter struct {
	s   *Store
	j   *journal
	n   int
	rng *rand.Rand
}

var cutPart = store.Part{Collection: "docs"}

// doomed is the collection of documents that are purged, each in a part of its
// own: a floor that rises moves the versions of its neighbours too.
const doomed = "doomed"

func (w *cutWriter) own() store.Ref {
	return store.Ref{Part: cutPart, ID: fmt.Sprintf("own-%d-%d", w.n, w.rng.IntN(2))}
}

func (w *cutWriter) shared() store.Ref {
	return store.Ref{Part: cutPart, ID: fmt.Sprintf("shared-%d", w.rng.IntN(4))}
}

func (w *cutWriter) act() error {
	ctx := context.Background()
	if w.rng.IntN(20) == 0 {
		return w.purge(ctx)
	}
	refs := []store.Ref{w.own()}
	switch w.rng.IntN(10) {
	case 0, 1, 2:
		refs[0] = w.shared()
	case 3:
		refs = append(refs, w.shared())
	}
	var writes []store.Write
	for _, ref := range refs {
		d, err := w.s.Get(ctx, ref)
		if err != nil {
			return fmt.Errorf("reading %s: %w", ref.ID, err)
		}
		w.j.read(&d.Head)
		writes = append(writes, w.write(&d.Head))
	}
	return w.commit(ctx, writes...)
}

func (w *cutWriter) commit(ctx context.Context, writes ...store.Write) error {
	c := newCommit(writes...)
	if w.rng.IntN(5) == 0 {
		c.Key = &store.Key{Scope: "cut", Key: fmt.Sprintf("%x", c.ID), Answer: store.Answer{Content: []byte("stored"), Expires: c.Now.Add(time.Hour)}}
	}
	w.j.sent(c)
	receipt, err := w.s.Commit(ctx, c)
	var stale *store.StaleError
	if err != nil && !errors.As(err, &stale) {
		return fmt.Errorf("committing: %w", err)
	}
	w.j.answered(c, receipt, stale)
	return nil
}

// purge makes, deletes and forgets a document, for the floor that this raises.
func (w *cutWriter) purge(ctx context.Context) error {
	ref := store.Ref{Part: store.Part{Collection: doomed, Params: fmt.Sprint(w.n)}, ID: "it"}
	for range 2 {
		d, err := w.s.Get(ctx, ref)
		if err != nil {
			return err
		}
		next := writeBody(&d.Head, 10)
		if d.Exists() {
			next = writeTombstone(&d.Head)
		}
		if err := w.commit(ctx, next); err != nil {
			return err
		}
	}
	if err := w.s.Purge(ctx, ref); err != nil && !errors.Is(err, store.ErrNoEntry) {
		return fmt.Errorf("purging: %w", err)
	}
	return nil
}

func (w *cutWriter) write(h *store.Head) store.Write {
	switch n := w.rng.IntN(10); {
	case n == 0 && h.Exists():
		return writeTombstone(h)
	case n == 1 && h.Exists():
		return writeTouch(h)
	}
	return writeBody(h, w.rng.IntN(6000))
}

var commitNumber atomic.Uint64

// newCommit returns a fresh commit of writes.
func newCommit(writes ...store.Write) *store.Commit {
	c := &store.Commit{Now: time.Now(), Actor: store.Actor{Name: "ada", Roles: []string{"editor"}}, Writes: writes}
	binary.BigEndian.PutUint64(c.ID[:], uint64(time.Now().UnixNano()))
	binary.BigEndian.PutUint64(c.ID[8:], commitNumber.Add(1))
	return c
}

// cutIndex is what documents of these tests are under. No two writes have one key,
// so that each changes its row.
var cutIndex = func() *index.Index {
	x, err := index.New("/n", index.Number)
	if err != nil {
		panic(err) // the line above names a member
	}
	return x
}()

// writeBody returns a write of a new body of about size bytes on what h shows.
func writeBody(h *store.Head, size int) store.Write {
	w := writeOn(h, store.ContentBody, store.ActionPut)
	if !h.Exists() {
		w.Life++
	}
	w.Version = h.Next
	w.Body = fmt.Appendf(nil, `{"n":%d,"pad":%q}`, commitNumber.Add(1), strings.Repeat("x", size))
	v, err := jsonvalue.Parse(w.Body, jsonvalue.Limits{})
	if err != nil {
		panic(err) // the line above makes JSON
	}
	w.Digest = v.Digest()
	w.Keys = []store.IndexKey{{Index: cutIndex.ID(), Key: cutIndex.Key(v)}}
	return w
}

func writeTombstone(h *store.Head) store.Write {
	w := writeOn(h, store.ContentTombstone, store.ActionDelete)
	w.Version = h.Next
	return w
}

func writeTouch(h *store.Head) store.Write {
	w := writeOn(h, store.ContentTouch, store.ActionTouch)
	w.Version, w.Digest = h.Version, h.Digest
	return w
}

func writeOn(h *store.Head, content store.Content, action store.Action) store.Write {
	at := time.Now().UTC().Truncate(time.Microsecond)
	if at.Before(h.At) {
		at = h.At
	}
	return store.Write{
		Ref: h.Ref, Rev: h.Rev, Content: content, Life: h.Life, At: at,
		Log: store.Log{Action: action, Outcome: string(action), Link: make([]byte, 20)},
	}
}
