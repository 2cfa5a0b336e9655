package torture_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/problem"
	"github.com/ifmatch/ifmatch/test/process"
)

// diskSize is that of a disk which fills up.
const diskSize = "24m"

// disk is a small file system of one's own.
type disk struct{ dir string }

// newDisk mounts one until the test ends.
func newDisk(t *testing.T) *disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("torture", dir, "tmpfs", 0, "size="+diskSize); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: no small disk can be mounted here (%v), so none fills up and none becomes read-only; root can", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return &disk{dir}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the room that is left, and returns what is given back by empty.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(page)
	}
	if closing := f.Close(); closing != nil {
		return closing
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// full is a disk without room. Writers are told so, and readers go on.
type full struct {
	*disk
	*single
}

func (full) String() string { return "a full disk" }

func (f full) inject(l *load) {
	told := l.told(problem.StorageFull)
	if err := f.fill(); err != nil {
		l.Fatal(err)
	}
	// The log uses pages again that it has used before, so this takes a while.
	told()
	f.reads(l)
}

func (f full) heal(l *load) {
	if err := os.Remove(f.ballast()); err != nil {
		l.Fatal(err)
	}
}

// reads asks for a document, which must be answered.
func (s *single) reads(l *load) {
	l.Helper()
	a, end := l.exchange(s.url(), &message{Method: http.MethodGet, Path: path("0-0", 0)})
	if end != answered || a.status != http.StatusOK && a.status != http.StatusNotFound && a.status != http.StatusGone {
		l.fault("a read is answered %d: %s", a.status, a.body)
	}
}

// TestFullDisk fills the disk again and again under a server at work.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := newSingleAt(t, filepath.Join(d.dir, "torture.db"))
	endure(t, s, uint64(time.Now().UnixNano()), clients, scaled(1, 3, 20), full{d, s})
}

// TestReadOnlyDisk starts a server on a disk that takes no writes. It says so and does not
// serve, and all that was acknowledged is there once the disk takes writes again.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := newSingleAt(t, filepath.Join(d.dir, "torture.db"))
	l := newLoad(t, 0, clients, s.urls())
	l.progress(between)
	l.end()
	if err := s.running.Terminate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.remount(t, syscall.MS_RDONLY)
	server, err := process.Start(process.Command(binary, process.Serve(s.store)...))
	if err == nil {
		server.Kill()
		t.Fatal("a server starts on a store that it cannot write to")
	}
	if !strings.Contains(err.Error(), "read-only") {
		t.Errorf("it does not say why it does not start: %v", err)
	}
	d.remount(t, 0)
	s.start()
	following := startFollowers(t, 1, s.urls())
	found, _ := l.judge(following.agree(t, s.urls()))
	for _, f := range found {
		t.Error(f)
	}
	s.verify()
}

// remount changes whether a disk takes writes. No server has it open.
func (d *disk) remount(t *testing.T, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("torture", d.dir, "tmpfs", syscall.MS_REMOUNT|flags, "size="+diskSize); err != nil {
		t.Fatal(err)
	}
}
