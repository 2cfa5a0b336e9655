package bearer

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// maxKeys bounds the keys of one set.
const maxKeys = 100

// ParseKeys reads what stands in a file of keys: a public key in PEM, a JWK or a
// JWK Set (RFC 7517), or, where algorithm is for a secret, the secret as it is but
// for a line's end behind it. A JWK may have its own kid and alg, "" leaves them to
// it; what contradicts is refused, and so are private keys. Nothing of what is
// secret is in the error.
func ParseKeys(data []byte, id, algorithm string) ([]Key, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return nil, errors.New("there is no key in it")
	case text[0] == '{':
		return parseJSON(text, id, algorithm)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		material, err := parsePEM(text)
		if err != nil {
			return nil, err
		}
		return one(newKey(id, algorithm, material))
	case IsSecret(algorithm):
		return one(newKey(id, algorithm, bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))))
	}
	return nil, errors.New("must be a public key in PEM (-----BEGIN PUBLIC KEY-----), a JWK or a JWK Set")
}

func one(k Key, err error) ([]Key, error) {
	if err != nil {
		return nil, err
	}
	return []Key{k}, nil
}

func parsePEM(text []byte) (any, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("the PEM cannot be read")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("is a private key, which belongs to the issuer alone; write the public one, as openssl pkey -pubout prints it")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("holds more than one key; write each of them as an entry of its own")
	}
	var material any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("is a %.40s, and not a PUBLIC KEY", block.Type)
	}
	if err != nil {
		return nil, errors.New("the public key cannot be read")
	}
	return material, nil
}

// keyDepth bounds the nesting of a JWK Set.
const keyDepth = 16

// elements returns the JWKs of a set, or the one JWK.
func elements(text []byte) (keys []jsonvalue.Value, set bool, err error) {
	v, err := jsonvalue.Parse(text, jsonvalue.Limits{Depth: keyDepth})
	if bad, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok {
		return nil, false, fmt.Errorf("is not valid JSON: %s at byte %d", bad.Reason, bad.Offset) // its message may show what is there
	}
	list := v.Lookup("keys")
	if list.IsAbsent() {
		return []jsonvalue.Value{v}, false, err
	}
	if list.Kind() != jsonvalue.KindArray || list.Len() == 0 || list.Len() > maxKeys {
		return nil, true, fmt.Errorf("keys must be a list of 1 to %d JWKs", maxKeys)
	}
	return list.Elems(), true, err
}

func parseJSON(text []byte, id, algorithm string) ([]Key, error) {
	found, set, err := elements(text)
	if err != nil {
		return nil, err
	}
	if set && id != "" && len(found) > 1 {
		return nil, errors.New("is a set of several keys, which have a kid each; leave kid out beside it")
	}
	keys := make([]Key, len(found))
	for i, jwk := range found {
		own := textOf(jwk, "alg")
		switch {
		case own == "" && algorithm == "":
			err = errors.New("has no alg; write it beside the key")
		case own != "" && algorithm != "" && own != algorithm:
			err = fmt.Errorf("is for alg %.20q, and beside it stands %s", own, algorithm)
		case id != "" && textOf(jwk, "kid") != "" && textOf(jwk, "kid") != id:
			err = fmt.Errorf("has the kid %s, and beside it stands another one", quoted(textOf(jwk, "kid")))
		default:
			keys[i], err = parseJWK(jwk, cmp.Or(textOf(jwk, "kid"), id), cmp.Or(own, algorithm))
		}
		if err != nil && set {
			return nil, fmt.Errorf("keys[%d] %w", i, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// textOf returns a member that is a text, "" where there is none.
func textOf(v jsonvalue.Value, name string) string {
	if member := v.Lookup(name); member.Kind() == jsonvalue.KindString {
		return member.Text()
	}
	return ""
}

// parseJWK reads one JWK. Only the members that make the key are looked at, so that
// certificates and URLs beside it mean nothing.
func parseJWK(jwk jsonvalue.Value, id, algorithm string) (Key, error) {
	if use := textOf(jwk, "use"); use != "" && use != "sig" {
		return Key{}, fmt.Errorf("is for use %.20q, and not for signatures", use)
	}
	var members []jsonvalue.Member
	for _, m := range jwk.Members() {
		switch m.Name {
		case "d", "p", "q", "dp", "dq", "qi", "oth", "priv":
			return Key{}, errors.New("is a private key, which belongs to the issuer alone; leave its private members out")
		case "kty", "crv", "n", "e", "x", "y", "k":
			members = append(members, m)
		}
	}
	bare, err := jsonvalue.Object(members...)
	if err != nil {
		return Key{}, err
	}
	var read jose.JSONWebKey
	if read.UnmarshalJSON(bare.Append(nil)) != nil {
		return Key{}, errors.New("is not a JWK of kty RSA, EC, OKP or oct that can be read")
	}
	switch read.Key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, []byte:
		return newKey(id, algorithm, read.Key)
	}
	return Key{}, errors.New("is a JWK of a kind that is not supported")
}

// ParseSet reads the JWK Set that an issuer publishes. Keys that are of no use here
// are left out (RFC 7517 §5): those for encryption, of unknown kinds, too weak, and
// all that are no public keys, since what is published is no secret. A key without
// an alg is for the one that its kind has, an RSA key for RS256 (OpenID Connect Core
// §15.1). It fails where no key is left.
func ParseSet(data []byte) (Set, error) {
	found, set, err := elements(data)
	if err != nil {
		return nil, err
	}
	if !set {
		return nil, errors.New("is not a JWK Set: it has no member keys")
	}
	var keys Set
	reason := error(nil)
	for _, jwk := range found {
		algorithm := cmp.Or(textOf(jwk, "alg"), usual(textOf(jwk, "kty"), textOf(jwk, "crv")))
		k, err := parseJWK(jwk, textOf(jwk, "kid"), algorithm)
		if err == nil && IsSecret(algorithm) {
			err = errors.New("is a secret that was published")
		}
		if err != nil {
			reason = err
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("has no key that tokens can be verified with; the last one %w", reason)
	}
	return keys, nil
}

// usual returns the algorithm of keys that name none.
func usual(kind, curve string) string {
	switch {
	case kind == "RSA":
		return "RS256"
	case kind == "OKP":
		return "EdDSA"
	case curve == "P-384":
		return "ES384"
	case curve == "P-521":
		return "ES512"
	}
	return "ES256"
}
