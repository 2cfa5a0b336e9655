package storetest

import (
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

var rerunTests = []test{
	{name: "gives its receipt again", run: rerunReceipt},
	{name: "after later commits", run: rerunLater},
	{name: "goes before its own key", run: rerunBeforeKey},
	{name: "after reopening", run: rerunReopened},
	{name: "a refused commit is judged again", run: rerunRefused},
}

func rerunReceipt(r *rig) {
	r.settles()
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
	r.settles()
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
	r.settles()
	c := r.keyed("a", "k1", "request", "answer")
	first := r.do(c)
	r.same("the receipt of the second run", receiptLines(r.do(c)), receiptLines(first))
}

func rerunReopened(r *rig) {
	r.settles()
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

// settles skips the test where the driver cannot tell what became of a commit.
func (r *rig) settles() {
	r.Helper()
	if !r.s.Info().Capabilities.Settles {
		r.Skip("SKIPPED, NOT CHECKED: the driver does not settle outcomes")
	}
}
