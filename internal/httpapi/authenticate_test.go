package httpapi

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

const page = "https://app.example.com"

// asked is a server that asks its callers who they are, and Ann's key to it.
type asked struct {
	*testing.T
	server *Server
	store  store.Store
	url    string
	key    string
}

func serveAsking(t *testing.T) *asked {
	t.Helper()
	a := &asked{T: t, store: memory.Open(memory.Options{})}
	var digest access.Digest
	a.key, digest = access.NewKey()
	keys, err := access.NewKeys([]access.Key{{Principal: access.Principal{Name: "ann", Roles: []string{"editor", "writer"}}, Digest: digest}})
	if err != nil {
		t.Fatal(err)
	}
	a.server = New(Config{
		Door: &door.Door{Engine: engine.New(a.store, engine.Config{})}, Auth: Auth{Keys: keys}, Origins: []string{page},
		Default:     &engine.Rules{Contributions: &engine.Contributions{Confidence: jsonvalue.Int(1)}},
		Collections: []Collection{{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: new(engine.Rules)}},
	})
	listening := httptest.NewUnstartedServer(a.server)
	listening.Config.DisableGeneralOptionsHandler = true
	listening.Start()
	t.Cleanup(listening.Close)
	a.url = listening.URL
	return a
}

// do sends a request as it stands here, with all that a write needs but
// credentials, and returns the answer with its body. Headers come in pairs.
func (a *asked) do(method, path string, header ...string) (status int, head http.Header, content string) {
	a.Helper()
	sent := `{"n":1}`
	if method == http.MethodPatch {
		sent = `{"n":2}`
	}
	r, err := http.NewRequest(method, a.url+strings.TrimPrefix(path, "*"), strings.NewReader(sent))
	if err != nil {
		a.Fatal(err)
	}
	if path == "*" {
		r.URL.Opaque = "*"
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		a.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		a.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

func (a *asked) status(want int, method, path string, header ...string) (http.Header, string) {
	a.Helper()
	status, head, body := a.do(method, path, header...)
	if status != want {
		a.Errorf("%s %s: %d, want %d: %s", method, path, status, want, body)
	}
	return head, body
}

// dump is everything that the store holds.
func (a *asked) dump() string {
	a.Helper()
	var b bytes.Buffer
	encoder, scanner := json.NewEncoder(&b), a.store.(store.Scanner)
	if err := scanner.ScanDocuments(a.Context(), func(d *store.Document) error { return encoder.Encode(d) }); err != nil {
		a.Fatal(err)
	}
	if err := scanner.ScanLog(a.Context(), func(e *store.Entry) error { return encoder.Encode(e) }); err != nil {
		a.Fatal(err)
	}
	return b.String()
}

// denied sends a request that must be refused for want of a principal.
func (a *asked) denied(challenge, method, path string, header ...string) {
	a.Helper()
	before := a.dump()
	h, body := a.status(http.StatusUnauthorized, method, path, header...)
	if got := h.Values("WWW-Authenticate"); len(got) != 1 || got[0] != challenge {
		a.Errorf("%s %s: WWW-Authenticate %q, want %q", method, path, got, challenge)
	}
	if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
		a.Errorf("%s %s: %v", method, path, h)
	}
	if method != http.MethodHead && !strings.Contains(body, `"type":"urn:ifmatch:problem:unauthenticated"`) || strings.Contains(body, "ifm_") || strings.Contains(body, "etag") {
		a.Errorf("%s %s: %s", method, path, body)
	}
	if after := a.dump(); after != before {
		a.Errorf("a %s %s of nobody has left something behind:\n%s\nbefore:\n%s", method, path, after, before)
	}
}

// routes holds a path for each kind of route.
var routes = map[routeKind]string{
	routeCollection: "/v1/notes",
	routeItem:       "/v1/notes/1",
	routeHistory:    "/v1/notes/1/_history",
	routeVersion:    "/v1/notes/1/_history/1",
	routeDiff:       "/v1/notes/1/_diff?from=1&to=2",
	routeBlame:      "/v1/notes/1/_blame",
	routeField:      "/v1/notes/1/_fields?pointer=/n",

	routeChanges:    "/v1/notes/_changes",
	routeAllChanges: "/_changes",
	routeAudit:      "/_/api/audit",

	routeContributions: "/v1/notes/1/_contributions",
	routeContribution:  "/v1/notes/1/_contributions/ID",

	routeConflicts: "/v1/notes/1/_conflicts",
	routeConflict:  "/v1/notes/1/_conflicts/ID",
	routeResolve:   "/v1/notes/1/_conflicts/ID/resolve",

	routeLease: "/v1/notes/1/_lease",
}

// firstID returns the id of the first item of a list.
func (a *asked) firstID(path string, header ...string) string {
	a.Helper()
	var list struct{ Items []struct{ ID string } }
	_, body := a.status(http.StatusOK, "GET", path, header...)
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Items) == 0 {
		a.Fatalf("%s: %s: %v", path, body, err)
	}
	return list.Items[0].ID
}

// park parks a write of the note 1, which has a second version.
func (a *asked) park() {
	a.Helper()
	_, err := a.server.door.Engine.Do(a.Context(), &engine.Intent{
		Ref: store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}, Rules: &engine.Rules{OnStale: engine.StrategyPark},
		Op: engine.OpPut, Body: []byte(`{"n":3}`), Strategy: engine.StrategyPark,
		Conditions: ifmatch.Conditions{IfMatch: ifmatch.Tags(ifmatch.VersionTag(1))},
	})
	if err != nil {
		a.Fatal(err)
	}
}

// TestEveryRouteAsks walks the routes that there are, with every method, and
// shows that none of them answers to nobody, or does anything.
func TestEveryRouteAsks(t *testing.T) {
	kinds := kindsOfRoutes(t)
	if len(kinds) != len(routes) {
		t.Errorf("there are the routes %v, and %d paths to walk: add the path of each new kind", kinds, len(routes))
	}
	a := serveAsking(t)
	ann := []string{"Authorization", "Bearer " + a.key}
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", ann...)
	a.status(http.StatusOK, "PATCH", "/v1/notes/1", append(ann, "If-Match", `"1"`)...)
	a.status(http.StatusCreated, "PUT", "/v1/orgs/1/brand", ann...)
	a.park()
	stranger, _ := access.NewKey()
	paths := []string{"/v1/notes/new", "/v1/orgs/1/brand", "/v1/orgs/2/brand", "/", "/v1", "/v1/notes/", "/v1/notes/_x", "/nowhere", "/_/", "/_batch", "/metrics", "/openapi.json", "/health%7a", "/healthz/", "//healthz"}
	for kind, path := range routes {
		if all, rest, ok := strings.Cut(path, "/ID"); ok {
			path = all + "/" + a.firstID(all, ann...) + rest
		}
		bare, _, _ := strings.Cut(path, "?")
		if to, ok := a.server.router.match(bare); !ok || to.kind != kind {
			t.Errorf("%s is the route %d, %t, want %d", path, to.kind, ok, kind)
		}
		there := http.StatusOK
		if kind == routeResolve || kind == routeLease {
			there = http.StatusMethodNotAllowed
		}
		a.status(there, "GET", path, ann...) // so that there is something to find
		paths = append(paths, path)
	}
	for _, path := range paths {
		for _, method := range append([]string{"TRACE", "QUERY", "LOCK", "get"}, allMethods...) {
			a.denied("Bearer", method, path, "If-Match", `"2"`)
			a.denied("Bearer", method, path, "If-Match", "*", "If-None-Match", `"x"`, "Prefer", "conflict=overwrite", "Origin", page)
			a.denied(`Bearer error="invalid_token"`, method, path, "If-Match", `"2"`, "Authorization", "Bearer "+stranger)
		}
	}
	a.denied("Bearer", "OPTIONS", "*")
}

// kindsOfRoutes reads the names of the kinds that the router knows.
func kindsOfRoutes(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "router.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		first := group.Specs[0].(*ast.ValueSpec)
		if kind, ok := first.Type.(*ast.Ident); !ok || kind.Name != "routeKind" {
			continue
		}
		for _, spec := range group.Specs {
			names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
		}
	}
	return names
}

// TestAskedByNobody: who watches the server needs no key, and a preflight cannot
// have one.
func TestAskedByNobody(t *testing.T) {
	a := serveAsking(t)
	for _, path := range []string{"/healthz", "/readyz", "/healthz?x=1"} {
		a.status(http.StatusOK, "GET", path)
		a.status(http.StatusOK, "HEAD", path)
		a.status(http.StatusMethodNotAllowed, "PUT", path)
	}
	preflight := []string{"Origin", page, "Access-Control-Request-Method", "PUT"}
	h, _ := a.status(http.StatusNoContent, "OPTIONS", "/v1/notes/1", preflight...)
	if h.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("a preflight: %v", h)
	}
	preflight[1] = "https://other.example.com"
	a.denied("Bearer", "OPTIONS", "/v1/notes/1", preflight...)
	if h, _ := a.status(http.StatusUnauthorized, "PUT", "/v1/notes/1", "Origin", page); h.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("a page cannot read why it is refused: %v", h)
	}
}

func TestAuthorization(t *testing.T) {
	a := serveAsking(t)
	key := a.key
	const none, unknown = "Bearer", `Bearer error="invalid_token"`
	for _, tt := range []struct {
		name      string
		lines     []string
		challenge string // "": it is Ann
	}{
		{"as it should be", []string{"Bearer KEY"}, ""},
		{"scheme without case", []string{"bEARER KEY"}, ""},
		{"more spaces", []string{"Bearer   KEY"}, ""},
		{"none", nil, none},
		{"empty", []string{""}, none},
		{"scheme alone", []string{"Bearer"}, none},
		{"key alone", []string{"KEY"}, none},
		{"tab", []string{"Bearer\tKEY"}, none},
		{"another scheme", []string{"Basic KEY"}, none},
		{"twice", []string{"Bearer KEY", "Bearer KEY"}, none},
		{"second line", []string{"", "Bearer KEY"}, none},
		{"two keys", []string{"Bearer KEY,Bearer KEY"}, unknown},
		{"something behind", []string{"Bearer KEY x"}, unknown},
		{"longer", []string{"Bearer KEYX"}, unknown},
		{"shorter", []string{"Bearer ifm_"}, unknown},
		{"in quotes", []string{`Bearer "KEY"`}, unknown},
		{"long", []string{"Bearer " + strings.Repeat("x", 4000)}, unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &asked{T: t, server: a.server, store: a.store, url: a.url}
			var header []string
			for _, line := range tt.lines {
				header = append(header, "Authorization", strings.ReplaceAll(line, "KEY", key))
			}
			if tt.challenge == "" {
				a.status(http.StatusNotFound, "GET", "/v1/notes/none", header...)
				return
			}
			a.denied(tt.challenge, "PUT", "/v1/notes/1", header...)
		})
	}
	a.denied(none, "GET", "/v1/notes?access_token="+a.key)
	a.denied(none, "GET", "/v1/notes", "X-Api-Key", a.key, "Proxy-Authorization", "Bearer "+a.key, "Cookie", "key="+a.key)
}

// TestPrincipal: who wrote comes to stand in the log with roles, in the history
// and in conflicts, and what a principal reads is nobody else's to keep.
func TestPrincipal(t *testing.T) {
	a := serveAsking(t)
	ann := []string{"Authorization", "Bearer " + a.key}
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", ann...)
	a.status(http.StatusOK, "PATCH", "/v1/notes/1", append(ann, "If-Match", `"1"`)...)
	if _, body := a.status(http.StatusPreconditionFailed, "PUT", "/v1/notes/1", append(ann, "If-Match", `"1"`)...); !strings.Contains(body, `"changedBy":"ann"`) {
		t.Error(body)
	}
	if err := a.store.(store.Scanner).ScanLog(t.Context(), func(e *store.Entry) error {
		if e.Actor.Name != "ann" || strings.Join(e.Actor.Roles, " ") != "editor writer" {
			t.Errorf("the log says %+v", e.Actor)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, body := a.status(http.StatusOK, "GET", "/v1/notes/1/_history", ann...); !strings.Contains(body, `"by":"ann"`) {
		t.Error(body)
	}
	for _, path := range []string{"/v1/notes/1", "/v1/notes"} {
		if h, _ := a.status(http.StatusOK, "GET", path, ann...); h.Get("Cache-Control") != "private, no-cache" || strings.Contains(h.Get("Vary"), "Authorization") {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestUpstream(t *testing.T) {
	st := memory.Open(memory.Options{})
	s := New(Config{
		Door: &door.Door{Engine: engine.New(st, engine.Config{})}, Default: new(engine.Rules),
		Auth: Auth{Upstream: &access.Upstream{Header: "X-Remote-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
	})
	for _, tt := range []struct {
		name, peer string
		named      []string
		want       int
	}{
		{"the proxy", "10.1.2.3:4", []string{"ann"}, http.StatusCreated},
		{"the proxy, in IPv6", "[::ffff:10.1.2.3]:4", []string{"ann"}, http.StatusCreated},
		{"nobody named", "10.1.2.3:4", nil, http.StatusUnauthorized},
		{"an empty name", "10.1.2.3:4", []string{""}, http.StatusUnauthorized},
		{"two names", "10.1.2.3:4", []string{"ann", "bob"}, http.StatusUnauthorized},
		{"somebody else", "11.1.2.3:4", []string{"ann"}, http.StatusUnauthorized},
		{"loopback", "127.0.0.1:4", []string{"ann"}, http.StatusUnauthorized},
		{"no address", "@", []string{"ann"}, http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/notes", strings.NewReader("{}"))
			r.RemoteAddr, r.Header["X-Remote-User"] = tt.peer, tt.named
			for name, value := range map[string]string{
				"Content-Type": "application/json", "X-Forwarded-For": "10.1.2.3", "X-Real-Ip": "10.1.2.3", "Forwarded": "for=10.1.2.3", "X_remote_user": "ann",
			} {
				r.Header[name] = []string{value}
			}
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != tt.want || (tt.want == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("%d, want %d: %v %s", w.Code, tt.want, w.Header(), w.Body)
			}
		})
	}
	written := 0
	if err := st.ScanLog(t.Context(), func(e *store.Entry) error {
		if written++; e.Actor.Name != "ann" || e.Actor.Roles != nil {
			t.Errorf("the log says %+v", e.Actor)
		}
		return nil
	}); err != nil || written != 2 {
		t.Errorf("%d writes, %v, want the proxy's 2", written, err)
	}
}
