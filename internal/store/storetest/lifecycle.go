package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var lifecycleTests = []test{
	{name: "info", run: lifecycleInfo},
	{name: "everything is there after reopening", run: lifecycleReopen},
	{name: "a closed store says so", run: lifecycleClosed},
	{name: "close finishes what was accepted", run: lifecycleCloseFinishes},
	{name: "a cancelled context", run: lifecycleCancelled},
	{name: "health", run: lifecycleHealth},
}

func lifecycleInfo(r *rig) {
	info := r.s.Info()
	if len(info.ID) != 32 || info.Epoch != 1 || info.Capabilities.Lanes < 1 {
		r.Errorf("Info of a fresh store is %+v, want 32 hex digits, epoch 1, a lane", info)
	}
	if info.Capabilities.Durable != (r.h.Reopen != nil) {
		r.Errorf("Durable is %t, and the harness can reopen: %t", info.Capabilities.Durable, r.h.Reopen != nil)
	}
	other := r.h.start(r.T, 0)
	if id := other.s.Info().ID; id == info.ID {
		r.Errorf("two stores have the ID %s", id)
	}
	if r.reopen() {
		if again := r.s.Info(); again != info {
			r.Errorf("Info after reopening is %+v, was %+v", again, info)
		}
	}
}

func lifecycleReopen(r *rig) {
	r.furnish()
	r.do(r.laden())
	r.drop(ref("c"))
	before := r.dump()
	if !r.reopen() {
		r.Skip("not durable: there is nothing to reopen")
	}
	r.same("the store after reopening", r.dump(), before)
	r.save(ref("c"), "goes on")
}

func lifecycleClosed(r *rig) {
	r.save(ref("a"), "1")
	c := r.commit(r.put(r.get(ref("a")).Head, "2"))
	r.closed = true
	if err := r.s.Close(); err != nil {
		r.Fatalf("Close: %v", err)
	}
	calls := map[string]func() error{
		"Get":     func() error { _, err := r.s.Get(ctx, ref("a")); return err },
		"Entry":   func() error { _, err := r.s.Entry(ctx, ref("a"), 1); return err },
		"History": func() error { _, err := r.s.History(ctx, ref("a"), 0, 1); return err },
		"List":    func() error { _, err := r.s.List(ctx, part("things"), store.ListQuery{Limit: 1}); return err },
		"Answer":  func() error { _, err := r.s.Answer(ctx, scope, "k1"); return err },
		"Commit":  func() error { _, err := r.s.Commit(ctx, c); return err },
	}
	if p, ok := r.s.(store.Purger); ok {
		calls["Purge"] = func() error { return p.Purge(ctx, ref("a")) }
	}
	if rr, ok := r.s.(store.RowReader); ok {
		calls["Rows"] = func() error { _, err := rr.Rows(ctx, ref("a"), kindNote); return err }
	}
	if sc, ok := r.s.(store.Scanner); ok {
		calls["ScanLog"] = func() error { return sc.ScanLog(ctx, func(*store.Entry) error { return nil }) }
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			r.Errorf("%s of a closed store: error is %v, want ErrClosed", name, err)
		}
	}
	if err := r.s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		r.Errorf("the second Close: error is %v, want ErrClosed or none", err)
	}
}

// lifecycleCloseFinishes closes the store while a commit is under way. It is
// answered with its receipt.
func lifecycleCloseFinishes(r *rig) {
	g := r.probes.hold(r.T, store.PointBeforeCommit, 0)
	c := r.commitAsync(r.commit(r.put(r.get(ref("a")).Head, "1")))
	r.reach(g, c)
	r.closed = true
	s := r.s
	closing := async("Close", func(p *pending) { p.err = s.Close() })
	r.unanswered(closing, "while a commit was under way")
	g.open(nil)
	if r.wait(c).err != nil {
		r.Errorf("the accepted commit: %v", c.err)
	}
	if r.wait(closing).err != nil {
		r.Errorf("Close: %v", closing.err)
	}
	if r.reopen() {
		r.closed = false
		if d := r.get(ref("a")); d.Rev != 1 {
			r.Errorf("after reopening there is %s", documentLine(d))
		}
	}
}

// lifecycleCancelled cancels a client while its commit is held at each point.
// Whatever the answer, the truth must fit it.
func lifecycleCancelled(r *rig) {
	for _, point := range []store.Point{store.PointQueued, store.PointGroup, store.PointChecked, store.PointBeforeCommit, store.PointAfterCommit} {
		h := r.save(ref("a"), "before "+string(point))
		g := r.probes.hold(r.T, point, 0)
		cancelled, cancel := context.WithCancel(ctx)
		c := r.commit(r.put(h, "cancelled at "+string(point)))
		p := r.commitAsyncUnder(cancelled, c)
		r.reach(g, p)
		cancel()
		g.open(nil)
		r.wait(p)
		// Whatever is still on its way comes before this one.
		r.save(ref("barrier"), string(point))
		there := r.get(ref("a")).Rev == h.Rev+1
		switch {
		case p.err == nil && !there:
			r.Errorf("cancelled at %s: there is a receipt, and nothing was written", point)
		case p.err != nil && !errors.Is(p.err, store.ErrOutcomeUnknown) && there:
			r.Errorf("cancelled at %s: the answer is %v, and it was written", point, p.err)
		}
	}
	done, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	c := r.commit(r.put(r.get(ref("a")).Head, "x"))
	r.unchanged("a commit under a cancelled context", func() {
		if _, err := r.s.Commit(done, c); !errors.Is(err, context.DeadlineExceeded) {
			r.Errorf("error is %v, want DeadlineExceeded", err)
		}
	})
}

// lifecycleHealth wants a store to be well as long as it takes commits.
func lifecycleHealth(r *rig) {
	hc, ok := r.s.(store.HealthChecker)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.HealthChecker")
	}
	r.save(ref("a"), "1")
	if err := hc.Healthy(); err != nil {
		r.Errorf("a store that takes commits says %v", err)
	}
	if _, err := r.s.Commit(ctx, r.commit(r.put(store.Head{Ref: ref("a"), Next: 1}, "x"))); err == nil {
		r.Error("a stale commit went through")
	}
	if err := hc.Healthy(); err != nil {
		r.Errorf("after a refusal it says %v", err)
	}
	r.closed = true
	if err := r.s.Close(); err != nil {
		r.Fatalf("Close: %v", err)
	}
	if err := hc.Healthy(); err == nil {
		r.Error("a closed store says that it is well")
	}
}
