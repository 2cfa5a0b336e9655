package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asProgram in the environment makes the test's binary be the program itself, so
// that tests run what they were built with.
const asProgram = "RUN_AS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program prepares a run of the program in a folder of its own, which is killed
// where it takes more than a minute. Its environment holds no variables of the
// program but those given as NAME=VALUE.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "IFMATCH_") {
			c.Env = append(c.Env, v)
		}
	}
	// The race detector would keep each process for a second after its end.
	c.Env = append(append(c.Env, asProgram+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	return c
}

// server is a running server.
type server struct {
	*testing.T
	cmd    *exec.Cmd
	out    *bufio.Reader
	url    string
	store  string // as it announces it
	stderr said
}

// said is what a program has said so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// hears waits until the server has said something.
func (s *server) hears(text string) {
	s.Helper()
	for !strings.Contains(s.stderr.String(), text) {
		select {
		case <-s.Context().Done():
			s.Fatalf("the server does not say %q but %s", text, &s.stderr)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// serve starts the program and waits until it has announced itself.
func serve(t *testing.T, c *exec.Cmd) *server {
	t.Helper()
	s := &server{T: t, cmd: c}
	c.Stderr = &s.stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	s.url = s.announced("listening on ")
	s.store = s.announced("store ")
	return s
}

// announced returns what stands behind label on the next line of output.
func (s *server) announced(label string) string {
	s.Helper()
	line, err := s.out.ReadString('\n')
	value, ok := strings.CutPrefix(line, label)
	if err != nil || !ok {
		_ = s.cmd.Wait() // how it ended stands in what it said
		s.Fatalf("the server announces %q, %v, want %s…; it said: %s", line, err, label, &s.stderr)
	}
	return strings.TrimSpace(value)
}

// stop asks the server to end, which it must do well, and returns what it said.
func (s *server) stop() string {
	s.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatal(err)
	}
	_, err := io.Copy(io.Discard, s.out)
	if waited := s.cmd.Wait(); err != nil || waited != nil {
		s.Fatalf("the server ends with %v, %v: %s", waited, err, &s.stderr)
	}
	return s.stderr.String()
}

// fails runs the program, which must fail, and returns what it said.
func fails(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	out, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != 1 {
		t.Errorf("the program ends with %v, want exit code 1: %s", err, out)
	}
	return string(out)
}

// writeFile writes a file, and returns its path.
func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
