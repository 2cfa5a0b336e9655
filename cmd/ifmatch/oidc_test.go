package main

import (
	"crypto/ecdsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// TestOIDC: a server starts without its provider, says so, serves who has a key, and
// takes the provider's tokens once it can be asked.
func TestOIDC(t *testing.T) {
	provider := newSigner(t, jwt.SigningMethodES256, "p1")
	set, err := (&jose.JSONWebKey{Key: provider.key.(*ecdsa.PrivateKey).Public(), KeyID: "p1", Algorithm: "ES256", Use: "sig"}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var up atomic.Bool
	mux := http.NewServeMux()
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(issuer.Close)
	mux.HandleFunc("/realms/main/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer.URL+"/realms/main", issuer.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"keys":[%s]}`, set) })

	key, line := makeKey(t, "--name", "ann")
	dir := t.TempDir()
	own := newSigner(t, jwt.SigningMethodEdDSA, "own")
	writeFile(t, filepath.Join(dir, "own.pem"), own.public)
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), `listen: 127.0.0.1:0
store: 'memory:'
access: {read: "true", history: "true", create: '"editor" in principal.roles || principal.name == "ann"'}
auth:
  keys:
    `+line+`
  oidc: {issuer: "`+issuer.URL+`/realms/main", audience: notes, roles_claim: realm_access.roles}
  jwt: {keys: [{alg: EdDSA, kid: own, file: own.pem}], audience: notes, roles_claim: /realm_access/roles, prefix: "job:"}
`)
	s := serve(t, program(t, nil, "serve", "--config", file))
	of := map[string]any{"iss": issuer.URL + "/realms/main"}
	token := "Bearer " + provider.token(good(of), nil)
	for _, step := range []struct {
		authorization, path string
		want                int
	}{
		{token, "/v1/notes/1", http.StatusServiceUnavailable},
		{"Bearer " + key, "/v1/notes/2", http.StatusCreated},
		{"Bearer " + own.token(good(nil), nil), "/v1/notes/3", http.StatusCreated},
		{"Bearer " + own.token(good(of), nil), "/v1/notes/4", http.StatusServiceUnavailable}, // it is the provider's to say
	} {
		if status, body := s.as(step.authorization, "PUT", step.path); status != step.want {
			t.Errorf("%s while the provider is down: %d, want %d: %s", step.path, status, step.want, body)
		}
	}
	up.Store(true)
	status, body := s.as(token, "PUT", "/v1/notes/1")
	for tries := 0; status == http.StatusServiceUnavailable && tries < 5; tries++ {
		<-time.After(5 * time.Second) // as Retry-After says
		status, body = s.as(token, "PUT", "/v1/notes/1")
	}
	if status != http.StatusCreated {
		t.Errorf("once the provider is there: %d %s", status, body)
	}
	for _, step := range []struct {
		name, authorization string
		want                int
	}{
		{"another key in the provider's name", "Bearer " + own.token(good(of), nil), http.StatusUnauthorized},
		{"the provider's key in another name", "Bearer " + provider.token(good(nil), nil), http.StatusUnauthorized},
		{"another audience", "Bearer " + provider.token(good(map[string]any{"iss": of["iss"], "aud": "other"}), nil), http.StatusUnauthorized},
		{"no role", "Bearer " + provider.token(good(map[string]any{"iss": of["iss"], "realm_access": nil}), nil), http.StatusForbidden},
	} {
		if status, body := s.as(step.authorization, "PUT", "/v1/notes/5"); status != step.want {
			t.Errorf("%s: %d, want %d: %s", step.name, status, step.want, body)
		}
	}
	for path, by := range map[string]string{"/v1/notes/1": `"by":"oidc:ann"`, "/v1/notes/2": `"by":"ann"`, "/v1/notes/3": `"by":"job:ann"`} {
		if _, history := s.as("Bearer "+key, "GET", path+"/_history"); !strings.Contains(history, by) {
			t.Errorf("%s: %s, want %s", path, history, by)
		}
	}
	for _, path := range []string{"/v1/notes/4", "/v1/notes/5"} {
		if status, body := s.as("Bearer "+key, "GET", path); status != http.StatusNotFound {
			t.Errorf("a refused write has left %s: %d %s", path, status, body)
		}
	}
	said := s.stop()
	for _, want := range []string{"the keys of the issuer cannot be had", "the keys of the issuer are there", "no key has the kid"} {
		if !strings.Contains(said, want) {
			t.Errorf("the log does not say %q: %s", want, said)
		}
	}
}

// TestTokensCountAsAuthentication: with tokens alone a server listens beyond
// loopback, starts without keys, and shows the form of what to send.
func TestTokensCountAsAuthentication(t *testing.T) {
	own := newSigner(t, jwt.SigningMethodEdDSA, "own")
	secret := "a secret of at least 32 bytes, so long"
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "own.pem"), own.public)
	writeFile(t, filepath.Join(dir, "shared.secret"), secret)
	for name, auth := range map[string]string{
		"jwt":  `{jwt: {keys: [{alg: EdDSA, kid: own, file: own.pem}, {alg: HS256, kid: s, file: shared.secret}], audience: notes}}`,
		"oidc": `{oidc: {issuer: "http://127.0.0.1:1", audience: notes}}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, filepath.Join(dir, name+".yaml"), "listen: 0.0.0.0:0\nstore: 'memory:'\nauth: "+auth+"\n")
			s := serve(t, program(t, nil, "serve", "--config", file))
			if try := s.announced("try "); !strings.Contains(try, "-H 'Authorization: Bearer TOKEN'") {
				t.Error(try)
			}
			if said := s.stop(); strings.Contains(said, "no authentication") {
				t.Error(said)
			}
			printed, err := program(t, nil, "check", file).CombinedOutput()
			if err != nil || !strings.Contains(string(printed), "audience: notes") || !strings.Contains(string(printed), "name_claim: sub") || !strings.Contains(string(printed), "prefix: \""+name+":\"") {
				t.Errorf("%v: %s", err, printed)
			}
			hides(t, "what check prints", string(printed), secret)
			again := writeFile(t, filepath.Join(dir, "printed.yaml"), string(printed[strings.Index(string(printed), "listen:"):]))
			if out, err := program(t, nil, "check", again).CombinedOutput(); err != nil {
				t.Errorf("what is printed is no policy: %v: %s", err, out)
			}
		})
	}
}
