package engine

import (
	"context"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
)

// counted counts how often documents are read whole, and by their heads.
type counted struct {
	*hooked
	whole, heads int
}

func (c *counted) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	c.whole++
	return c.hooked.Get(ctx, ref)
}

func (c *counted) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	c.heads++
	return c.hooked.Head(ctx, ref)
}

// TestBodiesAreReadWhereNeeded checks that a write which needs no body reads
// none, and that one which comes to need it gets the same answer.
func TestBodiesAreReadWhereNeeded(t *testing.T) {
	tests := []struct {
		name    string
		op      Op
		body    string
		headers []string
		result  Result // "" for a refusal
		reason  Reason
		whole   int // documents read whole
	}{
		{"a replacement", OpPut, `{"n":3}`, []string{"If-Match", `"2"`}, Replaced, "", 0},
		{"a deletion", OpDelete, "", []string{"If-Match", `"2"`}, Deleted, "", 0},
		{"a replacement that changes nothing", OpPut, `{"n":2}`, []string{"If-Match", `"2"`}, Unchanged, "", 1},
		{"one that changes a spelling only", OpPut, `{"n":2.0}`, []string{"If-Match", `"2"`}, Replaced, "", 1},
		{"a patch", OpMergePatch, `{"n":3}`, []string{"If-Match", `"2"`}, Patched, "", 1},
		{"a stale replacement is explained", OpPut, `{"n":3}`, []string{"If-Match", `"1"`}, "", ReasonStale, 1},
		{"a stale deletion is too", OpDelete, "", []string{"If-Match", `"1"`}, "", ReasonStale, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			c := &counted{hooked: r.store}
			r.engine = New(c, Config{Chain: r.chain})
			r.must(OpPut, `{"n":1}`)
			r.byRival(OpPut, `{"n":2}`, "rival")
			c.whole, c.heads = 0, 0
			bases := 0
			r.store.entry = func(version int64, next func() (*store.Entry, error)) (*store.Entry, error) {
				if version == 1 {
					bases++
				}
				return next()
			}
			out, refusal := r.do(r.intent(tt.op, tt.body, tt.headers...))
			switch {
			case refusal != nil && refusal.Reason != tt.reason, refusal == nil && (out.Result != tt.result || out.Rounds != 1):
				t.Errorf("got %+v, %v", out, refusal)
			case refusal != nil && len(refusal.Conflict.Changes) != 1:
				t.Errorf("explained by %d changes", len(refusal.Conflict.Changes))
			}
			if c.whole != tt.whole || c.heads > 1 {
				t.Errorf("%d documents and %d heads were read, want %d and at most one", c.whole, c.heads, tt.whole)
			}
			if bases > 1 {
				t.Errorf("the version that the writer had read was loaded %d times", bases)
			}
			r.verified()
		})
	}
}

// TestHeadAndBodyOfTwoStates lets others write between the load of the head and
// that of the body: what was evaluated on the one must not answer for the other.
func TestHeadAndBodyOfTwoStates(t *testing.T) {
	tests := []struct {
		name    string
		body    string
		headers []string
		between func(*rig)
		current int64 // the version that the refusal quotes
	}{
		{"what was the current state is stale", `{"n":2}`, []string{"If-Match", `"2"`},
			func(r *rig) { r.byRival(OpPut, `{"n":3}`, "rival") }, 3},
		{"what was stale is staler", `{"n":9}`, []string{"If-Match", `"1"`},
			func(r *rig) { r.byRival(OpPut, `{"n":3}`, "rival") }, 3},
		{"what was there is gone", `{"n":9}`, []string{"If-Match", `"1"`},
			func(r *rig) { r.byRival(OpDelete, "", "rival") }, 3},
		{"another document stands at the same rev", `{"n":2}`, []string{"If-Match", `"2"`}, func(r *rig) {
			r.byRival(OpDelete, "", "rival")
			if err := r.memory.Purge(r.t.Context(), ref); err != nil {
				r.t.Error(err)
			}
			r.byRival(OpPut, `{"n":1}`, "rival")
			r.byRival(OpPut, `{"n":2}`, "rival")
		}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"n":1}`)
			r.byRival(OpPut, `{"n":2}`, "rival")
			loads, after := 0, ""
			r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
				if loads++; loads == 2 {
					tt.between(r)
					after = r.dump()
				}
				return next()
			}
			out, refusal := r.do(r.intent(OpPut, tt.body, tt.headers...))
			if refusal == nil || refusal.Reason != ReasonStale || refusal.Current.Version != tt.current {
				t.Errorf("got %+v, %+v; want a stale write on version %d", out, refusal, tt.current)
			}
			if loads != 2 || r.dump() != after {
				t.Errorf("%d loads, want the head and the whole; stored is %s", loads, r.dump())
			}
		})
	}
}
