package sqlite

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/ifmatch/ifmatch/internal/store"
)

// entry is a document as it is durable, with where its rows lie. It is one piece
// of memory: most of what a hit costs is waiting for memory.
type entry struct {
	held atomic.Bool // its document is being committed; see cache

	doc    store.Document
	number int64 // documents.doc
	bodyAt int64 // documents.body_at
	fence  int64 // of the newest lease ever granted
}

// cache holds documents as they are durable, and never shows a state older than
// what any reader has seen already.
//
// A COMMIT becomes visible to readers of the database some time before it
// returns. Until the writer has published the new states, the documents of the
// group are held: their entries count as missing and nobody fills them, so that
// everybody asks the database. The writer publishes after COMMIT returned and
// before any answer, in the order of commits.
//
// A reader that missed notes its stripe's sequence before it asks the database,
// and its fill is dropped if the stripe was held or published since: what it
// read may be old by then.
type cache struct {
	entries *otter.Cache[store.Ref, *entry]
	seed    maphash.Seed
	stripes [1024]stripe
}

type stripe struct {
	mu   sync.Mutex
	seq  uint64
	held int      // documents of a group that is being committed
	_    [40]byte // each on a cache line of its own
}

// overhead is what an entry costs beside its body.
const overhead = 600

func newCache(bytes int64) (*cache, error) {
	entries, err := otter.New(&otter.Options[store.Ref, *entry]{
		MaximumWeight: uint64(bytes),
		// Keeping house takes less time than a goroutine for it would, which on top of
		// that lags behind where many documents come and go.
		Executor: func(task func()) { task() },
		Weigher: func(ref store.Ref, e *entry) uint32 {
			return uint32(min(len(e.doc.Body)+len(ref.ID)+overhead, 1<<30))
		},
	})
	return &cache{entries: entries, seed: maphash.MakeSeed()}, err
}

// get returns what is known of ref. Its body may be missing.
func (c *cache) get(ref store.Ref) (*entry, bool) {
	e, ok := c.entries.GetIfPresent(ref)
	return e, ok && !e.held.Load()
}

// whole tells whether e has the body of its document, if there is one.
func (e *entry) whole() bool { return e.doc.Body != nil || e.doc.Deleted }

func (c *cache) stripe(ref store.Ref) *stripe {
	return &c.stripes[maphash.Comparable(c.seed, ref)%uint64(len(c.stripes))]
}

// note returns the sequence that a fill of ref has to bring along.
func (c *cache) note(ref store.Ref) uint64 {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// fill keeps what a reader found, unless its stripe has changed since noted.
func (c *cache) fill(ref store.Ref, e *entry, noted uint64) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq == noted && s.held == 0 {
		c.entries.Set(ref, e)
	}
}

// hold sends the readers of ref to the database until publish or release.
func (c *cache) hold(ref store.Ref) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.held++
	if e, ok := c.entries.GetIfPresent(ref); ok {
		e.held.Store(true)
	}
}

// publish makes e what is durable of a held ref; nil is a document that was
// purged.
func (c *cache) publish(ref store.Ref, e *entry) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.held--
	if e != nil {
		c.entries.Set(ref, e)
	} else {
		c.entries.Invalidate(ref)
	}
}

// release ends a hold under which nothing was committed.
func (c *cache) release(ref store.Ref) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held--
	if e, ok := c.entries.GetIfPresent(ref); ok {
		e.held.Store(false)
	}
}

// forget drops everything, and every fill that is on its way: a floor has risen
// and with it the Next of every document in its part.
func (c *cache) forget() {
	for i := range c.stripes {
		c.stripes[i].mu.Lock()
		c.stripes[i].seq++
		c.stripes[i].mu.Unlock()
	}
	c.entries.InvalidateAll()
}
