package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnservedCollections: a policy that leaves stored collections out is told
// which, once, at the start. Those where nothing is left are none.
func TestUnservedCollections(t *testing.T) {
	dir := t.TempDir()
	run := func(policy string, requests ...string) (said string) {
		t.Helper()
		args := []string{"serve", "--listen", "127.0.0.1:0", "--store", "sqlite:" + filepath.Join(dir, "docs.db")}
		if policy != "" {
			args = append(args, "--config", writeFile(t, filepath.Join(dir, "policy.yaml"), policy))
		}
		s := serve(t, program(t, nil, args...))
		for _, request := range requests {
			method, path, _ := strings.Cut(request, " ")
			do(t, method, s.url+path)
		}
		return s.stop()
	}
	if said := run("", "PUT /v1/notes/1", "PUT /v1/notes/2", "PUT /v1/drafts/1", "PUT /v1/emptied/1", "DELETE /v1/emptied/1", "PUT /v1/old/1"); strings.Contains(said, "not served") {
		t.Errorf("without a policy: %s", said)
	}
	for _, tt := range []struct{ name, policy, want string }{
		{"all served", "collections: [{name: notes}, {name: old, path: /archive/old}, {name: drafts}]", ""},
		{"two left out", "collections: [{name: notes}, {name: fresh}]", "collections=\"[drafts old]\" more=0"},
		{"another number of parameters", "collections: [{name: notes, path: '/v1/teams/{teamId}/notes'}, {name: drafts}, {name: old}]", "collections=[notes] more=0"},
		{"a default serves the rest", "default: {}\ncollections: [{name: notes}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said, lines := run(tt.policy), 0
			for line := range strings.Lines(said) {
				if !strings.Contains(line, "not served") {
					continue
				}
				if lines++; !strings.Contains(line, "level=WARN") || !strings.Contains(line, tt.want) || !strings.Contains(line, "default") {
					t.Errorf("got %swant %s", line, tt.want)
				}
			}
			if (lines == 1) != (tt.want != "") {
				t.Errorf("%d lines: %s", lines, said)
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		var requests []string
		for i := range maxUnserved + 5 {
			requests = append(requests, fmt.Sprintf("PUT /v1/many-%03d/1", i))
		}
		run("", requests...)
		said := run("collections: [{name: notes}]")
		if !strings.Contains(said, "[drafts many-000 ") || !strings.Contains(said, "many-018]") || !strings.Contains(said, " more=7") {
			t.Errorf("got %s", said)
		}
	})
}

// do sends a request that must succeed: a write to what is not there, or a
// deletion of version 1.
func do(t *testing.T, method, url string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Set("Content-Type", "application/json"); method == http.MethodDelete {
		r.Body = http.NoBody
		r.ContentLength = 0
		r.Header.Set("If-Match", `"1"`)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s, %v", method, url, answer.Status, err)
	}
}
