package readme_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks holds that every relative link of the documents leads to a file.
func TestLinks(t *testing.T) {
	documents := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		documents++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if documents < 5 {
		t.Errorf("only %d documents were found", documents)
	}
}

// TestPagesAreFound holds that links lead from the README to every page beside it, of
// docs and of the examples. Those of the changelog and of decisions count for nothing:
// nobody looks for a page there.
func TestPagesAreFound(t *testing.T) {
	found := map[string]bool{}
	var read func(page string)
	read = func(page string) {
		if found[page] || filepath.Ext(page) != ".md" {
			return
		}
		found[page] = true
		if filepath.Base(page) == "CHANGELOG.md" || filepath.Base(filepath.Dir(page)) == "decisions" {
			return
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to != "" && !strings.Contains(to, ":") {
				read(filepath.Join(filepath.Dir(page), to))
			}
		}
	}
	read(filepath.Join(root, "README.md"))
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/reference/*.md", "examples/*.md", "examples/*/README.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(pages) == 0 {
			t.Errorf("%s: %v, %v", pattern, pages, err)
		}
		for _, page := range pages {
			if !found[page] {
				t.Errorf("no link leads from the README to %s", page)
			}
		}
	}
}

// TestReadmeIsShort holds the README to what one reads before trying.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines >= 200 {
		t.Errorf("README.md has %d lines; move something to docs", lines)
	}
}
