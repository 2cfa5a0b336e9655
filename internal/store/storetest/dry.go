package storetest

import (
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var dryTests = []test{
	{name: "the receipt without the change", run: dryReceipt},
	{name: "refused like any other", run: dryRefused},
	{name: "the same commit for real", run: dryThenReal},
}

func dryReceipt(r *rig) {
	r.furnish()
	c := r.laden()
	c.Dry = true
	r.unchanged("a dry commit", func() {
		dry := r.do(c)
		again := *c
		again.ID = newID()
		r.same("the receipt of a second dry commit", receiptLines(r.do(&again)), receiptLines(dry))
	})
}

// dryThenReal lets the positions of the dry receipt be any: what else is
// committed meanwhile moves them.
func dryThenReal(r *rig) {
	r.furnish()
	c := r.laden()
	c.Dry = true
	dry := r.do(c)
	c.Dry = false
	real := r.do(c)
	for i := range dry.Heads {
		dry.Heads[i].Position = real.Heads[i].Position
	}
	r.same("the dry receipt", receiptLines(dry), receiptLines(real))
}

func dryRefused(r *rig) {
	r.furnish()
	stale := r.laden()
	stale.Writes[0].Rev = 7
	taken := r.laden()
	taken.Claims[0].ID = "somebody else"
	taken.Claims[1].Value = "red"
	mismatch := r.laden()
	mismatch.Key.Key = "k1"
	locked := r.commit(r.put(r.get(ref("leased")).Head, "x"))
	expired := r.leased(r.put(r.get(ref("c")).Head, "x"), store.LeaseRenew, "gone", time.Minute)
	invalid := r.laden()
	invalid.Writes = append(invalid.Writes, invalid.Writes[0])
	for _, d := range []struct {
		name   string
		commit *store.Commit
		is     func(error) bool
	}{
		{"stale", stale, isA[*store.StaleError]},
		{"taken", taken, isA[*store.TakenError]},
		{"mismatch", mismatch, is(store.ErrKeyMismatch)},
		{"locked", locked, isA[*store.LockedError]},
		{"expired", expired, is(store.ErrLeaseExpired)},
		{"invalid", invalid, is(store.ErrInvalid)},
	} {
		d.commit.Dry = true
		r.unchanged("a refused dry commit", func() {
			if _, err := r.s.Commit(ctx, d.commit); !d.is(err) {
				r.Errorf("%s: error is %v", d.name, err)
			}
		})
	}
}
