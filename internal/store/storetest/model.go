package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// testModel runs random commits on the driver and on the reference driver, and
// wants the same answers and the same state from both.
func testModel(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{T: rt, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
		m.rig = &rig{clock: m.clock, refs: make(map[store.Ref]bool)}
		m.want = memory.Open(memory.Options{Clock: m.clock.Now})
		m.got = h.Open(t, OpenOptions{Probe: func(store.Point) error { return nil }, Clock: m.clock.Now, CacheBytes: smallCache})
		if _, ok := m.got.(store.Indexer); ok {
			m.rig.indexed = rapid.Bool().Draw(rt, "indexed")
		}
		defer func() {
			if err := m.got.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		parts := []store.Part{here, there}
		if !m.got.Info().Capabilities.CrossPart {
			parts = parts[:1]
		}
		for _, p := range parts {
			for _, id := range []string{"a", "b", "c"} {
				m.refs = append(m.refs, in(p, id))
			}
		}
		m.seen = make(map[store.Ref][]store.Head)
		rt.Repeat(map[string]func(*rapid.T){
			"commit": m.runCommit,
			"again":  m.runAgain,
			"purge":  m.runPurge,
			"wait": func(rt *rapid.T) {
				m.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 400, 1000, 7000, 15000}).Draw(rt, "ms")) * time.Millisecond)
			},
			"": m.compare,
		})
		m.compareAll()
	})
}

type model struct {
	*rapid.T
	rig       *rig // for its builders
	clock     *clock
	got, want store.Store
	refs      []store.Ref
	seen      map[store.Ref][]store.Head // what a writer may have read at some time
	done      []*store.Commit
}

// head draws what a writer knows of ref: mostly the truth.
func (m *model) head(rt *rapid.T, ref store.Ref) store.Head {
	d, err := m.want.Get(ctx, ref)
	if err != nil {
		rt.Fatalf("Get: %v", err)
	}
	m.seen[ref] = append(m.seen[ref], d.Head)
	if rapid.IntRange(0, 7).Draw(rt, "stale") > 0 {
		return d.Head
	}
	return rapid.SampledFrom(m.seen[ref]).Draw(rt, "old head")
}

func (m *model) draw(rt *rapid.T) *store.Commit {
	c := m.rig.commit()
	order := rapid.Permutation(m.refs).Draw(rt, "order")
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(rt, "writes")
	for _, ref := range order[:min(n, len(order))] {
		c.Writes = append(c.Writes, m.drawWrite(rt, ref))
		if rapid.IntRange(0, 3).Draw(rt, "row") == 0 {
			row := putRow(ref, rapid.SampledFrom([]string{kindNote, kindTicket}).Draw(rt, "kind"), rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "row id"), c.Writes[0].Log.Outcome)
			row.Delete = rapid.Bool().Draw(rt, "delete row")
			c.Rows = append(c.Rows, row)
		}
	}
	if len(order) > n && rapid.IntRange(0, 3).Draw(rt, "check") == 0 {
		k := store.Check{Ref: order[n], Rev: m.head(rt, order[n]).Rev}
		if rapid.Bool().Draw(rt, "exists") {
			k = store.Check{Ref: order[n], Exists: true}
		}
		c.Checks = append(c.Checks, k)
	}
	for _, value := range claimNames {
		if draw := rapid.IntRange(0, 3).Draw(rt, "claim "+value); draw < 2 {
			w := rapid.SampledFrom(c.Writes).Draw(rt, "claimant").Ref
			c.Claims = append(c.Claims, store.Claim{Part: w.Part, Index: index, Value: value, ID: w.ID, Release: draw == 0})
			if rapid.IntRange(0, 3).Draw(rt, "take too") == 0 {
				c.Claims = append(c.Claims, store.Claim{Part: w.Part, Index: index, Value: value, ID: w.ID})
			}
		}
	}
	if rapid.IntRange(0, 5).Draw(rt, "key") == 0 {
		a := m.rig.answer(rapid.SampledFrom([]string{"request 1", "request 2"}).Draw(rt, "request"), fmt.Sprintf("%x", c.ID))
		a.Expires = m.clock.Now().Add(10*time.Second + time.Millisecond)
		c.Key = &store.Key{Scope: scope, Key: rapid.SampledFrom(keyNames).Draw(rt, "key name"), Answer: a}
	}
	c.Dry = rapid.IntRange(0, 9).Draw(rt, "dry") == 0
	return c
}

func (m *model) drawWrite(rt *rapid.T, ref store.Ref) store.Write {
	h := m.head(rt, ref)
	w := m.rig.put(h, rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "body"))
	if h.Exists() {
		switch rapid.IntRange(0, 4).Draw(rt, "write") {
		case 0:
			w = m.rig.remove(h)
		case 1, 2:
			w = m.rig.touch(h)
		}
	}
	op := rapid.SampledFrom([]store.LeaseOp{
		store.LeaseNone, store.LeaseNone, store.LeaseNone, store.LeaseGrant, store.LeaseHeld, store.LeaseRenew, store.LeaseRelease,
	}).Draw(rt, "lease")
	if op != store.LeaseNone {
		w.Lease = store.LeaseChange{Op: op, ID: rapid.SampledFrom([]string{"l1", "l2"}).Draw(rt, "lease id"), TTL: 5*time.Second + time.Millisecond}
		// A writer mostly knows the lease that it holds.
		if op != store.LeaseGrant && h.Lease != nil && rapid.IntRange(0, 3).Draw(rt, "holder") > 0 {
			w.Lease.ID = h.Lease.ID
		}
	}
	return w
}

func (m *model) runCommit(rt *rapid.T) {
	c := m.draw(rt)
	if err := m.run(rt, c, m.headLine); err == nil && !c.Dry {
		m.done = append(m.done, c)
	}
}

func (m *model) runAgain(rt *rapid.T) {
	if !m.got.Info().Capabilities.Settles {
		rt.Skip("the driver does not settle")
	}
	if len(m.done) == 0 || rapid.IntRange(0, 3).Draw(rt, "rarely") > 0 {
		rt.Skip("nothing to run again")
	}
	last := m.done[len(m.done)-1]
	for _, w := range last.Writes {
		if d, err := m.want.Get(ctx, w.Ref); err != nil || d.Rev == 0 {
			rt.Skip("its log rows may be purged")
		}
	}
	// A driver that rebuilds the receipt from the log need not know the floor of back then.
	m.run(rt, last, func(h store.Head) string { h.Next = 0; return m.headLine(h) })
}

// run runs c on both and compares the answers, their heads by how line prints them.
func (m *model) run(rt *rapid.T, c *store.Commit, line func(store.Head) string) error {
	mine := *c
	want, wantErr := m.want.Commit(ctx, c)
	got, gotErr := m.got.Commit(ctx, &mine)
	if (got.Fence == 0) != (want.Fence == 0) {
		rt.Fatalf("Commit of %s: fence is %d, of the reference %d", commitLine(c), got.Fence, want.Fence)
	}
	if d := diff(outcome(got.Heads, gotErr, line), outcome(want.Heads, wantErr, line)); d != "" {
		rt.Fatalf("Commit of %s differs from the reference:%s", commitLine(c), d)
	}
	return wantErr
}

// outcome prints an answer as far as drivers must agree on it.
func outcome(heads []store.Head, err error, line func(store.Head) string) string {
	kind := "receipt"
	var stale *store.StaleError
	var replayed *store.ReplayedError
	switch {
	case err == nil:
	case errors.As(err, &stale):
		kind, heads = "stale", slices.SortedFunc(slices.Values(stale.Heads), func(a, b store.Head) int { return compareRefs(a.Ref, b.Ref) })
	case errors.As(err, &replayed):
		kind = fmt.Sprintf("replayed %s", replayed.Answer.Content)
	case isA[*store.LockedError](err), errors.Is(err, store.ErrLeaseExpired):
		kind = "lease"
	case isA[*store.TakenError](err):
		kind = "taken"
	default:
		kind = err.Error()
	}
	for _, h := range heads {
		kind += "\n" + line(h)
	}
	return kind
}

// headLine leaves out what drivers may count in ways of their own.
func (m *model) headLine(h store.Head) string {
	h.Position = 0
	if h.Lease != nil {
		l := *h.Lease
		l.Fence = 0
		h.Lease = &l
		if !m.clock.Now().Before(l.Expires) {
			h.Lease = nil // it may be shown or not
		}
	}
	return headLine(h)
}

func (m *model) runPurge(rt *rapid.T) {
	p, ok := m.got.(store.Purger)
	if !ok {
		rt.Skip("the driver is no store.Purger")
	}
	ref := rapid.SampledFrom(m.refs).Draw(rt, "ref")
	got, want := p.Purge(ctx, ref), m.want.(store.Purger).Purge(ctx, ref)
	if !errors.Is(got, want) {
		rt.Fatalf("Purge of %s: error is %v, of the reference %v", refLine(ref), got, want)
	}
	if want == nil {
		m.seen[ref] = append(m.seen[ref], store.Head{Ref: ref, Next: 1})
	}
}
