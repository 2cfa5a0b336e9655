package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// drivers are the stores that attribution is checked over.
var drivers = map[string]func(*testing.T) store.Store{
	"memory": func(*testing.T) store.Store { return memory.Open(memory.Options{}) },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "documents.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
}

// TestAttribution compares, over random histories, what a conflict is put down
// to with what reading every version from the base on gives.
func TestAttribution(t *testing.T) {
	for name, open := range drivers {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			e := New(s, Config{})
			random := rand.New(rand.NewPCG(7, 11))
			for id := range 12 {
				h := history{t: t, engine: e, ref: store.Ref{Part: ref.Part, ID: fmt.Sprint(id)}, random: random}
				for range 2 + random.IntN(50) {
					h.write()
				}
				h.compare()
			}
		})
	}
}

// history is a document that many write.
type history struct {
	t       *testing.T
	engine  *Engine
	ref     store.Ref
	random  *rand.Rand
	writers int
}

// write makes a version that differs little from the one before, or, now and
// then, a row that leaves the content as it is.
func (h *history) write() {
	h.t.Helper()
	h.writers++
	actor := store.Actor{Name: fmt.Sprintf("w%d", h.writers)}
	if h.random.IntN(5) == 0 && h.touch(actor) {
		return
	}
	value := h.random.IntN(3)
	bodies := []string{
		fmt.Sprintf(`{"m%d":%d}`, h.random.IntN(12), value),
		fmt.Sprintf(`{"m%d":null}`, h.random.IntN(12)),
		fmt.Sprintf(`{"deep":{"m%d":{"x":%d}}}`, h.random.IntN(3), value),
		fmt.Sprintf(`{"deep":%d}`, value),
	}
	_, err := h.engine.Do(h.t.Context(), &Intent{
		Ref: h.ref, Rules: &optional, Op: OpMergePatch, Actor: actor, Body: []byte(bodies[h.random.IntN(len(bodies))]),
	})
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Reason == ReasonNotFound {
		_, err = h.engine.Do(h.t.Context(), &Intent{Ref: h.ref, Rules: &optional, Op: OpPut, Actor: actor, Body: []byte(`{}`)})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) touch(actor store.Actor) bool {
	h.t.Helper()
	doc := h.current()
	if !doc.Exists() {
		return false
	}
	_, err := h.engine.store.Commit(h.t.Context(), &store.Commit{ID: newID(), Actor: actor, Now: doc.At, Writes: []store.Write{{
		Ref: h.ref, Rev: doc.Rev, Version: doc.Version, Life: doc.Life, At: doc.At, Digest: doc.Digest,
		Log: store.Log{Action: store.ActionTouch},
	}}})
	if err != nil {
		h.t.Fatal(err)
	}
	return true
}

func (h *history) current() *store.Document {
	h.t.Helper()
	doc, err := h.engine.store.Get(h.t.Context(), h.ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return doc
}

// compare explains a write that is stale by each number of versions.
func (h *history) compare() {
	h.t.Helper()
	doc := h.current()
	versions := make([]*store.Entry, doc.Version)
	values := make([]jsonvalue.Value, doc.Version)
	steps := make([][]patch.Change, doc.Version) // to a version from the one before
	for i := range versions {
		var err error
		if versions[i], err = h.engine.store.Entry(h.t.Context(), h.ref, int64(i+1)); err != nil {
			h.t.Fatal(err)
		}
		if values[i], err = h.engine.parseStored(versions[i].Body); err != nil {
			h.t.Fatal(err)
		}
		if i > 0 {
			steps[i] = patch.Diff(values[i-1], values[i])
		}
	}
	last := len(versions) - 1
	for base := range last {
		c, err := h.engine.explain(h.t.Context(), doc, versions[base], values[base], values[last], nil)
		if err != nil {
			h.t.Fatal(err)
		}
		var want Conflict
		for _, change := range patch.Diff(values[base], values[last]) {
			want.Changes = append(want.Changes, Change{Change: change})
		}
		if last-base <= maxAttributed {
			for i := base + 1; i <= last; i++ {
				want.creditAnew(steps[i], versions[i])
			}
		}
		if got, want := c.summary(), want.summary(); got != want || c.ChangedBy != versions[last].Actor.Name {
			h.t.Errorf("%s from %d to %d, changed by %s:\n%s\nwant:\n%s", h.ref.ID, base+1, doc.Version, c.ChangedBy, got, want)
		}
	}
}

// creditAnew puts each change above or below a step down to it, whatever it was
// put down to before. Going from the oldest version to the newest, the latest
// one is left.
func (c *Conflict) creditAnew(steps []patch.Change, entry *store.Entry) {
	for _, step := range steps {
		for i := range c.Changes {
			a, b := step.Path.String()+"/", c.Changes[i].Path.String()+"/"
			if strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
				c.Changes[i].Version, c.Changes[i].By = entry.Version, entry.Actor.Name
			}
		}
	}
}

// TestAttributionEndsWithItsRows checks that what lies before the rows that are
// read is left open, and not put down to the oldest version among them: what
// that one was made of is not known.
func TestAttributionEndsWithItsRows(t *testing.T) {
	for _, tt := range []struct {
		touches int
		want    string
	}{
		{maxTraced - 2, "replace /a 1→2 v2 b\nreplace /b 1→2 v3 c"},
		{maxTraced - 1, "replace /a 1→2 v0 \nreplace /b 1→2 v0"},
	} {
		t.Run(fmt.Sprint(tt.touches), func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			h := history{t: t, engine: r.rival, ref: ref}
			r.must(OpPut, `{"a":1,"b":1}`)
			r.byRival(OpMergePatch, `{"a":2}`, "b")
			for range tt.touches {
				h.touch(store.Actor{Name: "holder"})
			}
			r.byRival(OpMergePatch, `{"b":2}`, "c")
			c := r.refused(ReasonStale, r.intent(OpPut, `{}`, "If-Match", `"1"`)).Conflict
			if got := c.summary(); got != tt.want || c.ChangedBy != "c" {
				t.Errorf("changed by %s:\n%s\nwant:\n%s", c.ChangedBy, got, tt.want)
			}
		})
	}
}

// TestAttributionOfItsState checks that a write which comes while a conflict is
// explained is no part of it.
func TestAttributionOfItsState(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"a":1}`)
	r.byRival(OpMergePatch, `{"a":2}`, "b")
	r.store.history = func() error {
		r.byRival(OpMergePatch, `{"a":3}`, "c")
		return nil
	}
	_, refusal := r.do(r.intent(OpPut, `{}`, "If-Match", `"1"`))
	if refusal == nil || refusal.Conflict == nil {
		t.Fatalf("not explained: %v", refusal)
	}
	if c := refusal.Conflict; c.summary() != "replace /a 1→2 v2 b" || c.ChangedBy != "b" {
		t.Errorf("changed by %s: %s", c.ChangedBy, c.summary())
	}
}
