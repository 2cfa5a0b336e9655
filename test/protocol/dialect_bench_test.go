package protocol_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

// BenchmarkPut compares a conditional PUT of 1 KiB whose version stands in
// If-Match with one whose version stands in the body: over a socket and SQLite
// from many clients, and as the handler alone over memory, where it tells most.
func BenchmarkPut(b *testing.B) {
	for _, form := range []string{"header", "body"} {
		b.Run("socket/"+form, func(b *testing.B) {
			st, err := sqlite.Open(b.Context(), b.TempDir()+"/bench.db", sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			server := httptest.NewServer(benchAPI(b, st, form))
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
			var writers atomic.Int64
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				path := fmt.Sprintf("%s/v1/notes/%d", server.URL, writers.Add(1))
				for version := int64(0); pb.Next(); version++ {
					res, err := client.Do(benchPut(b, form, path, version))
					if err != nil {
						b.Error(err)
						return
					}
					_, err = io.Copy(io.Discard, res.Body)
					if res.Body.Close(); err != nil || res.StatusCode > 201 {
						b.Error(res.Status, err)
						return
					}
				}
			})
		})
		b.Run("handler/"+form, func(b *testing.B) {
			handler := benchAPI(b, memory.Open(memory.Options{}), form)
			b.ReportAllocs()
			for version := int64(0); b.Loop(); version++ {
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, benchPut(b, form, "/v1/notes/1", version)); w.Code > 201 {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// benchAPI serves notes in one of the two forms, of which only some are kept.
func benchAPI(b *testing.B, st store.Store, form string) http.Handler {
	rules := &engine.Rules{Keep: 10}
	if form == "body" {
		var err error
		if rules.Members, err = engine.NewMembers(ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways}, engine.Added{}); err != nil {
			b.Fatal(err)
		}
	}
	return httpapi.New(httpapi.Config{Door: &door.Door{Engine: engine.New(st, engine.Config{})}, Default: rules})
}

var benchText = `"a note, of which the most is text","tags":["one","two"],"text":"` + strings.Repeat("lorem ipsum ", 78) + `"`

func benchPut(b *testing.B, form, path string, version int64) *http.Request {
	doc := fmt.Appendf(make([]byte, 0, 2048), `{"n":%d,"title":%s`, version, benchText)
	if form == "body" && version > 0 {
		doc = fmt.Appendf(doc, `,"version":%d`, version)
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPut, path, bytes.NewReader(append(doc, '}')))
	if err != nil {
		b.Fatal(err)
	}
	r.RequestURI = ""
	r.Header.Set("Content-Type", "application/json")
	if form == "header" && version > 0 {
		r.Header.Set("If-Match", ifmatch.VersionTag(version).String())
	}
	return r
}
