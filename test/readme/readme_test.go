// Package readme_test holds the README to its word: its tour is run against a
// server, its Go excerpts stand in a program that compiles, its links lead
// somewhere.
package readme_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var root = filepath.Join("..", "..")

// address is what the README says the server listens on.
const address = "127.0.0.1:8080"

func TestTour(t *testing.T) {
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, NOT CHECKED: the README's tour needs %s: %v", program, err)
		}
	}
	steps := parseTour(t, fenced(t, "console"))
	if len(steps) < 10 {
		t.Fatalf("the tour has only %d steps", len(steps))
	}
	base := serve(t)
	outputs := runTour(t, steps, base)
	for i, s := range steps {
		if bad := s.compare(outputs[i]); bad != "" {
			t.Errorf("README, $ %s\n%s\nthe answer was:\n%s", s.command, bad, outputs[i])
		}
	}
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

// step is one command of the tour with the lines that the README shows of its
// output, in order. Lines between them are left out, and … stands for anything
// within a line.
type step struct {
	command string
	shown   []string
}

func parseTour(t *testing.T, blocks []string) []step {
	t.Helper()
	var steps []step
	for _, block := range blocks {
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
				continue
			}
			if len(steps) == 0 {
				t.Fatalf("output without a command: %s", line)
			}
			last := &steps[len(steps)-1]
			if more, ok := strings.CutPrefix(line, "> "); ok && len(last.shown) == 0 {
				last.command += "\n" + more
				continue
			}
			last.shown = append(last.shown, line)
		}
	}
	return steps
}

// compare says what the output lacks, "" for nothing. A command that shows
// headers must be shown with its status line.
func (s *step) compare(output string) string {
	if strings.Contains(s.command, "curl") && len(s.shown) == 0 {
		return "shows no output"
	}
	if strings.Contains(s.command, "curl -i") && !strings.HasPrefix(s.shown[0], "HTTP/1.1 ") {
		return "shows no status line"
	}
	lines := strings.Split(strings.ReplaceAll(output, "\r\n", "\n"), "\n")
	for _, want := range s.shown {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		found := false
		for !found && len(lines) > 0 {
			found = pattern.MatchString(lines[0])
			lines = lines[1:]
		}
		if !found {
			return "this line is not in the answer, or not in its place:\n" + want
		}
	}
	return ""
}

// endOfStep separates the outputs of two steps; no answer contains it.
const endOfStep = "\x1e"

// runTour runs all steps in one shell, as a reader does, and returns the output
// of each.
func runTour(t *testing.T, steps []step, base string) []string {
	t.Helper()
	var script strings.Builder
	for _, s := range steps {
		script.WriteString(strings.ReplaceAll(s.command, address, base) + "\nprintf '" + endOfStep + "'\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-u", "-c", script.String())
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the tour ended with %v: %s", err, stderr.String())
	}
	outputs := strings.Split(string(out), endOfStep)
	if len(outputs) != len(steps)+1 {
		t.Fatalf("%d outputs of %d steps: %s", len(outputs)-1, len(steps), stderr.String())
	}
	return outputs
}

// serve builds the command and starts it as the README does, but for the port,
// in a folder of its own. It returns the address, and ends the server with the
// test.
func serve(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "ifmatch")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/ifmatch")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, kill := context.WithTimeout(context.Background(), time.Minute)
	server := exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0")
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
		if _, addr, found := strings.Cut(lines.Text(), "listening on http://"); found {
			return addr
		}
	}
	t.Fatalf("the server said no address: %v: %s", lines.Err(), stderr.String())
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

// TestCompare shows that the comparison can fail.
func TestCompare(t *testing.T) {
	const output = "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 21:45:24 GMT\r\nEtag: \"2\"\r\n\r\n{\"id\":\"0199\",\"n\":1}"
	for name, c := range map[string]struct {
		shown []string
		holds bool
	}{
		"the whole":           {[]string{"HTTP/1.1 200 OK", `Etag: "2"`, `{"id":"0199","n":1}`}, true},
		"a placeholder":       {[]string{"HTTP/1.1 200 OK", `{"id":"…","n":1}`}, true},
		"another status":      {[]string{"HTTP/1.1 412 Precondition Failed"}, false},
		"no status":           {[]string{`Etag: "2"`}, false},
		"nothing":             {nil, false},
		"another tag":         {[]string{"HTTP/1.1 200 OK", `Etag: "3"`}, false},
		"another order":       {[]string{"HTTP/1.1 200 OK", `{"id":"0199","n":1}`, `Etag: "2"`}, false},
		"a part of a line":    {[]string{"HTTP/1.1 200 OK", `{"id":"0199"`}, false},
		"a dot is only a dot": {[]string{"HTTP/1.1 200 OK", `{"id":"....","n":1}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := step{command: "curl -i http://" + address, shown: c.shown}
			if bad := s.compare(output); (bad == "") != c.holds {
				t.Errorf("holds: %t, want %t: %s", bad == "", c.holds, bad)
			}
		})
	}
}
