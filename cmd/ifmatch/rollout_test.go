package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRollout: a server whose policy observes says what was lost: to whoever may use it
// at /metrics, in its log, and when it ends.
func TestRollout(t *testing.T) {
	annKey, annLine := makeKey(t, "--name", "ann")
	bobKey, bobLine := makeKey(t, "--name", "bob")
	c := program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", "ifmatch.yaml")
	writeFile(t, filepath.Join(c.Dir, "ifmatch.yaml"), "auth:\n  keys:\n    "+annLine+"\n    "+bobLine+"\naccess: true\ncollections:\n"+
		"  - name: notes\n    contract: {precondition: observe}\n  - name: quiet\n    contract: {precondition: observe}\n  - name: others\n")
	s := serve(t, c)
	ann, bob := "Bearer "+annKey, "Bearer "+bobKey
	for _, r := range []struct {
		by, method string
		status     int
	}{{ann, "PUT", 201}, {bob, "GET", 200}, {ann, "DELETE", 204}, {ann, "PUT", 201}, {bob, "DELETE", 204}} {
		if status, text := s.as(r.by, r.method, "/v1/notes/1"); status != r.status {
			t.Fatalf("%s is answered %d, want %d: %s", r.method, status, r.status, text)
		}
	}
	if status, _ := s.as("", "GET", "/metrics"); status != 401 {
		t.Errorf("nobody in particular is answered %d", status)
	}
	status, series := s.as(bob, "GET", "/metrics")
	if status != 200 || !strings.Contains(series, `ifmatch_lost_updates_total{collection="notes",kind="deleted"} 1`) || !strings.Contains(series, `ifmatch_lost_updates_total{collection="quiet",kind="deleted"} 0`) || strings.Contains(series, "others") {
		t.Errorf("%d %s", status, series)
	}
	if status, _ := s.as(bob, "POST", "/metrics"); status != 405 {
		t.Errorf("a POST is answered %d", status)
	}
	said := s.stop()
	for _, want := range []string{"notes: 2 unconditional writes: 1 lost an update, 1 overwrote what had been read\n", `msg="lost update"`, " by=bob "} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %s, and not %s", said, want)
		}
	}
}
