package clone

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

var ctx = context.Background()

func quiet(int64, int64) {}

// put writes version n of a document.
func put(t *testing.T, s store.Store, id string, n int64, body string) {
	t.Helper()
	sum := sha256.Sum256(fmt.Append(nil, id, n))
	w := store.Write{
		Ref: store.Ref{Part: store.Part{Collection: "notes"}, ID: id}, Rev: n - 1, Content: store.ContentBody, Version: n, Life: 1,
		At: time.Unix(n, 0), Body: []byte(body), Log: store.Log{Action: store.ActionPut},
	}
	if _, err := s.Commit(ctx, &store.Commit{ID: store.ID(sum[:16]), Writes: []store.Write{w}}); err != nil {
		t.Fatal(err)
	}
}

// source is a store with more than one step's worth of documents.
func source(t *testing.T) *memory.Store {
	t.Helper()
	s := memory.Open(memory.Options{})
	for i := range 2 * stepPieces {
		put(t, s, fmt.Sprint("n", i), 1, `{"n":1}`)
	}
	return s
}

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
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

// broken is a store that takes so many steps over and no more.
type broken struct {
	*sqlite.Store
	steps int
}

var errBroken = errors.New("broken")

func (b *broken) Import(ctx context.Context, i *store.Import) error {
	if b.steps--; b.steps < 0 {
		return errBroken
	}
	return b.Store.Import(ctx, i)
}

// TestRunGoesOn is interrupted after each step in turn.
func TestRunGoesOn(t *testing.T) {
	from := source(t)
	const all = 2 + 4*stepPieces // the settings, a part, documents and their log rows
	for steps := range all/stepPieces + 3 {
		path := filepath.Join(t.TempDir(), "to.db")
		to := open(t, path)
		_, err := Run(ctx, from, &broken{to, steps}, quiet)
		if err != nil && !errors.Is(err, errBroken) {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		tally, again := Run(ctx, from, open(t, path), quiet)
		switch {
		case err == nil:
			if steps <= all/stepPieces || !errors.Is(again, store.ErrNotEmpty) {
				t.Errorf("a copy over one that came to its end in %d steps: %v", steps, again)
			}
		case again != nil || tally.Documents != 2*stepPieces || tally.Entries != 2*stepPieces:
			t.Errorf("after %d steps: %+v, %v", steps, tally, again)
		case tally.Resumed != int64(min(steps*stepPieces, all)):
			t.Errorf("after %d steps it goes on from %d", steps, tally.Resumed)
		}
	}
}

// TestRunRefuses: a copy of something else is not gone on with, and stays as it is.
func TestRunRefuses(t *testing.T) {
	from := source(t)
	to := open(t, filepath.Join(t.TempDir(), "to.db"))
	if _, err := Run(ctx, from, &broken{to, 3}, quiet); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	was, err := to.Importing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, source(t), to, quiet); !errors.Is(err, ErrOther) {
		t.Errorf("the copy of another store: %v", err)
	}
	put(t, from, "n0", 2, `{"n":2}`)
	if _, err := Run(ctx, from, to, quiet); !errors.Is(err, ErrChanged) {
		t.Errorf("after the store was written: %v", err)
	}
	if is, err := to.Importing(ctx); string(is) != string(was) || err != nil {
		t.Errorf("a refused run leaves %s, was %s; %v", is, was, err)
	}
}

// forgetful loses something on the way.
type forgetful struct {
	*sqlite.Store
	change func(*store.Piece) bool // false: the piece is lost
}

func (f *forgetful) Import(ctx context.Context, i *store.Import) error {
	var kept []store.Piece
	for _, p := range i.Pieces {
		if f.change(&p) {
			kept = append(kept, p)
		}
	}
	i.Pieces = kept
	return f.Store.Import(ctx, i)
}

// TestRunCompares finds whatever gets lost or becomes another, and declares nothing whole.
func TestRunCompares(t *testing.T) {
	from := memory.Open(memory.Options{})
	for n := range int64(3) {
		put(t, from, "a", n+1, fmt.Sprintf(`{"n":%d}`, n))
	}
	put(t, from, "b", 1, `{}`)
	for name, tt := range map[string]struct {
		change func(*store.Piece) bool
		want   string
	}{
		"a log row is lost": {func(p *store.Piece) bool { return p.Entry == nil || p.Entry.Version != 2 }, "3 log rows instead of 4"},
		"a body is another": {func(p *store.Piece) bool {
			if p.Entry != nil && p.Entry.Version == 2 {
				e := *p.Entry
				e.Body = []byte(`{"n":9}`)
				p.Entry = &e
			}
			return true
		}, "log rows that are not the same"},
		"a fence is lost": {func(p *store.Piece) bool {
			if p.Document != nil {
				d := *p.Document
				d.Fence++
				p.Document = &d
			}
			return true
		}, "documents that are not the same"},
		"the floor is lost": {func(p *store.Piece) bool {
			if p.Part != nil {
				p.Part = &store.PartPiece{Part: p.Part.Part, Floor: 1 + p.Part.Floor}
			}
			return true
		}, "parts that are not the same"},
	} {
		t.Run(name, func(t *testing.T) {
			to := open(t, filepath.Join(t.TempDir(), "to.db"))
			_, err := Run(ctx, from, &forgetful{to, tt.change}, quiet)
			if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the copy ends with %v, want %q", err, tt.want)
			}
			if state, err := to.Importing(ctx); state == nil || err != nil {
				t.Errorf("the copy is declared whole; %v", err)
			}
		})
	}
}
