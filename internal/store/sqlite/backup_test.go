package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// save writes version n of a document, its digest aside.
func save(t testing.TB, s *Store, id string, n int64) {
	t.Helper()
	var commit store.ID
	copy(commit[:], id+strconv.FormatInt(n, 10)+"-of-a-backup")
	w := store.Write{
		Ref: store.Ref{Part: store.Part{Collection: "notes"}, ID: id}, Rev: n - 1, Content: store.ContentBody, Version: n, Life: 1,
		At: time.UnixMicro(n), Body: []byte(strconv.FormatInt(n, 10)), Log: store.Log{Action: store.ActionPut},
	}
	if _, err := s.Commit(context.Background(), &store.Commit{ID: commit, Writes: []store.Write{w}}); err != nil {
		t.Error(err)
	}
}

// TestBackupWhileWriting backs a store up while two documents are written in turn, each
// in a commit of its own: a copy has every commit up to some moment, and none after.
func TestBackupWhileWriting(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(ctx, filepath.Join(dir, "live.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range int64(3) { // a MiB each, so that a copy takes several steps
		save(t, s, strconv.FormatInt(n, 10)+strings.Repeat(" old", 1<<18), 1)
	}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := int64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
				save(t, s, "first", n)
				save(t, s, "second", n)
			}
		}
	})
	for i := range 5 {
		to := filepath.Join(dir, "copy"+strconv.Itoa(i))
		steps := 0
		if err := Backup(ctx, s.Path(), to, func(done, all int) {
			steps++
			save(t, s, "between"+strconv.Itoa(i), int64(steps)) // surely a commit between two steps
		}); err != nil {
			t.Fatal(err)
		}
		if steps < 2 {
			t.Errorf("the backup took %d steps, so that nothing came between them", steps)
		}
		isOneMoment(t, to)
	}
	close(stop)
	writing.Wait()
}

func isOneMoment(t *testing.T, path string) {
	t.Helper()
	ctx := context.Background()
	c, err := Open(ctx, path, Options{ReadOnly: true, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckIntegrity(ctx); err != nil {
		t.Error(err)
	}
	part := store.Part{Collection: "notes"}
	first, err := c.Get(ctx, store.Ref{Part: part, ID: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Get(ctx, store.Ref{Part: part, ID: "second"})
	if err != nil || first.Version != second.Version && first.Version != second.Version+1 {
		t.Errorf("the copy has version %d of what is written first, and %d of what is written second; %v", first.Version, second.Version, err)
	}
	var last int64
	if err := c.ScanLog(ctx, func(e *store.Entry) error {
		if e.Position != last+1 {
			t.Errorf("the copy's log goes from %d to %d", last, e.Position)
		}
		last = e.Position
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestBackupRefused: what is no store is not copied, and not changed by the attempt.
func TestBackupRefused(t *testing.T) {
	dir := t.TempDir()
	foreign, text := filepath.Join(dir, "foreign.db"), filepath.Join(dir, "text")
	c, err := connect(Options{}, foreign)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.do("CREATE TABLE documents (x)"), c.do("PRAGMA user_version = 2"), c.close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(text, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		foreign: "another program's database", text: "no SQLite database", filepath.Join(dir, "none"): "no such file",
	} {
		before, _ := os.ReadFile(path) // there may be none
		to := filepath.Join(dir, "copy")
		err := Backup(context.Background(), path, to, func(int, int) {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("backing up %s: %v, want %q", path, err, want)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("backing up %s leaves a copy", path)
		}
		if want != "no such file" {
			if s, err := Open(context.Background(), path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("opening %s: %v, %v, want %q", path, s, err, want)
			}
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
}

// TestBackupStops ends where its context does.
func TestBackupStops(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(context.Background(), filepath.Join(dir, "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Backup(ctx, s.Path(), filepath.Join(dir, "copy"), func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled backup: %v", err)
	}
}

func TestLockKeepsServersOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	lock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), path, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("a locked store opens: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Lock(path); !errors.Is(err, ErrInUse) {
		t.Errorf("the store of a server is locked: %v", err)
	}
}
