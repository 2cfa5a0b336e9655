package readme_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

// TestTokens does what docs/tokens.md says of keys of one's own: it makes them, starts a
// server under the policy that the page shows for them, and calls it with a token.
func TestTokens(t *testing.T) {
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, NOT CHECKED: the session of docs/tokens.md needs %s: %v", program, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "tokens.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, own, found := strings.Cut(string(text), "## With keys of your own")
	policy := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindStringSubmatchIndex(own)
	if !found || policy == nil {
		t.Fatal("the page shows no policy")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const written = "127.0.0.1:8080"
	if err := session.Check(t.Context(), write("before.md", own[:policy[0]]), dir, written, written); err != nil {
		t.Fatal(err)
	}
	server := session.Serve(t, "--config", write("ifmatch.yaml", own[policy[2]:policy[3]]))
	if err := session.Check(t.Context(), write("after.md", own[policy[1]:]), dir, written, server); err != nil {
		t.Error(err)
	}
}
