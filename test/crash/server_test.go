// Package crash_test ends a real server in the middle of its work, again and
// again on one store, and holds what the store says against what clients were
// told.
package crash_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/test/process"
)

var torture = flag.Bool("torture", false, "run many more rounds")

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(process.Main(m, &binary))
}

// server is a process that this test started.
type server struct{ *process.Server }

// start serves a store, and waits until it answers.
func start(t *testing.T, path string) *server {
	t.Helper()
	return await(t, process.Command(binary, process.Serve("sqlite:"+path)...))
}

// await starts a server and waits until it answers.
func await(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return &server{s}
}

// answers waits until the server answers.
func (s *server) answers(t *testing.T) {
	t.Helper()
	if err := s.Answers(); err != nil {
		t.Fatal(err)
	}
}

// terminate asks the process to end, and returns how it did.
func (s *server) terminate(t *testing.T) error {
	t.Helper()
	return s.Terminate(context.WithoutCancel(t.Context()))
}

// verify runs the command that a user has for it.
func verify(t *testing.T, path string) {
	t.Helper()
	out, err := process.Command(binary, "verify", "--store", "sqlite:"+path).CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestOneServerServesAStore starts a second one, which must say what is wrong.
func TestOneServerServesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	s := start(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	second := process.Command(binary, process.Serve("sqlite:"+path)...)
	out := &process.Output{}
	second.Stdout, second.Stderr = out, out
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { t.Error("the second server does not end:", second.Process.Kill()) })
	defer stop()
	var exit *exec.ExitError
	if err := second.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the second server ends with %v, want exit code 1", err)
	}
	if !strings.Contains(out.String(), "in use") {
		t.Errorf("the second server does not say that the store is in use: %s", out)
	}
	if out, err := process.Command(binary, "verify", "--store", "sqlite:"+path).CombinedOutput(); err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("a store is verified while a server may write to it: %v, %s", err, out)
	}
	s.answers(t)
	s.Kill()
	third := start(t, path) // the lock of a killed process is gone
	if err := third.terminate(t); err != nil {
		t.Errorf("asked to end, the server ends with %v", err)
	}
}
