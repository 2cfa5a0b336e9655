package door

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ifmatch/ifmatch/problem"
)

// TestReasonsAreCodes holds that a reason and the code of its problem are the
// same word, over every reason that the engine's source declares: one that is
// not in the table would be answered as a failure of the server, without a title.
func TestReasonsAreCodes(t *testing.T) {
	reasons := reasonsOfEngine(t)
	if len(reasons) < 10 {
		t.Fatalf("only %d reasons were found: %v", len(reasons), reasons)
	}
	for name, reason := range reasons {
		if !problem.Code(reason).Known() {
			t.Errorf("%s is %q, which the table of problems does not know", name, reason)
		}
	}
}

// reasonsOfEngine reads the constants of type Reason, by name.
func reasonsOfEngine(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "engine", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[string]string)
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
				return true
			}
			for i, value := range spec.Values {
				literal, ok := value.(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: %s is not spelt out", path, spec.Names[i].Name)
					continue
				}
				if reasons[spec.Names[i].Name], err = strconv.Unquote(literal.Value); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			return true
		})
	}
	return reasons
}
