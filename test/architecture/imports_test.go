// Package architecture_test holds the import directions and the house rules that
// ARCHITECTURE.md draws, over the code as it is.
package architecture_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ifmatch/ifmatch"

// room is a folder of the module and what its package may import. Tests are not
// bound by may and outside: they may open any store.
type room struct {
	// path is the folder; one that ends in /... holds any number of packages.
	path string
	// may lists the folders of this module that the room imports.
	may []string
	// outside lists third-party packages; one stands for those below it too.
	outside []string
	// never lists packages of the standard library that do not belong here.
	never []string
	// any lifts may and outside: wiring, examples and test programs.
	any bool
}

var (
	// impure is what the pure core does without.
	impure = []string{"net", "net/http", "database/sql", "os", "io/fs", "os/exec", "log/slog"}
	// noDoor is what everything below the doors does without.
	noDoor = []string{"net", "net/http"}
	noSQL  = []string{"database/sql"}
)

// rooms are in the order of ARCHITECTURE.md, the lowest last. A new folder needs
// a line here, and there.
var rooms = []room{
	{path: "cmd/ifmatch", any: true},
	{path: "internal/httpapi", may: []string{".", "internal/access", "internal/admission", "internal/bearer", "internal/contribution", "internal/door", "internal/engine", "internal/index", "internal/openapi", "internal/store", "internal/view", "jsonvalue", "patch", "problem"}, outside: []string{"github.com/google/uuid"}, never: noSQL},
	{path: "guard", may: []string{".", "internal/door", "internal/engine", "internal/store", "internal/view", "jsonvalue", "merge", "problem"}, never: noSQL},
	{path: "internal/door", may: []string{".", "internal/engine", "internal/store", "internal/view", "jsonvalue", "merge", "patch", "problem"}, outside: []string{"github.com/google/uuid"}, never: noSQL},
	{path: "internal/engine", may: []string{".", "internal/audit", "internal/blame", "internal/contribution", "internal/index", "internal/store", "internal/view", "jsonvalue", "merge", "patch"}, outside: []string{"github.com/google/uuid"}, never: append(noDoor, noSQL...)},
	{path: "internal/rollout", may: []string{"internal/door", "internal/engine", "internal/store"}, outside: []string{"github.com/maypok86/otter/v2", "github.com/prometheus/client_golang"}, never: noSQL},
	{path: "internal/clone", may: []string{"internal/store"}, never: append(noDoor, noSQL...)},
	{path: "internal/transfer", may: []string{"internal/atomicfile", "jsonvalue"}, outside: []string{"github.com/cenkalti/backoff/v5"}, never: noSQL},
	{path: "internal/oidc", may: []string{"internal/bearer"}, outside: []string{"github.com/coreos/go-oidc/v3"}, never: noSQL},
	{path: "internal/bearer", may: []string{"internal/access", "jsonvalue"}, outside: []string{"github.com/golang-jwt/jwt/v5", "github.com/go-jose/go-jose/v4", "github.com/maypok86/otter/v2"}, never: append(noDoor, noSQL...)},
	{path: "internal/access", may: []string{"jsonvalue"}, outside: []string{"cel.dev/cel-go"}, never: append(noSQL, "net/http")},
	{path: "policy", may: []string{".", "internal/access", "internal/bearer", "internal/contribution", "internal/index", "internal/schema", "internal/view", "jsonvalue", "merge"}, outside: []string{"github.com/goccy/go-yaml"}, never: []string{"net/http", "database/sql"}},

	{path: "internal/admission", outside: []string{"github.com/maypok86/otter/v2", "golang.org/x/time"}, never: append(noSQL, "net/http")},
	{path: "internal/atomicfile", never: append(noDoor, noSQL...)},
	{path: "internal/audit", may: []string{".", "internal/index", "internal/store", "jsonvalue"}, never: append(noSQL, impure...)},
	{path: "internal/blame", may: []string{"jsonvalue", "merge", "patch"}, never: append(noSQL, impure...)},
	{path: "internal/certificate", never: append(noSQL, "net/http")},
	{path: "internal/coding", may: []string{"internal/door"}, outside: []string{"github.com/klauspost/compress", "github.com/andybalholm/brotli"}, never: noSQL},
	{path: "internal/contribution", may: []string{"jsonvalue", "merge"}, never: append(noSQL, impure...)},
	{path: "internal/index", may: []string{"jsonvalue"}, never: append(noDoor, noSQL...)},
	{path: "internal/keyring", may: []string{".", "internal/atomicfile"}, never: append(noDoor, noSQL...)},
	{path: "internal/layout", may: []string{"jsonvalue"}, outside: []string{"github.com/go-json-experiment/json/jsontext"}, never: append(noSQL, impure...)},
	{path: "internal/openapi", may: []string{".", "jsonvalue", "problem"}, never: append(noSQL, "os", "os/exec", "log/slog")},
	{path: "internal/view", may: []string{"jsonvalue", "merge"}, never: append(noSQL, impure...)},
	{path: "internal/schema", may: []string{"jsonvalue"}, outside: []string{"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text", "github.com/go-json-experiment/json/jsontext"}, never: append(noDoor, noSQL...)},

	{path: "internal/store/memory", may: []string{"internal/store"}, never: noDoor},
	{path: "internal/store/postgres", may: []string{"internal/store"}, outside: []string{"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "github.com/maypok86/otter/v2"}, never: noDoor},
	{path: "internal/store/sqlite", may: []string{"internal/store"}, outside: []string{"zombiezen.com/go/sqlite", "github.com/maypok86/otter/v2", "golang.org/x/sync", "golang.org/x/sys"}, never: noDoor},
	{path: "internal/store/etcd", may: []string{"internal/store"}, outside: []string{"github.com/maypok86/otter/v2", "go.etcd.io/etcd/api/v3", "go.etcd.io/etcd/client/v3", "go.uber.org/zap", "google.golang.org/grpc"}, never: append(noSQL, "net/http")},
	{path: "internal/store/storetest", may: []string{"internal/store", "internal/store/memory"}, outside: []string{"pgregory.net/rapid"}, never: append(noDoor, noSQL...)},
	{path: "internal/store", never: append(noSQL, impure...)},

	{path: "problem", may: []string{".", "jsonvalue"}, never: noSQL},
	{path: ".", never: impure},
	{path: "merge", may: []string{"jsonvalue"}, never: impure},
	{path: "patch", may: []string{"jsonvalue"}, never: impure},
	{path: "jsonvalue", outside: []string{"github.com/go-json-experiment/json"}, never: impure},

	{path: "internal/testdata", never: noDoor},
	{path: "examples/...", any: true},
	{path: "test/...", any: true},
	{path: "scripts/...", any: true},
}

// onlyForTests are packages that no program of ours may compile in.
var onlyForTests = []string{module + "/internal/store/storetest", module + "/internal/testdata", "testing"}

// drivers are the packages that only wiring and tests may import.
var drivers = []string{"internal/store/memory", "internal/store/sqlite", "internal/store/postgres", "internal/store/etcd"}

// pkg is one package as go list describes it.
type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

func (p *pkg) folder() string {
	if p.ImportPath == module {
		return "."
	}
	return strings.TrimPrefix(p.ImportPath, module+"/")
}

// list runs go list over patterns in the module's root.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", "-json=ImportPath,Imports,Standard,Module"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

var root = filepath.Join("..", "..")

func roomOf(folder string) *room {
	for i := range rooms {
		r := &rooms[i]
		if under, many := strings.CutSuffix(r.path, "/..."); r.path == folder || many && strings.HasPrefix(folder, under+"/") {
			return r
		}
	}
	return nil
}

func TestImportsPointDown(t *testing.T) {
	pkgs := list(t, "./...")
	if len(pkgs) < 10 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for i := range pkgs {
		p := &pkgs[i]
		r := roomOf(p.folder())
		if r == nil {
			t.Errorf("%s has no room: ARCHITECTURE.md and rooms in this file say which folders there are and what each may import; give it a line in both, or put the code where it belongs", p.folder())
			continue
		}
		for _, path := range p.Imports {
			if fault := r.judge(p.folder(), path); fault != "" {
				t.Errorf("%s imports %s: %s", p.folder(), path, fault)
			}
		}
	}
}

// judge says what is wrong with an import, "" for nothing.
func (r *room) judge(folder, path string) string {
	ours, isOurs := strings.CutPrefix(path, module)
	isThird := !isOurs && strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	ours = strings.TrimPrefix(ours, "/")
	if isOurs && ours == "" {
		ours = "."
	}
	inTests := strings.HasPrefix(folder, "test/") || slices.Contains(onlyForTests, module+"/"+folder)
	switch {
	case slices.Contains(onlyForTests, path) && !inTests:
		return "it is for tests only, and would be compiled into a program"
	case isOurs && (strings.HasPrefix(ours, "test/") || strings.HasPrefix(ours, "cmd/")) && !strings.HasPrefix(folder, "test/"):
		return "nothing imports from test or cmd"
	case slices.Contains(r.never, path):
		return "this room does without it; what needs it belongs above (a door) or below (a store driver)"
	case r.any:
		return ""
	case slices.Contains(drivers, ours) && !inTests:
		return "only cmd/ifmatch and tests open stores; take a store.Store"
	case isOurs && !slices.Contains(r.may, ours):
		return "the arrow points the wrong way; this room may import " + words(r.may)
	case isThird && !slices.ContainsFunc(r.outside, func(o string) bool { return path == o || strings.HasPrefix(path, o+"/") }):
		return "a new dependency here needs a page in docs/decisions and a word in rooms; third-party packages of this room are " + words(r.outside)
	}
	return ""
}

func words(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// TestCoreIsLight holds what services that compile the library in are promised:
// nothing but the standard library and these modules comes along.
func TestCoreIsLight(t *testing.T) {
	const jsonModule = "github.com/go-json-experiment/json"
	const uuidModule = "github.com/google/uuid"
	for folder, allowed := range map[string][]string{
		".":         {},
		"jsonvalue": {jsonModule},
		"patch":     {jsonModule},
		"problem":   {jsonModule, uuidModule},
		"guard":     {jsonModule, uuidModule},
	} {
		t.Run(folder, func(t *testing.T) {
			pkgs := list(t, "-deps", "./"+folder)
			for i := range pkgs {
				p := &pkgs[i]
				if p.Standard || p.Module == nil || p.Module.Path == module || slices.Contains(allowed, p.Module.Path) {
					continue
				}
				t.Errorf("importing %s compiles in %s; it may bring along %s", folder, p.ImportPath, words(allowed))
			}
		})
	}
}

// TestJudge shows that each rule can refuse.
func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		folder, path string
		refused      bool
	}{
		"core imports an internal package":   {"patch", module + "/internal/engine", true},
		"core imports upward in the core":    {"jsonvalue", module, true},
		"engine imports HTTP":                {"internal/engine", "net/http", true},
		"engine imports SQL":                 {"internal/engine", "database/sql", true},
		"engine imports YAML":                {"internal/engine", "github.com/goccy/go-yaml", true},
		"engine imports a driver":            {"internal/engine", module + "/internal/store/sqlite", true},
		"engine imports the store interface": {"internal/engine", module + "/internal/store", false},
		"a door imports a driver":            {"internal/httpapi", module + "/internal/store/memory", true},
		"the library imports the policy":     {"guard", module + "/policy", true},
		"a driver imports the engine":        {"internal/store/sqlite", module + "/internal/engine", true},
		"a driver imports another driver":    {"internal/store/sqlite", module + "/internal/store/memory", true},
		"a driver imports its engine":        {"internal/store/sqlite", "zombiezen.com/go/sqlite", false},
		"a driver imports HTTP":              {"internal/store/sqlite", "net/http", true},
		"the command imports a driver":       {"cmd/ifmatch", module + "/internal/store/sqlite", false},
		"the command imports a test suite":   {"cmd/ifmatch", module + "/internal/store/storetest", true},
		"an example imports a test program":  {"examples/notes", module + "/test/bench/load", true},
		"a test program imports another":     {"test/bench", module + "/test/bench/load", false},
		"a door imports a new dependency":    {"internal/door", "example.com/x", true},
	} {
		t.Run(name, func(t *testing.T) {
			fault := roomOf(c.folder).judge(c.folder, c.path)
			if (fault != "") != c.refused {
				t.Errorf("%s imports %s: refused %t, want %t: %s", c.folder, c.path, fault != "", c.refused, fault)
			}
		})
	}
	if r := roomOf("internal/util"); r != nil {
		t.Errorf("internal/util has the room %s", r.path)
	}
}
