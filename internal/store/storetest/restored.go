package storetest

import (
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var restoredTests = []test{
	{name: "versions start above the margin everywhere", run: restoredVersions},
	{name: "fences start above the margin too", run: restoredFences},
	{name: "twice", run: restoredTwice},
	{name: "a margin that leads nowhere", run: restoredInvalid},
	{name: "a write from before is stale", run: restoredOldWrite},
}

const margin = 1000

// restored tells the store that it was restored. Versions jump then as they do over a
// floor.
func (r *rig) restored(margin int64) (store.Info, error) {
	r.Helper()
	s, ok := r.s.(store.Restorer)
	if !ok {
		r.Skip("the store cannot be told that it was restored")
	}
	r.purged = true
	return s.Restored(ctx, margin)
}

// restore is restored where that must succeed.
func (r *rig) restore(margin int64) {
	r.Helper()
	before := r.s.Info()
	info, err := r.restored(margin)
	if err != nil {
		r.Fatalf("Restored: %v", err)
	}
	before.Epoch++
	if info != before || r.s.Info() != before {
		r.Errorf("Restored returns %+v and Info says %+v, want %+v", info, r.s.Info(), before)
	}
}

func restoredVersions(r *rig) {
	greatest := r.save(ref("a"), "1").Version
	for range 4 {
		greatest = r.save(ref("a"), bodyf("%d", greatest)).Version
	}
	r.save(ref("b"), "1")
	before := documentLine(r.get(ref("b")))
	gone := r.drop(ref("b"))
	r.save(ref("c"), "1")
	r.restore(margin)
	check := func() {
		r.Helper()
		if got := r.s.Info().Epoch; got != 2 {
			r.Errorf("the epoch is %d, want 2", got)
		}
		for _, name := range []store.Ref{ref("a"), ref("b"), ref("c"), ref("never"), in(part("new"), "x")} {
			if d := r.get(name); d.Next != greatest+margin+1 {
				r.Errorf("%s would take version %d next, want %d", refLine(name), d.Next, greatest+margin+1)
			}
		}
	}
	check()
	if r.reopen() {
		check()
	}
	for _, name := range []store.Ref{ref("a"), ref("b"), ref("never"), in(part("new"), "x")} {
		if h := r.save(name, "after"); h.Version != greatest+margin+1 {
			r.Errorf("%s takes version %d, want %d", refLine(name), h.Version, greatest+margin+1)
		}
	}
	if d := r.get(ref("c")); d.Version != 1 || string(d.Body) != "1" || gone.Version != 2 {
		r.Errorf("what nobody has written since stands as %s; b was %s", documentLine(d), before)
	}
}

func restoredFences(r *rig) {
	r.save(ref("a"), "1")
	r.save(ref("b"), "1")
	held := r.grant(ref("a"), "l1", time.Minute)
	r.restore(margin)
	r.wantLease(ref("a"), "l1", held.Fence, r.clock.Now().Add(time.Minute))
	r.do(r.leased(r.touch(r.get(ref("a")).Head), store.LeaseRelease, "l1", 0))
	for _, name := range []string{"a", "b"} {
		if got := r.grant(ref(name), "l2", time.Minute).Fence; got <= held.Fence+margin {
			r.Errorf("the next fence of %s is %d, want above %d", name, got, held.Fence+margin)
		}
	}
}

func restoredTwice(r *rig) {
	r.save(ref("a"), "1")
	r.restore(margin)
	r.save(ref("a"), "2")
	r.restore(margin)
	if h := r.save(ref("a"), "3"); h.Version <= 2*margin || r.s.Info().Epoch != 3 {
		r.Errorf("after two restores the epoch is %d, and a version %d", r.s.Info().Epoch, h.Version)
	}
}

func restoredInvalid(r *rig) {
	r.save(ref("a"), "1")
	was := r.s.Info()
	for _, m := range []int64{0, -1, store.MaxVersion} {
		r.unchanged("a margin that is refused", func() {
			if _, err := r.restored(m); !errors.Is(err, store.ErrInvalid) {
				r.Errorf("a margin of %d: %v, want ErrInvalid", m, err)
			}
		})
	}
	if now := r.s.Info(); now != was {
		r.Errorf("Info is %+v, was %+v", now, was)
	}
}

// restoredOldWrite: a create and a replacement that were judged before the restore take
// versions that may have been given out, and are refused.
func restoredOldWrite(r *rig) {
	r.save(ref("a"), "1")
	replace := r.commit(r.put(r.get(ref("a")).Head, "late"))
	create := r.commit(r.put(r.get(in(part("new"), "x")).Head, "late"))
	r.restore(margin)
	for _, c := range []*store.Commit{replace, create} {
		r.unchanged("a write from before the restore", func() {
			_, err := r.s.Commit(ctx, c)
			var stale *store.StaleError
			if !errors.As(err, &stale) {
				r.Errorf("Commit of %s: %v, want a StaleError", commitLine(c), err)
			}
		})
	}
}
