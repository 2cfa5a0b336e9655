package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/keyring"
)

// signs returns the id of the key that made a tag.
func signs(t *testing.T, tag string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Trim(tag, `"`))
	if err != nil || len(raw) < 5 {
		t.Fatalf("%s is no signed tag", tag)
	}
	return hex.EncodeToString(raw[1:5])
}

// says runs the program, which must succeed, and returns what it prints.
func says(t *testing.T, args ...string) string {
	t.Helper()
	out, err := program(t, nil, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", args, err, out)
	}
	return string(out)
}

// signedBy reads a document until its tag is made by a key, which the server finds by
// itself, and returns the tag.
func signedBy(t *testing.T, url, id string) string {
	t.Helper()
	for {
		got, _ := ask(t, "GET", url, "")
		if tag := got.Header.Get("ETag"); signs(t, tag) == id {
			return tag
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s does not sign", id)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestKeyring: keys are added and retired while the server runs, and no tag that an
// earlier one has signed is lost before that one is retired.
func TestKeyring(t *testing.T) {
	dir := t.TempDir()
	store := "sqlite:" + filepath.Join(dir, "notes.db")
	config := writeFile(t, filepath.Join(dir, "policy.yaml"), "store: "+store+"\nlisten: 127.0.0.1:0\ndefault: {contract: {token: signed}}\n")
	s := serve(t, program(t, nil, "serve", "--config", config))
	url := s.url + "/v1/notes/1"
	put := func(want int, body, tag string) string {
		t.Helper()
		var headers []string
		if tag != "" {
			headers = []string{"If-Match", tag}
		}
		got, text := ask(t, "PUT", url, body, headers...)
		if got.StatusCode != want {
			t.Errorf("PUT under %s: %s: %s", tag, got.Status, text)
		}
		return got.Header.Get("ETag")
	}
	first := put(http.StatusCreated, `{"n":1}`, "")
	old := signs(t, first)
	ring := filepath.Join(dir, "notes.db.key")
	if info, err := os.Stat(ring); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the ring is %v, %v", info, err)
	}
	if list := says(t, "keyring", "list", "--store", store); !strings.HasPrefix(list, old+"  20") || !strings.HasSuffix(list, "  signs\n") {
		t.Errorf("the ring is listed as %q", list)
	}

	fresh, _, _ := strings.Cut(says(t, "keyring", "rotate", "--config", config), " ")
	signedBy(t, url, fresh)
	second := put(http.StatusOK, `{"n":2}`, first)
	if signs(t, second) != fresh {
		t.Errorf("%s is signed by another than %s", second, fresh)
	}
	if got, text := ask(t, "PUT", url, `{"n":3}`, "If-Match", first); got.StatusCode != http.StatusPreconditionFailed || !strings.Contains(text, `"yourVersion":1`) {
		t.Errorf("a tag from before the rotation: %s: %s", got.Status, text)
	}

	if out := fails(t, program(t, nil, "keyring", "retire", fresh, "--keyring", ring)); !strings.Contains(out, "rotate first") {
		t.Errorf("the newest key: %s", out)
	}
	says(t, "keyring", "retire", old, "--keyring", ring)
	third, _, _ := strings.Cut(says(t, "keyring", "rotate", "--keyring", ring), " ")
	signedBy(t, url, third) // so that it has the retirement too
	if got, text := ask(t, "PUT", url, `{"n":3}`, "If-Match", first); got.StatusCode != http.StatusPreconditionFailed || strings.Contains(text, "yourVersion") || strings.Contains(text, "forged") {
		t.Errorf("a tag of a retired key: %s: %s", got.Status, text)
	}
	put(http.StatusOK, `{"n":3}`, second)
	want := []string{old, "retired", fresh, "verifies", third, "signs"}
	words := strings.Fields(says(t, "keyring", "list", "--keyring", ring))
	if got := append(append([]string{words[0], words[2]}, words[3], words[5]), words[6], words[8]); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the ring is listed as %s, want %s", got, want)
	}
	if said := s.stop(); strings.Count(said, "the key ring has changed") < 2 {
		t.Errorf("the server said %s", said)
	}
	if out := says(t, "verify", "--store", store); !strings.Contains(out, "3 sealed by the audit chain: all agree") {
		t.Errorf("verify says %s", out)
	}
	if out := fails(t, program(t, nil, "verify", "--store", store, "--keyring", writeRing(t, keyring.New(time.Now())))); !strings.Contains(out, "sealed under no key of the ring") {
		t.Errorf("verify says of another ring: %s", out)
	}
}

// signsWith sees a server whose tags are made by the newest key of a ring.
func signsWith(path string) func(*testing.T, *exec.Cmd) {
	return func(t *testing.T, c *exec.Cmd) {
		s := serve(t, c)
		defer s.stop()
		r, err := keyring.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		all := r.Keys()
		got, _ := ask(t, "PUT", s.url+"/v1/notes/1", "{}")
		if have, want := signs(t, got.Header.Get("ETag")), all[len(all)-1].ID(); have != want {
			t.Errorf("%s signs, want %s", have, want)
		}
	}
}

func writeRing(t *testing.T, r keyring.Ring) string {
	t.Helper()
	return writeFile(t, filepath.Join(t.TempDir(), "ring"), string(r.Text()))
}

// TestKeyringSpoilt: a server whose ring is spoilt goes on with the keys that it has, and
// does not start again before the file is right.
func TestKeyringSpoilt(t *testing.T) {
	path := writeRing(t, keyring.New(time.Now()))
	config := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "store: 'memory:'\nlisten: 127.0.0.1:0\nsigning: {keyring: "+path+"}\ncollections: [{name: notes, contract: {token: signed}}]\n")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, program(t, nil, "serve", "--config", config))
	url := s.url + "/v1/notes/1"
	got, text := ask(t, "PUT", url, `{}`)
	if got.StatusCode != http.StatusCreated {
		t.Fatal(got.Status, text)
	}
	tag := got.Header.Get("ETag")
	for name, spoil := range map[string]struct {
		content []byte // nil for no file
		mode    os.FileMode
		says    string
	}{
		"empty": {[]byte{}, 0o600, "there is no key in it"},
		"gone":  {nil, 0, "ifmatch keyring rotate"},
		"open":  {good, 0o604, "chmod 600"},
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if spoil.content != nil {
			writeFile(t, path, string(spoil.content))
			if err := os.Chmod(path, spoil.mode); err != nil {
				t.Fatal(err)
			}
		}
		out := fails(t, program(t, nil, "serve", "--config", config))
		if !strings.Contains(out, spoil.says) || !strings.Contains(out, path) || strings.Contains(out, strings.Fields(string(good))[len(strings.Fields(string(good)))-2]) {
			t.Errorf("%s: the server starts with %s", name, out)
		}
	}
	s.hears("the keys from before are still in use")
	if got, text := ask(t, "PUT", url, `{"n":1}`, "If-Match", tag); got.StatusCode != http.StatusOK {
		t.Errorf("with a spoilt ring: %s: %s", got.Status, text)
	}
	s.stop()
}
