// Package proxies puts real reverse proxies that compress before a real server.
// A proxy that changes what it passes on marks the entity tag of it: nginx as weak,
// Apache with a suffix. Conditional requests must go on working with such a tag, or
// be refused in words that name the cause.
package proxies

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

const policy = `collections:
  - name: strict
  - name: lenient
    contract: {weak_if_match: accept}
`

// large is content that proxies find worth compressing.
var large = `{"n":%d,"text":"` + strings.Repeat("All work and no play. ", 100) + `"}`

func TestProxies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	server := session.Serve(t, "--store", "memory:", "--config", file)
	for _, p := range []struct {
		name  string
		start func(t *testing.T, server string) string
		// weak tells that the proxy marks the tag of what it compresses as weak.
		weak bool
	}{
		{"nginx", startNginx(false), false},
		{"nginx that hides Accept-Encoding", startNginx(true), true},
		{"Apache", startApache(false), false},
		{"Apache that hides Accept-Encoding", startApache(true), false},
	} {
		t.Run(p.name, func(t *testing.T) {
			c := client{T: t, url: "http://" + p.start(t, server) + "/v1/"}
			id := strings.NewReplacer(" ", "-").Replace(p.name)
			c.works("lenient/"+id, true)
			c.works("strict/"+id, !p.weak)
		})
	}
}

// client is one that takes gzip, and the tag as it gets it.
type client struct {
	*testing.T
	url string
}

// works changes and reads a document through the proxy. Where a proxy's tag does
// not do for a change, the refusal says so, and the tag that it names does.
func (c *client) works(path string, changes bool) {
	c.Helper()
	c.do("PUT", path, 0, http.StatusCreated)
	first := c.do("GET", path, 0, http.StatusOK)
	if first.coding != "gzip" || first.etag == "" || !strings.HasPrefix(first.body, `{"n":0,`) {
		c.Errorf("%s: read with the coding %q and the tag %s: %.20s", path, first.coding, first.etag, first.body)
	}
	c.do("GET", path, 0, http.StatusNotModified, "If-None-Match", first.etag)
	if !changes {
		refused := c.do("PUT", path, 1, http.StatusPreconditionFailed, "If-Match", first.etag)
		var problem struct{ Type, Detail, CurrentEtag string }
		if err := json.Unmarshal([]byte(refused.body), &problem); err != nil ||
			problem.Type != "urn:ifmatch:problem:weak-validator" || !strings.Contains(problem.Detail, "compress") {
			c.Errorf("%s: refused with %s, %v", path, refused.body, err)
		}
		first.etag = problem.CurrentEtag
	}
	c.do("PUT", path, 1, http.StatusOK, "If-Match", first.etag)
	second := c.do("GET", path, 0, http.StatusOK, "If-None-Match", first.etag)
	if second.etag == first.etag || !strings.HasPrefix(second.body, `{"n":1,`) {
		c.Errorf("%s: read after the change with the tag %s: %.20s", path, second.etag, second.body)
	}
	stale := c.do("PUT", path, 2, http.StatusPreconditionFailed, "If-Match", first.etag)
	if !strings.Contains(stale.body, "urn:ifmatch:problem:stale") {
		c.Errorf("%s: a stale change is refused with %s", path, stale.body)
	}
	c.do("GET", path, 0, http.StatusNotModified, "If-None-Match", second.etag)
}

type answer struct{ etag, coding, body string }

func (c *client) do(method, path string, n, want int, header ...string) answer {
	c.Helper()
	var content io.Reader
	if method == http.MethodPut {
		content = strings.NewReader(fmt.Sprintf(large, n))
	}
	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, content)
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.Fatal(err)
	}
	defer r.Body.Close()
	a := answer{etag: r.Header.Get("ETag"), coding: r.Header.Get("Content-Encoding")}
	body := io.Reader(r.Body)
	if a.coding == "gzip" && r.StatusCode != http.StatusNotModified {
		if body, err = gzip.NewReader(r.Body); err != nil {
			c.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		c.Fatal(err)
	}
	a.body = string(text)
	if r.StatusCode != want {
		c.Fatalf("%s %s with %q: %s, want %d: %.300s", method, path, header, r.Status, want, a.body)
	}
	return a
}
