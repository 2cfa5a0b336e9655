package sqlite

import (
	"hash/maphash"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/ifmatch/ifmatch/internal/store"
)

// entry is a document as it is durable, with where its rows lie.
type entry struct {
	doc    *store.Document
	number int64 // documents.doc
	bodyAt int64 // documents.body_at
	fence  int64 // of the newest lease ever granted
}

// cache holds documents as they are durable. The writer publishes into it after
// a COMMIT returned and before any answer, in the order of commits; so an entry,
// where there is one, is the newest acknowledged state. A reader that missed
// notes its stripe's sequence before it asks the database, and its fill is
// dropped if a commit touched the stripe since: what it read may be old by then.
type cache struct {
	entries *otter.Cache[store.Ref, *entry]
	seed    maphash.Seed
	stripes [256]stripe
}

type stripe struct {
	mu  sync.Mutex
	seq uint64
	_   [48]byte // each on a cache line of its own
}

// overhead is what an entry costs beside its body.
const overhead = 600

func newCache(bytes int64) (*cache, error) {
	entries, err := otter.New(&otter.Options[store.Ref, *entry]{
		MaximumWeight: uint64(bytes),
		Weigher: func(ref store.Ref, e *entry) uint32 {
			return uint32(min(len(e.doc.Body)+len(ref.ID)+overhead, 1<<30))
		},
	})
	return &cache{entries: entries, seed: maphash.MakeSeed()}, err
}

func (c *cache) get(ref store.Ref) (*entry, bool) { return c.entries.GetIfPresent(ref) }

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

// fill keeps what a reader found, unless its stripe committed since noted.
func (c *cache) fill(ref store.Ref, e *entry, noted uint64) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq == noted {
		c.entries.Set(ref, e)
	}
}

// publish replaces what is known of ref by its new durable state; nil is a
// document that was purged.
func (c *cache) publish(ref store.Ref, e *entry) {
	s := c.stripe(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	if e == nil {
		c.entries.Invalidate(ref)
	} else {
		c.entries.Set(ref, e)
	}
}
