package bearer

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// At makes the verifier judge as at that time.
func (v *Verifier) At(now time.Time) *Verifier {
	v.now = func() time.Time { return now }
	return v
}

// Remembered returns how many signatures a verifier remembers.
func (v *Verifier) Remembered() int { return (&Verified{&v.verified}).Len() }

// Verified are the signatures that a verifier remembers.
type Verified struct{ *verified }

// NewVerified returns none.
func NewVerified() *Verified {
	v := newVerified()
	return &Verified{&v}
}

// Add remembers a fact.
func (v *Verified) Add(fact [32]byte) { v.add(fact) }

// Has tells whether a fact is remembered.
func (v *Verified) Has(fact [32]byte) bool { return v.has(fact) }

// Len returns how many facts are remembered.
func (v *Verified) Len() int {
	v.facts.CleanUp()
	return v.facts.EstimatedSize()
}

// MaxVerified is how many are remembered at most.
const MaxVerified = maxVerified

// Counted returns a key that counts how often it verifies.
func Counted(k Key, n *int) Key {
	k.method = counting{k.method, n}
	return k
}

type counting struct {
	jwt.SigningMethod
	n *int
}

func (c counting) Verify(text string, signature []byte, key any) error {
	*c.n++
	return c.SigningMethod.Verify(text, signature, key)
}
