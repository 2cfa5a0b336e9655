package storetest

import (
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

var partTests = []test{
	{name: "one commit over several parts", run: crossPart},
	{name: "one failing part leaves nothing in the others", run: crossPartFails},
	{name: "names of what is stored", run: partNames},
}

var (
	here  = store.Part{Collection: "things", Params: "here"}
	there = store.Part{Collection: "others"}
	afar  = store.Part{Collection: "things", Params: "afar"}
)

func (r *rig) spanning() *store.Commit {
	var writes []store.Write
	for _, p := range []store.Part{there, here} {
		writes = append(writes, r.put(r.get(in(p, "a")).Head, "1"))
	}
	c := r.commit(writes...)
	c.Checks = []store.Check{{Ref: in(afar, "a"), Exists: true}}
	c.Claims = []store.Claim{{Part: here, Index: index, Value: "red", ID: "a"}, {Part: afar, Index: index, Value: "red", ID: "b"}}
	return c
}

func crossPart(r *rig) {
	r.save(in(afar, "a"), "1")
	c := r.spanning()
	if !r.s.Info().Capabilities.CrossPart {
		r.refused(c, store.ErrCrossPart)
		return
	}
	receipt := r.do(c)
	for i, p := range []store.Part{there, here} {
		page := r.list(p, "", 2)
		if ids(page) != "a" || page.Head < receipt.Heads[i].Position {
			r.Errorf("part %v lists %q under head %d, its receipt has position %d", p, ids(page), page.Head, receipt.Heads[i].Position)
		}
	}
	if by := r.holder(afar, "red"); by != `"b"` {
		r.Errorf("red is held by %s in %v", by, afar)
	}
}

// partNames holds that parts are named in order, each once, for as long as
// anything is in them. A commit that came to nothing names none.
func partNames(r *rig) {
	l, ok := r.s.(store.PartLister)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver does not name its parts")
	}
	check := func(want ...store.Part) {
		r.Helper()
		got, err := l.Parts(ctx)
		if err != nil || !slices.Equal(got, want) {
			r.Errorf("the parts are %v, %v, want %v", got, err, want)
		}
	}
	check()
	stale := r.commit(r.put(store.Head{Ref: in(there, "a"), Rev: 1, Next: 2}, "x"))
	r.unchanged("a stale create", func() {
		_, err := r.s.Commit(ctx, stale)
		r.stale(err, in(there, "a"))
	})
	check()
	for _, p := range []store.Part{here, there, part("Things"), afar, part("things"), here} {
		r.save(in(p, "a"), "1")
	}
	r.save(in(there, "b"), "1")
	all := []store.Part{part("Things"), there, part("things"), afar, here}
	check(all...)
	r.drop(in(there, "a"))
	check(all...)
	if r.reopen() {
		l = r.s.(store.PartLister)
		check(all...)
	}
}

func crossPartFails(r *rig) {
	if !r.s.Info().Capabilities.CrossPart {
		r.Skip("SKIPPED, NOT CHECKED: the driver joins no parts in one commit")
	}
	c := r.spanning()
	r.unchanged("a check that failed in another part", func() {
		_, err := r.s.Commit(ctx, c)
		r.stale(err, in(afar, "a"))
	})
	r.save(in(afar, "a"), "1")
	r.save(in(here, "a"), "first")
	r.unchanged("a write that failed in another part", func() {
		_, err := r.s.Commit(ctx, c)
		r.stale(err, in(here, "a"))
	})
}
