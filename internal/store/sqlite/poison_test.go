package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"

	lib "modernc.org/sqlite/lib"

	"github.com/ifmatch/ifmatch/internal/store"
)

// faultRig is a store on a disk that can fail, with a journal of its answers.
type faultRig struct {
	*testing.T
	d    *disk
	j    *journal
	s    *Store
	path string
	opts Options
	gate *gate
}

func newFaultRig(t *testing.T) *faultRig {
	d := newDisk()
	r := &faultRig{T: t, d: d, j: newJournal(d), path: filepath.Join(t.TempDir(), "cut.db"), gate: &gate{}}
	r.opts = Options{VFS: newFaultVFS(t, d), Probe: r.gate.at, Readers: 2}
	r.open()
	t.Cleanup(func() { r.s.Close() })
	return r
}

func (r *faultRig) open() {
	r.Helper()
	s, err := Open(context.Background(), r.path, r.opts)
	if err != nil {
		r.Fatal(err)
	}
	s.writer.checkpoints.restartEvery = 0 // so that each turn of the checkpointer ends with the writer's
	r.s = s
}

func fileRef(id string) store.Ref { return store.Ref{Part: cutPart, ID: id} }

// put commits a new body for a document and notes the answer.
func (r *faultRig) put(id string) (*store.Commit, error) {
	r.Helper()
	h, err := r.s.Get(context.Background(), fileRef(id))
	if err != nil {
		return nil, err
	}
	c := newCommit(writeBody(&h.Head, 100))
	return c, r.send(c)
}

func (r *faultRig) send(c *store.Commit) error {
	r.j.sent(c)
	receipt, err := r.s.Commit(context.Background(), c)
	if err == nil {
		r.j.answered(c, receipt, nil)
	}
	return err
}

func (r *faultRig) mustPut(id string) *store.Commit {
	r.Helper()
	c, err := r.put(id)
	if err != nil {
		r.Fatalf("put %s: %v", id, err)
	}
	return c
}

// shows fails unless a read answers the version of a document.
func (r *faultRig) shows(id string, version int64) {
	r.Helper()
	d, err := r.s.Get(context.Background(), fileRef(id))
	if err != nil || d.Version != version {
		r.Errorf("%s is read as %+v, %v; want version %d", id, d, err, version)
	}
}

// gate is a probe that gathers commits in one group and acts before its COMMIT.
type gate struct {
	armed   chan struct{} // nil while the gate is open
	entered chan struct{}
	groups  int
	before  func()      // before the COMMIT of the gathered group
	panics  store.Point // where the gathered group panics, "" for nowhere
}

func (g *gate) at(p store.Point) error {
	switch {
	case g.armed == nil:
	case p == store.PointGroup:
		if g.groups++; g.groups == 1 {
			close(g.entered)
			<-g.armed
		}
	case p == store.PointBeforeCommit && g.groups == 2:
		g.before()
		g.before = func() {}
	}
	if g.panics == p && g.groups == 2 {
		panic("a fault of ours")
	}
	return nil
}

// together sends commits as one group, in their order, and returns what each
// was answered. A commit of its own goes before them.
func (r *faultRig) together(before func(), commits ...*store.Commit) []error {
	r.Helper()
	g := r.gate
	g.groups, g.before = 0, before
	g.armed, g.entered = make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		_, err := r.put("before")
		first <- err
	}()
	<-g.entered
	errs := make([]error, len(commits))
	done := make(chan struct{})
	for i, c := range commits {
		go func() {
			errs[i] = r.send(c)
			done <- struct{}{}
		}()
		for r.waiting() <= i {
			runtime.Gosched()
		}
	}
	close(g.armed)
	if err := <-first; err != nil {
		r.Fatal(err)
	}
	for range commits {
		<-done
	}
	return errs
}

// waiting is how many commits have been handed to the writer and not begun.
func (r *faultRig) waiting() int {
	w := r.s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// group makes a commit of a, one that a's makes stale, and one of a new document.
func (r *faultRig) group() []*store.Commit {
	r.Helper()
	a, err := r.s.Get(context.Background(), fileRef("a"))
	if err != nil {
		r.Fatal(err)
	}
	return []*store.Commit{
		newCommit(writeBody(&a.Head, 5000)),
		newCommit(writeBody(&a.Head, 10)),
		newCommit(writeBody(&store.Head{Ref: fileRef("new"), Next: 1}, 10)),
	}
}

// TestFailedCommit makes the disk fail under the COMMIT of a group. Nobody can
// know what it kept, so the writer stops, and nothing that was answered is lost
// whatever happens next.
func TestFailedCommit(t *testing.T) {
	faults := []struct {
		name string
		f    fault
	}{
		{"flush", fault{op: opSync, suffix: "-wal", code: lib.SQLITE_IOERR_FSYNC, times: 1}},
		{"write", fault{op: opWrite, suffix: "-wal", code: lib.SQLITE_IOERR_WRITE, times: 1}},
	}
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			for _, then := range poisonEnds {
				t.Run(then.name, func(t *testing.T) {
					r := newFaultRig(t)
					r.mustPut("a")
					r.mustPut("b")
					f := c.f
					group := r.group()
					for i, err := range r.together(func() { r.d.inject(&f) }, group...) {
						if !errors.Is(err, store.ErrOutcomeUnknown) {
							t.Errorf("member %d was answered %v, want ErrOutcomeUnknown", i, err)
						}
					}
					<-f.fired
					r.stopped()
					r.shows("b", 1)
					for _, id := range []string{"a", "new"} {
						if d, err := r.s.Get(context.Background(), fileRef(id)); !errors.Is(err, store.ErrOutcomeUnknown) {
							t.Errorf("%s, whose outcome is unknown, is read as %+v, %v; want ErrOutcomeUnknown", id, d, err)
						}
					}
					then.run(r)
				})
			}
		})
	}
}

// TestPanickedWriter has the writer panic in the middle of a group: everybody is
// answered, and nobody writes after that.
func TestPanickedWriter(t *testing.T) {
	for _, at := range []struct {
		point store.Point
		want  error
	}{
		{store.PointChecked, store.ErrReadOnly},
		{store.PointBeforeCommit, store.ErrReadOnly},
		{store.PointAfterCommit, store.ErrOutcomeUnknown},
	} {
		for _, then := range poisonEnds {
			t.Run(string(at.point)+"/"+then.name, func(t *testing.T) {
				r := newFaultRig(t)
				r.mustPut("a")
				r.mustPut("c")
				replace := newCommit(writeBody(&r.mustGet("a").Head, 100))
				create := newCommit(writeBody(&r.mustGet("new").Head, 100))
				r.gate.panics = at.point
				for i, err := range r.together(func() {}, replace, create) {
					if !errors.Is(err, at.want) {
						r.Errorf("commit %d was answered %v, want %v", i, err, at.want)
					}
				}
				r.gate.panics = ""
				r.stopped()
				r.shows("c", 1)
				if _, err := r.s.Get(context.Background(), fileRef("a")); at.want == store.ErrOutcomeUnknown && !errors.Is(err, at.want) {
					r.Errorf("a document of the group is read with %v, want ErrOutcomeUnknown", err)
				}
				then.run(r)
			})
		}
	}
}

func (r *faultRig) mustGet(id string) *store.Document {
	r.Helper()
	d, err := r.s.Get(context.Background(), fileRef(id))
	if err != nil {
		r.Fatalf("get %s: %v", id, err)
	}
	return d
}

// TestFailedCheckpoint makes the disk fail while the write-ahead log is moved
// into the file. The log that still has everything must not be overwritten.
func TestFailedCheckpoint(t *testing.T) {
	for _, then := range poisonEnds {
		t.Run(then.name, func(t *testing.T) {
			r := newFaultRig(t)
			for i := range 50 {
				r.mustPut(fmt.Sprint("many-", i))
			}
			f := fault{op: opSync, suffix: "cut.db", code: lib.SQLITE_IOERR_FSYNC, times: 1}
			r.d.inject(&f)
			r.s.writer.checkpoints.wake <- struct{}{}
			<-f.fired
			for r.s.Healthy() == nil {
				runtime.Gosched()
			}
			r.stopped()
			r.shows("many-0", 1)
			then.run(r)
		})
	}
}

// stopped fails unless the writer refuses everything and leaves the disk alone.
func (r *faultRig) stopped() {
	r.Helper()
	before := r.d.operations()
	if _, err := r.put("b"); !errors.Is(err, store.ErrReadOnly) {
		r.Errorf("a commit after the fault was answered %v, want ErrReadOnly", err)
	}
	if r.s.Healthy() == nil {
		r.Error("the store says that it is well")
	}
	select {
	case r.s.writer.checkpoints.wake <- struct{}{}:
	default:
	}
	if _, err := r.put("b"); !errors.Is(err, store.ErrReadOnly) {
		r.Errorf("a commit after the fault was answered %v, want ErrReadOnly", err)
	}
	if after := r.d.operations(); after != before {
		r.Errorf("the disk was asked for %d operations after the writer stopped", after-before)
	}
}

// poisonEnds are how a store goes on whose writer stopped.
var poisonEnds = []struct {
	name string
	run  func(r *faultRig)
}{
	{"opened again", func(r *faultRig) {
		if err := r.s.Close(); err != nil {
			r.Log("closing says:", err)
		}
		r.open()
		r.mustPut("b")
		r.j.hold(r.T, r.s)
	}},
	{"power cut", func(r *faultRig) { r.cutAndCheck() }},
	{"closed, then power cut", func(r *faultRig) {
		if err := r.s.Close(); err != nil {
			r.Log("closing says:", err)
		}
		r.cutAndCheck()
	}},
	{"opened again, then power cut", func(r *faultRig) {
		if err := r.s.Close(); err != nil {
			r.Log("closing says:", err)
		}
		r.open()
		r.mustPut("b")
		r.cutAndCheck()
	}},
}

func (r *faultRig) cutAndCheck() {
	r.Helper()
	r.d.rng, r.d.variant = rand.New(rand.NewPCG(1, 1)), cutDrops
	r.d.cutNow()
	r.j.check(r.T, writeImage(r.T, r.d))
}

// TestNoRoom refuses writes while the disk takes none, and goes on after it.
func TestNoRoom(t *testing.T) {
	for _, c := range []struct {
		name string
		code int32
		want error
	}{
		{"full", lib.SQLITE_FULL, store.ErrFull},
		{"read-only", lib.SQLITE_READONLY, store.ErrReadOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newFaultRig(t)
			r.mustPut("a")
			f := fault{op: opWrite, suffix: "-wal", code: c.code, times: -1}
			group := r.group()
			errs := r.together(func() { r.d.inject(&f) }, group...)
			<-f.fired
			var stale *store.StaleError
			for i, err := range errs {
				if !errors.Is(err, c.want) && !(i == 1 && errors.As(err, &stale)) {
					t.Errorf("member %d was answered %v, want %v", i, err, c.want)
				}
			}
			if err := r.s.Healthy(); err != nil {
				t.Errorf("the store is given up: %v", err)
			}
			r.shows("a", 1)
			r.shows("new", 0)
			r.d.lift()
			for _, i := range []int{0, 2} {
				if err := r.send(group[i]); err != nil {
					t.Errorf("when there was room again member %d was answered %v", i, err)
				}
			}
			r.j.hold(r.T, r.s)
			r.cutAndCheck()
		})
	}
}

// TestNoRoomForCheckpoint lets the log grow while it cannot be moved.
func TestNoRoomForCheckpoint(t *testing.T) {
	r := newFaultRig(t)
	r.mustPut("a")
	f := fault{op: opWrite, suffix: "cut.db", code: lib.SQLITE_FULL, times: -1}
	r.d.inject(&f)
	r.s.writer.checkpoints.wake <- struct{}{}
	<-f.fired
	r.mustPut("a")
	r.mustPut("b")
	r.d.lift()
	r.mustPut("a")
	r.j.hold(r.T, r.s)
	r.cutAndCheck()
}
