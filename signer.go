package ifmatch

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"sync/atomic"
)

// Signer makes and verifies signed tags, each of which only a holder of the secret
// can make, and for one document alone: an HMAC-SHA-256 (RFC 2104) over the store and
// its epoch, the document and the version, cut to 16 bytes. It has a ring of keys: the
// newest signs, and what an older one has signed still verifies. It is safe for
// concurrent use.
type Signer struct {
	store string
	epoch int64
	ring  atomic.Pointer[[]*signingKey] // newest last, never empty
}

// MinSigningKey is the least length of a signing key, in bytes.
const MinSigningKey = 32

// maxEpoch is the greatest epoch that fits a tag.
const maxEpoch = 1<<(8*sizeEpoch) - 1

// NewSigner returns a signer under keys, the newest last. Store names, to be told apart
// from all others under the same keys, where the documents are; epoch counts how often
// that was restored from a copy. Tags of another store are forged, those of another
// epoch say nothing. It fails where a key is shorter than [MinSigningKey], where one is
// there twice or there is none, and where the epoch is negative or does not fit 40 bits.
func NewSigner(store string, epoch int64, keys ...[]byte) (*Signer, error) {
	if epoch < 0 || epoch > maxEpoch {
		return nil, fmt.Errorf("ifmatch: epoch %d cannot stand in a signed tag", epoch)
	}
	s := &Signer{store: store, epoch: epoch}
	if err := s.SetKeys(keys...); err != nil {
		return nil, err
	}
	return s, nil
}

// SetKeys replaces the ring, the newest key last. What is being signed or verified
// meanwhile goes by one ring or the other. It fails as [NewSigner] does, and then
// leaves the ring as it is.
func (s *Signer) SetKeys(keys ...[]byte) error {
	if len(keys) == 0 {
		return errors.New("ifmatch: a signer needs a key")
	}
	ring := make([]*signingKey, len(keys))
	for i, secret := range keys {
		key, err := newSigningKey(secret)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(ring[:i], func(k *signingKey) bool { return k.id == key.id }) {
			return fmt.Errorf("ifmatch: two signing keys have the id %s, make another", hex.EncodeToString(key.id[:]))
		}
		ring[i] = key
	}
	s.ring.Store(&ring)
	return nil
}

func (s *Signer) newest() *signingKey {
	ring := *s.ring.Load()
	return ring[len(ring)-1]
}

// key returns the key of the ring that has an id, nil for none.
func (s *Signer) key(id keyID) *signingKey {
	for _, k := range *s.ring.Load() {
		if k.id == id {
			return k
		}
	}
	return nil
}

// KeyID returns the name of the key that signs now, as [KeyID] does.
func (s *Signer) KeyID() string {
	id := s.newest().id
	return hex.EncodeToString(id[:])
}

// KeyID returns the public name of a signing key, in hex: 4 bytes that stand in each
// tag which it signs.
func KeyID(secret []byte) string {
	id := idOf(secret)
	return hex.EncodeToString(id[:])
}

type keyID [sizeKeyID]byte

func idOf(secret []byte) keyID {
	sum := sha256.Sum256(append([]byte("ifmatch signing key id\x00"), secret...))
	return keyID(sum[:])
}

// signingKey is one key of a ring.
type signingKey struct {
	id   keyID
	macs sync.Pool // of *mac
}

// mac is an HMAC with room for what goes in and comes out.
type mac struct {
	hash.Hash
	in  []byte
	out [sha256.Size]byte
}

func newSigningKey(secret []byte) (*signingKey, error) {
	if len(secret) < MinSigningKey {
		return nil, fmt.Errorf("ifmatch: a signing key needs %d bytes or more", MinSigningKey)
	}
	// The ring's secrets may serve other purposes too, which must not meet.
	derived, err := hkdf.Key(sha256.New, bytes.Clone(secret), nil, "ifmatch entity tags", sha256.Size)
	if err != nil {
		return nil, err
	}
	k := &signingKey{id: idOf(secret)}
	k.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, derived), in: make([]byte, 0, 256)} }
	return k, nil
}

// seal writes the MAC of a tag to dst.
func (k *signingKey) seal(s *Signer, of *Subject, at string, t *signedTag, dst []byte) {
	m := k.macs.Get().(*mac)
	m.in = append(m.in[:0], t.kind())
	for _, part := range [...]string{s.store, of.Collection, of.Params, of.ID, at} {
		m.in = append(binary.AppendUvarint(m.in, uint64(len(part))), part...)
	}
	m.in = append(m.in, t.raw[1+sizeKeyID:t.len-sizeMAC]...)
	k.sum(m, dst)
}

// conceal writes to dst what stands for a digest in a tag. Without the key it does not
// tell whether a value that somebody guesses is there.
func (k *signingKey) conceal(s *Signer, digest *[32]byte, dst []byte) {
	m := k.macs.Get().(*mac)
	m.in = binary.AppendUvarint(append(m.in[:0], 0), uint64(len(s.store))) // 0 is no kind
	m.in = append(append(m.in, s.store...), digest[:]...)
	k.sum(m, dst)
}

func (k *signingKey) sum(m *mac, dst []byte) {
	m.Reset()
	m.Write(m.in)
	copy(dst, m.Sum(m.out[:0]))
	k.macs.Put(m)
}
