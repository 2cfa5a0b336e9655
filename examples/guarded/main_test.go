package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/examples/guarded/notes"
	"github.com/ifmatch/ifmatch/test/session"
)

func serve(t *testing.T) string {
	t.Helper()
	s, err := notes.Open(t.Context(), filepath.Join(t.TempDir(), "notes.db"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(s))
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func TestSession(t *testing.T) {
	session.Run(t, "README.md", "127.0.0.1:8080", strings.TrimPrefix(serve(t), "http://"))
}

// do sends a request and reads the answer.
func do(t *testing.T, method, url, body string, headers ...string) (status int, etag, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get("ETag"), string(data)
}

// TestPatchesLoseNothing has 32 clients each raise a member of their own, under
// a star, which holds for any state: the store must still apply every patch to
// what is there when it commits.
func TestPatchesLoseNothing(t *testing.T) {
	const clients, each = 32, 4
	url := serve(t) + "/notes/1"
	do(t, "PUT", url, `{}`)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for n := 1; n <= each; n++ {
				if status, _, content := do(t, "PATCH", url, fmt.Sprintf(`{"c%d":%d}`, client, n), "If-Match", "*"); status != http.StatusOK {
					t.Errorf("%d %s", status, content)
				}
			}
		})
	}
	wg.Wait()
	_, tag, content := do(t, "GET", url, "")
	var doc map[string]int
	if err := json.Unmarshal([]byte(content), &doc); err != nil {
		t.Fatal(err)
	}
	for client := range clients {
		if doc[fmt.Sprintf("c%d", client)] != each {
			t.Errorf("client %d has %d patches of %d", client, doc[fmt.Sprintf("c%d", client)], each)
		}
	}
	if want := fmt.Sprintf(`"%d"`, clients*each+1); tag != want {
		t.Errorf("tag %s, want %s", tag, want)
	}
}

// TestVersionsAreKept checks that each version is kept, with who wrote it.
func TestVersionsAreKept(t *testing.T) {
	s, err := notes.Open(t.Context(), filepath.Join(t.TempDir(), "notes.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(routes(s))
	defer server.Close()
	url := strings.Replace(server.URL, "//", "//ann:@", 1) + "/notes/1"
	do(t, "PUT", url, `{"n":1}`)
	do(t, "PUT", url, `{"n":2}`, "If-Match", `"1"`)
	do(t, "DELETE", url, "", "If-Match", `"2"`)
	do(t, "PUT", url, `{"n":4}`)
	for version, want := range []string{`"" false 0 `, `"{\"n\":1}" false 1 ann`, `"{\"n\":2}" false 1 ann`, `"" true 1 ann`, `"{\"n\":4}" false 2 ann`, `"" false 0 `} {
		d, err := s.LoadVersion(t.Context(), "1", int64(version))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q %t %d %s", d.Body, d.Deleted, d.Life, d.By); got != want {
			t.Errorf("version %d is %s, want %s", version, got, want)
		}
	}
}
