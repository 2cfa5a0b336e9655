package httpapi

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// nowhere takes an answer.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}

// BenchmarkRead reads a document of 1 KiB with and without authentication: over a
// socket, as clients do, and through the handler alone, where what a key costs
// shows at its largest.
func BenchmarkRead(b *testing.B) {
	key, digest := access.NewKey()
	all := []access.Key{{Principal: access.Principal{Name: "ann"}, Digest: digest}}
	for i := range 1000 {
		_, digest := access.NewKey()
		all = append(all, access.Key{Principal: access.Principal{Name: strconv.Itoa(i)}, Digest: digest})
	}
	keys, err := access.NewKeys(all)
	if err != nil {
		b.Fatal(err)
	}
	request := func(method, content string) *http.Request {
		r := httptest.NewRequest(method, "/v1/notes/1", strings.NewReader(content))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		return r
	}
	for _, auth := range []struct {
		name string
		Auth
	}{{"open", Auth{}}, {"key", Auth{Keys: keys}}} {
		s := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Auth: auth.Auth, Default: new(engine.Rules)})
		created := httptest.NewRecorder()
		if s.ServeHTTP(created, request("PUT", `{"text":"`+strings.Repeat("x", 1000)+`"}`)); created.Code != http.StatusCreated {
			b.Fatal(created.Code, created.Body)
		}
		b.Run("handler/"+auth.name, func(b *testing.B) {
			r, w := request("GET", ""), &nowhere{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				s.ServeHTTP(w, r)
			}
		})
		b.Run("socket/"+auth.name, func(b *testing.B) { overSocket(b, s, request("GET", "")) })
	}
}

// overSocket sends one request again and again on one connection.
func overSocket(b *testing.B, h http.Handler, r *http.Request) {
	b.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	raw, err := httputil.DumpRequest(r, false)
	if err != nil {
		b.Fatal(err)
	}
	in := bufio.NewReader(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(raw); err != nil {
			b.Fatal(err)
		}
		answer, err := http.ReadResponse(in, r)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
			b.Fatal(answer.Status, err)
		}
	}
}

// BenchmarkAdmission reads a document through the handler alone, where what it costs to
// be admitted shows at its largest.
func BenchmarkAdmission(b *testing.B) {
	for _, bounds := range []struct {
		name string
		Admission
	}{{"everything", Admission{}}, {"places", Admission{Reads: 256, Writes: 64}}, {"places and rates", Admission{Reads: 256, Writes: 64, Burst: 1_000_000_000, Per: 1}}} {
		s := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Admission: bounds.Admission, Default: new(engine.Rules)})
		put := httptest.NewRequest(http.MethodPut, "/v1/notes/1", strings.NewReader(`{"n":1}`))
		put.Header.Set("Content-Type", "application/json")
		created := httptest.NewRecorder()
		if s.ServeHTTP(created, put); created.Code != http.StatusCreated {
			b.Fatal(created.Code, created.Body)
		}
		b.Run(bounds.name, func(b *testing.B) {
			r, w := httptest.NewRequest(http.MethodGet, "/v1/notes/1", nil), &nowhere{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				s.ServeHTTP(w, r)
			}
		})
	}
}
