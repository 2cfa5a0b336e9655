// Package storetest is the conformance suite of package store. Every driver
// runs it; it holds them to the promises of package store, races and faults
// forced through [store.Probe] included.
//
// Where package store leaves a choice, the suite takes any of them, except that
// it settles these:
//
//   - Next is one more than the greater of the document's version and its
//     part's floor, for every document of the part, and shows at once.
//   - A touch whose Version or Life is not the head's is stale.
//   - SameSecond is worked out by the store: the new version and the one before
//     it, a deletion included, lie in one second.
//   - A touch adds a log row with its own At but leaves the head's At.
//   - Where several refusals apply, an idempotency key goes before stale heads,
//     those before leases, and leases before natural keys.
//   - Held, renewed or released under an ID that is not alive, while another
//     lease is: [store.ErrLeaseExpired] or [store.LockedError], as the driver likes.
//   - Purge takes side rows along.
//   - A list's Head may be anything from the position of the part's newest log row up
//     to the newest of the store, those of all lanes together, as long as it grows with
//     every change in the part and with nothing else.
//   - A second Close may succeed.
package storetest

import (
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// OpenOptions are what a suite wants of a store.
type OpenOptions struct {
	// Probe must be called at the points of package store. It is never nil, and
	// it may block and fail.
	Probe store.Probe
	// Clock is the clock that leases go by, for a driver that can be given one.
	// It is never nil.
	Clock func() time.Time
	// CacheBytes bounds the read cache; 0 asks for the driver's default. A
	// driver without a cache ignores it.
	CacheBytes int64
}

// Harness is what a driver gives the suite.
type Harness struct {
	// Open returns a fresh and empty store. The suite closes it.
	Open func(t testing.TB, o OpenOptions) store.Store
	// Reopen closes s, whatever state a forced fault has left it in, and opens
	// the same data again with the options that s was opened with. It is nil for
	// a driver that does not outlive its process.
	Reopen func(t testing.TB, s store.Store) store.Store
}

// test is one subtest. Each gets a store of its own, and after each the feed and
// everything in it are checked for agreement.
type test struct {
	name  string
	run   func(r *rig)
	cache int64 // OpenOptions.CacheBytes
}

// category is a group of tests. Where again is set, they run a second time with
// every document under indexes, so that whatever happens to a document happens to
// its rows there.
type category struct {
	name  string
	tests []test
	again bool
}

// Run runs the whole suite as subtests of t, one group for each category.
func Run(t *testing.T, h Harness) {
	for _, c := range []category{
		{name: "documents", tests: documentTests},
		{name: "heads", tests: headTests},
		{name: "checks", tests: checkTests},
		{name: "invalid", tests: invalidTests},
		{name: "atomicity", tests: atomicityTests, again: true},
		{name: "entries", tests: entryTests},
		{name: "lists", tests: listTests, again: true},
		{name: "indexes", tests: indexTests},
		{name: "claims", tests: claimTests},
		{name: "rows", tests: rowTests},
		{name: "answers", tests: answerTests},
		{name: "leases", tests: leaseTests},
		{name: "dry", tests: dryTests, again: true},
		{name: "purge", tests: purgeTests, again: true},
		{name: "retention", tests: retentionTests},
		{name: "restored", tests: restoredTests},
		{name: "copies", tests: copyTests, again: true},
		{name: "parts", tests: partTests, again: true},
		{name: "rerun", tests: rerunTests, again: true},
		{name: "limits", tests: limitTests},
		{name: "feed", tests: feedTests},
		{name: "changes", tests: changeTests, again: true},
		{name: "watches", tests: watchTests},
		{name: "lifecycle", tests: lifecycleTests, again: true},
		{name: "concurrency", tests: concurrencyTests},
		{name: "fresh", tests: freshTests},
		{name: "races", tests: raceTests},
		{name: "fills", tests: fillTests},
		{name: "groups", tests: groupTests, again: true},
		{name: "submissions", tests: submissionTests},
		{name: "faults", tests: faultTests, again: true},
	} {
		t.Run(c.name, func(t *testing.T) { h.run(t, c.tests, false) })
		if c.again {
			t.Run(c.name+" under indexes", func(t *testing.T) { h.run(t, c.tests, true) })
		}
	}
	t.Run("model", func(t *testing.T) { testModel(t, h) })
}

func (h Harness) run(t *testing.T, tests []test, indexed bool) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r := h.start(t, c.cache)
			if r.indexed = indexed; indexed {
				r.indexer()
			}
			c.run(r)
		})
	}
}
