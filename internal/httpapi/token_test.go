package httpapi

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// issuer makes tokens for a server, and has its keys.
type issuer struct {
	private ed25519.PrivateKey
	keys    bearer.Set
	asked   atomic.Int32 // how often somebody has asked for a key
	down    atomic.Bool
}

// Find implements bearer.Keys.
func (i *issuer) Find(ctx context.Context, id, algorithm string) ([]bearer.Key, error) {
	i.asked.Add(1)
	if i.down.Load() {
		return nil, fmt.Errorf("%w: the issuer is down", bearer.ErrUnavailable)
	}
	return i.keys.Find(ctx, id, algorithm)
}

// serveTokens serves whoever has Ann's key, or a token.
func serveTokens(t *testing.T) (*asked, *issuer) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{private: private}
	if i.keys, err = bearer.ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	a := serveAsking(t)
	a.server.auth.Tokens = bearer.NewVerifier(bearer.Rules{Keys: i, Audience: "notes", Prefix: "jwt:", Name: jsonvalue.Pointer{"sub"}, Roles: jsonvalue.Pointer{"roles"}})
	return a, i
}

// token makes a token of ann's that is valid for that long.
func (a *asked) token(i *issuer, valid time.Duration) string {
	a.Helper()
	exp := float64(time.Now().Add(valid).UnixMilli()) / 1000
	signed, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"aud": "notes", "sub": "ann", "exp": exp, "roles": "editor"}).SignedString(i.private)
	if err != nil {
		a.Fatal(err)
	}
	return "Bearer " + signed
}

// TestTokensOnEveryRoute: no route answers to a token that is forged, or that cannot
// be judged, or does anything for it.
func TestTokensOnEveryRoute(t *testing.T) {
	a, i := serveTokens(t)
	good := a.token(i, time.Hour)
	forged := good[:len(good)-8] + "AAAAAAAA"
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", "Authorization", good)
	paths := []string{"/nowhere", batchPath, "/v1/notes/new"}
	for _, path := range routes {
		paths = append(paths, path)
	}
	for _, path := range paths {
		for _, method := range allMethods {
			a.denied(`Bearer error="invalid_token"`, method, path, "Authorization", forged, "If-Match", "*")
			i.down.Store(true)
			before := a.dump()
			h, body := a.status(http.StatusServiceUnavailable, method, path, "Authorization", good, "If-Match", "*")
			if h.Get("Retry-After") != "5" || h.Get("ETag") != "" || h.Get("WWW-Authenticate") != "" || method != http.MethodHead && !strings.Contains(body, "issuer") {
				t.Errorf("%s %s: %v %s", method, path, h, body)
			}
			if after := a.dump(); after != before {
				t.Errorf("%s %s with a token that cannot be judged has left something behind:\n%s", method, path, after)
			}
			i.down.Store(false)
		}
	}
	i.down.Store(true)
	a.status(http.StatusOK, "GET", "/v1/notes/1", "Authorization", "Bearer "+a.key)
	a.status(http.StatusOK, "GET", "/readyz", "Authorization", good)
	a.status(http.StatusOK, "GET", "/healthz", "Authorization", forged)
}

// TestTokenIsJudgedOnce: a request is that of who made it, whatever becomes of the
// token while it is carried out, and of each part of a batch.
func TestTokenIsJudgedOnce(t *testing.T) {
	a, i := serveTokens(t)
	token := a.token(i, time.Hour)
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", "Authorization", token)
	for n, atomic := range []string{"true", "false"} {
		body := fmt.Sprintf(`{"atomic":%s,"operations":[{"method":"PUT","path":"/v1/notes/%d","body":{}},{"method":"PUT","path":"/v1/notes/%d","body":{}}]}`, atomic, 2*n+2, 2*n+3)
		r, err := http.NewRequest(http.MethodPost, a.url+batchPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", token)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		told, err := io.ReadAll(answer.Body)
		if err != nil || answer.Body.Close() != nil || answer.StatusCode >= 300 {
			t.Fatalf("%s: %s, %v", answer.Status, told, err)
		}
	}
	if got := i.asked.Load(); got != 3 {
		t.Errorf("three requests were judged %d times", got)
	}
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		if _, history := a.status(http.StatusOK, "GET", "/v1/notes/"+id+"/_history", "Authorization", "Bearer "+a.key); !strings.Contains(history, `"by":"jwt:ann"`) {
			t.Errorf("%s: %s", id, history)
		}
	}
}

// lasting calls f with tokens that expire soon, until one was still valid when its
// request came.
func (a *asked) lasting(i *issuer, f func(token string) (status int)) {
	a.Helper()
	for valid := time.Second; ; valid *= 2 {
		switch status := f(a.token(i, valid)); {
		case status == http.StatusOK:
			return
		case status != http.StatusUnauthorized || valid > time.Minute:
			a.Fatalf("a token for %s: %d", valid, status)
		}
	}
}

// TestStreamEndsWithItsToken: who follows changes is told no more of them once their
// token has expired.
func TestStreamEndsWithItsToken(t *testing.T) {
	a, i := serveTokens(t)
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", "Authorization", "Bearer "+a.key)
	a.lasting(i, func(token string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/v1/notes/_changes", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", token)
		r.Header.Set("Accept", eventStream)
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return answer.StatusCode
		}
		var events []string
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() { // to the end
			if strings.HasPrefix(lines.Text(), "event: ") {
				events = append(events, lines.Text())
			}
		}
		if err := lines.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(events, []string{"event: change"}) {
			t.Errorf("%q, %v", events, err)
		}
		a.denied(`Bearer error="invalid_token"`, "GET", "/v1/notes/_changes", "Authorization", token)
		return answer.StatusCode
	})
}

// TestWaitEndsWithItsToken: who waits for a change is answered when their token
// expires.
func TestWaitEndsWithItsToken(t *testing.T) {
	a, i := serveTokens(t)
	a.lasting(i, func(token string) int {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second) // less than it would wait
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/v1/notes/_changes", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", token)
		r.Header.Set("Prefer", "wait=50")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode == http.StatusOK && !strings.HasPrefix(string(body), `{"items":[]`) {
			t.Errorf("%s, %v", body, err)
		}
		return answer.StatusCode
	})
}
