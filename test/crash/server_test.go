// Package crash_test ends a real server in the middle of its work, again and
// again on one store, and holds what the store says against what clients were
// told.
package crash_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var torture = flag.Bool("torture", false, "run many more rounds")

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "ifmatch-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	binary = filepath.Join(dir, "ifmatch")
	build := exec.Command("go", "build", "-o", binary, "github.com/ifmatch/ifmatch/cmd/ifmatch")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is a process that this test started.
type server struct {
	cmd    *exec.Cmd
	url    string
	stderr *lockedBuffer
	ended  chan struct{}
	err    error // how it ended; valid after ended
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// command runs the program on a store. The environment's own settings of it do
// not count.
func command(args ...string) *exec.Cmd {
	c := exec.Command(binary, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "IFMATCH_") {
			c.Env = append(c.Env, v)
		}
	}
	return c
}

// start serves a store on a port of the kernel's choice, and waits until it
// answers.
func start(t *testing.T, path string) *server {
	t.Helper()
	return await(t, command(serve(path)...))
}

// serve are the arguments that serve a store.
func serve(path string) []string {
	return []string{"serve", "--listen", "127.0.0.1:0", "--store", "sqlite:" + path}
}

// await starts a server and waits until it answers.
func await(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{cmd: cmd, stderr: &lockedBuffer{}, ended: make(chan struct{})}
	s.cmd.Stderr = s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for s.url == "" && lines.Scan() {
		s.url, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go func() {
		for lines.Scan() { // or the process would wait for a reader
		}
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(s.kill)
	if s.url == "" {
		<-s.ended
		t.Fatalf("the server does not listen (%v): %s", s.err, s.stderr)
	}
	s.answers(t)
	return s
}

// answers waits until the server answers. The connection is accepted from the
// moment that it listens.
func (s *server) answers(t *testing.T) {
	t.Helper()
	resp, err := http.Get(s.url + "/v1/docs/none")
	if err != nil {
		t.Fatalf("the server does not answer: %v: %s", err, s.stderr)
	}
	resp.Body.Close()
}

// kill ends the process as kill -9 does, and waits until it is gone.
func (s *server) kill() {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err) // it is our own child
	}
	<-s.ended
}

// terminate asks the process to end, and returns how it did.
func (s *server) terminate(t *testing.T) error {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
		return s.err
	case <-time.After(time.Minute):
		t.Fatalf("the server does not end: %s", s.stderr)
		return nil
	}
}

// verify runs the command that a user has for it.
func verify(t *testing.T, path string) {
	t.Helper()
	out, err := command("verify", "--store", "sqlite:"+path).CombinedOutput()
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
	second := command(serve(path)...)
	out := &lockedBuffer{}
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
	if out, err := command("verify", "--store", "sqlite:"+path).CombinedOutput(); err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("a store is verified while a server may write to it: %v, %s", err, out)
	}
	s.answers(t)
	s.kill()
	third := start(t, path) // the lock of a killed process is gone
	if err := third.terminate(t); err != nil {
		t.Errorf("asked to end, the server ends with %v", err)
	}
}
