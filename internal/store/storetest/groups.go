package storetest

import (
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The group tests line commits up behind one that is held, so that a driver that
// gathers its queue takes them into one transaction. A driver that does not is
// held to the same results.
var groupTests = []test{
	{name: "two writes of one document", run: groupSameDocument},
	{name: "a chain on one document", run: groupChain},
	{name: "a refused member leaves its neighbours", run: groupRefusedMember},
	{name: "one key twice", run: groupKey},
	{name: "one claim twice", run: groupClaim},
	{name: "one commit twice", run: groupSameCommit},
	{name: "nothing is answered before COMMIT", run: groupAnswers},
}

// group queues commits behind one that is held, lets all go, and returns them
// when they are done.
func (r *rig) group(commits ...*store.Commit) []*pending {
	r.Helper()
	open, members := r.lineUp(commits...)
	open()
	for _, p := range members {
		r.wait(p)
	}
	return members
}

// lineUp queues commits behind one that is held until open is called.
func (r *rig) lineUp(commits ...*store.Commit) (open func(), members []*pending) {
	r.Helper()
	g := r.probes.hold(r.T, store.PointGroup, 0)
	first := r.commitAsync(r.commit(r.put(r.get(ref("first of all")).Head, "x")))
	r.reach(g, first)
	for _, c := range commits {
		members = append(members, r.queue(c))
	}
	return func() {
		r.Helper()
		g.open(nil)
		if r.wait(first).err != nil {
			r.Errorf("the commit before the group: %v", first.err)
		}
	}, members
}

func groupSameDocument(r *rig) {
	for name, pair := range r.rivals() {
		members := r.group(pair[0], pair[1])
		r.oneOf(name, members[0], members[1])
	}
}

// groupChain queues each write on what the one before it will leave. A driver
// that takes them out of order refuses some, and none may be half there.
func groupChain(r *rig) {
	h := r.save(ref("a"), "0")
	var chain []*store.Commit
	for i := range 6 {
		w := r.put(h, bodyf("%d", i))
		chain = append(chain, r.commit(w))
		h.Rev, h.Version, h.Next, h.Digest = h.Rev+1, w.Version, w.Version+1, w.Digest
	}
	members := r.group(chain...)
	won := int64(0)
	for _, p := range members {
		if p.err == nil {
			won++
		}
	}
	r.settled(chain, members)
	if d := r.get(ref("a")); d.Rev != 1+won || won == 0 {
		r.Errorf("%d of the chain won, and a is at rev %d", won, d.Rev)
	}
}

// groupRefusedMember has members that fail late, after their writes could have
// been made.
func groupRefusedMember(r *rig) {
	r.furnish()
	h := r.get(ref("a")).Head
	taken := r.commit(r.put(r.get(ref("c")).Head, "c2"), r.put(r.get(ref("d")).Head, "d"))
	taken.Claims = []store.Claim{take("blue", "c"), take("red", "c")}
	taken.Key = &store.Key{Scope: scope, Key: "k2", Answer: r.answer("request", "must not stay")}
	taken.Rows = []store.RowChange{putRow(ref("d"), kindNote, "1", "must not stay")}
	half := r.commit(r.put(r.get(ref("e")).Head, "e"), r.put(r.get(ref("leased")).Head, "x"))
	commits := []*store.Commit{r.commit(r.put(h, "a2")), taken, half, r.commit(r.put(r.get(ref("b")).Head, "b2"))}
	members := r.group(commits...)
	if members[0].err != nil || members[3].err != nil {
		r.Errorf("the good members ended with %v and %v", members[0].err, members[3].err)
	}
	if !isA[*store.TakenError](members[1].err) || !isA[*store.LockedError](members[2].err) {
		r.Errorf("the bad members ended with %v and %v, want a TakenError and a LockedError", members[1].err, members[2].err)
	}
	r.settled(commits, members)
	r.held("blue", "")
	r.wantRows(ref("d"), kindNote)
	if a, err := r.s.Answer(ctx, scope, "k2"); !errors.Is(err, store.ErrNoEntry) {
		r.Errorf("the refused member's answer is %+v, error %v", a, err)
	}
}

func groupKey(r *rig) {
	a, b, c := r.keyed("a", "k1", "request", "answer"), r.keyed("a", "k1", "request", "answer"), r.keyed("b", "k1", "another", "other")
	members := r.group(a, b, c)
	won := 0
	for _, p := range members {
		switch {
		case p.err == nil:
			won++
		case !isA[*store.ReplayedError](p.err) && !errors.Is(p.err, store.ErrKeyMismatch):
			r.Errorf("%s ended with %v", p.what, p.err)
		}
	}
	if won != 1 {
		r.Errorf("%d commits under one key won, want 1", won)
	}
	r.settled([]*store.Commit{a, b, c}, members)
}

func groupClaim(r *rig) {
	a, b := r.claiming("a", take("red", "a")), r.claiming("b", take("red", "b"))
	members := r.group(a, b)
	if (members[0].err == nil) == (members[1].err == nil) {
		r.Errorf("two commits that claim one value ended with %v and %v", members[0].err, members[1].err)
	}
	r.settled([]*store.Commit{a, b}, members)
}

// groupSameCommit is what a caller makes that runs a commit again too early.
func groupSameCommit(r *rig) {
	r.settles()
	c := r.keyed("a", "k1", "request", "answer")
	members := r.group(c, c)
	for _, p := range members {
		if p.err != nil {
			r.Errorf("one of two runs of a commit ended with %v", p.err)
		}
	}
	r.same("the two receipts", receiptLines(members[1].receipt), receiptLines(members[0].receipt))
}

// groupAnswers holds the COMMIT of a group of which one member is refused on the
// strength of another that is not durable.
func groupAnswers(r *rig) {
	h := r.save(ref("a"), "1")
	open, members := r.lineUp(r.commit(r.put(h, "2")), r.commit(r.put(h, "3")))
	g := r.probes.hold(r.T, store.PointBeforeCommit, 1) // the first is of the one in front
	open()
	r.reach(g, members[0])
	for _, p := range members {
		r.unanswered(p, "before COMMIT")
	}
	r.promptly("a read", func() {
		if d := r.get(ref("a")); d.Rev != 1 {
			r.Errorf("a reader sees rev %d before COMMIT", d.Rev)
		}
	})
	g.open(nil)
	r.oneOf("two writes", members[0], members[1])
}
