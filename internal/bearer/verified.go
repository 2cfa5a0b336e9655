package bearer

import (
	"crypto/sha256"

	"github.com/maypok86/otter/v2"
)

// maxVerified bounds how many signatures are remembered.
const maxVerified = 4096

// verified remembers signatures that were good, so that a token that comes with every
// request costs its cryptography once. What is remembered is a fact about a key, a
// text and a signature, which nothing can change: whether the key is still in use, and
// whether the claims still hold, is looked at each time. Those that are in use stay. It is
// safe for concurrent use.
type verified struct {
	facts *otter.Cache[[sha256.Size]byte, struct{}]
}

func newVerified() verified {
	return verified{otter.Must(&otter.Options[[sha256.Size]byte, struct{}]{MaximumSize: maxVerified})}
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

// has tells whether a fact is remembered.
func (v *verified) has(fact [sha256.Size]byte) bool {
	_, has := v.facts.GetIfPresent(fact)
	return has
}

// add remembers a fact.
func (v *verified) add(fact [sha256.Size]byte) { v.facts.Set(fact, struct{}{}) }
