package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// FuzzIsLoopback holds every name that is taken for this machine's own against
// the parsers of the standard library.
func FuzzIsLoopback(f *testing.F) {
	for _, s := range []string{"localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:1", "[::1]", "::1", "127.1", "localhost.", "localhost:", "[::ffff:127.0.0.1]", "[::1%lo]", "", ":80", "[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !isLoopback(host) {
			return
		}
		u, err := url.Parse("http://" + host)
		if err != nil {
			t.Fatalf("%q is taken for this machine, and is no host: %v", host, err)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); !strings.EqualFold(u.Hostname(), "localhost") && (err != nil || !addr.IsLoopback()) {
			t.Errorf("%q is taken for this machine, and is %q", host, u.Hostname())
		}
	})
}

// TestNoOriginCostsNothing: what does not come from a page does not pay for pages.
func TestNoOriginCostsNothing(t *testing.T) {
	s := &Server{pages: newPages([]string{"https://app.example.com"}, true)}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/notes/1", http.NoBody)
		r.Host = "127.0.0.1:8080"
		w := httptest.NewRecorder()
		if n := testing.AllocsPerRun(100, func() {
			if s.browser(w, r) {
				t.Fatal("it is answered")
			}
		}); n > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: %v allocations, header %v", method, n, w.Header())
		}
	}
}

func BenchmarkNoOrigin(b *testing.B) {
	s := &Server{pages: newPages(nil, true)}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/notes/1", http.NoBody)
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		if s.browser(w, r) {
			b.Fatal("it is answered")
		}
	}
}
