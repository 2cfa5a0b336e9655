package storetest

import (
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

var faultTests = []test{
	{name: "before anything happened", run: faultEarly},
	{name: "COMMIT fails under one commit", run: faultCommit},
	{name: "COMMIT fails under two writes of one document", run: faultGroup},
	{name: "COMMIT fails under a refusal", run: faultRefusal},
	{name: "the outcome is unknown", run: faultUnknown},
	{name: "the outcome is unknown to a group", run: faultUnknownGroup},
	{name: "the outcome is unknown and others went on", run: faultUnknownLater},
}

var errForced = errors.New("forced by the test")

// recover makes the store take commits again. A driver may have stopped after a
// fault of its COMMIT; then it says so, and is opened anew.
func (r *rig) recover() {
	r.Helper()
	h, err := r.s.Get(ctx, ref("recovery"))
	if err == nil {
		_, err = r.s.Commit(ctx, r.commit(r.put(h.Head, "x")))
	}
	if err == nil {
		return
	}
	r.Logf("the driver takes no commits after the fault: %v", err)
	if hc, ok := r.s.(store.HealthChecker); ok && hc.Healthy() == nil {
		r.Error("and it says that it is well")
	}
	if !r.reopen() {
		r.Fatalf("it cannot be reopened either")
	}
	r.save(ref("recovery"), "x")
}

// settled fails where the answers do not tell the truth: each receipt is in the
// log, each refusal is not, and no refusal quotes what never became durable.
func (r *rig) settled(commits []*store.Commit, members []*pending) {
	r.Helper()
	_, log := r.scan()
	count := make(map[store.ID]int)
	known := make(map[string]bool)
	for _, e := range log {
		count[e.CommitID]++
		known[fmt.Sprint(e.Ref, e.Rev, e.Version, e.Position)] = true
	}
	for i, p := range members {
		n, want := count[commits[i].ID], len(commits[i].Writes)
		switch {
		case p.err == nil && n != want:
			r.Errorf("%s has a receipt and %d log rows, want %d", p.what, n, want)
		case errors.Is(p.err, store.ErrOutcomeUnknown) && n != 0 && n != want:
			r.Errorf("%s is half there: %d log rows of %d", p.what, n, want)
		case p.err != nil && !errors.Is(p.err, store.ErrOutcomeUnknown) && n != 0:
			r.Errorf("%s was answered %v and has %d log rows", p.what, p.err, n)
		}
		var stale *store.StaleError
		if errors.As(p.err, &stale) {
			for _, h := range stale.Heads {
				if h.Rev != 0 && !known[fmt.Sprint(h.Ref, h.Rev, h.Version, h.Position)] {
					r.Errorf("%s was refused with a head that never became durable: %s", p.what, headLine(h))
				}
			}
		}
	}
}

func faultEarly(r *rig) {
	r.furnish()
	for _, point := range []store.Point{store.PointQueued, store.PointGroup, store.PointChecked} {
		c := r.laden()
		before := r.dump()
		g := r.probes.fail(r.T, point, 0, errForced)
		_, err := r.s.Commit(ctx, c)
		if !g.fired() {
			r.Fatalf("point %s was not passed", point)
		}
		if err == nil || errors.Is(err, store.ErrOutcomeUnknown) {
			r.Errorf("a commit that failed at %s was answered with %v, want a plain error", point, err)
		}
		r.same("the store after a fault at "+string(point), r.dump(), before)
	}
	r.do(r.laden())
}

// faultCommit also runs the commit again, which must do it once.
func faultCommit(r *rig) {
	r.settles()
	r.furnish()
	c := r.laden()
	before := r.view()
	g := r.probes.fail(r.T, store.PointBeforeCommit, 0, errForced)
	p := r.wait(r.commitAsync(c))
	if !g.fired() {
		r.Fatal("PointBeforeCommit was not passed")
	}
	if p.err != nil {
		r.same("the store after COMMIT failed", r.view(), before)
	}
	r.settled([]*store.Commit{c}, []*pending{p})
	r.recover()
	first := r.do(c)
	r.same("the receipt of a further run", receiptLines(r.do(c)), receiptLines(first))
	if n := len(r.history(ref("new"), 0, 10)); n != 1 {
		r.Errorf("the commit was made %d times", n)
	}
}

func faultGroup(r *rig) {
	h := r.save(ref("a"), "1")
	second := r.put(h, "2")
	after := h
	after.Rev, after.Version, after.Next = h.Rev+1, second.Version, second.Version+1
	commits := []*store.Commit{
		r.commit(second),
		r.commit(r.put(after, "3")),
		r.commit(r.put(h, "rival")),
		r.commit(r.put(r.get(ref("b")).Head, "b")),
	}
	open, members := r.lineUp(commits...)
	g := r.probes.fail(r.T, store.PointBeforeCommit, 1, errForced)
	open()
	won := int64(0)
	for _, p := range members {
		r.wait(p)
	}
	if !g.fired() {
		r.Fatal("PointBeforeCommit was not passed by the group")
	}
	for _, p := range members[:3] {
		if p.err == nil {
			won++
		}
	}
	check := func() {
		r.Helper()
		if d := r.get(ref("a")); d.Rev != h.Rev+won || d.Version != h.Version+won {
			r.Errorf("%d writes of a were acknowledged after rev %d, and it stands at %s", won, h.Rev, headLine(d.Head))
		}
		r.settled(commits, members)
	}
	check()
	r.recover()
	check()
	r.save(ref("a"), "goes on")
}

// faultRefusal: a refusal that quotes a neighbour whose COMMIT then fails must
// not leave.
func faultRefusal(r *rig) {
	h := r.save(ref("a"), "1")
	commits := []*store.Commit{r.commit(r.put(h, "2")), r.commit(r.put(h, "rival"))}
	commits[1].Checks = []store.Check{{Ref: ref("b"), Rev: 5}} // refused whatever becomes of the other
	open, members := r.lineUp(commits...)
	g := r.probes.hold(r.T, store.PointBeforeCommit, 1)
	open()
	r.reach(g, members[0])
	g.open(errForced)
	for _, p := range members {
		r.wait(p)
	}
	if members[1].err == nil {
		r.Error("the commit that must be refused has a receipt")
	}
	r.settled(commits, members)
	r.recover()
	r.settled(commits, members)
}

// unknown makes the outcome of c unknown to its caller.
func (r *rig) unknown(c *store.Commit) {
	r.Helper()
	g := r.probes.fail(r.T, store.PointAfterCommit, 0, errForced)
	p := r.wait(r.commitAsync(c))
	if !g.fired() {
		r.Fatal("PointAfterCommit was not passed")
	}
	if !errors.Is(p.err, store.ErrOutcomeUnknown) {
		r.Errorf("error is %v, want ErrOutcomeUnknown", p.err)
	}
}

func faultUnknown(r *rig) {
	r.settles()
	r.furnish()
	c := r.laden()
	r.unknown(c)
	r.reopen()
	receipt := r.do(c)
	for i, id := range []string{"a", "b", "new"} {
		r.same("the head of "+id, headLine(r.get(ref(id)).Head), headLine(receipt.Heads[i]))
	}
	if n := len(r.history(ref("new"), 0, 10)); n != 1 {
		r.Errorf("the commit was made %d times", n)
	}
	r.unchanged("a third run", func() {
		r.same("the receipt of the third run", receiptLines(r.do(c)), receiptLines(receipt))
	})
}

func faultUnknownGroup(r *rig) {
	r.settles()
	h := r.save(ref("a"), "1")
	commits := []*store.Commit{
		r.commit(r.put(h, "2")),
		r.commit(r.put(r.get(ref("b")).Head, "b")),
		r.commit(r.put(r.get(ref("c")).Head, "c")),
	}
	open, members := r.lineUp(commits...)
	g := r.probes.fail(r.T, store.PointAfterCommit, 1, errForced)
	open()
	unknown := 0
	for _, p := range members {
		if r.wait(p); errors.Is(p.err, store.ErrOutcomeUnknown) {
			unknown++
		}
	}
	if !g.fired() || unknown == 0 {
		r.Errorf("the fault fired: %t; %d members were told that their outcome is unknown", g.fired(), unknown)
	}
	r.reopen()
	r.settled(commits, members)
	for i, c := range commits {
		r.do(c)
		if n := len(r.history(c.Writes[0].Ref, 0, 10)); n != map[int]int{0: 2, 1: 1, 2: 1}[i] {
			r.Errorf("%s was made more than once: %d log rows", members[i].what, n)
		}
	}
}

// faultUnknownLater has others write the same document before the caller asks
// again. The answer is still its own receipt and no refusal.
func faultUnknownLater(r *rig) {
	r.settles()
	c := r.commit(r.put(r.get(ref("a")).Head, "1"))
	r.unknown(c)
	r.reopen()
	r.save(ref("a"), "2")
	r.save(ref("a"), "3")
	receipt := r.do(c)
	if h := receipt.Heads[0]; h.Rev != 1 || h.Version != 1 || h.Digest != digest("1") {
		r.Errorf("the receipt is %s, want rev 1, version 1", headLine(h))
	}
	if d := r.get(ref("a")); string(d.Body) != "3" || d.Rev != 3 {
		r.Errorf("after the second run there is %s", documentLine(d))
	}
}
