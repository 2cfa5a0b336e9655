package protocol_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/store"
)

// in returns the same API for a subtest to fail by itself.
func (a *api) in(t *testing.T) *api {
	b := *a
	b.t = t
	return &b
}

// status checks what an answer's status is.
func (a *api) status(got answer, want int) {
	a.t.Helper()
	if got.status != want {
		a.t.Fatalf("status %d, want %d: %s", got.status, want, got.body)
	}
}

// header checks one header field; "" means that it must be absent.
func (a *api) header(got answer, name, want string) {
	a.t.Helper()
	if lines := got.header.Values(name); strings.Join(lines, " | ") != want {
		a.t.Errorf("%s: %q, want %q", name, lines, want)
	}
}

// body checks the exact bytes of a body.
func (a *api) body(got answer, want string) {
	a.t.Helper()
	if got.body != want {
		a.t.Errorf("body %s, want %s", got.body, want)
	}
}

// refused sends a request that must be refused, checks the whole form of the
// problem, and that the store is byte for byte as it was before.
func (a *api) refused(status int, slug, method, path, body string, headers ...string) problem {
	a.t.Helper()
	before := a.dump()
	got := a.do(method, path, body, headers...)
	p := a.isProblem(got, status, slug, method, path)
	if after := a.dump(); after != before {
		a.t.Errorf("a refused %s has left something behind:\n%s\nbefore:\n%s", method, after, before)
	}
	return p
}

// isProblem checks everything that every problem has in common.
func (a *api) isProblem(got answer, status int, slug, method, path string) problem {
	a.t.Helper()
	if got.status != status {
		a.t.Fatalf("%s %s: status %d, want %d %s: %s", method, path, got.status, status, slug, got.body)
	}
	p := a.problem(got)
	a.header(got, "Content-Type", "application/problem+json")
	a.header(got, "Cache-Control", "no-store")
	a.header(got, "Last-Modified", "")
	a.header(got, "ETag", p.CurrentEtag)
	a.header(got, "Location", "")
	if method != "GET" && method != "HEAD" && slug != "outcome-unknown" {
		a.header(got, "Ifmatch-Outcome", "rejected")
	}
	if p.Type != "urn:ifmatch:problem:"+slug || p.Status != status || p.Title == "" || p.Detail == "" {
		a.t.Errorf("type %q, status %d, title %q, detail %q; want the type of %s and status %d", p.Type, p.Status, p.Title, p.Detail, slug, status)
	}
	a.isUUID(p.CorrelationID)
	if p.Instance != "urn:uuid:"+p.CorrelationID {
		a.t.Errorf("instance %q, want the correlationId %q as a URN", p.Instance, p.CorrelationID)
	}
	resource, _, _ := strings.Cut(path, "?")
	if len(path) < 8000 && p.Resource != resource || p.Action != method {
		a.t.Errorf("%s of %q, want %s of %q", p.Action, p.Resource, method, resource)
	}
	for _, leak := range []string{"goroutine", ".go:", "SELECT", "INSERT", "secret"} {
		if strings.Contains(got.body, leak) {
			a.t.Errorf("the problem shows %q: %s", leak, got.body)
		}
	}
	return p
}

func (a *api) isUUID(s string) {
	a.t.Helper()
	if _, err := uuid.Parse(s); err != nil || len(s) != 36 || s != strings.ToLower(s) {
		a.t.Errorf("correlationId %q is not a UUID: %v", s, err)
	}
}

// writerName names a request's maker by its X-Writer header, for tests.
func writerName(r *http.Request) store.Actor { return store.Actor{Name: r.Header.Get("X-Writer")} }

// writerRole names nobody, in the role that a request states.
func writerRole(r *http.Request) store.Actor { return store.Actor{Roles: r.Header["X-Role"]} }

// clock is one that tests set, forwards and backwards.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// noon is a time well before any Date that the server sends.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// faulty is a store that fails where a test tells it to.
type faulty struct {
	store.Store
	mu     sync.Mutex
	get    func(context.Context) error
	commit func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error)
}

func (f *faulty) onGet(g func(context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.get = g
}

func (f *faulty) onCommit(c func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commit = c
}

func (f *faulty) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	f.mu.Lock()
	fail := f.get
	f.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return nil, err
		}
	}
	return f.Store.Get(ctx, ref)
}

func (f *faulty) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	f.mu.Lock()
	hook := f.commit
	f.mu.Unlock()
	if hook == nil {
		return f.Store.Commit(ctx, c)
	}
	return hook(c, func() (store.Receipt, error) { return f.Store.Commit(ctx, c) })
}

// Rows implements [store.RowReader].
func (f *faulty) Rows(ctx context.Context, ref store.Ref, kind string) ([]store.Row, error) {
	return f.Store.(store.RowReader).Rows(ctx, ref, kind)
}

// raw sends bytes as they are and reads the one answer to them.
func (a *api) raw(request string) answer {
	a.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		a.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	return a.read(conn, method)
}

// read reads the answer to a method from a connection.
func (a *api) read(conn net.Conn, method string) answer {
	a.t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(data)}
}
