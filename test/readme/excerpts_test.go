package readme_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/problem"
)

// TestExcerpts holds that each Go excerpt of the README stands, line by line, in
// this file or in the package it is about, where the compiler sees it.
func TestExcerpts(t *testing.T) {
	var compiled []string
	for _, path := range []string{"excerpts_test.go", filepath.Join(root, "guard", "guard.go")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		compiled = append(compiled, squeeze(string(text)))
	}
	blocks := fenced(t, "go")
	if len(blocks) < 3 {
		t.Fatalf("only %d Go excerpts", len(blocks))
	}
	for _, block := range blocks {
		found := false
		for _, text := range compiled {
			found = found || strings.Contains(text, squeeze(block))
		}
		if !found {
			t.Errorf("the README shows code that is not compiled:\n%s", block)
		}
	}
}

// squeeze drops what an excerpt need not show: indentation, empty lines, and doc
// comments, but not a comment that stands for code.
func squeeze(text string) string {
	var b strings.Builder
	b.WriteString("\n")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "// UPDATE") {
			continue
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// note is a row of the function excerpt.
type note struct{ version int64 }

func putNote(w http.ResponseWriter, r *http.Request, note note) {
	res := ifmatch.Evaluate(r.Method, ifmatch.ParseConditions(r.Header),
		ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(note.version)}, ifmatch.Contract{})
	if !res.Fresh() {
		problem.Write(w, r, problem.FromResult(res))
		return
	}
	// UPDATE notes SET body = $3, version = version + 1 WHERE id = $1 AND version = $2
	w.WriteHeader(http.StatusNoContent)
}

func mount(mux *http.ServeMux, store guard.Store) {
	mux.Handle("/notes/{id}", guard.New(store, guard.Options{}))
}

// notes is a store of the handler excerpt.
type notes struct {
	mu   sync.Mutex
	byID map[string]guard.Document
}

func (n *notes) Load(_ context.Context, id string) (guard.Document, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byID[id], nil
}

func (n *notes) CompareAndSwap(_ context.Context, id string, from int64, next guard.Document) (swapped bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byID[id].Version != from {
		return false, nil
	}
	n.byID[id] = next
	return true, nil
}

func TestExcerptsRefuseStaleWrites(t *testing.T) {
	store := &notes{byID: map[string]guard.Document{"1": {Body: []byte(`{"title":"Milk"}`), Version: 5}}}
	mux := http.NewServeMux()
	mount(mux, store)
	mux.HandleFunc("/function", func(w http.ResponseWriter, r *http.Request) { putNote(w, r, note{version: 5}) })
	for name, c := range map[string]struct {
		path, tag string
		status    int
	}{
		"function, stale":   {"/function", `"4"`, http.StatusPreconditionFailed},
		"function, no tag":  {"/function", "", http.StatusPreconditionRequired},
		"function, current": {"/function", `"5"`, http.StatusNoContent},
		"handler, stale":    {"/notes/1", `"4"`, http.StatusPreconditionFailed},
		"handler, no tag":   {"/notes/1", "", http.StatusPreconditionRequired},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, c.path, strings.NewReader(`{"title":"Oat milk"}`))
			r.Header.Set("Content-Type", "application/json")
			if c.tag != "" {
				r.Header.Set("If-Match", c.tag)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("%d, want %d: %s", w.Code, c.status, w.Body)
			}
			if d, _ := store.Load(t.Context(), "1"); d.Version != 5 || !bytes.Equal(d.Body, []byte(`{"title":"Milk"}`)) {
				t.Errorf("the document is now %d %s", d.Version, d.Body)
			}
		})
	}
}
