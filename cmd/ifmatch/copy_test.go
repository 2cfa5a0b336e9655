package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// walk is everything that a server shows of a collection: each document with its tag and
// its whole history, bodies included.
func walk(t *testing.T, url string) string {
	t.Helper()
	var all strings.Builder
	_, list := wants(t, 200, "GET", url, "", "Accept", "application/jsonl")
	all.WriteString(list)
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		_, id, _ := strings.Cut(line, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		got, text := wants(t, 200, "GET", url+"/"+id, "")
		fmt.Fprintln(&all, got.Header.Get("ETag"), got.Header.Get("Last-Modified"), text)
		_, history := wants(t, 200, "GET", url+"/"+id+"/_history", "")
		all.WriteString(history)
		for version := 1; ; version++ {
			got, text := ask(t, "GET", url+"/"+id+"/_history/"+strconv.Itoa(version), "")
			if got.StatusCode != 200 {
				break
			}
			all.WriteString(text)
		}
	}
	return all.String()
}

// TestCopy copies a store, kills the copying at moments of its own, and goes on: the copy
// is verified clean, and serves the same documents under the same tags.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := "sqlite:"+filepath.Join(dir, "from.db"), "sqlite:"+filepath.Join(dir, "to.db")
	config := writeFile(t, filepath.Join(dir, "policy.yaml"), `
listen: 127.0.0.1:0
collections:
  - name: notes
    indexes: [{path: /n, type: number}]
    id: {natural_key: [/mail]}
  - name: signed
    contract: {token: signed}
`)
	s := serve(t, program(t, nil, "serve", "--config", config, "--store", from))
	wants(t, 201, "POST", s.url+"/v1/notes", `{"n":1,"mail":"a@x"}`)
	wants(t, 201, "POST", s.url+"/v1/notes", `{"n":2,"mail":"b@x"}`, "Idempotency-Key", "0123456789abcdef0123456789abcdef")
	signed, _ := wants(t, 201, "PUT", s.url+"/v1/signed/1", `{"n":1}`)
	for i := range 20 {
		signed, _ = wants(t, 200, "PUT", s.url+"/v1/signed/1", fmt.Sprintf(`{"n":%d}`, i), "If-Match", signed.Header.Get("ETag"))
	}
	wants(t, 201, "PUT", s.url+"/v1/signed/2", `{"n":1}`)
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, `{"id":"i%d","data":{"n":%d,"text":%q}}`+"\n", i, i, strings.Repeat("long ", 10_000))
	}
	c := program(t, nil, "import", s.url+"/v1/signed")
	c.Stdin = strings.NewReader(many.String())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, page := wants(t, 200, "GET", s.url+"/v1/notes/_changes", "")
	_, cursor, _ := strings.Cut(page, `"next":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	was := walk(t, s.url+"/v1/notes") + walk(t, s.url+"/v1/signed")
	if out := fails(t, program(t, nil, "copy", "--from", from, "--to", to)); !strings.Contains(out, "--from: ") || !strings.Contains(out, "in use") {
		t.Errorf("copying a served store: %s", out)
	}
	s.stop()

	killed := killCopies(t, from, to, filepath.Join(dir, "to.db-wal"))
	if out := says(t, "copy", "--from", from, "--to", to); !strings.Contains(out, "304 documents, 0 tombstones and 324 log rows are copied, and the copy holds the same") {
		t.Errorf("copy says %s", out)
	}
	unchanged(t, dir, "a copy over a copy", func() {
		if out := fails(t, program(t, nil, "copy", "--from", from, "--to", to)); !strings.Contains(out, "--to: ") || !strings.Contains(out, "not empty") {
			t.Errorf("a copy over a copy: %s", out)
		}
	})
	if killed == 0 {
		t.Error("no copy was killed on its way")
	}
	if out := says(t, "verify", "--store", to, "--keyring", filepath.Join(dir, "from.db.key")); !strings.Contains(out, "324 sealed by the audit chain") || !strings.Contains(out, "all agree") {
		t.Errorf("verify says of the copy: %s", out)
	}
	s = serve(t, program(t, nil, "serve", "--config", config, "--store", to, "--keyring", filepath.Join(dir, "from.db.key")))
	defer s.stop()
	if is := walk(t, s.url+"/v1/notes") + walk(t, s.url+"/v1/signed"); is != was {
		t.Errorf("the copy shows %d bytes, and not the %d of what was copied", len(is), len(was))
	}
	wants(t, 200, "GET", s.url+"/v1/notes/_changes?since="+cursor, "")
	wants(t, 409, "POST", s.url+"/v1/notes", `{"n":3,"mail":"a@x"}`)
	wants(t, 201, "POST", s.url+"/v1/notes", `{"n":2,"mail":"b@x"}`, "Idempotency-Key", "0123456789abcdef0123456789abcdef")
	wants(t, 200, "PUT", s.url+"/v1/signed/1", `{"n":"after"}`, "If-Match", signed.Header.Get("ETag"))
	_, list := wants(t, 200, "GET", s.url+"/v1/notes?n=2", "")
	if !strings.Contains(list, "b@x") || strings.Contains(list, "a@x") {
		t.Errorf("the copy's index shows %s", list)
	}
}

// killCopies begins copies and kills each as soon as it has written more than the one
// before, until one ends by itself. It returns how many it killed that had begun. What
// they leave is served by nobody.
func killCopies(t *testing.T, from, to, log string) (killed int) {
	t.Helper()
	for grown := int64(1); ; grown += 4 << 20 {
		c := program(t, nil, "copy", "--from", from, "--to", to)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, bufio.NewReader(out)) // its end is all that counts
			close(ended)
		}()
		for written := false; !written; {
			info, err := os.Stat(log)
			written = err == nil && info.Size() > grown
			select {
			case <-ended:
				written = true
			default:
			}
		}
		_ = c.Process.Kill() // it may have ended
		if c.Wait() == nil {
			if err := os.Remove(strings.TrimPrefix(to, "sqlite:")); err != nil { // it came to its end before it was killed
				t.Fatal(err)
			}
			return killed
		}
		<-ended
		said, err := program(t, nil, "verify", "--store", to).CombinedOutput()
		switch {
		case strings.Contains(string(said), "did not come to its end"):
			killed++
			if out := fails(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", to)); !strings.Contains(out, "run ifmatch copy again") {
				t.Errorf("a half of a copy is served: %s", out)
			}
		case strings.Contains(string(said), "ifmatch migrate") || err == nil && strings.Contains(string(said), "0 documents"): // it had not begun
		default:
			t.Fatalf("verify says of what a killed copy left: %v, %s", err, said)
		}
		if killed == 3 {
			return killed
		}
	}
}
