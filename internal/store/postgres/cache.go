package postgres

import (
	"github.com/maypok86/otter/v2"

	"github.com/ifmatch/ifmatch/internal/store"
)

// body is the body of one version. Versions are never given out twice, so that it is
// the body of that version for good.
type body struct {
	version int64
	digest  [32]byte
	bytes   []byte
}

// cache holds bodies. Where a document stands is asked of the database by every read,
// which sends the body only where it is another than this node has: so there is
// nothing that could be old.
type cache struct {
	bodies *otter.Cache[store.Ref, body]
}

// overhead is what an entry costs beside its body.
const overhead = 300

func newCache(bytes int64) (*cache, error) {
	bodies, err := otter.New(&otter.Options[store.Ref, body]{
		MaximumWeight: uint64(bytes),
		Executor:      func(task func()) { task() },
		Weigher: func(ref store.Ref, b body) uint32 {
			return uint32(min(len(b.bytes)+len(ref.ID)+overhead, 1<<30))
		},
	})
	return &cache{bodies}, err
}

func (c *cache) get(ref store.Ref) body {
	b, _ := c.bodies.GetIfPresent(ref)
	return b
}

func (c *cache) put(d *store.Document) {
	if d.Exists() && d.Body != nil {
		c.bodies.Set(d.Ref, body{d.Version, d.Digest, d.Body})
	}
}
