package clients

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCurl keeps tags in a file, as curl does it by itself.
func TestCurl(t *testing.T) {
	need(t, "curl")
	url := serve(t, "collections: [{name: notes}]\n") + "/v1/notes/1"
	dir := t.TempDir()
	etag := filepath.Join(dir, "etag")
	curl := func(args ...string) string {
		t.Helper()
		out, err := run(t, dir, "curl", append([]string{"-sS", "-o", "body", "-w", "%{http_code}"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	put := func(body string, args ...string) string {
		t.Helper()
		return curl(append([]string{"-X", "PUT", "-H", "Content-Type: application/json", "-d", body, url}, args...)...)
	}
	for _, step := range []struct{ what, got, want string }{
		{"create", put(`{"title":"A"}`), "201"},
		{"read, and save the tag", curl("--etag-save", etag, url), "200"},
		{"read again", curl("--etag-compare", etag, url), "304"},
		{"change", put(`{"title":"B"}`, "-H", "If-Match: "+read(t, etag)), "200"},
		{"change what is gone", put(`{"title":"C"}`, "-H", "If-Match: "+read(t, etag)), "412"},
		{"read what changed", curl("--etag-compare", etag, "--etag-save", etag, url), "200"},
		{"read that again", curl("--etag-compare", etag, url), "304"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %s, want %s", step.what, step.got, step.want)
		}
	}
	if got := read(t, etag); got != `"2"` {
		t.Errorf("curl saved the tag %s", got)
	}
}

// read returns the line in a file.
func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	return string(text)
}
