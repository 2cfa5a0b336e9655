package httpapi

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/openapi"
)

// describedPaths are the methods of each path that a server describes.
func describedPaths(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	methods := make(map[string][]string)
	for path, item := range document.Paths {
		for name := range item {
			if name != "parameters" {
				methods[path] = append(methods[path], strings.ToUpper(name))
			}
		}
		slices.Sort(methods[path])
	}
	return methods
}

// templateOf returns the path of a description that a request's path has; words go
// before parameters.
func templateOf(paths map[string][]string, path string) (found string) {
	for template := range paths {
		segments, words := strings.Split(path, "/"), strings.Split(template, "/")
		fits := len(segments) == len(words)
		for i := 0; fits && i < len(words); i++ {
			fits = words[i] == segments[i] || words[i] != "" && words[i][0] == '{'
		}
		if fits && (found == "" || strings.Count(template, "{") < strings.Count(found, "{")) {
			found = template
		}
	}
	return found
}

// beyond are the paths that the server finds without its router, as its source names
// them; "" is one that is not described: it is for whoever runs the server, or no path.
var beyond = map[string]string{
	`"/healthz"`: "/healthz", `"/readyz"`: "/readyz", "batchPath": batchPath, "describedAt": describedAt, "pageAt": pageAt, "metricsPath": "", `"*"`: "",
}

// pathsBeyond reads what ServeHTTP compares paths with.
func pathsBeyond(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "server.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name == "ServeHTTP"
		}
		if compared, ok := n.(*ast.BinaryExpr); ok && compared.Op == token.EQL {
			if left, ok := compared.X.(*ast.Ident); ok && left.Name == "path" {
				switch right := compared.Y.(type) {
				case *ast.Ident:
					names = append(names, right.Name)
				case *ast.BasicLit:
					names = append(names, right.Value)
				}
			}
		}
		return true
	})
	return names
}

// TestEveryRouteIsDescribed walks the routes that there are. What a resource says that it
// does for OPTIONS is what the description says, method for method, so that whoever adds
// one has to describe it.
func TestEveryRouteIsDescribed(t *testing.T) {
	a := serveAsking(t)
	as := []string{"Authorization", "Bearer " + a.key}
	_, head, text := get(a, describedAt, as...)
	if got := head.Get("Content-Type"); got != "application/json" {
		t.Errorf("the description is %q", got)
	}
	paths := describedPaths(t, []byte(text))
	walk := []string{"/v1/orgs/a/brand", "/v1/notes/1/_fields/n", "/v1/orgs/a/brand/_changes"}
	names := pathsBeyond(t)
	if len(names) != len(beyond) {
		t.Errorf("the server knows the paths %v, and this test %v", names, beyond)
	}
	for _, name := range names {
		path, known := beyond[name]
		if !known {
			t.Errorf("%s is a path that this test does not walk", name)
		}
		if path != "" {
			walk = append(walk, path)
		}
	}
	for _, path := range routes {
		bare, _, _ := strings.Cut(path, "?")
		walk = append(walk, strings.Replace(bare, "/ID", "/0199a4c1-7e00-7000-8000-000000000000", 1))
	}
	for _, path := range walk {
		template := templateOf(paths, path)
		if template == "" {
			t.Errorf("%s is not described", path)
			continue
		}
		_, head, _ := a.do(http.MethodOptions, path, as...)
		if allow := strings.Split(head.Get("Allow"), ", "); !slices.Equal(allow, paths[template]) {
			t.Errorf("%s does %v, and is described to do %v", path, allow, paths[template])
		}
		// There is no method that the server answers and OPTIONS does not name.
		for _, method := range allMethods {
			if status, _, _ := a.do(method, path, as...); !slices.Contains(paths[template], method) && status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s is answered %d, and is not described", method, path, status)
			}
		}
	}
}

func get(a *asked, path string, header ...string) (status int, head http.Header, content string) {
	a.Helper()
	return a.do(http.MethodGet, path, header...)
}

// TestDescriptionSaysWhatIsSaid: what the description lists is what the server knows.
func TestDescriptionSaysWhatIsSaid(t *testing.T) {
	text := string((&Config{MaxPage: 7, Default: &engine.Rules{}}).OpenAPI().JSON())
	for _, part := range []string{
		`"enum":["rejected","created","replaced","patched","merged","overwritten","deleted","contributed","withdrawn","parked","leased","renewed","released","unchanged"]`,
		`"pattern":"^(version|sha256|links|meta|provenance)(,(version|sha256|links|meta|provenance))*$"`,
		`"maximum":7,"default":7`, `"application/x-ndjson"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the description has no %s", part)
		}
	}
}

// TestDescriptionIsServed: whoever may ask for anything may read what there is to ask
// for, in both forms, and is not sent again what they have.
func TestDescriptionIsServed(t *testing.T) {
	a := serveAsking(t)
	as := []string{"Authorization", "Bearer " + a.key}
	for path, media := range map[string]string{describedAt: "application/json", pageAt: "text/html; charset=utf-8"} {
		before := a.dump()
		status, head, content := get(a, path, as...)
		tag := head.Get("ETag")
		if status != http.StatusOK || content == "" || tag == "" || head.Get("Content-Type") != media {
			t.Errorf("%s: %d %v", path, status, head)
		}
		if got := head.Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("%s may be stored by %q", path, got)
		}
		if got := head.Get("Content-Security-Policy"); got != openapi.PagePolicy || strings.Contains(got, "unsafe") || !strings.HasPrefix(got, "default-src 'none'") {
			t.Errorf("%s may load %q", path, got)
		}
		if status, again, content := get(a, path, append(as, "If-None-Match", tag)...); status != http.StatusNotModified || content != "" || again.Get("ETag") != tag {
			t.Errorf("%s again: %d %v", path, status, again)
		}
		if status, _, content := a.do(http.MethodHead, path, as...); status != http.StatusOK || content != "" {
			t.Errorf("HEAD of %s: %d %q", path, status, content)
		}
		if status, head, _ := a.do(http.MethodPut, path, as...); status != http.StatusMethodNotAllowed || head.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("PUT of %s: %d %v", path, status, head)
		}
		a.denied(`Bearer`, http.MethodGet, path)
		if a.dump() != before {
			t.Errorf("%s has changed something", path)
		}
	}
}
