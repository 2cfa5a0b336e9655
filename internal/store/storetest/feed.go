package storetest

import (
	"errors"
	"sync"

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
