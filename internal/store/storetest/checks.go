package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var checkTests = []test{
	{name: "each check against each state", run: checkTable},
	{name: "each write against each state", run: writeTable},
	{name: "a refusal carries every failed head", run: refusalCarriesAll},
	{name: "a version below Next is stale", run: versionBelowNext},
	{name: "a touch of another version is stale", run: touchOfOtherVersion},
}

var invalidTests = []test{
	{name: "two writes of one document", run: twoWritesOfOne},
	{name: "a row of a document that is not written", run: rowOfUnwritten},
	{name: "time does not run backwards", run: timeBackwards},
}

// states puts a document into each state that a check can meet.
func (r *rig) states() map[string]store.Ref {
	r.save(ref("live"), "1")
	r.save(ref("live"), "2")
	r.save(ref("deleted"), "1")
	r.drop(ref("deleted"))
	return map[string]store.Ref{"never": ref("never"), "live": ref("live"), "deleted": ref("deleted")}
}

func checkTable(r *rig) {
	refs := r.states()
	for _, c := range []struct {
		state string
		check store.Check
		pass  bool
	}{
		{"never", store.Check{Rev: 0}, true},
		{"never", store.Check{Rev: 1}, false},
		{"never", store.Check{Exists: true}, false},
		{"live", store.Check{Rev: 0}, false},
		{"live", store.Check{Rev: 1}, false},
		{"live", store.Check{Rev: 2}, true},
		{"live", store.Check{Rev: 3}, false},
		{"live", store.Check{Rev: 2, Version: 2}, true},
		{"live", store.Check{Rev: 2, Version: 1}, false},
		{"live", store.Check{Exists: true}, true},
		{"deleted", store.Check{Rev: 0}, false},
		{"deleted", store.Check{Rev: 2}, true},
		{"deleted", store.Check{Exists: true}, false},
	} {
		c.check.Ref = refs[c.state]
		k := r.commit(r.put(r.get(ref("written")).Head, "x"))
		k.Checks = []store.Check{c.check}
		if c.pass {
			r.do(k)
			continue
		}
		r.unchanged("a failed check", func() {
			_, err := r.s.Commit(ctx, k)
			r.stale(err, c.check.Ref)
		})
	}
}

func writeTable(r *rig) {
	refs := r.states()
	for _, c := range []struct {
		state string
		rev   int64
	}{
		{"never", 1}, {"live", 0}, {"live", 1}, {"live", 3}, {"deleted", 0}, {"deleted", 1}, {"deleted", 3},
	} {
		h := r.get(refs[c.state]).Head
		body := r.put(h, "x")
		touch, tombstone := r.touch(h), r.remove(h)
		for _, w := range []store.Write{body, touch, tombstone} {
			if w.Rev = c.rev; w.Rev == 0 && w.Content != store.ContentBody {
				continue
			}
			k := r.commit(w)
			r.unchanged("a write at the wrong rev", func() {
				_, err := r.s.Commit(ctx, k)
				r.stale(err, w.Ref)
			})
		}
	}
}

// stale fails unless err is a StaleError that carries exactly refs as they stand.
func (r *rig) stale(err error, refs ...store.Ref) {
	r.Helper()
	var stale *store.StaleError
	if !errors.As(err, &stale) {
		r.Errorf("error is %v, want a StaleError", err)
		return
	}
	var got, want string
	heads := slices.Clone(stale.Heads)
	slices.SortFunc(heads, func(a, b store.Head) int { return compareRefs(a.Ref, b.Ref) })
	for _, h := range heads {
		got += headLine(h) + "\n"
	}
	slices.SortFunc(refs, compareRefs)
	for _, ref := range refs {
		want += headLine(r.get(ref).Head) + "\n"
	}
	r.same("what the StaleError carries", got, want)
}

func refusalCarriesAll(r *rig) {
	refs := r.states()
	other := in(part("others"), "a")
	k := r.commit(
		r.put(store.Head{Ref: refs["live"], Rev: 1, Next: 2}, "x"),
		r.put(r.get(ref("fits")).Head, "x"),
		r.put(store.Head{Ref: refs["deleted"], Rev: 9, Next: 2}, "x"),
	)
	k.Checks = []store.Check{{Ref: refs["never"], Exists: true}, {Ref: ref("fits too")}}
	want := []store.Ref{refs["live"], refs["deleted"], refs["never"]}
	if r.s.Info().Capabilities.CrossPart {
		k.Checks = append(k.Checks, store.Check{Ref: other, Rev: 7})
		want = append(want, other)
	}
	r.unchanged("a refusal", func() {
		_, err := r.s.Commit(ctx, k)
		r.stale(err, want...)
	})
}

func versionBelowNext(r *rig) {
	h := r.save(ref("a"), "1")
	for _, version := range []int64{0, 1} {
		w := r.put(h, "x")
		w.Version = version
		k := r.commit(w)
		r.unchanged("a used version", func() {
			_, err := r.s.Commit(ctx, k)
			r.stale(err, ref("a"))
		})
	}
	w := r.put(h, "x")
	w.Version = 40
	if h := r.do(r.commit(w)).Heads[0]; h.Version != 40 || h.Next != 41 {
		r.Errorf("a version above Next came back as version %d, next %d", h.Version, h.Next)
	}
	r.purged = true // the versions skip
}

func touchOfOtherVersion(r *rig) {
	h := r.save(ref("a"), "1")
	w := r.touch(h)
	w.Version = 2
	k := r.commit(w)
	r.unchanged("a touch of another version", func() {
		_, err := r.s.Commit(ctx, k)
		r.stale(err, ref("a"))
	})
}

// refused fails unless c is refused with an error that is want, and without a trace.
func (r *rig) refused(c *store.Commit, want error) {
	r.Helper()
	r.unchanged("a refused commit", func() {
		if _, err := r.s.Commit(ctx, c); !errors.Is(err, want) {
			r.Errorf("Commit of %s: error is %v, want %v", commitLine(c), err, want)
		}
	})
}

func twoWritesOfOne(r *rig) {
	h := r.save(ref("a"), "1")
	r.refused(r.commit(r.put(h, "2"), r.put(h, "3")), store.ErrInvalid)
	r.refused(r.commit(r.touch(h), r.put(h, "3")), store.ErrInvalid)
	never := r.get(ref("b")).Head
	r.refused(r.commit(r.put(never, "2"), r.put(h, "2"), r.put(never, "3")), store.ErrInvalid)
}

func rowOfUnwritten(r *rig) {
	h := r.save(ref("a"), "1")
	for _, owner := range []string{"never", "b"} {
		c := r.commit(r.put(h, "2"))
		c.Rows = []store.RowChange{{Row: store.Row{Ref: ref(owner), Kind: kindNote, ID: "1", Value: []byte("x")}}}
		r.refused(c, store.ErrInvalid)
		r.save(ref("b"), "1")
	}
	c := r.commit()
	c.Rows = []store.RowChange{{Row: store.Row{Ref: ref("a"), Kind: kindNote, ID: "1"}, Delete: true}}
	r.refused(c, store.ErrInvalid)
}

// timeBackwards takes a refusal as well as a clamped time.
func timeBackwards(r *rig) {
	h := r.save(ref("a"), "1")
	w := r.put(h, "2")
	w.At = h.At.Add(-time.Second)
	if _, err := r.s.Commit(ctx, r.commit(w)); err != nil && !errors.Is(err, store.ErrInvalid) {
		r.Errorf("a write before the head's time: error is %v, want ErrInvalid or none", err)
	}
	if now := r.get(ref("a")); now.At.Before(h.At) {
		r.Errorf("the head went from %s back to %s", instant(h.At), instant(now.At))
	}
}
