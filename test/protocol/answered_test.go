package protocol_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	problems "github.com/ifmatch/ifmatch/problem"
)

// module is the folder of the module, seen from here.
const module = "../.."

// findTest fails where this folder has no such test, or none that speaks of the
// code.
func findTest(name string, code problems.Code) error {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		return err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name != name {
				continue
			}
			if !slices.Contains(texts(f), string(code)) {
				return fmt.Errorf("the one in %s says nothing of it", file)
			}
			return nil
		}
	}
	return errors.New("there is no such test")
}

// texts returns the string literals in n.
func texts(n ast.Node) []string {
	var all []string
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// codesInSource returns, for each code that the module's own code may answer
// with, a file that says so: by the name of its constant or by its text. What is
// only compared with in a switch does not count.
func codesInSource(t *testing.T) map[problems.Code]string {
	t.Helper()
	constants := constantsOfCodes(t)
	used := map[problems.Code]string{}
	skipped := map[string]bool{"problem": true, "test": true, "testdata": true, "node_modules": true}
	err := filepath.WalkDir(module, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if skipped[name] || strings.HasPrefix(name, ".") && path != module {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Walk(&user{constants, func(c problems.Code) { used[c] = path }}, parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// user walks code and yields the codes that it uses.
type user struct {
	constants map[string]problems.Code
	yield     func(problems.Code)
}

func (u *user) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.CaseClause:
		for _, s := range n.Body {
			ast.Walk(u, s)
		}
		return nil
	case *ast.SelectorExpr:
		if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "problem" && u.constants[n.Sel.Name] != "" {
			u.yield(u.constants[n.Sel.Name])
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && problems.Code(text).Known() {
			u.yield(problems.Code(text))
		}
	}
	return u
}

// constantsOfCodes returns the codes by the names of their constants.
func constantsOfCodes(t *testing.T) map[string]problems.Code {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(module, "problem", "code.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]problems.Code{}
	for _, d := range parsed.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			spec := s.(*ast.ValueSpec)
			for _, text := range texts(spec) {
				if problems.Code(text).Known() {
					constants[spec.Names[0].Name] = problems.Code(text)
				}
			}
		}
	}
	if len(constants) != len(problems.Codes()) {
		t.Fatalf("%d constants of %d codes", len(constants), len(problems.Codes()))
	}
	return constants
}
