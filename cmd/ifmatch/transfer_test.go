package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTransfer exports a collection, changes it, and brings it back in each way.
func TestTransfer(t *testing.T) {
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:"))
	defer s.stop()
	dir := t.TempDir()
	in := writeFile(t, filepath.Join(dir, "in.jsonl"), `{"id":"a","data":{"n":1}}`+"\n"+`{"id":"b","data":{"n":2}}`+"\n")
	out := filepath.Join(dir, "out.jsonl")
	for _, step := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"import", s.url + "/v1/things", in}, 0, "2 created, 0 replaced, 0 unchanged, 0 refused\n"},
		{[]string{"import", s.url + "/v1/things", in, "--parallel", "1"}, 0, "0 created, 0 replaced, 2 unchanged, 0 refused\n"},
		{[]string{"export", s.url + "/v1/things", "-o", out}, 0, "2 documents exported\n"},
		{[]string{"export", s.url + "/v1/things", "-o", out}, 1, "ifmatch: open " + out + ": file exists\n"},
	} {
		c := program(t, nil, step.args...)
		text, _ := c.CombinedOutput() // the code tells
		if c.ProcessState.ExitCode() != step.code || string(text) != step.said {
			t.Fatalf("%q: code %d, %q; want %d, %q", step.args, c.ProcessState.ExitCode(), text, step.code, step.said)
		}
	}
	text, err := os.ReadFile(out)
	want := `{"id":"a","etag":"\"1\"","version":1,"data":{"n":1}}` + "\n" + `{"id":"b","etag":"\"1\"","version":1,"data":{"n":2}}` + "\n"
	if err != nil || string(text) != want {
		t.Fatalf("exported %s, %v; want %s", text, err, want)
	}
	stdout, err := program(t, nil, "export", s.url+"/v1/things").Output()
	if err != nil || string(stdout) != want {
		t.Errorf("exported to standard output %s, %v; want %s", stdout, err, want)
	}

	c := program(t, nil, "import", "--update", s.url+"/v1/things")
	c.Stdin = strings.NewReader(strings.ReplaceAll(want, `"n":1`, `"n":9`))
	if text, err := c.CombinedOutput(); err != nil || string(text) != "0 created, 1 replaced, 1 unchanged, 0 refused\n" {
		t.Errorf("update: %v, %s", err, text)
	}
	refused := filepath.Join(dir, "refused.jsonl")
	c = program(t, nil, "import", "--update", "--refused", refused, s.url+"/v1/things")
	c.Stdin = strings.NewReader(strings.ReplaceAll(want, `"n":1`, `"n":8`))
	if text, _ := c.CombinedOutput(); c.ProcessState.ExitCode() != conflictCode || string(text) != "0 created, 0 replaced, 1 unchanged, 1 refused\n" {
		t.Errorf("a stale update: code %d, %s", c.ProcessState.ExitCode(), text)
	}
	kept, err := os.ReadFile(refused)
	if err != nil || !strings.HasPrefix(string(kept), `{"line":1,"reason":"412 Precondition Failed (stale): You sent version 1; the current version is 2.`) ||
		!strings.HasSuffix(string(kept), `"text":"{\"id\":\"a\",\"etag\":\"\\\"1\\\"\",\"version\":1,\"data\":{\"n\":8}}"}`+"\n") {
		t.Errorf("what was refused is kept as %s, %v", kept, err)
	}
}

// TestTransferToken sends the token of the environment, which stands nowhere else.
func TestTransferToken(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	text, err := program(t, []string{"IFMATCH_TOKEN=hush"}, "export", server.URL+"/v1/a").CombinedOutput()
	if err == nil || string(text) != "ifmatch: 401 Unauthorized\n" || sent != "Bearer hush" {
		t.Errorf("export: %v, %s; sent %q", err, text, sent)
	}
}
