package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

var partTests = []test{
	{name: "one commit over several parts", run: crossPart},
	{name: "one failing part leaves nothing in the others", run: crossPartFails},
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
		if ids(page) != "a" || page.Head != receipt.Heads[i].Position {
			r.Errorf("part %v lists %q under head %d, its receipt has position %d", p, ids(page), page.Head, receipt.Heads[i].Position)
		}
	}
	if by := r.holder(afar, "red"); by != `"b"` {
		r.Errorf("red is held by %s in %v", by, afar)
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

var rerunTests = []test{
	{name: "gives its receipt again", run: rerunReceipt},
	{name: "after later commits", run: rerunLater},
	{name: "goes before its own key", run: rerunBeforeKey},
	{name: "after reopening", run: rerunReopened},
	{name: "a refused commit is judged again", run: rerunRefused},
}

func rerunReceipt(r *rig) {
	r.furnish()
	c := r.laden()
	first := r.do(c)
	r.unchanged("a second run", func() {
		r.same("the receipt of the second run", receiptLines(r.do(c)), receiptLines(first))
	})
}

// rerunLater compares what identifies the writes: a driver that rebuilds the
// receipt from the log need not know the leases of back then.
func rerunLater(r *rig) {
	c := r.commit(r.put(r.get(ref("a")).Head, "1"), r.put(r.get(ref("b")).Head, "1"))
	c.Writes[1].Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "l1", TTL: 1 << 40}
	first := r.do(c)
	r.save(ref("a"), "2")
	r.drop(ref("a"))
	r.unchanged("a late second run", func() {
		second := r.do(c)
		if second.Fence != first.Fence {
			r.Errorf("fence is %d, was %d", second.Fence, first.Fence)
		}
		for i, want := range first.Heads {
			got := second.Heads[i]
			line := func(h store.Head) string {
				return fmt.Sprintf("%s rev %d version %d life %d deleted %t at %s digest %x position %d", refLine(h.Ref), h.Rev, h.Version, h.Life, h.Deleted, instant(h.At), h.Digest, h.Position)
			}
			r.same("the receipt's head", line(got), line(want))
		}
	})
}

func rerunBeforeKey(r *rig) {
	c := r.keyed("a", "k1", "request", "answer")
	first := r.do(c)
	r.same("the receipt of the second run", receiptLines(r.do(c)), receiptLines(first))
}

func rerunReopened(r *rig) {
	c := r.keyed("a", "k1", "request", "answer")
	first := r.do(c)
	if !r.reopen() {
		r.Skip("not durable: there is nothing to reopen")
	}
	r.same("the receipt after reopening", receiptLines(r.do(c)), receiptLines(first))
}

func rerunRefused(r *rig) {
	c := r.commit(r.put(r.get(ref("a")).Head, "1"))
	c.Checks = []store.Check{{Ref: ref("b"), Exists: true}}
	if _, err := r.s.Commit(ctx, c); !isA[*store.StaleError](err) {
		r.Fatalf("error is %v, want a StaleError", err)
	}
	r.save(ref("b"), "1")
	r.do(c)
	if n := len(r.history(ref("a"), 0, 10)); n != 1 {
		r.Errorf("a has %d log rows, want 1", n)
	}
}

var limitTests = []test{
	{name: "operations", run: limitOps},
	{name: "bytes", run: limitBytes},
	{name: "a thousand operations", run: thousandOps},
}

func limitOps(r *rig) {
	n := r.s.Info().Capabilities.MaxOps
	if n == 0 {
		r.Skip("the driver has no limit")
	}
	c := r.commit()
	for i := range n + 1 {
		c.Writes = append(c.Writes, r.put(store.Head{Ref: ref(bodyf("%d", i)), Next: 1}, "x"))
	}
	r.refused(c, store.ErrTooLarge)
	c.Writes = c.Writes[:n]
	r.do(c)
}

func limitBytes(r *rig) {
	n := r.s.Info().Capabilities.MaxCommitBytes
	if n == 0 || n > 64<<20 {
		r.Skipf("the driver's limit of %d bytes is none, or more than is tried here", n)
	}
	r.refused(r.commit(r.put(r.get(ref("a")).Head, string(make([]byte, n+1)))), store.ErrTooLarge)
}

func thousandOps(r *rig) {
	n := 1000
	if limit := r.s.Info().Capabilities.MaxOps; limit != 0 {
		n = min(n, limit)
	}
	c := r.commit()
	for i := range n {
		c.Writes = append(c.Writes, r.put(store.Head{Ref: ref(fmt.Sprintf("%04d", i)), Next: 1}, bodyf("%d", i)))
	}
	receipt := r.do(c)
	if !slices.IsSortedFunc(receipt.Heads, func(a, b store.Head) int { return compareRefs(a.Ref, b.Ref) }) {
		r.Error("the receipt's heads are not in the order of the writes")
	}
	if page := r.list(part("things"), "", n+1); len(page.Documents) != n {
		r.Errorf("%d documents are there, want %d", len(page.Documents), n)
	}
	c = r.commit()
	for _, h := range receipt.Heads {
		c.Writes = append(c.Writes, r.put(h, "second"))
	}
	c.Writes[n/2].Rev = 9
	_, err := r.s.Commit(ctx, c)
	var stale *store.StaleError
	if !errors.As(err, &stale) || len(stale.Heads) != 1 {
		r.Errorf("error is %v, want a StaleError with one head", err)
	}
}
