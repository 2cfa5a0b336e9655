package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestParkByPolicy: a write that the policy has parked is there after a restart, the
// store is as it should be with it, and an export knows nothing of it.
func TestParkByPolicy(t *testing.T) {
	dir := t.TempDir()
	store := "sqlite:" + filepath.Join(dir, "notes.db")
	config := writeFile(t, filepath.Join(dir, "policy.yaml"), "default: {on_stale: {default: park}}\n")
	start := func() *server {
		return serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", store, "--config", config))
	}
	verified := func() {
		t.Helper()
		if out, err := program(t, nil, "verify", "--store", store).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	s := start()
	const note = "/v1/notes/1"
	for _, w := range []struct {
		body, tag, outcome string
	}{{`{"n":0}`, "", "created"}, {`{"n":1}`, `"1"`, "replaced"}, {`{"n":2}`, `"1"`, "parked"}} {
		headers := []string{"If-Match", w.tag}
		if w.tag == "" {
			headers = nil
		}
		got, body := ask(t, "PUT", s.url+note, w.body, headers...)
		if got.Header.Get("Ifmatch-Outcome") != w.outcome {
			t.Fatalf("%s: %s", got.Status, body)
		}
	}
	_, list := ask(t, "GET", s.url+note+"/_conflicts", "")
	s.stop()
	verified()

	s = start()
	if _, again := ask(t, "GET", s.url+note+"/_conflicts", ""); again != list || !strings.Contains(list, `"yours":{"n":2}`) {
		t.Errorf("after the restart there is %s, before %s", again, list)
	}
	exported, err := program(t, nil, "export", s.url+"/v1/notes").Output()
	if err != nil || strings.Count(string(exported), "\n") != 1 || !strings.Contains(string(exported), `{"n":1}`) {
		t.Errorf("%v: exported is %s", err, exported)
	}
	got, body := ask(t, "PUT", s.url+note, `{"n":2}`, "If-Match", `"1"`)
	at := got.Header.Get("Location")
	if got.StatusCode != 412 || !strings.HasPrefix(at, note+"/_conflicts/") {
		t.Fatalf("%s at %q: %s", got.Status, at, body)
	}
	if got, body := ask(t, "POST", s.url+at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", `"2"`); got.StatusCode != 200 || body != `{"n":2}` {
		t.Errorf("%s: %s", got.Status, body)
	}
	s.stop()
	verified()
}
