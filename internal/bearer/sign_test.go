package bearer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

// material makes a key for an algorithm.
func material(tb testing.TB, algorithm string) (private any, public crypto.PublicKey) {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if bearer.IsSecret(algorithm) {
		secret := []byte(strings.Repeat("s", 64))
		return secret, secret
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key, key.Public()
}

func inPEM(tb testing.TB, public crypto.PublicKey) string {
	tb.Helper()
	if secret, ok := public.([]byte); ok {
		return string(secret)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func inJWK(tb testing.TB, key any, id, algorithm, use string) string {
	tb.Helper()
	text, err := (&jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm, Use: use}).MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// sign makes a token of texts.
func sign(tb testing.TB, private any, algorithm, header, claims string) string {
	tb.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := jwt.GetSigningMethod(algorithm).Sign(text, private)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
