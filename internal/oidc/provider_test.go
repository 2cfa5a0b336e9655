package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/internal/oidc"
)

// issuer is an OpenID provider on a socket, and a clock.
type issuer struct {
	*testing.T
	*httptest.Server
	log      lockedBuffer
	asked    atomic.Int32 // requests for its configuration
	jwks     atomic.Value // func(http.ResponseWriter, *http.Request)
	metadata atomic.Value // func(http.ResponseWriter, *http.Request)
	now      atomic.Int64 // seconds
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) said() string {
	b.Lock()
	defer b.Unlock()
	return b.String()
}

type handler = func(http.ResponseWriter, *http.Request)

// newIssuer starts a provider that publishes keys of these kids.
func newIssuer(t *testing.T, kids ...string) *issuer {
	t.Helper()
	i := &issuer{T: t}
	i.now.Store(1_800_000_000)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.metadata.Load().(handler)(w, r)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) { i.jwks.Load().(handler)(w, r) })
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys"))
	i.publishes(kids...)
	return i
}

func answer(text string) handler {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
}

func (i *issuer) describes(text string) { i.metadata.Store(answer(text)) }

func (i *issuer) publishes(kids ...string) {
	i.Helper()
	var set []string
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			i.Fatal(err)
		}
		text, err := (&jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"}).MarshalJSON()
		if err != nil {
			i.Fatal(err)
		}
		set = append(set, string(text))
	}
	i.jwks.Store(answer(`{"keys":[` + strings.Join(set, ",") + `]}`))
}

func down(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "down", http.StatusBadGateway)
}

func (i *issuer) provider() *oidc.Provider {
	return oidc.NewProvider(i.URL, oidc.Options{Log: slog.New(slog.NewTextHandler(&i.log, nil)), Now: func() time.Time { return time.Unix(i.now.Load(), 0) }})
}

func (i *issuer) passes(d time.Duration) { i.now.Add(int64(d / time.Second)) }

// find asks for a key, and says what comes of it.
func find(t *testing.T, p *oidc.Provider, kid string) string {
	t.Helper()
	keys, err := p.Find(t.Context(), kid, "ES256")
	switch {
	case err == nil && len(keys) == 1 && keys[0].ID == kid:
		return "found"
	case errors.Is(err, bearer.ErrUnknownKey) && keys == nil:
		return "unknown"
	case errors.Is(err, bearer.ErrUnavailable) && keys == nil:
		return "unavailable"
	}
	t.Errorf("%s: %+v, %v", kid, keys, err)
	return ""
}

func (i *issuer) want(p *oidc.Provider, kid, want string, asked int) {
	i.Helper()
	if got := find(i.T, p, kid); got != want {
		i.Errorf("%s is %s, want %s", kid, got, want)
	}
	if got := int(i.asked.Load()); got != asked {
		i.Errorf("after %s the provider was asked %d times, want %d", kid, got, asked)
	}
}

// TestRotation: keys are fetched when they are needed, and again for a kid that is
// new.
func TestRotation(t *testing.T) {
	i := newIssuer(t, "a")
	p := i.provider()
	if i.asked.Load() != 0 {
		t.Error("a provider is asked before anybody needs it")
	}
	i.want(p, "a", "found", 1)
	i.want(p, "a", "found", 1)
	i.publishes("a", "b")
	i.passes(time.Minute)
	i.want(p, "b", "found", 2)
	i.want(p, "a", "found", 2)
	i.want(p, "b", "found", 2)
}

// TestFlood: kids that nobody has cost a provider one fetch in five seconds, and the
// next new key is found all the same.
func TestFlood(t *testing.T) {
	i := newIssuer(t, "a")
	p := i.provider()
	i.want(p, "a", "found", 1)
	for n := range 1000 {
		i.want(p, fmt.Sprint("x", n), "unknown", 1)
	}
	i.passes(4 * time.Second)
	i.want(p, "y", "unknown", 1)
	i.passes(time.Second)
	i.publishes("a", "b")
	i.want(p, "y", "unknown", 2)
	i.want(p, "b", "found", 2)
	var all sync.WaitGroup
	i.passes(time.Minute)
	for n := range 50 {
		all.Go(func() {
			if got := find(t, p, fmt.Sprint("z", n)); got != "unknown" {
				t.Error(got)
			}
		})
	}
	all.Wait()
	if got := i.asked.Load(); got != 3 {
		t.Errorf("asked %d times", got)
	}
}

// TestDown: without a provider nobody is let in and nobody refused, until it is
// there. Keys that were fetched go on being believed for an hour.
func TestDown(t *testing.T) {
	i := newIssuer(t, "a")
	i.metadata.Store(down)
	p := i.provider()
	i.want(p, "a", "unavailable", 1)
	i.want(p, "a", "unavailable", 1) // not asked again at once
	i.passes(5 * time.Second)
	i.want(p, "a", "unavailable", 2)
	if said := i.log.said(); strings.Count(said, "cannot be had") != 1 || !strings.Contains(said, "502 Bad Gateway") {
		t.Errorf("the log says %s", said)
	}
	i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys"))
	i.passes(5 * time.Second)
	i.want(p, "a", "found", 3)
	if said := i.log.said(); !strings.Contains(said, "the keys of the issuer are there") {
		t.Errorf("the log says %s", said)
	}
	i.jwks.Store(down)
	i.passes(5 * time.Second)
	i.want(p, "b", "unavailable", 4) // which may be new
	i.want(p, "a", "found", 4)
	i.passes(time.Hour - 6*time.Second)
	if got := find(t, p, "a"); got != "found" { // and fetched in the background
		t.Errorf("a is %s", got)
	}
	i.passes(6 * time.Second)
	if got := find(t, p, "a"); got != "unavailable" {
		t.Errorf("an hour later a is %s", got)
	}
}

// TestWithdrawn: a key that is no longer published is not believed for long.
func TestWithdrawn(t *testing.T) {
	i := newIssuer(t, "a", "b")
	p := i.provider()
	i.want(p, "a", "found", 1)
	fetched := make(chan struct{})
	i.publishes("b")
	withdrawn := i.jwks.Load().(handler)
	i.jwks.Store(func(w http.ResponseWriter, r *http.Request) {
		withdrawn(w, r)
		close(fetched)
	})
	i.passes(10*time.Minute - time.Second)
	i.want(p, "a", "found", 1)
	i.passes(time.Second)
	if got := find(t, p, "a"); got != "found" { // nobody waits for the fetch
		t.Errorf("a is %s", got)
	}
	<-fetched
	i.jwks.Store(withdrawn)
	i.passes(5 * time.Second)
	if got := find(t, p, "c"); got != "unknown" { // which comes after that fetch
		t.Errorf("c is %s", got)
	}
	if got := find(t, p, "a"); got != "unknown" {
		t.Errorf("a is %s after it was withdrawn", got)
	}
}

// TestSlow: nobody waits for ever, and what comes late is of use.
func TestSlow(t *testing.T) {
	i := newIssuer(t, "a")
	publishes, release := i.jwks.Load().(handler), make(chan struct{})
	i.jwks.Store(func(w http.ResponseWriter, r *http.Request) {
		<-release
		publishes(w, r)
	})
	p := oidc.NewProvider(i.URL, oidc.Options{Patience: time.Millisecond, Now: func() time.Time { return time.Unix(i.now.Load(), 0) }})
	if got := find(t, p, "a"); got != "unavailable" {
		t.Errorf("a is %s", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Find(gone, "a", "ES256"); !errors.Is(err, bearer.ErrUnavailable) {
		t.Error(err)
	}
	close(release)
	for find(t, p, "a") != "found" { // each joins the fetch that is under way
	}
	if got := i.asked.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

// TestStart: keys are there before anybody asks.
func TestStart(t *testing.T) {
	i := newIssuer(t, "a")
	publishes, fetched := i.jwks.Load().(handler), make(chan struct{})
	i.jwks.Store(func(w http.ResponseWriter, r *http.Request) {
		publishes(w, r)
		close(fetched)
	})
	p := i.provider()
	p.Start()
	<-fetched
	i.want(p, "a", "found", 1)
}

// TestBadProviders: what a provider must not say, or not in this way.
func TestBadProviders(t *testing.T) {
	other := newIssuer(t, "a")
	secure := httptest.NewTLSServer(http.HandlerFunc(answer(`{}`)))
	t.Cleanup(secure.Close)
	for name, tt := range map[string]struct {
		change func(*issuer)
		cause  string
	}{
		"another issuer": {func(i *issuer) { i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, other.URL, i.URL+"/keys")) }, "did not match the issuer URL returned by provider"},
		"no keys":        {func(i *issuer) { i.describes(fmt.Sprintf(`{"issuer":%q}`, i.URL)) }, "is no URL"},
		"plain HTTP":     {func(i *issuer) { i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":"http://192.0.2.1/keys"}`, i.URL)) }, "must be an https URL"},
		"a file":         {func(i *issuer) { i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":"file:///etc/passwd"}`, i.URL)) }, "must be an https URL"},
		"redirect to plain HTTP": {func(i *issuer) {
			i.jwks.Store(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://192.0.2.1/keys", http.StatusFound)
			})
		}, "must be an https URL"},
		"a circle": {func(i *issuer) {
			i.metadata.Store(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
		}, "it redirects more than 3 times"},
		"unknown certificate": {func(i *issuer) { i.describes(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, secure.URL)) }, "certificate"},
		"not JSON": {func(i *issuer) {
			i.metadata.Store(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
		}, "discovery"},
		"an empty set":   {func(i *issuer) { i.jwks.Store(answer(`{"keys":[]}`)) }, "keys must be a list"},
		"no set":         {func(i *issuer) { i.jwks.Store(answer(`{"a":1}`)) }, "is not a JWK Set"},
		"endless keys":   {func(i *issuer) { i.jwks.Store(answer(strings.Repeat(" ", 1<<20))) }, "the answer is larger than 256 KiB"},
		"endless answer": {func(i *issuer) { i.describes(strings.Repeat(" ", 1<<20)) }, "the answer is larger than 256 KiB"},
		"a long failure": {func(i *issuer) {
			i.metadata.Store(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("x", 10_000), http.StatusTeapot)
			})
		}, "418"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, "a")
			tt.change(i)
			if got := find(t, i.provider(), "a"); got != "unavailable" {
				t.Errorf("a is %s", got)
			}
			if said := i.log.said(); !strings.Contains(said, tt.cause) || len(said) > 1000 {
				t.Errorf("the log says %s", said)
			}
		})
	}
}
