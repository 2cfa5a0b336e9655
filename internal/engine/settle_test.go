package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// TestUnknownOutcomeThatHappened loses the answer of a commit that is stored.
func TestUnknownOutcomeThatHappened(t *testing.T) {
	lost := 0
	r := newRigOver(t, memory.Open(memory.Options{Probe: func(p store.Point) error {
		if p == store.PointAfterCommit && lost > 0 {
			lost--
			return errors.New("the connection broke")
		}
		return nil
	}}), Rules{}, Config{})
	r.must(OpPut, `{"n":0}`)
	lost = 1
	out := r.must(OpPut, `{"n":1}`, "If-Match", `"1"`)
	if out.Result != Replaced || out.Document.Version != 2 || out.Rounds != 1 {
		t.Errorf("%s at version %d after %d rounds", out.Result, out.Document.Version, out.Rounds)
	}
	if rows := r.log(); len(rows) != 2 {
		t.Errorf("%d log rows, want 2", len(rows))
	}
	r.holds(2, `{"n":1}`)
	r.verified()
}

// TestUnknownOutcomeThatHappenedAndWasOvertaken loses the answer of a commit
// that is stored and on which somebody has written since: it was ours.
func TestUnknownOutcomeThatHappenedAndWasOvertaken(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"n":0}`)
	lost := true
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		receipt, err := next()
		if lost {
			lost = false
			r.byRival(OpMergePatch, `{"rival":true}`, "rival")
			return store.Receipt{}, store.ErrOutcomeUnknown
		}
		return receipt, err
	})
	out := r.must(OpPut, `{"n":1}`, "If-Match", `"1"`)
	if out.Result != Replaced || out.Document.Version != 2 || string(out.Document.Body) != `{"n":1}` {
		t.Errorf("%s at version %d: %s", out.Result, out.Document.Version, out.Document.Body)
	}
	r.holds(3, `{"n":1,"rival":true}`)
	r.verified()
}

// TestUnknownOutcomeThatDidNotHappen loses a commit on its way to the store.
func TestUnknownOutcomeThatDidNotHappen(t *testing.T) {
	tests := []struct {
		name    string
		rival   bool // somebody wrote meanwhile
		headers []string
		reason  Reason // "" for none
		rounds  int
		version int64
		stored  string
	}{
		{"nobody else wrote: it is made now", false, []string{"If-Match", `"1"`}, "", 1, 2, `{"n":1}`},
		{"somebody wrote: it goes round", true, nil, "", 2, 3, `{"n":1,"rival":true}`},
		{"somebody wrote: it goes round and is stale", true, []string{"If-Match", `"1"`}, ReasonStale, 0, 2, `{"n":0,"rival":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, optional, Config{})
			r.must(OpPut, `{"n":0}`)
			lost := true
			r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
				if lost {
					lost = false
					if tt.rival {
						r.byRival(OpMergePatch, `{"rival":true}`, "rival")
					}
					return store.Receipt{}, store.ErrOutcomeUnknown
				}
				return next()
			})
			out, refusal := r.do(r.intent(OpMergePatch, `{"n":1}`, tt.headers...))
			if refusal != nil && refusal.Reason != tt.reason || refusal == nil && (tt.reason != "" || out.Rounds != tt.rounds) {
				t.Errorf("got %+v, %v", out, refusal)
			}
			r.holds(tt.version, tt.stored)
			r.verified()
		})
	}
}

// TestUnknownOutcomeStaysUnknown checks that nothing but a judgement of the very
// same commit settles an outcome.
func TestUnknownOutcomeStaysUnknown(t *testing.T) {
	tests := []struct {
		name  string
		again error // what running it again says
	}{
		{"it is not known again", store.ErrOutcomeUnknown},
		{"the store takes no writes any more", store.ErrReadOnly},
		{"the store is closed", store.ErrClosed},
		{"the store is full", store.ErrFull},
		{"the store gave up", store.ErrContended},
		{"some other failure", errors.New("broken pipe")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, optional, Config{})
			r.must(OpPut, `{"n":0}`)
			var ids []store.ID
			r.store.onCommit(func(c *store.Commit, _ func() (store.Receipt, error)) (store.Receipt, error) {
				ids = append(ids, c.ID)
				if len(ids) == 1 {
					return store.Receipt{}, fmt.Errorf("reading the answer: %w", store.ErrOutcomeUnknown)
				}
				return store.Receipt{}, tt.again
			})
			_, refusal := r.do(r.intent(OpMergePatch, `{"n":1}`))
			if refusal == nil || refusal.Reason != ReasonUnknown || refusal.RetryAfter <= 0 || !errors.Is(refusal, store.ErrOutcomeUnknown) {
				t.Errorf("got %+v, want outcome-unknown", refusal)
			}
			if len(ids) != 1+settleAttempts {
				t.Errorf("%d commits, want %d", len(ids), 1+settleAttempts)
			}
			for _, id := range ids {
				if id != ids[0] {
					t.Error("another commit was run to settle the first")
				}
			}
		})
	}
}

// TestStoreThatDoesNotSettle checks that a commit is never run twice where that
// could write twice.
func TestStoreThatDoesNotSettle(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	r.store.info = &store.Info{}
	commits := 0
	r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
		commits++
		return store.Receipt{}, store.ErrOutcomeUnknown
	})
	if _, refusal := r.do(r.intent(OpMergePatch, `{"n":1}`)); refusal == nil || refusal.Reason != ReasonUnknown || commits != 1 {
		t.Errorf("%d commits, %v", commits, refusal)
	}
}

// TestStoreErrors is the table from a store's refusals to the caller's.
func TestStoreErrors(t *testing.T) {
	tests := []struct {
		err    error
		reason Reason
		retry  bool
	}{
		{store.ErrContended, ReasonContended, true},
		{store.ErrReadOnly, ReasonReadOnly, true},
		{store.ErrClosed, ReasonReadOnly, true},
		{store.ErrFull, ReasonFull, false},
		{store.ErrTooLarge, ReasonTooLarge, false},
		{store.ErrCrossPart, ReasonInternal, false},
		{store.ErrInvalid, ReasonInternal, false},
		{&store.LockedError{Ref: ref, Until: time.Now().Add(time.Minute)}, ReasonLocked, true},
		{context.DeadlineExceeded, ReasonOverloaded, true},
		{errors.New("SELECT failed"), ReasonInternal, false},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			for name, where := range map[string]func(*rig){
				"commit": func(r *rig) {
					r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
						return store.Receipt{}, fmt.Errorf("driver: %w", tt.err)
					})
				},
				"get": func(r *rig) {
					r.store.get = func(func() (*store.Document, error)) (*store.Document, error) {
						return nil, fmt.Errorf("driver: %w", tt.err)
					}
				},
			} {
				t.Run(name, func(t *testing.T) {
					r := newRig(t, optional, Config{})
					r.must(OpPut, `{"n":0}`)
					where(r)
					refusal := r.refused(tt.reason, r.intent(OpMergePatch, `{"n":1}`))
					if (refusal.RetryAfter > 0) != tt.retry || !errors.Is(refusal, tt.err) {
						t.Errorf("retry after %s, cause %v", refusal.RetryAfter, refusal.Unwrap())
					}
				})
			}
		})
	}
}

// TestLockedUntil checks that a lease is waited for by the engine's own clock,
// and never for nothing.
func TestLockedUntil(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		time.Minute: time.Minute, time.Millisecond: time.Second, 0: time.Second, -time.Hour: time.Second,
	} {
		t.Run(left.String(), func(t *testing.T) {
			r := newRig(t, optional, Config{Now: func() time.Time { return noon }})
			r.must(OpPut, `{"n":0}`)
			r.store.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
				return store.Receipt{}, &store.LockedError{Ref: ref, Until: noon.Add(left)}
			})
			if refusal := r.refused(ReasonLocked, r.intent(OpMergePatch, `{"n":1}`)); refusal.RetryAfter != want {
				t.Errorf("retry after %s, want %s", refusal.RetryAfter, want)
			}
		})
	}
}

// TestClockThatRunsBackwards checks that versions are dated in their order
// whatever the clock does.
func TestClockThatRunsBackwards(t *testing.T) {
	offsets := []time.Duration{0, 5 * time.Second, 2 * time.Second, -time.Hour, 5*time.Second + 1, 6 * time.Second, 0}
	step := 0
	r := newRig(t, optional, Config{Now: func() time.Time {
		defer func() { step++ }()
		return noon.Add(offsets[step])
	}})
	var last time.Time
	for i := range offsets {
		op, body := OpPut, fmt.Sprintf(`{"n":%d}`, i)
		if i == 3 {
			op, body = OpDelete, ""
		}
		out := r.must(op, body)
		if at := out.Document.At; at.Before(last) || !at.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("version %d is dated %s, after %s", out.Document.Version, at, last)
		}
		last = out.Document.At
	}
	if !last.Equal(noon.Add(6 * time.Second)) {
		t.Errorf("the last version is dated %s, want the latest time that was seen", last)
	}
	r.verified()
}

// TestVersionsEnd checks that the last version is refused rather than passed.
func TestVersionsEnd(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
		doc, err := next()
		last := *doc
		last.Version, last.Next = 1<<53-1, 1<<53
		return &last, err
	}
	r.refused(ReasonInternal, r.intent(OpMergePatch, `{"n":1}`))
}
