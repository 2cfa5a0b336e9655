package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
)

// withKey gives an intent an idempotency key, whose answers tell result and version.
func withKey(in *Intent, key string) *Intent {
	in.Key = &Key{Scope: "s", Key: key, Digest: [32]byte{1}, Keep: time.Hour}
	in.Key.Answer = func(out *Outcome) ([]byte, error) {
		return fmt.Appendf(nil, "%s %d %s", out.Result, out.Document.Version, out.Document.Body), nil
	}
	return in
}

// once carries an intent out under its key.
func (r *rig) once(e *Engine, in *Intent) (*Outcome, *Refusal) {
	r.t.Helper()
	out, err := e.Once(r.t.Context(), in, e.Do)
	if err == nil {
		return out, nil
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || out != nil {
		r.t.Fatalf("got %+v and an error that is no refusal: %v", out, err)
	}
	return nil, refusal
}

// answers checks what a request is answered, and whether that is a replay.
func (r *rig) answers(e *Engine, in *Intent, replayed bool, want string) {
	r.t.Helper()
	out, refusal := r.once(e, in)
	if refusal != nil || string(out.Answer) != want || out.Replayed != replayed {
		r.t.Errorf("answered %+v, %v; want %q, replayed %v", out, refusal, want, replayed)
	}
}

// TestIdempotencyWaits: a request waits for the one before it under its key, for as long as
// it may and as its caller cares, and is its replay; where that one is refused it is
// carried out itself.
func TestIdempotencyWaits(t *testing.T) {
	tests := []struct {
		name    string
		commit  error         // of the first request
		takes   time.Duration // the first one
		cancel  time.Duration // the second caller's patience; 0 is for good
		want    Reason        // of the second request
		replays bool
	}{
		{name: "it is answered", takes: 900 * time.Millisecond, replays: true},
		{name: "it is refused", commit: store.ErrFull, takes: 900 * time.Millisecond},
		{name: "it takes too long", takes: 1100 * time.Millisecond, want: ReasonInFlight},
		{name: "the caller gives up", takes: 900 * time.Millisecond, cancel: 100 * time.Millisecond, want: ReasonOverloaded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					r.store.onCommit(nil)
					<-time.After(tt.takes)
					if tt.commit != nil {
						return store.Receipt{}, tt.commit
					}
					return next()
				})
				var first sync.WaitGroup
				first.Go(func() {
					if _, refusal := r.once(r.engine, withKey(r.intent(OpPut, `{"n":1}`), "k")); (refusal != nil) != (tt.commit != nil) {
						t.Errorf("the first is refused: %v", refusal)
					}
				})
				synctest.Wait()
				ctx := t.Context()
				if tt.cancel > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.cancel)
					defer cancel()
				}
				out, err := r.engine.Once(ctx, withKey(r.intent(OpPut, `{"n":1}`), "k"), r.engine.Do)
				first.Wait()
				refusal, _ := errors.AsType[*Refusal](err)
				switch {
				case tt.want != "":
					if refusal == nil || refusal.Reason != tt.want || tt.want == ReasonInFlight && refusal.RetryAfter != time.Second {
						t.Errorf("%+v, %v, want %s", out, err, tt.want)
					}
				case err != nil || out.Replayed != tt.replays || string(out.Answer) != `created 1 {"n":1}`:
					t.Errorf("%+v, %v", out, err)
				}
				r.holds(1, `{"n":1}`)
				if len(r.engine.flights.byKey) != 0 {
					t.Errorf("%d keys are still taken", len(r.engine.flights.byKey))
				}
			})
		})
	}
}

// TestIdempotencyOfTwoServers: two that share a store carry a request out once, whenever the
// other comes between.
func TestIdempotencyOfTwoServers(t *testing.T) {
	counter, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}}})
	if err != nil {
		t.Fatal(err)
	}
	merges := Rules{OnStale: StrategyMerge, Merge: counter}
	for _, tt := range []struct {
		name  string
		rules Rules
		when  func(r *rig, rival func())
	}{
		{"before it loads the document", Rules{}, func(r *rig, rival func()) {
			r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
				r.store.get = nil
				rival()
				return next()
			}
		}},
		{"before it commits", merges, func(r *rig, rival func()) {
			r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
				r.store.onCommit(nil)
				rival()
				return next()
			})
		}},
		{"before it loads what it is to merge with", merges, func(r *rig, rival func()) {
			r.store.get = func(next func() (*store.Document, error)) (*store.Document, error) {
				r.store.get = nil
				rival()
				return next()
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.rules, Config{})
			r.must(OpPut, `{"n":1}`)
			request := func() *Intent { return withKey(r.intent(OpPut, `{"n":2}`, "If-Match", `"1"`), "k") }
			tt.when(r, func() { r.answers(r.rival, request(), false, `replaced 2 {"n":2}`) })
			r.answers(r.engine, request(), true, `replaced 2 {"n":2}`)
			r.holds(2, `{"n":2}`)
			r.verified()
			other := request()
			other.Key.Digest = [32]byte{2}
			if _, refusal := r.once(r.engine, other); refusal == nil || refusal.Reason != ReasonKeyMismatch {
				t.Errorf("another request under the key: %v", refusal)
			}
		})
	}
}

// TestIdempotencyIsOfTheCommit: without a commit there is no answer, and the commit has
// it or does not happen; a dry run has neither.
func TestIdempotencyIsOfTheCommit(t *testing.T) {
	r := newRig(t, optional, Config{})
	in := withKey(r.intent(OpPut, `{"n":1}`), "k")
	cause := errors.New("it cannot be encoded")
	in.Key.Answer = func(*Outcome) ([]byte, error) { return nil, cause }
	before := r.dump()
	if _, refusal := r.once(r.engine, in); refusal == nil || refusal.Reason != ReasonInternal || !errors.Is(refusal, cause) {
		t.Errorf("an answer that cannot be encoded: %v", refusal)
	}
	dry := withKey(r.intent(OpPut, `{"n":1}`), "k")
	dry.Dry = true
	if out, refusal := r.once(r.engine, dry); refusal != nil || out.Answer != nil {
		t.Errorf("a dry run: %+v, %v", out, refusal)
	}
	if r.dump() != before {
		t.Error("something was written")
	}
	if _, err := r.memory.Answer(t.Context(), "s", "k"); !errors.Is(err, store.ErrNoEntry) {
		t.Errorf("there is an answer: %v", err)
	}
	var commits []*store.Commit
	r.store.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		commits = append(commits, c)
		return next()
	})
	r.answers(r.engine, withKey(r.intent(OpPut, `{"n":1}`), "k"), false, `created 1 {"n":1}`)
	r.answers(r.engine, withKey(r.intent(OpPut, `{"n":1}`), "same"), false, `unchanged 1 {"n":1}`)
	if len(commits) != 2 || len(commits[0].Writes) != 1 || commits[0].Key == nil || len(commits[1].Writes) != 0 || commits[1].Key == nil || len(commits[1].Checks) != 1 {
		t.Errorf("the commits are %+v", commits)
	}
}

// TestIdempotencyAfterAnUnknownOutcome: running a commit again that stored its answer tells
// that it has happened, also where nothing but the answer says so.
func TestIdempotencyAfterAnUnknownOutcome(t *testing.T) {
	for _, body := range []string{`{"n":2}`, `{"n":1}`} {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":1}`)
		runs := 0
		r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
			receipt, err := next()
			if runs++; runs == 1 {
				return store.Receipt{}, errors.Join(store.ErrOutcomeUnknown, err)
			}
			return receipt, err
		})
		if out, refusal := r.once(r.engine, withKey(r.intent(OpPut, body), "k")); refusal != nil || out.Answer == nil || runs != 2 {
			t.Errorf("%s: %+v, %v after %d runs", body, out, refusal, runs)
		}
		r.verified()
	}
}

// TestIdempotencyOfAHotDocument: writes that are built one on the other before any is
// durable have their keys. One that fails takes those on top of it along, and each is
// carried out once all the same, by whomever.
func TestIdempotencyOfAHotDocument(t *testing.T) {
	counter, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}}})
	if err != nil {
		t.Fatal(err)
	}
	const writers = 6
	tests := []struct {
		name string
		fail int               // the commit that fails, -1 for none
		by   func(r *rig) bool // what happens before the first flush; whether it carries out the request of writer 2
	}{
		{"all stand", -1, nil},
		{"the first fails", 0, nil},
		{"one in the middle fails", 3, nil},
		{"another server has come first with one of them", -1, func(r *rig) bool {
			r.answers(r.rival, countingBy(r, 2), false, `patched 2 {"n":1}`)
			return true
		}},
		{"somebody else has written", -1, func(r *rig) bool { r.byRival(OpMergePatch, `{"n":1}`, "bob"); return true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrderedRig(t, Rules{OnStale: StrategyMerge, Merge: counter})
				r.ordered.fail = func(n int) error {
					if n == tt.fail {
						return store.ErrFull
					}
					return nil
				}
				outs, refusals := make([]*Outcome, writers), make([]*Refusal, writers)
				for w := range writers {
					go func() { outs[w], refusals[w] = r.once(r.engine, countingBy(r.rig, w)) }()
					synctest.Wait()
				}
				r.holder.leaveQueue()
				synctest.Wait()
				if built := r.ordered.count; built != writers {
					t.Fatalf("%d writes were built one on the other, want %d", built, writers)
				}
				total := writers
				if tt.by != nil && tt.by(r.rig) && tt.name == "somebody else has written" {
					total++
				}
				for r.ordered.flush() > 0 {
					synctest.Wait()
				}
				for w := range writers {
					if refusal := refusals[w]; refusal != nil && (refusal.Reason != ReasonFull || tt.fail < 0) {
						t.Errorf("writer %d: %v", w, refusal)
					}
					go func() {
						again, refusal := r.once(r.engine, countingBy(r.rig, w))
						if refusal != nil || outs[w] != nil && (!again.Replayed || !slices.Equal(again.Answer, outs[w].Answer)) {
							t.Errorf("writer %d again: %+v, %v", w, again, refusal)
						}
					}()
					synctest.Wait()
					r.ordered.flush()
					synctest.Wait()
				}
				r.holds(int64(total)+1, fmt.Sprintf(`{"n":%d}`, total))
				r.noQueues()
				r.verified()
			})
		})
	}
}

// countingBy is a writer's request to count, made of the first version.
func countingBy(r *rig, w int) *Intent {
	return withKey(r.intent(OpMergePatch, `{"n":1}`, "If-Match", `"1"`), fmt.Sprint(w))
}

// TestIdempotencyOnWhatIsNotDurable: a write that changes nothing of what another is
// about to leave is remembered with it, or where that fails is done instead.
func TestIdempotencyOnWhatIsNotDurable(t *testing.T) {
	for name, fails := range map[string]bool{"it stands": false, "it fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrderedRig(t, optional)
				r.ordered.fail = func(n int) error {
					if n == 0 && fails {
						return store.ErrFull
					}
					return nil
				}
				second := withKey(r.intent(OpMergePatch, `{"a":1}`), "k")
				answers := r.together(r.intent(OpMergePatch, `{"a":1}`), second)
				if r.ordered.count != 2 || answers[1].came() {
					t.Fatalf("%d commits are on their way; the second is answered: %v", r.ordered.count, answers[1].came())
				}
				for r.ordered.flush() > 0 {
					synctest.Wait()
				}
				want := `unchanged 2 {"n":0,"a":1}`
				if fails {
					want = `patched 2 {"n":0,"a":1}`
				}
				if a := answers[1]; a.err != nil || string(a.out.Answer) != want {
					t.Errorf("%+v, %v, want %s", a.out, a.err, want)
				}
				r.answers(r.engine, second, true, want)
				r.holds(2, `{"n":0,"a":1}`)
				r.noQueues()
				r.verified()
			})
		})
	}
}

// TestIdempotencyOfWhatIsThere: a creation that finds its document there is
// remembered as such only while that is so.
func TestIdempotencyOfWhatIsThere(t *testing.T) {
	r := newRig(t, keyed(t, "/email"), Config{})
	create := func() (*Outcome, error) {
		in := withKey(r.at("", OpPut, `{"email":"eve"}`), "k")
		return r.engine.Once(t.Context(), in, r.engine.Create)
	}
	r.byNaturalKey("eve", `{"email":"eve"}`)
	r.store.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if len(c.Writes) != 0 || c.Key == nil {
			t.Errorf("the commit is %+v", c)
		}
		r.store.onCommit(nil)
		r.byNaturalKey("eve", `{"email":"eve","a":1}`)
		return next()
	})
	_, err := create()
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonDuplicate {
		t.Errorf("when the document has changed: %v, want it to be another's", err)
	}
	r.byNaturalKey("eve", `{"email":"eve"}`)
	for i := range 2 {
		if out, err := create(); err != nil || out.Replayed != (i == 1) || string(out.Answer) != `unchanged 3 {"email":"eve"}` {
			t.Errorf("%+v, %v", out, err)
		}
	}
	r.verified()
}

// byNaturalKey writes a document as another server does, its key claimed.
func (r *rig) byNaturalKey(id, body string) {
	r.t.Helper()
	if _, refusal := r.on(r.rival, r.at(id, OpPut, body)); refusal != nil {
		r.t.Errorf("the rival was refused: %v", refusal)
	}
}
