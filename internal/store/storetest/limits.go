package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

var limitTests = []test{
	{name: "operations", run: limitOps},
	{name: "bytes", run: limitBytes},
	{name: "a thousand operations", run: thousandOps},
}

// atMost returns n, or how many writes one commit may have where that is less.
func (r *rig) atMost(n int) int {
	if limit := r.s.Info().Capabilities.MaxOps; limit != 0 {
		return min(n, limit)
	}
	return n
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
	n := r.atMost(1000)
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
