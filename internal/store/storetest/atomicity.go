package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var atomicityTests = []test{
	{name: "one failing member leaves nothing", run: oneFailingMember},
	{name: "everything of a commit shows", run: everythingShows},
	{name: "writes are judged on the state before", run: judgedBefore},
}

// laden returns a commit that changes something of every sort, and has room for
// one more that fails.
func (r *rig) laden() *store.Commit {
	a, b := r.get(ref("a")).Head, r.get(ref("b")).Head
	created := r.get(ref("new")).Head
	leased := r.touch(b)
	leased.Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "l1", TTL: time.Minute}
	c := r.commit(r.put(a, "a2"), leased, r.put(created, "new"))
	c.Checks = []store.Check{{Ref: ref("c"), Exists: true}}
	c.Claims = []store.Claim{
		{Part: part("things"), Index: index, Value: "red", ID: "a", Release: true},
		{Part: part("things"), Index: index, Value: "blue", ID: "new"},
	}
	c.Rows = []store.RowChange{
		{Row: store.Row{Ref: a.Ref, Kind: kindNote, ID: "1"}, Delete: true},
		{Row: store.Row{Ref: a.Ref, Kind: kindTicket, ID: "2", Value: []byte("two")}},
	}
	c.Key = &store.Key{Scope: scope, Key: "k2", Answer: r.answer("request 2", "answer 2")}
	return c
}

// furnish puts into the store what laden changes.
func (r *rig) furnish() {
	for _, id := range []string{"a", "b", "c", "leased"} {
		c := r.commit(r.put(r.get(ref(id)).Head, id))
		switch id {
		case "a":
			c.Claims = []store.Claim{{Part: part("things"), Index: index, Value: "red", ID: "a"}}
			c.Rows = []store.RowChange{{Row: store.Row{Ref: ref("a"), Kind: kindNote, ID: "1", Value: []byte("one")}}}
			c.Key = &store.Key{Scope: scope, Key: "k1", Answer: r.answer("request 1", "answer 1")}
		case "leased":
			c.Writes[0].Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "theirs", TTL: time.Hour}
		}
		r.do(c)
	}
}

func (r *rig) answer(request, content string) store.Answer {
	return store.Answer{Digest: digest(request), Content: []byte(content), Expires: r.clock.Now().Add(24 * time.Hour)}
}

func oneFailingMember(r *rig) {
	r.furnish()
	for _, f := range []struct {
		name string
		fail func(c *store.Commit)
		is   func(error) bool
	}{
		{"a check", func(c *store.Commit) { c.Checks = append(c.Checks, store.Check{Ref: ref("c"), Rev: 8}) }, isA[*store.StaleError]},
		{"the last write", func(c *store.Commit) { c.Writes = append(c.Writes, r.put(store.Head{Ref: ref("c"), Next: 2}, "x")) }, isA[*store.StaleError]},
		{"a lease", func(c *store.Commit) { c.Writes = append(c.Writes, r.put(r.get(ref("leased")).Head, "x")) }, isA[*store.LockedError]},
		{"an expired lease", func(c *store.Commit) {
			w := r.put(r.get(ref("c")).Head, "x")
			w.Lease = store.LeaseChange{Op: store.LeaseHeld, ID: "gone"}
			c.Writes = append(c.Writes, w)
		}, is(store.ErrLeaseExpired)},
		{"a claim", func(c *store.Commit) {
			c.Claims[0].ID = "somebody else" // so that it releases nothing
			c.Claims = append(c.Claims, store.Claim{Part: part("things"), Index: index, Value: "red", ID: "new"})
		}, isA[*store.TakenError]},
		{"a replayed key", func(c *store.Commit) { c.Key.Key, c.Key.Answer = "k1", r.answer("request 1", "another answer") }, isA[*store.ReplayedError]},
		{"a key of another request", func(c *store.Commit) { c.Key.Key = "k1" }, is(store.ErrKeyMismatch)},
		{"a row of nobody", func(c *store.Commit) {
			c.Rows = append(c.Rows, store.RowChange{Row: store.Row{Ref: ref("c"), Kind: kindNote, ID: "1"}})
		}, is(store.ErrInvalid)},
	} {
		c := r.laden()
		f.fail(c)
		r.unchanged("a commit that fails by "+f.name, func() {
			if _, err := r.s.Commit(ctx, c); !f.is(err) {
				r.Errorf("a commit that must fail by %s: error is %v", f.name, err)
			}
		})
	}
	r.do(r.laden())
}

// isA tells whether err is of type E.
func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// is returns a function that tells whether its argument is want.
func is(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

func everythingShows(r *rig) {
	r.furnish()
	receipt := r.do(r.laden())
	for i, id := range []string{"a", "b", "new"} {
		r.same("the head of "+id, headLine(r.get(ref(id)).Head), headLine(receipt.Heads[i]))
	}
	if body := string(r.get(ref("new")).Body); body != "new" {
		r.Errorf("body is %q", body)
	}
	if lease := r.get(ref("b")).Lease; lease == nil || lease.ID != "l1" || lease.Fence != receipt.Fence {
		r.Errorf("lease is %+v, fence of the receipt %d", lease, receipt.Fence)
	}
	p := part("things")
	if red, blue := r.holder(p, "red"), r.holder(p, "blue"); red != "nobody" || blue != `"new"` {
		r.Errorf("red is held by %s, blue by %s", red, blue)
	}
	if _, ok := r.s.(store.RowReader); ok {
		if n, t := r.rows(ref("a"), kindNote), r.rows(ref("a"), kindTicket); len(n) != 0 || len(t) != 1 || string(t[0].Value) != "two" {
			r.Errorf("notes are %v, tickets %v", n, t)
		}
	}
	if a, err := r.s.Answer(ctx, scope, "k2"); err != nil || string(a.Content) != "answer 2" {
		r.Errorf("answer is %+v, error %v", a, err)
	}
}

// judgedBefore has a commit whose parts would fail on one another's effects.
func judgedBefore(r *rig) {
	a := r.save(ref("a"), "1")
	b := r.get(ref("b")).Head
	c := r.commit(r.remove(a), r.put(b, "1"))
	c.Checks = []store.Check{{Ref: ref("a"), Exists: true}, {Ref: ref("b"), Rev: 0}}
	r.do(c)
	if a, b := r.get(ref("a")), r.get(ref("b")); !a.Deleted || !b.Exists() {
		r.Errorf("after the commit:%s", fmt.Sprintf("\n  %s\n  %s", documentLine(a), documentLine(b)))
	}
}
