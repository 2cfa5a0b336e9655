package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	lib "modernc.org/sqlite/lib"

	"github.com/ifmatch/ifmatch/internal/store"
)

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newer.db")
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := connect(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	version, err := userVersion(c)
	if err != nil || version < 1 {
		t.Fatalf("a new store has schema %d, %v", version, err)
	}
	if err := errors.Join(c.do(fmt.Sprintf("PRAGMA user_version = %d", version+1)), c.close()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(context.Background(), path, Options{})
	if err == nil {
		s.Close()
		t.Fatal("a store of a newer schema was opened")
	}
	if want := fmt.Sprintf("schema %d", version+1); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "newer ifmatch") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

func TestStoreKeepsItsIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "same.db")
	var ids []string
	for range 2 {
		s, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.Info().ID)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] != ids[1] || len(ids[0]) != 32 {
		t.Errorf("the store was %q and is %q", ids[0], ids[1])
	}
}

// TestFailedMigration makes the disk fail at every operation of the first
// opening in turn. Whatever that leaves must open when the disk is well again.
func TestFailedMigration(t *testing.T) {
	for _, op := range []operation{opOpen, opWrite, opSync, opDelete} {
		for skip := 0; ; skip++ {
			path := filepath.Join(t.TempDir(), "new.db")
			d := newDisk()
			f := &fault{op: op, code: lib.SQLITE_FULL, times: 1, skip: skip}
			d.inject(f)
			vfs := newFaultVFS(t, d)
			s, err := Open(context.Background(), path, Options{VFS: vfs, Readers: 1})
			if err == nil {
				err = s.Close()
			}
			fired := isClosed(f.fired)
			d.lift()
			if fired && op == opWrite && err != nil && !errors.Is(err, store.ErrFull) {
				t.Errorf("%s %d: opening on a full disk fails with %v, want ErrFull", op, skip, err)
			}
			s, err = Open(context.Background(), path, Options{VFS: vfs, Readers: 1})
			if err != nil {
				t.Fatalf("%s %d: the store cannot be opened after the fault: %v", op, skip, err)
			}
			if s.Info().ID == "" {
				t.Errorf("%s %d: the store has no identity", op, skip)
			}
			if err := errors.Join(s.CheckIntegrity(context.Background()), s.Close()); err != nil {
				t.Errorf("%s %d: %v", op, skip, err)
			}
			if !fired {
				if skip == 0 {
					t.Errorf("%s: no fault fired", op)
				}
				break
			}
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
