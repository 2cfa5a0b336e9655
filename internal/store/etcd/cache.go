package etcd

import (
	"github.com/maypok86/otter/v2"

	"github.com/ifmatch/ifmatch/internal/store"
)

// bodies keeps bodies that were read or written. It is only asked for that of a head
// which was read just now, and what a head names never changes: a version is not given
// out twice, and where the cluster was set back to a copy of itself the digest tells.
type bodies struct {
	all *otter.Cache[bodyOf, []byte]
}

type bodyOf struct {
	ref     store.Ref
	version int64
	digest  [32]byte
}

func bodyNamed(h *store.Head) bodyOf { return bodyOf{h.Ref, h.Version, h.Digest} }

// overhead is what a body costs beside its bytes.
const overhead = 300

func newBodies(size int64) (*bodies, error) {
	all, err := otter.New(&otter.Options[bodyOf, []byte]{
		MaximumWeight: uint64(size),
		Executor:      func(task func()) { task() },
		Weigher: func(of bodyOf, body []byte) uint32 {
			return uint32(min(len(body)+len(of.ref.ID)+overhead, 1<<30))
		},
	})
	return &bodies{all}, err
}

func (b *bodies) get(h *store.Head) ([]byte, bool) { return b.all.GetIfPresent(bodyNamed(h)) }

func (b *bodies) put(h *store.Head, body []byte) { b.all.Set(bodyNamed(h), body) }
