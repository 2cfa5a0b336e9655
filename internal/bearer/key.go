// Package bearer verifies bearer tokens that are JWTs (RFC 7519, RFC 6750), with
// the care that RFC 8725 asks for, and tells whose they are.
package bearer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a key that tokens are verified with. It is for one algorithm: what a
// token says of its own never chooses another one (RFC 8725 §3.1).
type Key struct {
	// ID is its kid (RFC 7515 §4.1.4), "" where it has none.
	ID string
	// Algorithm is its alg (RFC 7518 §3.1), one of [Algorithms].
	Algorithm string

	method   jwt.SigningMethod
	material any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, or a []byte that is secret
	// print tells a public key and its algorithm from all others. A secret has none:
	// verifying with it costs no more than looking up what was verified.
	print [sha256.Size]byte
}

// algorithm is one of those that keys may be for.
type algorithm struct {
	name   string
	method jwt.SigningMethod
	curve  elliptic.Curve // of ECDSA
	secret int            // the fewest bytes of a secret (RFC 7518 §3.2), 0 for public keys
}

var algorithms = []algorithm{
	{name: "RS256", method: jwt.SigningMethodRS256}, {name: "RS384", method: jwt.SigningMethodRS384}, {name: "RS512", method: jwt.SigningMethodRS512},
	{name: "PS256", method: jwt.SigningMethodPS256}, {name: "PS384", method: jwt.SigningMethodPS384}, {name: "PS512", method: jwt.SigningMethodPS512},
	{name: "ES256", method: jwt.SigningMethodES256, curve: elliptic.P256()},
	{name: "ES384", method: jwt.SigningMethodES384, curve: elliptic.P384()},
	{name: "ES512", method: jwt.SigningMethodES512, curve: elliptic.P521()},
	{name: "EdDSA", method: jwt.SigningMethodEdDSA},
	{name: "HS256", method: jwt.SigningMethodHS256, secret: 32}, {name: "HS384", method: jwt.SigningMethodHS384, secret: 48}, {name: "HS512", method: jwt.SigningMethodHS512, secret: 64},
}

// Algorithms returns the names of the algorithms that keys may be for. None and
// what else is not among them verifies nothing.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.name
	}
	return names
}

// IsSecret tells whether the algorithm's key is a secret that both sides know: who
// can verify can sign.
func IsSecret(name string) bool {
	a := algorithmOf(name)
	return a != nil && a.secret > 0
}

func algorithmOf(name string) *algorithm {
	i := slices.IndexFunc(algorithms, func(a algorithm) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return &algorithms[i]
}

// The bounds on RSA keys in bits: below, they can be broken (RFC 7518 §3.3), above,
// verifying costs too much.
const minRSA, maxRSA = 2048, 8192

// maxID bounds kid in bytes.
const maxID = 256

// newKey returns the key of a material. It fails where that is not for the
// algorithm, or too weak. Nothing of the material is in the error.
func newKey(id, name string, material any) (Key, error) {
	a := algorithmOf(name)
	switch {
	case a == nil:
		return Key{}, fmt.Errorf("%q is not a known alg; valid are %s", name, strings.Join(Algorithms(), ", "))
	case len(id) > maxID:
		return Key{}, errors.New("kid is longer than 256 bytes")
	}
	if err := a.fits(material); err != nil {
		return Key{}, err
	}
	k := Key{ID: id, Algorithm: name, method: a.method, material: material}
	if a.secret == 0 {
		der, err := x509.MarshalPKIXPublicKey(material)
		if err != nil {
			return Key{}, errors.New("the public key cannot be written")
		}
		k.print = sha256.Sum256(append([]byte(name+" "), der...))
	}
	return k, nil
}

// fits says why a material is no key of the algorithm, nil where it is one.
func (a *algorithm) fits(material any) error {
	switch m := material.(type) {
	case *rsa.PublicKey:
		if bits := m.N.BitLen(); a.isRSA() && (bits < minRSA || bits > maxRSA) {
			return fmt.Errorf("an RSA key must have %d to %d bits, this one has %d", minRSA, maxRSA, bits)
		}
		if a.isRSA() {
			return nil
		}
	case *ecdsa.PublicKey:
		if a.curve != nil && m.Curve == a.curve {
			return nil
		}
	case ed25519.PublicKey:
		if a.method == jwt.SigningMethodEdDSA {
			return nil
		}
	case []byte:
		if a.secret > 0 && len(m) < a.secret {
			return fmt.Errorf("a secret for %s must have %d bytes or more, this one has %d", a.name, a.secret, len(m))
		}
		if a.secret > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s cannot be used for %s, which needs %s", kindOf(material), a.name, a.needs())
}

func (a *algorithm) isRSA() bool {
	return strings.HasPrefix(a.name, "RS") || strings.HasPrefix(a.name, "PS")
}

// needs names the key of the algorithm.
func (a *algorithm) needs() string {
	switch {
	case a.secret > 0:
		return "a secret"
	case a.curve != nil:
		return "an EC key on " + a.curve.Params().Name
	case a.isRSA():
		return "an RSA key"
	}
	return "an Ed25519 key"
}

func kindOf(material any) string {
	switch m := material.(type) {
	case *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "an EC key on " + m.Curve.Params().Name
	case ed25519.PublicKey:
		return "an Ed25519 key"
	case []byte:
		return "a secret"
	}
	return "a key of another kind"
}

// Keys finds keys. Implementations are safe for concurrent use.
type Keys interface {
	// Find returns the keys that a token may be signed with whose header has this
	// kid, "" for none, and this alg. It fails with [ErrUnknownKey] where there is
	// none, and with [ErrUnavailable] where that cannot be told now.
	Find(ctx context.Context, id, algorithm string) ([]Key, error)
}

var (
	// ErrUnknownKey says that no key fits a token.
	ErrUnknownKey = errors.New("no key fits")
	// ErrUnavailable says that it cannot be told now whether a token is valid.
	ErrUnavailable = errors.New("the keys are not available")
)

// Set is a fixed set of keys.
type Set []Key

// Find implements [Keys]. A token that names no key must leave no choice: then it
// is that of the one key for its algorithm.
func (s Set) Find(_ context.Context, id, algorithm string) ([]Key, error) {
	var found []Key
	known := false
	for _, k := range s {
		known = known || k.ID == id
		if k.Algorithm == algorithm && (k.ID == id || id == "") {
			found = append(found, k)
		}
	}
	switch {
	case id == "" && len(found) > 1:
		return nil, fmt.Errorf("%w: the token has no kid, and %d keys are for %s", ErrUnknownKey, len(found), algorithm)
	case len(found) > 0:
		return found, nil
	case id == "":
		return nil, fmt.Errorf("%w: the token has no kid, and no key is for alg %s", ErrUnknownKey, quoted(algorithm))
	case known:
		return nil, fmt.Errorf("%w: the key %s is not for alg %s", ErrUnknownKey, quoted(id), quoted(algorithm))
	}
	return nil, fmt.Errorf("%w: no key has the kid %s", ErrUnknownKey, quoted(id))
}

// quoted shows a text of a stranger in the log.
func quoted(s string) string { return fmt.Sprintf("%.64q", s) }
