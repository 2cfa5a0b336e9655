// Package readme_test holds the README to its word: its tour is run against a
// server, its Go excerpts stand in a program that compiles, its links lead
// somewhere.
package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

var root = filepath.Join("..", "..")

func TestTour(t *testing.T) {
	session.Run(t, filepath.Join(root, "README.md"), "127.0.0.1:8080", session.Serve(t))
}

func TestChanges(t *testing.T) {
	session.Run(t, filepath.Join(root, "docs", "changes.md"), "127.0.0.1:8080", session.Serve(t))
}

func TestAudit(t *testing.T) {
	session.Run(t, filepath.Join(root, "docs", "audit.md"), "127.0.0.1:8080", session.Serve(t))
}

// fenced returns the contents of the README's fenced blocks of one language.
func fenced(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return blocks
}
