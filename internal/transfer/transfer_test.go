package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/transfer"
)

var ctx = context.Background()

// server is a real one over a store in memory, with what stands before it.
type server struct {
	*httptest.Server
	engine *engine.Engine
}

func serve(t *testing.T, before func(http.Handler) http.Handler) *server {
	t.Helper()
	s := memory.Open(memory.Options{})
	t.Cleanup(func() { s.Close() })
	e := engine.New(s, engine.Config{})
	var h http.Handler = httpapi.New(httpapi.Config{Door: &door.Door{Engine: e}, Default: &engine.Rules{}, MaxPage: 7})
	if before != nil {
		h = before(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &server{srv, e}
}

func (s *server) remote(t *testing.T, collection string) *transfer.Remote {
	t.Helper()
	r, err := transfer.NewRemote(s.URL+"/v1/"+collection, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// document returns what is stored, nil for nothing.
func (s *server) document(t *testing.T, collection, id string) *store.Document {
	t.Helper()
	ref := store.Ref{Part: store.Part{Collection: collection}, ID: id}
	reading, err := s.engine.Read(ctx, ref, &engine.Rules{}, nil, ifmatch.Conditions{})
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok && refusal.Reason == engine.ReasonNotFound {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return reading.Document
}

func (s *server) export(t *testing.T, collection string) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.remote(t, collection).Export(ctx, &b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

const line = `{"id":"d%03d","data":{"title":"é \u2028","n":9007199254740993,"x":1.0,"deep":[[{"a":null}]]}}`

func (s *server) load(t *testing.T, collection, text string, o transfer.ImportOptions) transfer.Tally {
	t.Helper()
	tally, err := s.remote(t, collection).Import(ctx, strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

// TestRoundTrip carries documents there and back, and back into place.
func TestRoundTrip(t *testing.T) {
	s := serve(t, nil)
	if got, want := s.load(t, "a", lines(40, line)+"\n", transfer.ImportOptions{}), (transfer.Tally{Created: 40}); got != want {
		t.Fatalf("import: %+v, want %+v", got, want)
	}
	out := s.export(t, "a")
	if n := strings.Count(out, "\n"); n != 40 || !strings.HasPrefix(out, `{"id":"d000","etag":"\"1\"","version":1,"data":{"title":"é`) || !strings.Contains(out, `9007199254740993,"x":1.0`) {
		t.Fatalf("export has %d lines and begins %.200s", n, out)
	}
	if got, want := s.load(t, "a", out, transfer.ImportOptions{}), (transfer.Tally{Unchanged: 40}); got != want {
		t.Errorf("the same again: %+v, want %+v", got, want)
	}
	changed := strings.ReplaceAll(out, `"x":1.0`, `"x":2`)
	if got, want := s.load(t, "a", changed, transfer.ImportOptions{}), (transfer.Tally{Refused: 40}); got != want {
		t.Errorf("other content, to be created only: %+v, want %+v", got, want)
	}
	if d := s.document(t, "a", "d007"); d.Version != 1 {
		t.Errorf("a document that was refused has version %d", d.Version)
	}
	if got, want := s.load(t, "a", changed, transfer.ImportOptions{Update: true}), (transfer.Tally{Replaced: 40}); got != want {
		t.Errorf("update: %+v, want %+v", got, want)
	}
	var refused []string
	again := strings.ReplaceAll(out, `"x":1.0`, `"x":3`)
	o := transfer.ImportOptions{Update: true, Refused: func(r transfer.Refused) { refused = append(refused, r.Reason.Error()) }}
	if got, want := s.load(t, "a", again, o), (transfer.Tally{Refused: 40}); got != want || !strings.HasPrefix(refused[0], "412 Precondition Failed (stale): You sent version 1; the current version is 2.") {
		t.Errorf("a stale update: %+v, want %+v; told %.1q", got, want, refused)
	}
	if d := s.document(t, "a", "d007"); d.Version != 2 || !strings.Contains(string(d.Body), `"x":2`) {
		t.Errorf("after a stale update: version %d, %s", d.Version, d.Body)
	}
}

// TestLostAnswers has every first answer lost after the write was carried out.
func TestLostAnswers(t *testing.T) {
	var n atomic.Int64
	s := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && n.Add(1)%2 == 1 {
				h.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	})
	got := s.load(t, "a", lines(5, line), transfer.ImportOptions{Parallel: 1})
	if want := (transfer.Tally{Unchanged: 5}); got != want {
		t.Errorf("import: %+v, want %+v", got, want)
	}
	for i := range 5 {
		if d := s.document(t, "a", fmt.Sprintf("d%03d", i)); d == nil || d.Version != 1 {
			t.Errorf("document %d: %+v, want version 1", i, d)
		}
	}
}

// TestBadLines tells of each line that is none, and takes the others.
func TestBadLines(t *testing.T) {
	s := serve(t, nil)
	text := `{"id":"a","data":{}}
not JSON
{"id":"b"}
{"data":{}}
{"id":"c","data":[]}
{"id":"d","data":{"x":1,"x":2}}
{"id":"no/name","data":{}}
{"id":"a","data":{"other":1}}
{"id":"z","data":{}}`
	told := map[int64]string{}
	got := s.load(t, "a", text, transfer.ImportOptions{Refused: func(r transfer.Refused) { told[r.Line] = r.Reason.Error() }})
	if want := (transfer.Tally{Created: 2, Refused: 7}); got != want || len(told) != 7 {
		t.Errorf("import: %+v, want %+v; told of %v", got, want, told)
	}
	for line, part := range map[int64]string{2: "at byte 1", 3: "no object as its data", 4: "no id", 6: "at byte 24", 7: "404", 8: "(exists)"} {
		if !strings.Contains(told[line], part) {
			t.Errorf("line %d: %q, want something with %q", line, told[line], part)
		}
	}
}

// TestImportGoesOn breaks an import from a file off again and again, and runs it
// until it is done. Nothing is missing and nothing is written twice.
func TestImportGoesOn(t *testing.T) {
	var requests, writes atomic.Int64
	s := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%1500 == 0 {
				http.Error(w, "no more", http.StatusInternalServerError)
				return
			}
			writes.Add(1)
			h.ServeHTTP(w, r)
		})
	})
	const documents = 5000
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path, []byte(lines(documents, line)), 0o600); err != nil {
		t.Fatal(err)
	}
	var created int64
	for runs := 1; ; runs++ {
		tally, err := s.remote(t, "a").ImportFile(ctx, path, transfer.ImportOptions{})
		created += tally.Created
		if err == nil {
			if tally.Resumed == 0 || runs < 3 {
				t.Errorf("done in %d runs, %d lines of the last one resumed", runs, tally.Resumed)
			}
			break
		}
		if runs > 20 {
			t.Fatalf("run %d: %v", runs, err)
		}
	}
	for i := range documents {
		if d := s.document(t, "a", fmt.Sprintf("d%03d", i)); d == nil || d.Version != 1 {
			t.Fatalf("document %d: %+v, want version 1", i, d)
		}
	}
	// What was on its way when a run broke off is found unchanged by the next.
	if created > documents || created < documents-64*10 {
		t.Errorf("%d documents created, want %d less a few", created, documents)
	}
	if again := writes.Load() - documents; again > 64*10 {
		t.Errorf("%d requests more than documents: a run does not go on where the last one was", again)
	}
	if _, err := os.Stat(path + ".resume"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end a state is left: %v", err)
	}
}

// TestExportGoesOn breaks an export off again and again, and runs it until it is
// done.
func TestExportGoesOn(t *testing.T) {
	var pages atomic.Int64
	s := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.URL.Query().Has("cursor") && pages.Add(1)%5 == 0 {
				http.Error(w, "not now", http.StatusInternalServerError)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	s.load(t, "a", lines(40, line), transfer.ImportOptions{})
	path := filepath.Join(t.TempDir(), "out.jsonl")
	for runs := 1; ; runs++ {
		n, err := s.remote(t, "a").ExportFile(ctx, path, nil)
		if err == nil {
			if n != 40 || runs < 2 {
				t.Errorf("%d documents in %d runs, want 40 in several", n, runs)
			}
			break
		}
		// What a crash leaves behind the last page kept must not stay.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(`{"half a li`)
		if err := errors.Join(err, f.Close()); err != nil || runs > 20 {
			t.Fatalf("run %d: %v", runs, err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(string(text), "\n"); want != 40 || strings.Contains(string(text), "half") {
		t.Errorf("the file has %d lines: %.300s", want, text)
	}
	if _, err := s.remote(t, "a").ExportFile(ctx, path, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second export to a complete file: %v, want that it exists", err)
	}
}

// TestRefusals ends a transfer that no document could pass, and tells why.
func TestRefusals(t *testing.T) {
	denied := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"type":"urn:ifmatch:problem:unauthenticated","detail":"Send a key."}`)
		})
	})
	_, err := denied.remote(t, "a").Import(ctx, strings.NewReader(lines(100, line)), transfer.ImportOptions{})
	if err == nil || err.Error() != "401 Unauthorized (unauthenticated): Send a key." {
		t.Errorf("import without a key: %v", err)
	}
	if _, err := denied.remote(t, "a").Export(ctx, &bytes.Buffer{}, nil); err == nil {
		t.Error("export without a key succeeded")
	}
	busy := serve(t, func(h http.Handler) http.Handler {
		var n atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	if got, want := busy.load(t, "a", lines(3, line), transfer.ImportOptions{}), (transfer.Tally{Created: 3}); got != want {
		t.Errorf("import past a busy moment: %+v, want %+v", got, want)
	}
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path+".resume", []byte(`{"url":"http://elsewhere/v1/a","offset":5,"lines":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := busy.remote(t, "a").ImportFile(ctx, path, transfer.ImportOptions{}); err == nil || !strings.Contains(err.Error(), "http://elsewhere/v1/a") {
		t.Errorf("the state of another collection: %v", err)
	}
	for _, address := range []string{"", "notes", "ftp://host/v1/a", "http:///v1/a", "http://host/v1/a?x=1"} {
		if _, err := transfer.NewRemote(address, "", nil); err == nil {
			t.Errorf("%q was taken for a collection", address)
		}
	}
}
