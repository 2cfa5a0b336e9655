package httpapi

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// TestRuleWithoutAnAnswer: it allows nothing, and whoever runs the server is told
// why, while the caller is told no more than that they may not.
func TestRuleWithoutAnAnswer(t *testing.T) {
	rule, err := access.CompileRule(`resource.owner == principal.name && params.collection == "notes" && params.id == "1"`, "collection", "id")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	authority := &Authority{Overwrite: rule}
	rules := &engine.Rules{OnStale: engine.StrategyOverwrite, Reserved: authority.Reserved()}
	s := New(Config{
		Door:    &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{}), Log: slog.New(slog.NewJSONHandler(&said, nil))},
		Default: rules, DefaultAuthority: authority,
	})
	ask := func(body, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPut, "/v1/notes/1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if tag != "" {
			r.Header.Set("If-Match", tag)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	ask(`{"a":1}`, "")
	if w := ask(`{"a":2}`, `"1"`); w.Code != http.StatusOK || said.Len() > 0 {
		t.Fatalf("a write that is not stale: %d, %s", w.Code, &said)
	}
	w := ask(`{"a":3}`, `"1"`)
	if w.Code != http.StatusPreconditionFailed || strings.Contains(w.Body.String(), "owner") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var line struct{ Level, Msg, Rule, Method, Path, Cause string }
	first, err := said.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(first, &line); err != nil {
		t.Fatal(err)
	}
	line.Msg = ""
	if want := (struct{ Level, Msg, Rule, Method, Path, Cause string }{"WARN", "", "overwrite", "PUT", "/v1/notes/1", "no such key: owner"}); line != want {
		t.Errorf("logged %+v", line)
	}
	if more := strings.TrimSpace(said.String()); more != "" {
		t.Errorf("and once more: %s", more)
	}
	ask(`{"owner":"","a":4}`, `"2"`)
	if w := ask(`{"owner":"bob"}`, `"2"`); w.Code != http.StatusOK || w.Header().Get("Ifmatch-Outcome") != "overwritten" {
		t.Errorf("nobody may overwrite what is nobody's: %d %s", w.Code, w.Body)
	}
}
