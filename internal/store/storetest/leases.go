package storetest

import (
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var leaseTests = []test{
	{name: "granted held renewed released", run: leaseLife},
	{name: "everybody else is locked out", run: leaseLocks},
	{name: "an ID that is not alive", run: leaseNotAlive},
	{name: "expiry by the driver's clock", run: leaseExpiry},
	{name: "the fence rises with every grant", run: leaseFence},
	{name: "granted again to its holder", run: leaseGrantedAgain},
	{name: "a dry run tells the fence", run: leaseForetold},
	{name: "other documents are free", run: leaseOthersFree},
}

// leased returns a commit of w under a lease operation.
func (r *rig) leased(w store.Write, op store.LeaseOp, id string, ttl time.Duration) *store.Commit {
	w.Lease = store.LeaseChange{Op: op, ID: id, TTL: ttl}
	return r.commit(w)
}

// grant leases ref to id for ttl.
func (r *rig) grant(ref store.Ref, id string, ttl time.Duration) store.Receipt {
	r.Helper()
	return r.do(r.leased(r.touch(r.get(ref).Head), store.LeaseGrant, id, ttl))
}

// wantLease fails unless ref shows the lease.
func (r *rig) wantLease(ref store.Ref, id string, fence int64, expires time.Time) {
	r.Helper()
	l := r.get(ref).Lease
	if l == nil || l.ID != id || l.Fence != fence || !l.Expires.Equal(expires) {
		r.Errorf("lease of %s is %+v, want %s, fence %d, until %s", refLine(ref), l, id, fence, instant(expires))
	}
}

// locked fails unless c is refused, without a trace, until the given time.
func (r *rig) locked(c *store.Commit, until time.Time) {
	r.Helper()
	r.unchanged("a locked commit", func() {
		_, err := r.s.Commit(ctx, c)
		var locked *store.LockedError
		if !errors.As(err, &locked) {
			r.Errorf("Commit of %s: error is %v, want a LockedError", commitLine(c), err)
		} else if locked.Ref != c.Writes[0].Ref || !locked.Until.Equal(until) {
			r.Errorf("LockedError is of %s until %s, want %s until %s", refLine(locked.Ref), instant(locked.Until), refLine(c.Writes[0].Ref), instant(until))
		}
	})
}

func leaseLife(r *rig) {
	a := ref("a")
	r.save(a, "1")
	receipt := r.grant(a, "l1", time.Minute)
	fence, expires := receipt.Fence, r.clock.Now().Add(time.Minute)
	if fence < 1 {
		r.Errorf("fence of a grant is %d, want above 0", fence)
	}
	r.wantLease(a, "l1", fence, expires)
	r.clock.advance(10 * time.Second)
	if receipt := r.do(r.leased(r.put(r.get(a).Head, "2"), store.LeaseHeld, "l1", 0)); receipt.Fence != 0 {
		r.Errorf("fence of a held write is %d, want 0", receipt.Fence)
	}
	r.wantLease(a, "l1", fence, expires)
	r.clock.advance(10 * time.Second)
	if receipt := r.do(r.leased(r.touch(r.get(a).Head), store.LeaseRenew, "l1", time.Minute)); receipt.Fence != 0 {
		r.Errorf("fence of a renewal is %d, want 0", receipt.Fence)
	}
	r.wantLease(a, "l1", fence, r.clock.Now().Add(time.Minute))
	r.do(r.leased(r.put(r.get(a).Head, "3"), store.LeaseRelease, "l1", 0))
	if l := r.get(a).Lease; l != nil {
		r.Errorf("after the release the lease is %+v", l)
	}
	r.save(a, "4")
}

func leaseLocks(r *rig) {
	a := ref("a")
	r.save(a, "1")
	r.grant(a, "l1", time.Minute)
	h, until := r.get(a).Head, r.clock.Now().Add(time.Minute)
	r.locked(r.commit(r.put(h, "2")), until)
	r.locked(r.commit(r.touch(h)), until)
	r.locked(r.commit(r.remove(h)), until)
	r.locked(r.leased(r.touch(h), store.LeaseGrant, "l2", time.Minute), until)
	r.do(r.leased(r.remove(h), store.LeaseHeld, "l1", 0))
	r.locked(r.commit(r.put(r.get(a).Head, "again")), until)
}

func leaseNotAlive(r *rig) {
	a := ref("a")
	r.save(a, "1")
	for _, state := range []string{"free", "held by another"} {
		h := r.get(a).Head
		for _, op := range []store.LeaseOp{store.LeaseHeld, store.LeaseRenew, store.LeaseRelease} {
			for _, w := range []store.Write{r.put(h, "2"), r.touch(h)} {
				c := r.leased(w, op, "l1", time.Minute)
				r.unchanged("a write under a dead lease", func() {
					_, err := r.s.Commit(ctx, c)
					locked := isA[*store.LockedError](err) && state != "free"
					if !errors.Is(err, store.ErrLeaseExpired) && !locked {
						r.Errorf("%s: Commit of %s: error is %v, want ErrLeaseExpired", state, commitLine(c), err)
					}
				})
			}
		}
		r.grant(a, "l2", time.Minute)
	}
}

// leaseExpiry moves the driver's clock and Commit.Now apart.
func leaseExpiry(r *rig) {
	a := ref("a")
	r.save(a, "1")
	r.grant(a, "l1", time.Minute)
	h := r.get(a).Head
	ahead := r.commit(r.put(h, "x"))
	ahead.Now = ahead.Now.Add(time.Hour)
	r.locked(ahead, r.clock.Now().Add(time.Minute))
	r.clock.advance(time.Minute - time.Second)
	r.locked(r.commit(r.put(h, "x")), r.clock.Now().Add(time.Second))
	r.clock.advance(2 * time.Second)
	behind := r.leased(r.put(h, "x"), store.LeaseHeld, "l1", 0)
	behind.Now = behind.Now.Add(-time.Hour)
	r.refused(behind, store.ErrLeaseExpired)
	r.refused(r.leased(r.touch(h), store.LeaseRenew, "l1", time.Minute), store.ErrLeaseExpired)
	r.refused(r.leased(r.touch(h), store.LeaseRelease, "l1", 0), store.ErrLeaseExpired)
	r.save(a, "2")
	r.grant(a, "l2", time.Minute)
	c := r.leased(r.put(r.get(a).Head, "x"), store.LeaseHeld, "l1", 0)
	if _, err := r.s.Commit(ctx, c); err == nil {
		r.Error("a superseded lease wrote")
	}
}

func leaseFence(r *rig) {
	a := ref("a")
	r.save(a, "1")
	last := int64(0)
	next := func(what, id string) {
		r.Helper()
		fence := r.grant(a, id, time.Second).Fence
		if fence <= last {
			r.Errorf("fence %s is %d, before %d", what, fence, last)
		}
		last = fence
	}
	next("of the first grant", "l1")
	r.do(r.leased(r.touch(r.get(a).Head), store.LeaseRelease, "l1", 0))
	next("after a release", "l2")
	r.clock.advance(time.Minute)
	next("after an expiry", "l3")
	r.clock.advance(time.Minute)
	r.drop(a)
	r.save(a, "again")
	next("in the next life", "l4")
	r.do(r.leased(r.touch(r.get(a).Head), store.LeaseRelease, "l4", 0))
	if r.reopen() {
		next("after reopening", "l5")
	}
}

func leaseGrantedAgain(r *rig) {
	a := ref("a")
	r.save(a, "1")
	first := r.grant(a, "l1", time.Minute)
	r.clock.advance(30 * time.Second)
	second := r.grant(a, "l1", time.Minute)
	if second.Fence <= first.Fence {
		r.Errorf("fence of the second grant is %d, of the first %d", second.Fence, first.Fence)
	}
	r.wantLease(a, "l1", second.Fence, r.clock.Now().Add(time.Minute))
}

// leaseForetold grants others between a dry run and the grant that it was for.
func leaseForetold(r *rig) {
	a, b := ref("a"), ref("b")
	r.save(a, "1")
	r.save(b, "1")
	r.grant(a, "l1", time.Minute)
	r.do(r.leased(r.touch(r.get(a).Head), store.LeaseRelease, "l1", 0))
	c := r.leased(r.touch(r.get(a).Head), store.LeaseGrant, "l2", time.Minute)
	c.Dry = true
	dry := r.do(c)
	r.grant(b, "l3", time.Minute)
	c = r.leased(r.touch(r.get(a).Head), store.LeaseGrant, "l2", time.Minute)
	if granted := r.do(c); granted.Fence != dry.Fence || dry.Heads[0].Lease == nil || dry.Heads[0].Lease.Fence != granted.Fence {
		r.Errorf("fence of the grant is %d; a dry run says %d, %+v", granted.Fence, dry.Fence, dry.Heads[0].Lease)
	}
}

func leaseOthersFree(r *rig) {
	r.save(ref("a"), "1")
	r.grant(ref("a"), "l1", time.Minute)
	r.save(ref("b"), "1")
	c := r.leased(r.put(r.get(ref("b")).Head, "2"), store.LeaseHeld, "l1", 0)
	r.refused(c, store.ErrLeaseExpired)
	// A check is no write: a leased document can be relied upon.
	c = r.commit(r.put(r.get(ref("b")).Head, "2"))
	c.Checks = []store.Check{{Ref: ref("a"), Rev: r.get(ref("a")).Rev}}
	r.do(c)
}
