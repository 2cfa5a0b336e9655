package clients

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestCaches reads through two caches that are not ours, with nobody asked who
// they are and with a key. Each must ask before it uses what it has, and be
// spared the content of what has not changed. A cache for many readers must not
// keep what was read with a key.
func TestCaches(t *testing.T) {
	need(t, "node", "npm")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("caches")); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: the caches could not be fetched")
	}
	const key = "0123456789abcdef0123456789abcdef"
	keyed := fmt.Sprintf("access: true\nauth: {keys: [{name: reader, sha256: %x}]}\n", sha256.Sum256([]byte(key)))
	for _, tt := range []struct{ name, policy, authorization string }{
		{"public", "", ""},
		{"private", keyed, "Bearer " + key},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := watch(t, serve(t, tt.policy))
			out, err := run(t, dir, "node", "main.mjs", seen.url+"/v1/cached", tt.authorization)
			var want strings.Builder
			for _, cache := range []string{"undici", "make-fetch-happen"} {
				fmt.Fprintf(&want, "%[1]s, first: 200 \"1\" {\"title\":\"A\"}\n%[1]s, again: 200 \"1\" {\"title\":\"A\"}\n"+
					"%[1]s, changed: 200 \"2\" {\"title\":\"B\"}\n%[1]s, again: 200 \"2\" {\"title\":\"B\"}\n", cache)
			}
			if err != nil || out != want.String() {
				t.Errorf("%v; through the caches one reads\n%swant\n%s", err, out, want.String())
			}
			// undici's cache is one for many readers. It keeps what it may keep only
			// where the document is older than the answer took, so that it asks here
			// with a tag or without one; it asks.
			asked := seen.requests()
			if len(asked) != 12 || tt.authorization != "" && slices.ContainsFunc(asked[:6], conditional) {
				t.Errorf("the server was asked %q", asked)
			}
			if want := []string{"PUT 201", "GET 200", `GET "1" 304`, "PUT 200", `GET "1" 200`, `GET "2" 304`}; !slices.Equal(asked[6:], want) {
				t.Errorf("by a cache for one reader the server was asked\n%q, want\n%q", asked[6:], want)
			}
		})
	}
}

// watched is a server that notes what it is asked before it passes it on.
type watched struct {
	url string

	mu  sync.Mutex
	log []string
}

func watch(t *testing.T, behind string) *watched {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	w := new(watched)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			line := fmt.Sprint(r.Request.Method, " ", r.Request.Header.Get("If-None-Match"), " ", r.StatusCode)
			w.log = append(w.log, strings.ReplaceAll(line, "  ", " "))
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	w.url = front.URL
	return w
}

func (w *watched) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log
}

func conditional(request string) bool { return strings.Contains(request, `"`) }
