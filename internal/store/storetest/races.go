package storetest

import (
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var raceTests = []test{
	{name: "both read before either writes", run: bothRead},
	{name: "a second commit while the first has been checked", run: whileChecked},
	{name: "readers see nothing of a commit under way", run: readersDuringCommit},
	{name: "readers never go back over a commit that is not answered", run: readersAfterCommit},
	{name: "a purge between a read and its create", run: purgeBeforeCreate},
	{name: "a purge against a create that has been checked", run: purgeDuringCreate},
	{name: "a purge of a neighbour between a read and its create", run: neighbourPurged},
}

// rivals are pairs of commits of which one must lose.
func (r *rig) rivals() map[string][2]*store.Commit {
	live := r.save(ref("live"), "1")
	other := r.save(ref("other"), "1")
	gone := r.save(ref("gone"), "1")
	gone = r.do(r.commit(r.remove(gone))).Heads[0]
	never := r.get(ref("never")).Head
	batch := r.commit(r.put(r.get(ref("more")).Head, "x"), r.put(other, "x"))
	single := r.commit(r.put(other, "y"))
	return map[string][2]*store.Commit{
		"put and put":           {r.commit(r.put(r.save(ref("p"), "1"), "2")), r.commit(r.put(r.get(ref("p")).Head, "3"))},
		"put and delete":        {r.commit(r.put(live, "2")), r.commit(r.remove(live))},
		"touch and put":         {r.commit(r.touch(r.save(ref("t"), "1"))), r.commit(r.put(r.get(ref("t")).Head, "3"))},
		"create and create":     {r.commit(r.put(never, "2")), r.commit(r.put(never, "3"))},
		"recreate and recreate": {r.commit(r.put(gone, "2")), r.commit(r.put(gone, "3"))},
		"batch and single":      {batch, single},
	}
}

// oneOf fails unless exactly one of the two won and the other is stale.
func (r *rig) oneOf(name string, a, b *pending) {
	r.Helper()
	r.wait(a)
	r.wait(b)
	var won int
	for _, p := range []*pending{a, b} {
		if p.err == nil {
			won++
		} else if !isA[*store.StaleError](p.err) {
			r.Errorf("%s: %s lost by %v, want a StaleError", name, p.what, p.err)
		}
	}
	if won != 1 {
		r.Errorf("%s: %d of the two won, want 1", name, won)
	}
}

func bothRead(r *rig) {
	for name, pair := range r.rivals() {
		first := r.probes.hold(r.T, store.PointQueued, 0)
		second := r.probes.hold(r.T, store.PointQueued, 0)
		a := r.commitAsync(pair[0])
		r.reach(first, a)
		b := r.commitAsync(pair[1])
		r.reach(second, b)
		second.open(nil)
		first.open(nil)
		r.oneOf(name, a, b)
	}
}

func whileChecked(r *rig) {
	for name, pair := range r.rivals() {
		g := r.probes.hold(r.T, store.PointChecked, 0)
		a := r.commitAsync(pair[0])
		r.reach(g, a)
		b := r.queue(pair[1])
		g.open(nil)
		r.oneOf(name, a, b)
	}
}

func readersDuringCommit(r *rig) {
	r.furnish()
	for _, point := range []store.Point{store.PointGroup, store.PointChecked, store.PointBeforeCommit} {
		r.get(ref("a")) // so that one document is in the cache
		c := r.laden()
		before := r.view()
		g := r.probes.hold(r.T, point, 0)
		p := r.commitAsync(c)
		r.reach(g, p)
		r.promptly("reading while a commit is held at "+string(point), func() {
			r.same("what readers see of a commit held at "+string(point), r.view(), before)
		})
		r.unanswered(p, "while it was held at "+string(point))
		g.open(errors.New("let it fail"))
		r.wait(p)
		if p.err == nil && point != store.PointBeforeCommit {
			r.Errorf("the probe failed it at %s, and it has a receipt", point)
		}
		if p.err == nil {
			return // the driver ran it again, and it is done
		}
		r.same("what readers see after it failed at "+string(point), r.view(), before)
		r.recover()
	}
}

// readersAfterCommit holds a commit of two documents when it is durable. Readers
// may see it or not, but none that starts after another saw it may miss it.
func readersAfterCommit(r *rig) {
	a, b := r.save(ref("a"), "1"), r.save(ref("b"), "1")
	r.chill()
	r.get(ref("a")) // a is in the cache, b is not
	saw := func(ref store.Ref) func() (bool, error) {
		return func() (bool, error) {
			d, err := r.s.Get(ctx, ref)
			return err == nil && d.Rev == 2, err
		}
	}
	looks := []struct {
		name string
		new  func() (bool, error)
	}{
		{"Get of a", saw(ref("a"))},
		{"Get of b", saw(ref("b"))},
		{"Get of a", saw(ref("a"))},
		{"History of b", func() (bool, error) {
			rows, err := r.s.History(ctx, ref("b"), 0, 1)
			return len(rows) == 1 && rows[0].Rev == 2, err
		}},
		{"Get of a", saw(ref("a"))},
		{"List", func() (bool, error) {
			page, err := r.s.List(ctx, part("things"), store.ListQuery{Limit: 1})
			return len(page.Documents) == 1 && page.Documents[0].Rev == 2, err
		}},
		{"Get of a", saw(ref("a"))},
		{"Get of b", saw(ref("b"))},
	}
	g := r.probes.hold(r.T, store.PointAfterCommit, 0)
	p := r.commitAsync(r.commit(r.put(a, "2"), r.put(b, "2")))
	r.reach(g, p)
	reading := async("reading while a commit is not answered", func(*pending) {
		seen := ""
		for _, look := range looks {
			isNew, err := look.new()
			if err != nil {
				r.Errorf("%s: %v", look.name, err)
			}
			if seen != "" && !isNew {
				r.Errorf("%s shows the old state after %s showed the new one", look.name, seen)
			}
			if isNew && seen == "" {
				seen = look.name
			}
		}
	})
	select {
	case <-reading.done:
	case <-time.After(time.Second): // a driver may let readers wait for the answer
	}
	r.unanswered(p, "while it was held at "+string(store.PointAfterCommit))
	g.open(nil)
	r.wait(reading)
	if r.wait(p).err != nil {
		r.Errorf("Commit: %v", p.err)
	}
}

// purgeBeforeCreate lets the writer read the tombstone, and purges it before the
// write.
func purgeBeforeCreate(r *rig) {
	purger := r.purger()
	a := ref("a")
	r.save(a, "1")
	tombstone := r.drop(a)
	g := r.probes.hold(r.T, store.PointQueued, 0)
	p := r.commitAsync(r.commit(r.put(tombstone, "again")))
	r.reach(g, p)
	purged := async("Purge", func(p *pending) { p.err = purger.Purge(ctx, a) })
	if r.wait(purged).err != nil {
		r.Fatalf("Purge: %v", purged.err)
	}
	g.open(nil)
	r.stale(r.wait(p).err, a)
	if h := r.save(a, "again"); h.Version <= tombstone.Version {
		r.Errorf("version %d was used again after tombstone %d", h.Version, tombstone.Version)
	}
}

func purgeDuringCreate(r *rig) {
	purger := r.purger()
	a := ref("a")
	r.save(a, "1")
	tombstone := r.drop(a)
	g := r.probes.hold(r.T, store.PointChecked, 0)
	p := r.commitAsync(r.commit(r.put(tombstone, "again")))
	r.reach(g, p)
	purged := async("Purge", func(p *pending) { p.err = purger.Purge(ctx, a) })
	r.unanswered(p, "while it was held")
	g.open(nil)
	r.wait(p)
	r.wait(purged)
	d := r.get(a)
	switch {
	case p.err == nil && errors.Is(purged.err, store.ErrNoEntry):
		r.same("the document that was created first", headLine(d.Head), headLine(p.receipt.Heads[0]))
	case isA[*store.StaleError](p.err) && purged.err == nil:
		if d.Rev != 0 || d.Next <= tombstone.Version {
			r.Errorf("after the purge there is %s", documentLine(d))
		}
	default:
		r.Errorf("the create ended with %v, the purge with %v; one of them must lose", p.err, purged.err)
	}
}

func neighbourPurged(r *rig) {
	r.purger()
	for range 3 {
		r.save(ref("a"), "x")
	}
	r.drop(ref("a"))
	never := r.get(ref("never")).Head
	g := r.probes.hold(r.T, store.PointQueued, 0)
	p := r.commitAsync(r.commit(r.put(never, "x")))
	r.reach(g, p)
	r.promptly("Purge", func() { r.purge(ref("a")) })
	g.open(nil)
	r.stale(r.wait(p).err, ref("never"))
}
