package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

// TestRollout runs the session of docs/rollout.md against a server under the policy that
// the page shows.
func TestRollout(t *testing.T) { runPage(t, "rollout.md") }

// runPage runs the session of a page in docs against a server under the first policy that
// the page shows.
func runPage(t *testing.T, name string) {
	t.Helper()
	page := filepath.Join(root, "docs", name)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindSubmatch(text)
	if policy == nil {
		t.Fatal("the page shows no policy")
	}
	file := filepath.Join(t.TempDir(), "ifmatch.yaml")
	if err := os.WriteFile(file, policy[1], 0o600); err != nil {
		t.Fatal(err)
	}
	session.Run(t, page, "127.0.0.1:8080", session.Serve(t, "--config", file))
}
