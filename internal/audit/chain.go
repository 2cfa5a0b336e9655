// Package audit holds the log of a store against tampering and error: it seals log
// rows into a chain, and checks that all of a store tells one story.
package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// linkSize is 4 bytes that name the key and 16 of the MAC.
const linkSize = 20

// Chain seals the log rows of each document into a chain: every link is a MAC
// over the link before it and the row, so that without the key no row can be
// changed, dropped, or added in between. Bodies enter by their digest, so that
// they can be erased while the chain still verifies. It has a ring of keys: the newest
// seals, and each verifies what it has sealed. It is safe for concurrent use.
type Chain struct {
	ring atomic.Pointer[[]*chainKey] // newest last, never empty
}

type chainKey struct {
	id   [4]byte
	macs sync.Pool
}

// NewChain returns a chain under secret keys, the newest last, of
// [ifmatch.MinSigningKey] bytes or more.
func NewChain(keys ...[]byte) (*Chain, error) {
	c := &Chain{}
	if err := c.SetKeys(keys...); err != nil {
		return nil, err
	}
	return c, nil
}

// SetKeys replaces the ring, the newest key last. It fails where there is none, or one
// that is too short, and then leaves the ring as it is.
func (c *Chain) SetKeys(keys ...[]byte) error {
	if len(keys) == 0 {
		return errors.New("audit: the chain needs a key")
	}
	ring := make([]*chainKey, len(keys))
	for i, key := range keys {
		if len(key) < ifmatch.MinSigningKey {
			return fmt.Errorf("audit: the chain needs a key of at least %d bytes", ifmatch.MinSigningKey)
		}
		key = bytes.Clone(key)
		id := sha256.Sum256(append([]byte("ifmatch audit key id\x00"), key...))
		ring[i] = &chainKey{id: [4]byte(id[:4])}
		ring[i].macs.New = func() any { return hmac.New(sha256.New, key) }
	}
	c.ring.Store(&ring)
	return nil
}

// Seal returns the link of row e after prev, which is nil at the first row.
func (c *Chain) Seal(prev []byte, e *store.Entry) []byte {
	ring := *c.ring.Load()
	return ring[len(ring)-1].seal(prev, e)
}

func (k *chainKey) seal(prev []byte, e *store.Entry) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	mac.Write(appendRow(make([]byte, 0, 384), prev, e))
	var sum [sha256.Size]byte
	link := append(make([]byte, 0, linkSize), k.id[:]...)
	return append(link, mac.Sum(sum[:0])[:linkSize-len(link)]...)
}

// verify tells whether e's link is the one that the key which it names makes of it.
// Known is false where that key is not in the ring.
func (c *Chain) verify(prev []byte, e *store.Entry) (good, known bool) {
	for _, k := range *c.ring.Load() {
		if bytes.HasPrefix(e.Link, k.id[:]) { // ids are short, so that two keys may have one
			known = true
			good = good || hmac.Equal(e.Link, k.seal(prev, e))
		}
	}
	return good, known
}

// appendRow encodes everything that a link vouches for. Each variable part is
// preceded by its length, so that no two rows encode alike. The feed position
// is left out: the store assigns it in the commit.
func appendRow(b, prev []byte, e *store.Entry) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	number := func(n int64) { b = binary.AppendVarint(b, n) }
	text(string(prev))
	text(e.Ref.Part.Collection)
	text(e.Ref.Part.Params)
	text(e.Ref.ID)
	number(e.Rev)
	number(e.Version)
	number(e.Life)
	number(e.At.UnixMicro())
	b = append(b, e.CommitID[:]...)
	text(e.Correlation)
	text(e.Actor.Name)
	number(int64(len(e.Actor.Roles)))
	for _, role := range e.Actor.Roles {
		text(role)
	}
	text(string(e.Action))
	text(e.Outcome)
	number(e.Base)
	if e.Blind {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	number(e.MergedFrom)
	text(string(e.Decisions))
	return append(b, e.Digest[:]...)
}
