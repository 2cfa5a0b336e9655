package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

const app = "https://app.example.com" // the origin that tests list

// site is a served API that browsers come to.
type site struct {
	*testing.T
	store *memory.Store
	addr  string
}

func newSite(t *testing.T, c httpapi.Config) *site {
	t.Helper()
	s := &site{T: t, store: memory.Open(memory.Options{})}
	c.Door = &door.Door{Engine: engine.New(s.store, engine.Config{})}
	c.Default = new(engine.Rules)
	server := httptest.NewServer(httpapi.New(c))
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	if got := s.do("PUT", "/v1/notes/1", "Host", "localhost"); got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return s
}

// do sends a request with a new document, where it writes, and header fields in
// pairs of name and value.
func (s *site) do(method, path string, fields ...string) answer {
	s.Helper()
	return s.in(s.T, method, path, fields...)
}

// in is do for a test of its own.
func (s *site) in(t *testing.T, method, path string, fields ...string) answer {
	t.Helper()
	content := ""
	if method == "PUT" || method == "POST" || method == "PATCH" {
		content = fmt.Sprintf(`{"at":%d}`, time.Now().UnixNano())
	}
	r, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			r.Host = fields[i+1]
			continue
		}
		r.Header.Add(fields[i], strings.ReplaceAll(fields[i+1], "SELF", s.addr))
	}
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: got.StatusCode, header: got.Header, body: string(body)}
}

// refused checks that a request is forbidden in full and has changed nothing.
func (s *site) refused(t *testing.T, method, path string, fields ...string) problemBody {
	t.Helper()
	before := dump(t, s.store)
	got := s.in(t, method, path, fields...)
	var p problemBody
	if method != "HEAD" {
		if err := json.Unmarshal([]byte(got.body), &p); err != nil {
			t.Fatalf("%d, %v: %s", got.status, err, got.body)
		}
		if p.Type != "urn:ifmatch:problem:forbidden" || p.Status != 403 || p.Action != method || p.Resource != path || p.Detail == "" {
			t.Errorf("%+v", p)
		}
	}
	if got.status != 403 || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.status, got.header)
	}
	for name := range got.header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Etag" {
			t.Errorf("the refusal has %s: %s", name, got.header.Get(name))
		}
	}
	if dump(t, s.store) != before {
		t.Error("a refused request has changed the store")
	}
	return p
}

type problemBody struct {
	Type, Action, Resource, Detail string
	Status                         int
}

var _ store.Scanner = (*memory.Store)(nil)

// TestOrigins holds who may do what against what browsers say of a page.
func TestOrigins(t *testing.T) {
	const none, own, other, same = "", "http://SELF", "http://localhost:9", "same-origin"
	tests := []struct {
		name         string
		origin, site string // "": the browser sends no such field
		list         []string
		refused      bool
		allow        string // Access-Control-Allow-Origin of what is not refused
	}{
		{"no browser", none, "", nil, false, ""},
		{"typed by hand", none, "none", nil, false, ""},
		{"its own page, an old browser", own, "", nil, false, ""},
		{"its own page", own, same, nil, false, ""},
		{"its own page, without Origin", none, same, nil, false, ""},
		{"its own page behind a proxy with TLS", "https://SELF", "", nil, false, ""},
		{"its own page behind a proxy that changes Host", "https://notes.example", same, nil, false, ""},
		{"its own page is no page to list", own, "", []string{app}, false, ""},
		{"its own name, from elsewhere", own, "cross-site", nil, true, ""},
		{"its own name, from beside", own, "same-site", nil, true, ""},
		{"its own name under another scheme", "ftp://SELF", "", nil, true, ""},
		{"its own name alone", "SELF", "", nil, true, ""},
		{"another page", app, "cross-site", nil, true, ""},
		{"another page, an old browser", app, "", nil, true, ""},
		{"another page, no word of the browser", app, "none", nil, true, ""},
		{"another port of this machine", other, "same-site", nil, true, ""},
		{"another site, without Origin", none, "cross-site", nil, true, ""},
		{"another site, without Origin, others are listed", none, "cross-site", []string{app}, true, ""},
		{"another site, without Origin, all are listed", none, "cross-site", []string{"*"}, true, ""},
		{"a sandbox", "null", "cross-site", nil, true, ""},
		{"a sandbox, others are listed", "null", "", []string{app}, true, ""},
		{"an empty Origin", "EMPTY", "", nil, true, ""},
		{"listed", app, "cross-site", []string{app}, false, app},
		{"listed, an old browser", app, "", []string{app}, false, app},
		{"listed among others", app, "same-site", []string{"http://localhost:1", app}, false, app},
		{"listed, but for its port", app + ":8443", "", []string{app}, true, ""},
		{"listed, but for its scheme", "http://app.example.com", "", []string{app}, true, ""},
		{"listed, but for a suffix", app + ".evil.example", "", []string{app}, true, ""},
		{"listed, but for a prefix", "https://evilapp.example.com", "", []string{app}, true, ""},
		{"listed, but for a slash", app + "/", "", []string{app}, true, ""},
		{"listed, in capitals", "https://APP.example.com", "", []string{app}, true, ""},
		{"listed twice in a line", app + ", " + app, "", []string{app}, true, ""},
		{"all", app, "cross-site", []string{"*"}, false, "*"},
		{"all, also a sandbox", "null", "cross-site", []string{"*"}, false, "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, httpapi.Config{Origins: tt.list})
			var fields []string
			switch tt.origin {
			case "":
			case "EMPTY":
				fields = []string{"Origin", ""}
			default:
				fields = []string{"Origin", tt.origin}
			}
			if tt.site != "" {
				fields = append(fields, "Sec-Fetch-Site", tt.site)
			}
			for _, w := range []struct{ method, path string }{
				{"PUT", "/v1/notes/1"}, {"PUT", "/v1/notes/2"}, {"PATCH", "/v1/notes/1"}, {"POST", "/v1/notes"}, {"DELETE", "/v1/notes/1"},
				{"FROBNICATE", "/v1/notes/1"}, {"POST", "/healthz"},
			} {
				if tt.refused {
					s.refused(t, w.method, w.path, append(fields, "If-Match", "*")...)
					continue
				}
				if got := s.in(t, w.method, w.path, fields...); got.status == 403 {
					t.Errorf("%s %s: %s", w.method, w.path, got.body)
				}
			}
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} { // browsers keep answers from pages
				got := s.in(t, method, "/v1/notes", fields...)
				if got.status >= 300 {
					t.Errorf("%s: %d %s", method, got.status, got.body)
				}
				readable(t, got, tt.allow)
			}
		})
	}
}

// readable checks what an answer lets the page of an origin read; "" for nothing.
func readable(t *testing.T, got answer, origin string) {
	t.Helper()
	credentials, exposed := "", ""
	if origin != "" {
		exposed = "Accept-Patch, Allow, Content-Location, ETag, Idempotent-Replayed, Ifmatch-Dry-Run, Ifmatch-ETag, Ifmatch-Guarantee, Ifmatch-Outcome, Ifmatch-Outranked, Ifmatch-Warning, " +
			"Last-Modified, Link, Location, Preference-Applied, Repr-Digest, Retry-After, X-Request-Id"
	}
	if origin != "" && origin != "*" {
		credentials = "true"
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": credentials, "Access-Control-Expose-Headers": exposed,
	} {
		if have := strings.Join(got.header.Values(name), "; "); have != want {
			t.Errorf("%d has %s: %q, want %q", got.status, name, have, want)
		}
	}
	if got.header.Get("Cache-Control") != "no-store" {
		if !slices.Contains(strings.Split(strings.Join(got.header.Values("Vary"), ", "), ", "), "Origin") {
			t.Errorf("%d has Vary: %q, and a cache would give it to pages of other origins", got.status, got.header.Values("Vary"))
		}
	}
}

// TestEveryAnswerIsReadable asks for every kind of answer.
func TestEveryAnswerIsReadable(t *testing.T) {
	s := newSite(t, httpapi.Config{Origins: []string{app}, MaxURL: 1000, Ready: func() error { return io.EOF }})
	for _, step := range []struct {
		status       int
		method, path string
		fields       []string
	}{
		{201, "PUT", "/v1/notes/2", nil},
		{201, "POST", "/v1/notes", nil},
		{200, "GET", "/v1/notes/1", nil},
		{200, "HEAD", "/v1/notes/1", nil},
		{304, "GET", "/v1/notes/1", []string{"If-None-Match", `"1"`}},
		{200, "PUT", "/v1/notes/1", []string{"If-Match", `"1"`}},
		{204, "PUT", "/v1/notes/1", []string{"If-Match", `"2"`, "Prefer", "return=minimal"}},
		{200, "PATCH", "/v1/notes/1", []string{"If-Match", `"3"`}},
		{412, "PUT", "/v1/notes/1", []string{"If-Match", `"1"`}},
		{412, "PUT", "/v1/notes/1", []string{"If-None-Match", "*"}},
		{412, "GET", "/v1/notes/1", []string{"If-Match", `"1"`}},
		{428, "PUT", "/v1/notes/1", nil},
		{400, "PUT", "/v1/notes/1", []string{"If-Match", "1"}},
		{415, "PUT", "/v1/notes/1", []string{"Content-Encoding", "gzip"}},
		{405, "POST", "/v1/notes/1", nil},
		{404, "GET", "/v1/notes/none", nil},
		{404, "GET", "/nowhere", nil},
		{414, "GET", "/v1/notes/1?" + strings.Repeat("x", 1000), nil},
		{200, "GET", "/v1/notes", nil},
		{400, "GET", "/v1/notes?x=1", nil},
		{200, "GET", "/v1/notes/1/_history", nil},
		{200, "GET", "/v1/notes/1/_history/1", nil},
		{304, "GET", "/v1/notes/1/_history/1", []string{"If-None-Match", `"1"`}},
		{200, "GET", "/v1/notes/1/_diff?from=1&to=2", nil},
		{200, "GET", "/v1/notes/1/_blame", nil},
		{200, "GET", "/v1/notes/1/_fields/at", nil},
		{428, "PUT", "/v1/notes/1/_fields/at", nil},
		{204, "OPTIONS", "/v1/notes/1/_fields/at", nil},
		{204, "OPTIONS", "/v1/notes/1", nil},
		{200, "GET", "/healthz", nil},
		{503, "GET", "/readyz", nil},
		{204, "DELETE", "/v1/notes/2", []string{"If-Match", `"1"`}},
	} {
		t.Run(fmt.Sprintf("%d %s %.40s", step.status, step.method, step.path), func(t *testing.T) {
			got := s.in(t, step.method, step.path, append(step.fields, "Origin", app, "Sec-Fetch-Site", "cross-site")...)
			if got.status != step.status {
				t.Fatalf("%d, want %d: %s", got.status, step.status, got.body)
			}
			readable(t, got, app)
			if step.method == "GET" { // what a cache may keep of an answer to somebody else
				readable(t, s.in(t, step.method, step.path, step.fields...), "")
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	const accepted = "Accept, Api-Version, Authorization, Content-Digest, Content-Encoding, Content-Range, Content-Type, Idempotency-Key, " +
		"If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Ifmatch-Attempt, Ifmatch-Client, Ifmatch-Lease, Last-Event-ID, " +
		"Prefer, Repr-Digest, Traceparent, Tracestate, Want-Repr-Digest, X-Request-Id"
	tests := []struct {
		name, origin string
		list         []string
		allow        string
	}{
		{"listed", app, []string{app}, app},
		{"all", app, []string{"*"}, "*"},
		{"a sandbox, all", "null", []string{"*"}, "*"},
		{"not listed", "http://evil.example", []string{app}, ""},
		{"none listed", app, nil, ""},
		{"a sandbox", "null", []string{app}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, httpapi.Config{Origins: tt.list})
			before := dump(t, s.store)
			for _, path := range []string{"/v1/notes/1", "/v1/notes/none", "/v1/notes", "/nowhere", "/v1/notes/1/_history"} {
				got := s.in(t, "OPTIONS", path, "Origin", tt.origin, "Sec-Fetch-Site", "cross-site",
					"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type,if-match,x-other")
				readable(t, got, tt.allow)
				want := map[string]string{}
				if tt.allow != "" {
					want = map[string]string{"Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
						"Access-Control-Allow-Headers": accepted, "Access-Control-Max-Age": "7200", "Cache-Control": "no-store"}
					if got.status != 204 || got.body != "" {
						t.Errorf("%s: %d %s", path, got.status, got.body)
					}
				}
				for _, name := range []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"} {
					if have := got.header.Get(name); have != want[name] {
						t.Errorf("%s: %s: %q, want %q", path, name, have, want[name])
					}
				}
			}
			if dump(t, s.store) != before {
				t.Error("a preflight has changed the store")
			}
		})
	}
}

// TestPreflightNeedsNoKey: browsers send preflights without credentials, and
// pages are to read that a key is asked for.
func TestPreflightNeedsNoKey(t *testing.T) {
	keys, err := access.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpapi.New(httpapi.Config{
		Origins: []string{app}, Default: new(engine.Rules), Auth: httpapi.Auth{Keys: keys},
		Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})},
	}))
	defer server.Close()
	s := &site{T: t, addr: server.Listener.Addr().String()}
	for status, fields := range map[int][]string{204: {"Access-Control-Request-Method", "PUT"}, 401: nil} {
		got := s.do("OPTIONS", "/v1/notes/1", append(fields, "Origin", app)...)
		if got.status != status {
			t.Errorf("%d, want %d: %s", got.status, status, got.body)
		}
		readable(t, got, app)
	}
	got := s.do("PUT", "/v1/notes/1", "Origin", "http://evil.example")
	if got.status != 403 {
		t.Errorf("a page that is not listed gets %d: %s", got.status, got.body)
	}
	readable(t, got, "")
}

// TestHosts: a name that leads to this machine from elsewhere's name server may
// read nothing either.
func TestHosts(t *testing.T) {
	s := newSite(t, httpapi.Config{Loopback: true, Origins: []string{"*"}})
	for _, host := range []string{"localhost", "localhost:8080", "LocalHost:1", "127.0.0.1", "127.0.0.1:65535", "127.0.0.2:8080", "[::1]", "[::1]:8080"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
			if got := s.do(method, "/v1/notes", "Host", host); got.status >= 300 {
				t.Errorf("%s of %s: %d %s", method, host, got.status, got.body)
			}
		}
	}
	for _, host := range []string{
		"evil.example", "evil.example:8080", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example:80", "evil.localhost.example",
		"0.0.0.0:8080", "10.0.0.1", "192.168.1.1:8080", "[::]", "[::2]:80", "[fe80::1]", "::1", "127.1", "2130706433", "[127.0.0.1]", "[localhost]",
		"localhost:80:evil", "localhost:evil", "127.0.0.1:evil.example:80", "[::1]evil", "[::1", "localhost::80",
	} {
		t.Run(host, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
				p := s.refused(t, method, "/v1/notes/1", "Host", host, "If-Match", "*")
				if method != "HEAD" && !strings.Contains(p.Detail, host) {
					t.Errorf("the detail does not name it: %s", p.Detail)
				}
			}
			s.refused(t, "GET", "/healthz", "Host", host)
			s.refused(t, "OPTIONS", "/v1/notes/1", "Host", host, "Origin", app, "Access-Control-Request-Method", "PUT")
			s.refused(t, "GET", "/v1/notes/1", "Host", host, "Origin", "http://"+host, "Sec-Fetch-Site", "same-origin")
		})
	}
	elsewhere := newSite(t, httpapi.Config{})
	if got := elsewhere.do("GET", "/v1/notes/1", "Host", "notes.example"); got.status != 200 {
		t.Errorf("a server for others answers %d to its name", got.status)
	}
}

// TestNoHost: without Host nobody can tell what name led here.
func TestNoHost(t *testing.T) {
	s := newSite(t, httpapi.Config{Loopback: true})
	if got := dial(t, s.addr).send("GET /v1/notes/1 HTTP/1.0\r\n\r\n"); got.status != 403 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := dial(t, s.addr).send("GET http://evil.example/v1/notes/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"); got.status != 403 {
		t.Errorf("an absolute target goes before Host (RFC 9112 §3.2.2): %d %s", got.status, got.body)
	}
}

// TestTwoOrigins: no browser sends two lines.
func TestTwoOrigins(t *testing.T) {
	s := newSite(t, httpapi.Config{Origins: []string{app}})
	s.refused(t, "POST", "/v1/notes", "Origin", app, "Origin", app)
	s.refused(t, "POST", "/v1/notes", "Origin", "http://evil.example", "Origin", app)
}

// TestRefusalsAreLogged: an origin is named with what would list it, once an hour,
// and no flood of origins floods the log.
func TestRefusalsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := httpapi.New(httpapi.Config{Origins: []string{app}, Default: new(engine.Rules), Door: &door.Door{
			Engine: engine.New(memory.Open(memory.Options{}), engine.Config{}), Log: slog.New(slog.NewJSONHandler(&log, nil)),
		}})
		come := func(method, origin string) (lines []map[string]string) {
			t.Helper()
			log.Reset()
			r := httptest.NewRequestWithContext(context.Background(), method, "/v1/notes", strings.NewReader("{}"))
			r.Header.Set("Origin", origin)
			h.ServeHTTP(httptest.NewRecorder(), r)
			for d := json.NewDecoder(&log); d.More(); {
				line := map[string]string{}
				if err := d.Decode(&line); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, line)
			}
			return lines
		}
		const page = "http://localhost:3000"
		for _, method := range []string{"POST", "GET", "OPTIONS"} {
			got := come(method, page)
			if len(got) != 1 || got[0]["origin"] != page || got[0]["file"] != `cors: {origins: ["http://localhost:3000"]}` || got[0]["flag"] != "--cors "+page || got[0]["level"] != "WARN" {
				t.Fatalf("%s: %v", method, got)
			}
			if again := come(method, page); len(again) > 0 {
				t.Errorf("it is logged again: %v", again)
			}
			<-time.After(time.Hour)
		}
		if got := come("POST", app); len(got) > 0 {
			t.Errorf("one that is listed is logged: %v", got)
		}
		for _, odd := range []string{"null", "", "http://" + strings.Repeat("x", 1000)} {
			if got := come("POST", odd); len(got) != 1 || got[0]["flag"] != "--cors '*'" || len(got[0]["origin"]) > 255 {
				t.Errorf("%.20s: %v", odd, got)
			}
		}
		<-time.After(time.Hour)
		total := 0
		for i := range 1000 {
			total += len(come("POST", fmt.Sprintf("http://%d.example", i)))
		}
		if total != 16 {
			t.Errorf("%d of 1000 origins were logged", total)
		}
	})
}

// TestEveryHeaderIsKnown finds the header fields of our own in the code, so that
// none is added that pages cannot send or read.
func TestEveryHeaderIsKnown(t *testing.T) {
	s := newSite(t, httpapi.Config{Origins: []string{"*"}})
	got := s.do("OPTIONS", "/v1/notes", "Origin", app, "Access-Control-Request-Method", "PUT")
	known := strings.Split(strings.ToLower(got.header.Get("Access-Control-Allow-Headers")+", "+got.header.Get("Access-Control-Expose-Headers")), ", ")
	field := regexp.MustCompile(`"Ifmatch-[A-Za-z-]+"`)
	found := 0
	for _, room := range []string{".", "../door", "../../problem", "../access"} {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range field.FindAllString(string(text), -1) {
				if found++; !slices.Contains(known, strings.ToLower(strings.Trim(name, `"`))) {
					t.Errorf("%s: pages can neither send nor read %s: browser.go has to name it", file, name)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d were found", found)
	}
}
