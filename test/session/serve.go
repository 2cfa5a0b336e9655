package session

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Serve builds the command ifmatch and starts ifmatch serve with args as a
// reader does, but on any free port, in a folder of its own and without settings
// from the environment. It returns host and port, and ends the server with the
// test, which fails where the server does not end well.
func Serve(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "ifmatch")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/ifmatch/ifmatch/cmd/ifmatch")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, kill := context.WithTimeout(context.Background(), time.Minute)
	server := exec.CommandContext(ctx, program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	server.Dir = dir
	server.Env = withoutSettings(os.Environ())
	var stderr bytes.Buffer
	server.Stderr = &stderr
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	t.Cleanup(func() {
		defer kill()
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("the server had ended: %v: %s", err, stderr.String())
		}
		for lines.Scan() { // until the server closes its output
		}
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v: %s", err, stderr.String())
		}
	})
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), "listening on http://"); found {
			return address
		}
	}
	t.Fatalf("the server said no address: %v", lines.Err())
	return ""
}

// withoutSettings drops the variables that would change what ifmatch serves.
func withoutSettings(env []string) []string {
	var kept []string
	for _, v := range env {
		if !strings.HasPrefix(v, "IFMATCH_") {
			kept = append(kept, v)
		}
	}
	return kept
}
