package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestLeaseEndsBeforeTheCommit: a holder has read, decided and sent the commit, and is
// late all the same. The store says so, whatever was found before.
func TestLeaseEndsBeforeTheCommit(t *testing.T) {
	for name, meanwhile := range map[string]func(*rig){
		"nobody else": func(*rig) {},
		"another lease": func(r *rig) {
			if _, refusal := r.lease(r.rival, time.Second, 0); refusal != nil {
				r.t.Error(refusal)
			}
		},
		"another lease, given back": func(r *rig) {
			out, refusal := r.lease(r.rival, time.Second, 0)
			if refusal != nil {
				r.t.Fatal(refusal)
			}
			if _, refusal := r.on(r.rival, r.under(out.Lease, OpRelease, "")); refusal != nil {
				r.t.Error(refusal)
			}
		},
		"another lease, and a write": func(r *rig) {
			out, refusal := r.lease(r.rival, time.Second, 0)
			if refusal != nil {
				r.t.Fatal(refusal)
			}
			in := r.under(out.Lease, OpPut, `{"n":7}`)
			if _, refusal := r.on(r.rival, in); refusal != nil {
				r.t.Error(refusal)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.must(OpPut, `{"n":0}`)
				held := r.leased(time.Second)
				var before string
				r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					r.store.onCommit(nil)
					<-time.After(time.Second)
					meanwhile(r)
					before = r.dump()
					return next()
				})
				_, refusal := r.do(r.under(held, OpPut, `{"n":1}`))
				if refusal == nil || refusal.Reason != ReasonLeaseExpired {
					t.Errorf("a holder who came late: %v", refusal)
				}
				if after := r.dump(); after != before {
					t.Errorf("it has left something behind:\n%s\nbefore:\n%s", after, before)
				}
				r.verified()
			})
		})
	}
}

// TestLeaseComesBeforeTheCommit: somebody takes the lease while a write without one is
// on its way.
func TestLeaseComesBeforeTheCommit(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		r.store.onCommit(nil)
		if _, refusal := r.lease(r.rival, time.Minute, 0); refusal != nil {
			t.Error(refusal)
		}
		return next()
	})
	if _, refusal := r.do(r.intent(OpPut, `{"n":1}`)); refusal == nil || refusal.Reason != ReasonLocked {
		t.Errorf("a write that came late: %v", refusal)
	}
	r.holds(1, `{"n":0}`)
	r.noQueues()
}

// TestLeaseIsJudgedFirst: who is locked out learns that before anything else, also
// where no commit would have judged it; a holder learns the rest.
func TestLeaseIsJudgedFirst(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"n":0}`)
	held := r.leased(time.Minute)
	for name, tt := range map[string]struct {
		op      Op
		body    string
		headers []string
		reason  Reason // of the holder's; "" is carried out
	}{
		"unchanged":       {OpPut, `{"n":0}`, []string{"If-Match", `"1"`}, ""},
		"no precondition": {OpPut, `{"n":1}`, nil, ReasonRequired},
		"stale":           {OpPut, `{"n":1}`, []string{"If-Match", `"9"`}, ReasonStale},
		"malformed tag":   {OpPut, `{"n":1}`, []string{"If-Match", `9`}, ReasonMalformed},
		"exists":          {OpPut, `{"n":1}`, []string{"If-None-Match", `*`}, ReasonExists},
		"no JSON":         {OpPut, `{`, []string{"If-Match", `"1"`}, ReasonMalformed},
		"a failing test":  {OpJSONPatch, `[{"op":"test","path":"/n","value":9}]`, []string{"If-Match", `"1"`}, ReasonPatchTestFailed},
		"a lease":         {OpLease, `{"ttlMs":0}`, nil, ReasonInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			r.refused(ReasonLocked, r.intent(tt.op, tt.body, tt.headers...))
			r.refused(ReasonLeaseExpired, r.under(&Lease{ID: "another"}, tt.op, tt.body, tt.headers...))
			if in := r.under(held, tt.op, tt.body, tt.headers...); tt.reason != "" {
				r.refused(tt.reason, in)
			} else if _, refusal := r.do(in); refusal != nil {
				t.Error(refusal)
			}
		})
	}
}

// TestLeaseIsNotStored: what lets somebody write is nowhere in the store.
func TestLeaseIsNotStored(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	held := r.leased(time.Minute)
	if len(held.ID) != 22 || strings.Contains(r.dump(), held.ID) {
		t.Errorf("the lease %q: %s", held.ID, r.dump())
	}
	if stored := r.current().Lease.ID; stored != nameOfLease(held.ID) {
		t.Errorf("stored is %q", stored)
	}
	// Nor does it help to send what is stored.
	r.refused(ReasonLeaseExpired, r.under(&Lease{ID: r.current().Lease.ID}, OpPut, `{"n":1}`))
}

// TestLeaseOfUnknownOutcome: the store does not say at first whether it has granted the
// lease, and then it does.
func TestLeaseOfUnknownOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		happened bool
		after    func(*rig) // before the commit is run again
		reason   Reason
	}{
		"it was granted":              {true, func(*rig) {}, ""},
		"it was not, and is":          {false, func(*rig) {}, ""},
		"it was not, and another was": {false, func(r *rig) { r.lease(r.rival, time.Minute, 0) }, ReasonLocked},
		"it was, and has ended since": {true, forgetLease, ReasonUnknown},
		"it was not, a write came by": {false, func(r *rig) { r.byRival(OpPut, `{"n":1}`, "") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, optional, Config{})
				r.must(OpPut, `{"n":0}`)
				r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					r.store.onCommit(nil)
					if tt.happened {
						if _, err := next(); err != nil {
							t.Error(err)
						}
					}
					tt.after(r)
					return store.Receipt{}, store.ErrOutcomeUnknown
				})
				out, refusal := r.lease(r.engine, time.Second, 0)
				if tt.reason != "" {
					if refusal == nil || refusal.Reason != tt.reason {
						t.Errorf("%+v, %v, want %s", out, refusal, tt.reason)
					}
					return
				}
				if refusal != nil {
					t.Fatal(refusal)
				}
				if _, refusal := r.do(r.under(out.Lease, OpPut, `{"n":2}`)); refusal != nil {
					t.Errorf("a write under it: %v", refusal)
				}
			})
		})
	}
}

// forgetLease has the store answer from a log that does not say what leases there were.
func forgetLease(r *rig) {
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		receipt, err := next()
		receipt.Heads[0].Lease = nil
		return receipt, err
	})
}

// TestHotDocuments: who is refused while others keep defeating each other, or wait for
// a lease, does better to take one.
func TestHotDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Rules{}, Config{})
		r.must(OpPut, `{"n":0}`)
		r.must(OpPut, `{"n":1}`, "If-Match", `"1"`)
		hot := func(when string, want bool) {
			t.Helper()
			if refusal := r.refused(ReasonStale, r.intent(OpPut, `{"n":2}`, "If-Match", `"1"`)); refusal.Conflict == nil || refusal.Conflict.Hot != want {
				t.Errorf("%s: %+v", when, refusal.Conflict)
			}
		}
		hot("alone", false)
		var others []*write
		for range crowd {
			w := r.inLine()
			q, _ := r.engine.queues.enter(ref, true, 10)
			w.queue = q
			others = append(others, w)
		}
		// The write itself stands in the queue behind them, and its turn is free.
		hot("in a crowd", true)
		others[0].leaveQueue()
		hot("with one other", false)
		others[1].leaveQueue()
		place := r.engine.lines.enter(ref, 1)
		hot("while somebody waits for a lease", true)
		r.engine.lines.leave(ref, place)
		r.store.info = &store.Info{}
		w := r.inLine()
		if place = r.engine.lines.enter(ref, 1); w.isHot() {
			t.Error("a lease is advised where there are none")
		}
		r.engine.lines.leave(ref, place)
		r.noLines()
		r.noQueues()
	})
}
