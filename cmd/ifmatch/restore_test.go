package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wants asks and fails unless the status is as wanted.
func wants(t *testing.T, status int, method, url, body string, fields ...string) (reply, string) {
	t.Helper()
	got, text := ask(t, method, url, body, fields...)
	if got.StatusCode != status {
		t.Fatalf("%s %s %v: %s, want %d: %s", method, url, fields, got.Status, status, text)
	}
	return got, text
}

// contents are the files of a folder with what is in them, but for locks.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f.Name(), ".lock") {
			all[f.Name()] = string(text)
		}
	}
	return all
}

// unchanged fails unless what refused leaves a folder as it was.
func unchanged(t *testing.T, dir, what string, refused func()) {
	t.Helper()
	before := contents(t, dir)
	refused()
	after := contents(t, dir)
	for name, text := range after {
		if was, ok := before[name]; !ok || was != text {
			t.Errorf("%s: %s was made or changed", what, name)
		}
	}
	if len(after) < len(before) {
		t.Errorf("%s: of %d files %d are left", what, len(before), len(after))
	}
}

// TestRestore backs a store up while it is served, loses what came after, and goes back
// to the copy: no tag and no cursor of the lost time is taken for one of the new.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	store, file := "sqlite:"+filepath.Join(dir, "a.db"), filepath.Join(dir, "copy.db")
	config := writeFile(t, filepath.Join(dir, "policy.yaml"), `
store: `+store+`
listen: 127.0.0.1:0
collections:
  - name: notes
  - name: signed
    contract: {token: signed}
  - name: late
`)
	s := serve(t, program(t, nil, "serve", "--config", config))
	note, signed := s.url+"/v1/notes/1", s.url+"/v1/signed/1"
	wants(t, 201, "PUT", note, `{"n":1}`)
	wants(t, 200, "PUT", note, `{"n":2}`, "If-Match", `"1"`)
	first, _ := wants(t, 201, "PUT", signed, `{"n":1}`)
	if out, err := program(t, nil, "backup", "--store", store, file).CombinedOutput(); err != nil || !strings.Contains(string(out), "its key ring is not in it") {
		t.Fatalf("backing up a served store: %v: %s", err, out)
	}
	if out := fails(t, program(t, nil, "restore", "--replace", "--store", store, file)); !strings.Contains(out, "in use") {
		t.Errorf("restoring a served store: %s", out)
	}
	lost, _ := wants(t, 200, "PUT", note, `{"n":"lost"}`, "If-Match", `"2"`)
	wants(t, 201, "PUT", s.url+"/v1/late/1", `{"n":"lost"}`)
	lostSigned, _ := wants(t, 200, "PUT", signed, `{"n":"lost"}`, "If-Match", first.Header.Get("ETag"))
	_, page := wants(t, 200, "GET", s.url+"/v1/notes/_changes", "")
	_, cursor, _ := strings.Cut(page, `"next":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	list, _ := wants(t, 200, "GET", s.url+"/v1/notes", "")
	s.stop()

	unchanged(t, dir, "restoring over a store", func() {
		if out := fails(t, program(t, nil, "restore", "--store", store, file)); !strings.Contains(out, "is there already") || !strings.Contains(out, "--replace") {
			t.Errorf("restoring over a store: %s", out)
		}
	})
	unchanged(t, dir, "backing up over a file", func() {
		if out := fails(t, program(t, nil, "backup", "--store", store, file)); !strings.Contains(out, "is there already") {
			t.Errorf("backing up over a file: %s", out)
		}
	})
	unchanged(t, dir, "a margin of 0", func() {
		if out := fails(t, program(t, nil, "restore", "--replace", "--margin", "0", "--store", store, file)); !strings.Contains(out, "--margin") {
			t.Errorf("a margin of 0: %s", out)
		}
	})
	if out := says(t, "restore", "--replace", "--store", store, file); !strings.Contains(out, "3 sealed by the audit chain: all agree") || !strings.Contains(out, "epoch 2 begins") {
		t.Errorf("restore says %s", out)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "a.db.replaced-*Z"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("what was there is %q, %v", aside, err)
	}
	if out := says(t, "verify", "--store", "sqlite:"+aside[0], "--keyring", filepath.Join(dir, "a.db.key")); !strings.Contains(out, "6 sealed") {
		t.Errorf("what was set aside: %s", out)
	}

	s = serve(t, program(t, nil, "serve", "--config", config))
	note, signed = s.url+"/v1/notes/1", s.url+"/v1/signed/1"
	wants(t, 412, "PUT", note, `{"n":"late"}`, "If-Match", lost.Header.Get("ETag"))
	wants(t, 412, "PUT", signed, `{"n":"late"}`, "If-Match", lostSigned.Header.Get("ETag"))
	wants(t, 412, "PUT", signed, `{"n":"late"}`, "If-Match", first.Header.Get("ETag"))
	wants(t, 410, "GET", s.url+"/v1/notes/_changes?since="+cursor, "")
	wants(t, 200, "GET", s.url+"/v1/notes", "", "If-None-Match", list.Header.Get("ETag"))
	if got, text := wants(t, 200, "GET", note, ""); got.Header.Get("ETag") != `"2"` || text != `{"n":2}` {
		t.Errorf("the note is %s %s", got.Header.Get("ETag"), text)
	}
	if got, _ := wants(t, 200, "PUT", note, `{"n":3}`, "If-Match", `"2"`); got.Header.Get("ETag") != `"1000000003"` {
		t.Errorf("the first version of the new epoch is %s", got.Header.Get("ETag"))
	}
	if got, _ := wants(t, 201, "PUT", s.url+"/v1/late/1", `{"n":"anew"}`); got.Header.Get("ETag") != `"1000000003"` {
		t.Errorf("what the copy knew nothing of is created as %s", got.Header.Get("ETag"))
	}
	s.stop()
	if out := says(t, "verify", "--store", store); !strings.Contains(out, "all agree") {
		t.Errorf("verify after it: %s", out)
	}
	if out := says(t, "restore", "--store", store); !strings.Contains(out, "epoch 3 begins") {
		t.Errorf("a store that was put back by other means: %s", out)
	}
}

// TestRestoreRefused: a copy that contradicts itself, or is none, changes nothing.
func TestRestoreRefused(t *testing.T) {
	dir := t.TempDir()
	store, file := filepath.Join(dir, "a.db"), filepath.Join(t.TempDir(), "copy.db")
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "sqlite:"+store))
	wants(t, 201, "PUT", s.url+"/v1/notes/1", `{"n":"the one"}`)
	says(t, "backup", "--store", "sqlite:"+store, file)
	s.stop()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ copy, want string }{
		"tampered with": {strings.Replace(string(good), "the one", "the two", 1), "contradicts itself; nothing was changed"},
		"cut off":       {string(good[:len(good)/2]), ""},
		"no database":   {strings.Repeat("no database ", 1000), "no SQLite database"},
		"empty":         {"", "no ifmatch store"},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, file, tt.copy)
			unchanged(t, dir, name, func() {
				if out := fails(t, program(t, nil, "restore", "--replace", "--store", "sqlite:"+store, file)); !strings.Contains(out, tt.want) {
					t.Errorf("restore says %s, want %q", out, tt.want)
				}
			})
		})
	}
}

// TestStoresThatCannotBeOpened: one sentence each that says what to do, from every command that
// opens a store, and nothing is changed.
func TestStoresThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	text := writeFile(t, filepath.Join(dir, "text"), strings.Repeat("no database ", 1000))
	for dsn, want := range map[string]string{
		"sqlite:" + text:                       "no SQLite database; name another file",
		"sqlite:" + filepath.Join(dir, "none"): "no such file",
		"memory:":                              "a store in memory ends with its process",
		"mysql://ann:hush@127.0.0.1/notes":     "this kind of store is not known",
		"a.db":                                 "a store begins with its kind and a colon",
		"sqlite:":                              "sqlite: needs the path of a file",
	} {
		for _, command := range [][]string{{"verify"}, {"migrate"}, {"restore"}, {"backup", filepath.Join(dir, "copy")}} {
			unchanged(t, dir, command[0]+" "+dsn, func() {
				out := fails(t, program(t, nil, append(command, "--store", dsn)...))
				if !strings.Contains(out, want) || strings.Contains(out, "hush") || strings.Count(out, "\n") > 1 {
					t.Errorf("%s %s says %s, want %q in one line", command[0], dsn, out, want)
				}
			})
		}
	}
}
