package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// bounded is a server that bounds how much each caller may ask for.
type bounded struct {
	*testing.T
	url   string
	store *memory.Store
}

const annsKey, bobsKey = "ann-has-this-key-of-hers", "and-this-one-belongs-to-bob"

func newBounded(t *testing.T, burst int, auth httpapi.Auth) *bounded {
	t.Helper()
	b := &bounded{T: t, store: memory.Open(memory.Options{})}
	server := httptest.NewServer(httpapi.New(httpapi.Config{
		Door: &door.Door{Engine: engine.New(b.store, engine.Config{})}, Default: new(engine.Rules), Auth: auth,
		Origins: []string{app}, Admission: httpapi.Admission{Burst: burst, Per: time.Hour},
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func keysOfBoth(t *testing.T) httpapi.Auth {
	t.Helper()
	keys, err := access.NewKeys([]access.Key{
		{Principal: access.Principal{Name: "ann"}, Digest: sha256.Sum256([]byte(annsKey))},
		{Principal: access.Principal{Name: "bob"}, Digest: sha256.Sum256([]byte(bobsKey))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return httpapi.Auth{Keys: keys}
}

func (b *bounded) want(status int, method, path, content string, fields ...string) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err != nil || closed != nil || res.StatusCode != status {
		b.Fatalf("%s %s: %s, %v, %v, want %d: %s", method, path, res.Status, err, closed, status, body)
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(body)}
}

// tooMuch checks a refusal for asking for too much, which has changed nothing.
func (b *bounded) tooMuch(seconds, method, path, content string, fields ...string) {
	b.Helper()
	before := dump(b.T, b.store)
	got := b.want(429, method, path, content, fields...)
	if !strings.Contains(got.body, `"urn:ifmatch:problem:rate-limited"`) || !strings.Contains(got.body, "You may send 4 requests in 1h,") || got.header.Get("Retry-After") != seconds {
		b.Errorf("Retry-After %s, want %s: %s", got.header.Get("Retry-After"), seconds, got.body)
	}
	if dump(b.T, b.store) != before {
		b.Error("what was refused has changed the store")
	}
}

// TestRates: a caller who has asked for too much is told when to go on, nobody else is,
// and what watches a server is never counted.
func TestRates(t *testing.T) {
	b := newBounded(t, 4, keysOfBoth(t))
	ann, bob := []string{"Authorization", "Bearer " + annsKey}, []string{"Authorization", "Bearer " + bobsKey}
	b.want(401, "GET", "/v1/notes/1", "")
	b.want(201, "PUT", "/v1/notes/1", `{}`, ann...)
	b.want(405, "POST", "/v1/notes/1", `{}`, ann...)
	b.want(404, "GET", "/nowhere", "", ann...)
	b.want(415, "PUT", "/v1/notes/2", `{}`, append(ann, "Content-Type", "text/plain")...)
	b.tooMuch("900", "GET", "/v1/notes/1", "", ann...)
	b.tooMuch("900", "DELETE", "/v1/notes/1", "", append(ann, "If-Match", `"1"`)...)
	b.tooMuch("900", "PATCH", "/nowhere", `{}`, ann...)
	b.want(200, "GET", "/v1/notes/1", "", bob...)
	b.want(401, "GET", "/v1/notes/1", "")
	for range 10 {
		b.want(200, "GET", "/healthz", "", ann...)
		b.want(200, "GET", "/readyz", "")
		b.want(204, "OPTIONS", "/v1/notes/1", "", append(ann, "Origin", app, "Access-Control-Request-Method", "PUT")...)
	}
	b.tooMuch("900", "GET", "/v1/notes/1", "", ann...)
}

// TestRatesOfBatches: a batch counts as its operations, and is refused as a whole.
func TestRatesOfBatches(t *testing.T) {
	batch := func(n int) string {
		ops := make([]string, n)
		for i := range ops {
			ops[i] = fmt.Sprintf(`{"method":"PUT","path":"/v1/notes/%d","body":{}}`, i)
		}
		return `{"atomic":true,"operations":[` + strings.Join(ops, ",") + `]}`
	}
	b := newBounded(t, 4, httpapi.Auth{})
	b.want(404, "GET", "/v1/notes/1", "")
	b.want(200, "POST", "/_batch", batch(2))
	b.tooMuch("900", "POST", "/_batch", batch(2))
	b.want(200, "GET", "/v1/notes/1", "")
	b.tooMuch("900", "GET", "/v1/notes/1", "")

	// What is not carried out counts as one request, and who has to wait for several is
	// not set back by asking.
	b = newBounded(t, 4, httpapi.Auth{})
	b.want(400, "POST", "/_batch", `{`)
	b.want(415, "POST", "/_batch", batch(1), "Content-Type", "text/plain")
	for range 5 {
		b.tooMuch("900", "POST", "/_batch", batch(3))
	}
	b.want(200, "POST", "/_batch", batch(2))
	b.tooMuch("900", "POST", "/_batch", `{`)

	// One that is larger than what there ever is takes all of that.
	b = newBounded(t, 4, httpapi.Auth{})
	b.want(200, "POST", "/_batch", batch(5))
}

// TestRatesBehindAProxy: the caller is whom the proxy names, not the proxy.
func TestRatesBehindAProxy(t *testing.T) {
	b := newBounded(t, 4, httpapi.Auth{Upstream: &access.Upstream{Header: "X-User", From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	for range 4 {
		b.want(404, "GET", "/v1/notes/1", "", "X-User", "ann")
	}
	b.tooMuch("900", "GET", "/v1/notes/1", "", "X-User", "ann")
	b.want(404, "GET", "/v1/notes/1", "", "X-User", "bob")
}

// TestConnections: on a connection too many nobody is answered but who watches, and far
// beyond that the connection is refused itself. What is open already goes on.
func TestConnections(t *testing.T) {
	const limit, room = 3, 64
	addr := serve(t, memory.Open(memory.Options{}), func(s *http.Server, l net.Listener) net.Listener {
		return httpapi.LimitHeader(s, httpapi.LimitConnections(s, l, limit), headerLimit)
	})
	get := func(c *client, path string) answer {
		t.Helper()
		return c.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	var kept []*client
	for range limit {
		kept = append(kept, dial(t, addr))
		if got := get(kept[len(kept)-1], "/v1/notes"); got.status != 200 {
			t.Fatalf("within the limit: %+v", got)
		}
	}
	watching := dial(t, addr)
	for range 2 {
		if got := get(watching, "/healthz"); got.status != 200 || got.closes {
			t.Errorf("who watches is answered %+v", got)
		}
	}
	if got := get(dial(t, addr), "/v1/notes"); got.status != 503 || !got.closes || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "problem:overloaded") {
		t.Errorf("beyond the limit: %+v", got)
	}
	for range room {
		if got := get(dial(t, addr), "/healthz"); got.status == 503 && strings.Contains(got.body, "as many connections as it may") {
			break // how many there are just now, the connections that end decide
		}
	}
	last := dial(t, addr)
	if got := last.answer(); got.status != 503 || !got.closes || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "as many connections as it may") {
		t.Errorf("far beyond the limit, and nothing sent: %+v", got)
	}
	for _, c := range kept {
		if got := get(c, "/v1/notes"); got.status != 200 {
			t.Errorf("a connection from before: %+v", got)
		}
	}
}

// TestConnectionsThin: who holds on to a connection beyond the limit is served once
// others have gone.
func TestConnectionsThin(t *testing.T) {
	var log bytes.Buffer
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{}, 10)
	server := &http.Server{
		Handler:  httpapi.New(httpapi.Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: new(engine.Rules)}),
		ErrorLog: slog.NewLogLogger(slog.NewTextHandler(&log, nil), slog.LevelError),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				closed <- struct{}{}
			}
		},
	}
	limited := httpapi.LimitConnections(server, l, 1)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limited) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	const ask = "GET /v1/notes HTTP/1.1\r\nHost: localhost\r\n\r\n"
	first := dial(t, l.Addr().String())
	if got := first.send(ask); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	second := dial(t, l.Addr().String())
	if got := second.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	if err := first.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-closed
	if got := second.send(ask); got.status != 200 {
		t.Errorf("after the others have gone: %+v", got)
	}
}

// TestSlowReadersTakeNoPlace: who does not read what they are sent keeps nobody out.
func TestSlowReadersTakeNoPlace(t *testing.T) {
	server := httptest.NewServer(httpapi.New(httpapi.Config{
		Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: new(engine.Rules),
		Admission: httpapi.Admission{Reads: 1},
	}))
	t.Cleanup(server.Close)
	b := &bounded{T: t, url: server.URL}
	large := `{"a":"` + strings.Repeat("a", 1<<20-100) + `"}`
	for i := range 16 { // more than any two sockets hold
		b.want(201, "PUT", fmt.Sprintf("/v1/large/%d", i), large)
	}
	slow := dial(t, server.Listener.Addr().String())
	if _, err := io.WriteString(slow, "GET /v1/large HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if begins, err := slow.read.Peek(12); err != nil || string(begins) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", begins, err)
	}
	for range 20 {
		b.want(404, "GET", "/v1/notes/1", "")
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(slow.read, 16<<20-1600)); err != nil || n < 16<<20-1600 {
		t.Errorf("the slow one gets %d bytes, %v", n, err)
	}
}
