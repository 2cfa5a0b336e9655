package bearer

import (
	"crypto/sha256"
	"sync"
)

// maxVerified bounds how many signatures are remembered; as many again are being
// forgotten.
const maxVerified = 4096

// verified remembers signatures that were good, so that a token that comes with every
// request costs its cryptography once. What is remembered is a fact about a key, a
// text and a signature, which nothing can change: whether the key is still in use, and
// whether the claims still hold, is looked at each time. The zero value has none. It
// is safe for concurrent use.
type verified struct {
	mu          sync.Mutex
	young, aged map[[sha256.Size]byte]struct{}
}

// fact names a signature over a text by a key. Those by secrets are not remembered.
func (t *token) fact(k *Key) (fact [sha256.Size]byte, lasting bool) {
	if IsSecret(k.Algorithm) {
		return fact, false
	}
	h := sha256.New()
	h.Write(k.print[:])
	h.Write([]byte(t.signed)) // which has no point but one, so that it tells where it ends
	h.Write([]byte{'.'})
	h.Write(t.signature)
	h.Sum(fact[:0])
	return fact, true
}

// has tells whether a fact is remembered. One that somebody asks for lives on.
func (v *verified) has(fact [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, young := v.young[fact]
	_, aged := v.aged[fact]
	if aged && !young {
		v.keep(fact)
	}
	return young || aged
}

// add remembers a fact.
func (v *verified) add(fact [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep(fact)
}

// keep remembers a fact. The caller holds mu.
func (v *verified) keep(fact [sha256.Size]byte) {
	if v.young == nil || len(v.young) == maxVerified {
		v.young, v.aged = make(map[[sha256.Size]byte]struct{}), v.young
	}
	v.young[fact] = struct{}{}
}
