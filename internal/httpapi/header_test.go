package httpapi_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

const headerLimit = 16 << 10

// serve serves a store on a socket, after limit has seen to the header.
func serve(t testing.TB, st store.Store, limit func(*http.Server, net.Listener) net.Listener) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Handler: httpapi.New(httpapi.Config{
		Door: &door.Door{Engine: engine.New(st, engine.Config{})}, Default: new(engine.Rules),
	})}
	limited := limit(server, l)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limited) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func limited(s *http.Server, l net.Listener) net.Listener {
	return httpapi.LimitHeader(s, l, headerLimit)
}

// client is one connection.
type client struct {
	*testing.T
	net.Conn
	read *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &client{T: t, Conn: c, read: bufio.NewReader(c)}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
	// length is what the header says of it, and closes that the connection ends.
	length int64
	closes bool
}

// send sends text and returns the next answer.
func (c *client) send(text string) answer {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatal(err)
	}
	return c.answer()
}

func (c *client) answer() answer {
	c.Helper()
	r, err := http.ReadResponse(c.read, nil)
	if err != nil {
		c.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		c.Fatal(err)
	}
	return answer{r.StatusCode, r.Header, string(body), r.ContentLength, r.Close}
}

// put is a PUT whose header has exactly size bytes, its first line included.
func put(path string, size int, content string) string {
	head := "PUT " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(content)) + "\r\nX-Pad: "
	return head + strings.Repeat("p", size-len(head)-4) + "\r\n\r\n" + content
}

func dump(t *testing.T, s store.Scanner) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	err := s.ScanDocuments(t.Context(), func(d *store.Document) error { return enc.Encode(d) })
	if err = errors.Join(err, s.ScanLog(t.Context(), func(e *store.Entry) error { return enc.Encode(e) })); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// halfCloses tells of connections that are closed for writing.
type halfCloses struct {
	net.Listener
	told chan<- struct{}
}

type halfClose struct {
	*net.TCPConn
	told chan<- struct{}
}

func (l *halfCloses) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &halfClose{c.(*net.TCPConn), l.told}, nil
}

func (c *halfClose) CloseWrite() error {
	c.told <- struct{}{}
	return c.TCPConn.CloseWrite()
}

// TestHeaderTooLarge holds the answer to its last member, and that nothing has
// happened.
func TestHeaderTooLarge(t *testing.T) {
	st, halves := memory.Open(memory.Options{}), make(chan struct{}, 1)
	addr := serve(t, st, func(s *http.Server, l net.Listener) net.Listener {
		return httpapi.LimitHeader(s, &halfCloses{l, halves}, headerLimit)
	})
	const first = "PUT /v1/notes/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n" + `{"n":1}`
	if got := dial(t, addr).send(first); got.status != http.StatusCreated {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	before := dump(t, st)
	for _, tt := range []struct{ name, before, text string }{
		{"a byte too many", "", put("/v1/notes/2", headerLimit+1, `{"n":2}`)},
		{"many times too large", "", put("/v1/notes/2", 4*headerLimit, `{"n":2}`)},
		{"no end", "", "PUT /v1/notes/2 HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Pad: p\r\n", headerLimit/8)},
		{"many fields", "", "GET /v1/notes/1 HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Pad: p\r\n", headerLimit/8) + "\r\n"},
		{"first line", "", "GET /v1/notes/" + strings.Repeat("x", headerLimit) + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"HEAD", "", "HEAD /v1/notes/1 HTTP/1.1\r\nX-Pad: " + strings.Repeat("p", headerLimit) + "\r\nHost: x\r\n\r\n"},
		{"second on its connection", "GET /v1/notes/1 HTTP/1.1\r\nHost: x\r\n\r\n", put("/v1/notes/2", headerLimit+4096+1, `{"n":2}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, addr)
			if tt.before != "" {
				if got := c.send(tt.before); got.status != http.StatusOK {
					t.Fatalf("%d: %s", got.status, got.body)
				}
			}
			isHeaderProblem(t, c.send(tt.text))
			if more, err := io.ReadAll(c.read); len(more) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after the answer comes %q, %v, want the end", more, err)
			}
			select {
			case <-halves:
			case <-time.After(time.Minute):
				t.Error("the connection was not closed for writing first, so the answer may be lost to a client that is sending")
			}
			if after := dump(t, st); after != before {
				t.Errorf("stored is\n%s\nwas\n%s", after, before)
			}
		})
	}
}

func isHeaderProblem(t *testing.T, got answer) {
	t.Helper()
	if got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	if !got.closes || got.length != int64(len(got.body)) {
		t.Errorf("closes %t, length %d of %d", got.closes, got.length, len(got.body))
	}
	if _, err := http.ParseTime(got.header.Get("Date")); err != nil {
		t.Error(err)
	}
	got.header.Del("Date")
	got.header.Del("Content-Length")
	if len(got.header) != 2 || got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", got.header)
	}
	var p struct{ CorrelationID string }
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	if id, err := uuid.Parse(p.CorrelationID); err != nil || id.Version() != 7 {
		t.Errorf("correlationId %q", p.CorrelationID)
	}
	want := `{"type":"urn:ifmatch:problem:too-large","title":"The request is too large","status":431,` +
		`"detail":"The request's header, with its first line, is larger than 16384 bytes. Nothing was done. Send fewer or shorter header fields, or a shorter URL.",` +
		`"instance":"urn:uuid:` + p.CorrelationID + `","correlationId":"` + p.CorrelationID + `"}`
	if got.body != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
}

// TestHeaderWithin: the limit itself is within, and neither content nor the
// requests that came along count towards it.
func TestHeaderWithin(t *testing.T) {
	addr := serve(t, memory.Open(memory.Options{}), limited)
	large := `{"s":"` + strings.Repeat("s", 10*headerLimit) + `"}`
	for _, tt := range []struct {
		name, text string
		want       []int
	}{
		{"at the limit", put("/v1/a/1", headerLimit, `{}`), []int{201}},
		{"at the limit, large content", put("/v1/a/2", headerLimit, large), []int{201}},
		{"several at once", strings.Repeat(put("/v1/a/3", headerLimit, `{}`), 3), []int{201, 428, 428}},
		{"large content, then another", put("/v1/a/4", headerLimit, large) + put("/v1/a/5", headerLimit, `{}`), []int{201, 201}},
		{"URL too long", "GET /v1/a/" + strings.Repeat("x", 8<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{414}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, addr)
			got := c.send(tt.text)
			for i, want := range tt.want {
				if i > 0 {
					got = c.answer()
				}
				if got.status != want {
					t.Errorf("answer %d is %d, want %d: %s", i+1, got.status, want, got.body)
				}
			}
		})
	}
}

// BenchmarkGet measures a read over a socket, with the limit and without.
func BenchmarkGet(b *testing.B) {
	for _, bench := range []struct {
		name  string
		limit func(*http.Server, net.Listener) net.Listener
	}{
		{"limited", limited},
		{"plain", func(_ *http.Server, l net.Listener) net.Listener { return l }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			addr := serve(b, memory.Open(memory.Options{}), bench.limit)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			text := []byte("GET /v1/notes/1 HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"1\"\r\n\r\n")
			answer := make([]byte, 4096)
			for b.Loop() {
				if _, err := c.Write(text); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
