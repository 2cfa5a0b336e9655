package browser_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestCache: the browser's own cache spares a page the content of what has not
// changed, and never gives it what has. The page is of the API's origin, where
// Chromium asks for zstd, or of a listed one, and the API's name is not this
// machine's, where it asks for gzip; it has a key, or nobody needs one.
func TestCache(t *testing.T) {
	chromium := findChromium(t)
	binary := build(t)
	const key = "0123456789abcdef0123456789abcdef"
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	keyed := fmt.Sprintf("collections: [{name: notes}]\naccess: true\nauth: {keys: [{name: ann, sha256: %x}]}\n", sha256.Sum256([]byte(key)))
	if err := os.WriteFile(policy, []byte(keyed), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, coding, key string
		listed            bool
	}{
		{"same origin, public", "zstd", "", false},
		{"same origin, private", "zstd", key, false},
		{"listed origin, public", "gzip", "", true},
		{"listed origin, private", "gzip", key, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pages := newSite(t)
			args := []string{"--cors", pages.under("localhost")}
			if tt.key != "" {
				args = append(args, "--config", policy)
			}
			api := start(t, binary, args...)
			pages.elsewhere(t, api)
			base, log := "", new(asked)
			if tt.listed {
				front := httptest.NewServer(log.before(t, api))
				t.Cleanup(front.Close)
				base = strings.Replace(front.URL, "127.0.0.1", rebound, 1)
			} else {
				pages.mux.Handle("/v1/", log.before(t, api))
			}
			visits := visits(tt.coding)
			if tt.key != "" {
				visits = slices.Concat(visits, withoutKey)
			}
			steps := make([]step, len(visits))
			for i, v := range visits {
				steps[i] = v.at(base, tt.key)
			}
			got := pages.visit(t, chromium, pages.under("localhost")+"/page.html", steps)
			var want []string
			for i, v := range visits {
				v.check(t, got[i])
				if v.asked != "" {
					want = append(want, v.Method+" "+v.Path+" "+v.asked)
				}
			}
			if lines := log.lines(); !slices.EqualFunc(lines, want, asksAs) {
				t.Errorf("the server was asked\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// asksAs compares what a server was asked. A wanted * stands for any one tag, or
// none.
func asksAs(line, want string) bool {
	before, after, found := strings.Cut(want, " * ")
	if !found {
		return line == want
	}
	words := strings.Fields(line)
	if len(words) == 4 {
		words = slices.Delete(words, 2, 3)
	}
	return strings.Join(words, " ") == before+" "+after
}

// visit is a step of a page, with what its script gets and what the server is
// asked for it.
type visit struct {
	step
	status int
	etag   string // "" where no matter
	body   string // how it begins
	asked  string // tag in If-None-Match and status; "" where the server is not asked
}

func get(path, etag, body, asked string) visit {
	return visit{step{Method: "GET", Path: path}, 200, etag, body, asked}
}

// put replaces a document whose tag the page has read.
func put(path, tag, body string, status int, etag string) visit {
	return visit{step{Method: "PUT", Path: path, Headers: with("If-Match", tag), Body: body}, status, etag, "", fmt.Sprint(status)}
}

// byOthers is a write that the page's browser does not know of.
func byOthers(path, tag, body string, status int) visit {
	v := put(path, tag, body, status, "")
	v.Path, v.asked = "/elsewhere"+path, ""
	return v
}

const (
	note    = "/v1/notes/note"
	long    = "/v1/notes/long"
	none    = "/v1/notes/none"
	version = note + "/_history/1"
	list    = "/v1/notes"
)

// visits is what the page does. Long documents are compressed.
func visits(coding string) []visit {
	missing := visit{step{Method: "GET", Path: none}, 404, "", `{"type":"urn:ifmatch:problem:not-found"`, "404"}
	failing := visit{step{Method: "GET", Path: note, Headers: map[string]string{"If-Match": `"1"`}}, 412, `"4"`, `{"type":"urn:ifmatch:problem:stale"`, "412"}
	patch := put(note, `"3"`, `{"n":4}`, 200, `"4"`)
	patch.Method = "PATCH"
	text := func(n int) string { return fmt.Sprintf(`{"n":%d,"text":%q}`, n, strings.Repeat("text ", 400)) }
	coded := func(n int) string { return fmt.Sprintf(`"%d;%s"`, n, coding) }
	return []visit{
		byOthers(note, "", `{"n":1}`, 201),
		get(note, `"1"`, `{"n":1}`, "200"),
		get(note, `"1"`, `{"n":1}`, `"1" 304`),
		byOthers(note, `"1"`, `{"n":2}`, 200),
		get(note, `"2"`, `{"n":2}`, `"1" 200`),
		get(note, `"2"`, `{"n":2}`, `"2" 304`),

		// Of what the page writes itself, a browser may keep the state before.
		put(note, `"2"`, `{"n":3}`, 200, `"3"`),
		get(note, `"3"`, `{"n":3}`, "* 200"),
		get(note, `"3"`, `{"n":3}`, `"3" 304`),
		patch,
		get(note, `"4"`, `{"n":4}`, "* 200"),
		get(note, `"4"`, `{"n":4}`, `"4" 304`),

		// Refusals are not kept, and do not take the place of what is.
		put(note, `"1"`, `{"n":5}`, 412, `"4"`),
		failing, failing,
		get(note, `"4"`, `{"n":4}`, `"4" 304`),
		missing, missing,
		byOthers(none, "", `{"n":1}`, 201),
		get(none, `"1"`, `{"n":1}`, "200"),

		// A version never changes, so nobody is asked for it again.
		get(version, `"1"`, `{"n":1}`, "200"),
		get(version, `"1"`, `{"n":1}`, ""),
		put(note, `"4"`, `{"n":5}`, 200, `"5"`),
		get(version, `"1"`, `{"n":1}`, ""),

		// A list has a tag of its own; a page of the history has none, and is not kept.
		get(list, "", `{"items":[`, "200"),
		get(list, "", `{"items":[`, "* 304"),
		byOthers(none, `"1"`, `{"n":2}`, 200),
		get(list, "", `{"items":[`, "* 200"),
		get(note+"/_history", "", `{"items":[{"version":5,`, "200"),
		get(note+"/_history", "", `{"items":[{"version":5,`, "200"),

		// The tag of a compressed document is kept with it, and guards a write.
		byOthers(long, "", text(1), 201),
		get(long, coded(1), text(1), "200"),
		get(long, coded(1), text(1), coded(1)+" 304"),
		put(long, coded(1), text(2), 200, ""),
		get(long, coded(2), text(2), "* 200"),
		get(long, coded(2), text(2), coded(2)+" 304"),
		put(long, coded(1), text(3), 412, `"2"`),
		byOthers(long, coded(2), text(4), 200),
		get(long, coded(3), text(4), coded(2)+" 200"),
		get(long, coded(3), text(4), coded(3)+" 304"),
	}
}

// withoutKey is what a page gets that has lost its key: nothing that was kept.
var withoutKey = []visit{
	get(note, `"5"`, `{"n":5}`, "* 200"),
	{step{Method: "GET", Path: note, Headers: map[string]string{"Authorization": ""}}, 401, "", `{"type":"urn:ifmatch:problem:unauthenticated"`, `"5" 401`},
	get(note, `"5"`, `{"n":5}`, `"5" 304`),
}

// at returns the step for an API under a URL, with a key where there is one and
// the step does not leave it out.
func (v visit) at(base, key string) step {
	s := v.step
	if !strings.HasPrefix(s.Path, "/elsewhere/") {
		s.API = base
	}
	s.Headers = map[string]string{}
	if key != "" {
		s.Headers["Authorization"] = "Bearer " + key
	}
	for name, value := range v.Headers {
		if s.Headers[name] = value; value == "" {
			delete(s.Headers, name)
		}
	}
	return s
}

func (v visit) check(t *testing.T, got result) {
	t.Helper()
	if got.Status != v.status || v.etag != "" && got.Headers["etag"] != v.etag || !strings.HasPrefix(got.Body, v.body) {
		t.Errorf("%s %s %v: the script gets %d %s %.100s %s, want %d %s %.50s",
			v.Method, v.Path, v.Headers, got.Status, got.Headers["etag"], got.Body, got.Error, v.status, v.etag, v.body)
	}
}

// elsewhere lets the page's script have somebody else write: under another URL,
// and with nothing of the browser.
func (s *site) elsewhere(t *testing.T, api string) {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	s.mux.Handle("/elsewhere/", http.StripPrefix("/elsewhere", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		kept := http.Header{}
		for _, name := range []string{"Authorization", "Content-Type", "If-Match"} {
			if value := r.In.Header.Get(name); value != "" {
				kept.Set(name, value)
			}
		}
		r.Out.Header = kept
		r.SetURL(target)
	}}))
}

// asked is what a server was asked, preflights left out, and what it answered.
type asked struct {
	mu  sync.Mutex
	log []string
}

// before notes requests on their way to the API.
func (a *asked) before(t *testing.T, api string) http.Handler {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if !strings.HasPrefix(r.In.Host, rebound) {
				r.Out.Host = r.In.Host // by which the API knows its own pages
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodOptions {
				return nil
			}
			words := []string{r.Request.Method, r.Request.URL.Path, r.Request.Header.Get("If-None-Match"), fmt.Sprint(r.StatusCode)}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.log = append(a.log, strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "))
			return nil
		},
	}
}

func (a *asked) lines() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.log)
}
