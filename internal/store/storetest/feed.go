package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var feedTests = []test{
	{name: "every receipt has exactly one row for each write", run: feedCounts},
	{name: "refusals and dry runs leave none", run: feedRefusals},
	{name: "scans stop at the first error", run: scansStop},
}

// feedCounts writes from several sides at once. That positions ascend without
// gaps, and versions with them, is checked after every test.
func feedCounts(r *rig) {
	var mu sync.Mutex
	receipts := make(map[store.ID][]store.Head)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 12 {
				refs := []store.Ref{ref(bodyf("%d", (w+i)%4)), ref(bodyf("%d", (w+i+1+i%3)%4))}
				if i%4 == 0 {
					refs = refs[:1]
				}
				c := r.attempt(refs...)
				if c == nil {
					continue
				}
				receipt, err := r.s.Commit(ctx, c)
				if err != nil && !isA[*store.StaleError](err) {
					r.Errorf("Commit: %v", err)
				}
				if err == nil {
					mu.Lock()
					receipts[c.ID] = receipt.Heads
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	_, log := r.scan()
	for _, e := range log {
		heads := receipts[e.CommitID]
		found := false
		for i, h := range heads {
			if h.Ref == e.Ref && h.Rev == e.Rev && h.Version == e.Version && h.Position == e.Position {
				receipts[e.CommitID] = append(heads[:i:i], heads[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			r.Errorf("a log row without its receipt, or twice: %s", entryLine(e))
		}
	}
	for id, heads := range receipts {
		for _, h := range heads {
			r.Errorf("the receipt of %x has no log row for %s", id, headLine(h))
		}
	}
}

// attempt returns a commit that writes refs as they stand, or nil where reading
// failed. It may run beside the test.
func (r *rig) attempt(refs ...store.Ref) *store.Commit {
	c := r.commit()
	for _, ref := range refs {
		d, err := r.s.Get(ctx, ref)
		if err != nil {
			r.Errorf("Get: %v", err)
			return nil
		}
		c.Writes = append(c.Writes, r.put(d.Head, bodyf("%x", c.ID)))
		r.mu.Lock()
		r.refs[ref] = true
		r.mu.Unlock()
	}
	return c
}

func feedRefusals(r *rig) {
	r.save(ref("a"), "1")
	dry := r.commit(r.put(r.get(ref("a")).Head, "2"))
	dry.Dry = true
	r.do(dry)
	if _, err := r.s.Commit(ctx, r.commit(r.put(store.Head{Ref: ref("a"), Next: 1}, "x"))); err == nil {
		r.Error("a stale commit went through")
	}
	h := r.save(ref("a"), "2")
	if _, log := r.scan(); len(log) != 2 || log[1].Position != h.Position {
		r.Errorf("the log has %d rows, want 2", len(log))
	}
}

func scansStop(r *rig) {
	sc, ok := r.s.(store.Scanner)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.Scanner")
	}
	for _, id := range []string{"a", "b", "c"} {
		r.save(ref(id), id)
	}
	stop := errors.New("enough")
	n := 0
	if err := sc.ScanDocuments(ctx, func(*store.Document) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		r.Errorf("ScanDocuments called %d times and returned %v", n, err)
	}
	n = 0
	if err := sc.ScanLog(ctx, func(*store.Entry) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		r.Errorf("ScanLog called %d times and returned %v", n, err)
	}
}

var lifecycleTests = []test{
	{name: "info", run: lifecycleInfo},
	{name: "everything is there after reopening", run: lifecycleReopen},
	{name: "a closed store says so", run: lifecycleClosed},
	{name: "close finishes what was accepted", run: lifecycleCloseFinishes},
	{name: "a cancelled context", run: lifecycleCancelled},
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
		"Close":   func() error { return r.s.Close() },
	}
	if p, ok := r.s.(store.Purger); ok {
		calls["Purge"] = func() error { return p.Purge(ctx, ref("a")) }
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			r.Errorf("%s of a closed store: error is %v, want ErrClosed", name, err)
		}
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
