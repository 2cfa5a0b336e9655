package httpapi

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// BenchmarkReadSigned reads a document of 1 KiB whose tags are versions, and one whose
// are signed: through the handler alone, where what a signature costs shows at its
// largest, and over a socket.
func BenchmarkReadSigned(b *testing.B) {
	signer, err := ifmatch.NewSigner("store", 1, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		b.Fatal(err)
	}
	for _, token := range []ifmatch.Token{ifmatch.TokenVersion, ifmatch.TokenSigned} {
		rules := &engine.Rules{Contract: ifmatch.Contract{Token: token, Signer: signer}}
		s := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: rules})
		put := httptest.NewRequest("PUT", "/v1/notes/1", strings.NewReader(`{"text":"`+strings.Repeat("x", 1000)+`"}`))
		put.Header.Set("Content-Type", "application/json")
		created := httptest.NewRecorder()
		if s.ServeHTTP(created, put); created.Code != http.StatusCreated {
			b.Fatal(created.Code, created.Body)
		}
		read, poll := httptest.NewRequest("GET", "/v1/notes/1", nil), httptest.NewRequest("GET", "/v1/notes/1", nil)
		poll.Header.Set("If-None-Match", created.Header().Get("ETag"))
		for _, bb := range []struct {
			name    string
			request *http.Request
		}{{"get", read}, {"304", poll}} {
			b.Run("handler/"+bb.name+"/"+token.String(), func(b *testing.B) {
				w := &nowhere{make(http.Header)}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					s.ServeHTTP(w, bb.request)
				}
			})
		}
		b.Run("socket/get/"+token.String(), func(b *testing.B) { overSocket(b, s, read) })
	}
}
