package architecture_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines bounds a source file that is not a test. Most stay under 300.
const maxLines = 500

// forbidden are things that no source file may say. They are put together here
// so that this file does not say them.
var forbidden = []struct {
	what *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`), "do it now, or say in docs what is planned"},
	{regexp.MustCompile(`panic\("(not |un)` + `implemented`), "a feature that is not there has no entrance"},
	{regexp.MustCompile(`(?m)^\s*//\s*(nolint|lint:ignore)[^\n:]*$`), "say which rule is silenced and why"},
}

var sourceFile = regexp.MustCompile(`\.(go|sql|sh|ts|tsx|js|mjs|css)$`)

// sources yields the source files of the repository.
func sources(t *testing.T, yield func(path string, text []byte)) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && strings.HasPrefix(name, ".") || name == "node_modules" || name == "dist" || name == "testdata" && !isPackage(path) {
				return filepath.SkipDir
			}
			return nil
		}
		if !sourceFile.MatchString(name) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		count++
		rel, err := filepath.Rel(root, path)
		yield(rel, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 50 {
		t.Fatalf("only %d source files were found under %s", count, root)
	}
}

// isPackage tells whether a folder named testdata holds Go code of ours.
func isPackage(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	return err == nil && len(files) > 0
}

func TestFilesAreSmall(t *testing.T) {
	sources(t, func(path string, text []byte) {
		if lines := bytes.Count(text, []byte("\n")); lines > maxLines && !isTest(path) {
			t.Errorf("%s has %d lines, more than %d: split it by what it is about", path, lines, maxLines)
		}
	})
}

func isTest(path string) bool {
	return strings.HasSuffix(path, "_test.go") || strings.Contains(path, ".test.")
}

func TestNothingIsLeftUndone(t *testing.T) {
	sources(t, func(path string, text []byte) {
		for _, f := range forbidden {
			if at := f.what.FindIndex(text); at != nil {
				line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
				t.Errorf("%s:%d says %q: %s", path, line, text[at[0]:at[1]], f.why)
			}
		}
	})
}

// TestNamesSaySomething refuses the folders that everything ends up in.
func TestNamesSaySomething(t *testing.T) {
	sources(t, func(path string, _ []byte) {
		for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(path)), "/") {
			switch part {
			case "util", "utils", "common", "helpers", "helper", "misc", "pkg", "shared":
				t.Errorf("%s lies in a folder named %q, which says nothing; name it after what it does", path, part)
			}
		}
	})
}
