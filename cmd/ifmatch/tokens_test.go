package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signer makes the tokens of an issuer.
type signer struct {
	*testing.T
	method jwt.SigningMethod
	key    crypto.PrivateKey
	public string // in PEM
	kid    string
}

func newSigner(t *testing.T, method jwt.SigningMethod, kid string) *signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch method.(type) {
	case *jwt.SigningMethodECDSA:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case *jwt.SigningMethodEd25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &signer{T: t, method: method, key: key, kid: kid, public: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// good are claims that are accepted, with changes; nil takes a claim out.
func good(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": "https://login.example.com", "aud": "notes", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(),
		"realm_access": map[string]any{"roles": []string{"editor", "viewer"}}, "org": "acme", "employee": json.Number("9007199254740993"),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, claim any) bool { return claim == nil })
	return claims
}

// token signs claims, with changes to the header; nil takes a member out.
func (s *signer) token(claims, header map[string]any) string {
	s.Helper()
	h := map[string]any{"typ": "JWT", "alg": s.method.Alg(), "kid": s.kid}
	maps.Copy(h, header)
	maps.DeleteFunc(h, func(_ string, member any) bool { return member == nil })
	return s.raw(text(s.T, h), text(s.T, claims))
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// raw signs texts as they are.
func (s *signer) raw(header, claims string) string {
	s.Helper()
	signed := encoded(header) + "." + encoded(claims)
	signature, err := s.method.Sign(signed, s.key)
	if err != nil {
		s.Fatal(err)
	}
	return signed + "." + encoded(string(signature))
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// TestTokens: who brings a token of the issuer is known by it, in the history, in
// rules and beside keys.
func TestTokens(t *testing.T) {
	annKey, annLine := makeKey(t, "--name", "ann")
	dir := t.TempDir()
	es, rs := newSigner(t, jwt.SigningMethodES256, "e1"), newSigner(t, jwt.SigningMethodRS256, "r1")
	writeFile(t, filepath.Join(dir, "rs.pem"), rs.public)
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), `listen: 127.0.0.1:0
store: 'memory:'
access:
  read: "true"
  history: "true"
  create: '"editor" in principal.roles || principal.name == "ann"'
  write: principal.claims.employee == 9007199254740993 && principal.org == "acme"
auth:
  keys:
    `+annLine+`
  jwt:
    audience: notes
    issuer: https://login.example.com
    roles_claim: realm_access.roles
    keys:
      - {alg: RS256, kid: r1, file: rs.pem}
      - alg: ES256
        kid: e1
        public: |
          `+strings.ReplaceAll(strings.TrimSpace(es.public), "\n", "\n          ")+`
`)
	s := serve(t, program(t, nil, "serve", "--config", file))
	for _, step := range []struct {
		credential, method, path string
		want                     int
	}{
		{es.token(good(nil), nil), "PUT", "/v1/notes/1", http.StatusCreated},
		{rs.token(good(nil), nil), "PUT", "/v1/notes/2", http.StatusCreated},
		{annKey, "PUT", "/v1/notes/3", http.StatusCreated},
		{es.token(good(map[string]any{"realm_access": map[string]any{"roles": "viewer editor"}, "sub": "bob", "aud": []string{"x", "notes"}}), map[string]any{"kid": nil, "typ": "at+jwt"}), "PUT", "/v1/notes/4", http.StatusCreated},
		{es.token(good(map[string]any{"realm_access": nil}), nil), "PUT", "/v1/notes/5", http.StatusForbidden},
		{es.token(good(nil), nil), "PATCH", "/v1/notes/1", http.StatusPreconditionRequired},
		{es.token(good(map[string]any{"employee": json.Number("9007199254740992")}), nil), "PATCH", "/v1/notes/1", http.StatusForbidden},
		{annKey, "PATCH", "/v1/notes/1", http.StatusForbidden},
	} {
		if status, body := s.as("Bearer "+step.credential, step.method, step.path); status != step.want {
			t.Errorf("%s %s: %d, want %d: %s", step.method, step.path, status, step.want, body)
		}
	}
	for path, by := range map[string]string{"/v1/notes/1": `"by":"jwt:ann"`, "/v1/notes/2": `"by":"jwt:ann"`, "/v1/notes/3": `"by":"ann"`, "/v1/notes/4": `"by":"jwt:bob"`} {
		if _, body := s.as("Bearer "+annKey, "GET", path+"/_history"); !strings.Contains(body, by) {
			t.Errorf("%s: %s, want %s", path, body, by)
		}
	}
	s.stop()
}
