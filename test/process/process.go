// Package process runs the program under test as what it is: a process of its own, which
// can be killed, paused and asked to end.
package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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

// Main builds the program into a folder that lives as long as the tests do, tells
// where, runs the tests and returns their exit code.
func Main(m *testing.M, binary *string) (code int) {
	dir, err := os.MkdirTemp("", "ifmatch-process-")
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
	*binary = filepath.Join(dir, "ifmatch")
	build := exec.Command("go", "build", "-o", *binary, "github.com/ifmatch/ifmatch/cmd/ifmatch")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Command runs the program in its own folder, where nothing that it leaves outlives the
// tests. The environment's own settings of it do not count.
func Command(binary string, args ...string) *exec.Cmd {
	c := exec.Command(binary, args...)
	c.Dir = filepath.Dir(binary)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "IFMATCH_") {
			c.Env = append(c.Env, v)
		}
	}
	return c
}

// Serve are the arguments that serve a store on a port of the kernel's choice.
func Serve(store string) []string {
	return []string{"serve", "--listen", "127.0.0.1:0", "--store", store}
}

// Server is a process that serves. Its methods may be called concurrently.
type Server struct {
	// URL is where it listens, without a slash at the end.
	URL string
	// Stderr is what it has said.
	Stderr *Output

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; valid after ended
}

// Start starts a server and returns when it has answered a read of its store.
func Start(cmd *exec.Cmd) (*Server, error) {
	s := &Server{cmd: cmd, Stderr: &Output{}, ended: make(chan struct{})}
	cmd.Stderr = s.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stdout)
	for s.URL == "" && lines.Scan() {
		s.URL, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go func() {
		for lines.Scan() { // or the process would wait for a reader
		}
		s.err = cmd.Wait()
		close(s.ended)
	}()
	if s.URL == "" {
		<-s.ended
		return nil, fmt.Errorf("the server does not listen (%w): %s", s.err, s.Stderr)
	}
	if err := s.Answers(); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Answers waits until the server answers. The connection is accepted from the moment
// that it listens.
func (s *Server) Answers() error {
	resp, err := http.Get(s.URL + "/v1/docs/none")
	if err != nil {
		return fmt.Errorf("the server does not answer: %w: %s", err, s.Stderr)
	}
	return resp.Body.Close()
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (s *Server) Kill() { s.signal(syscall.SIGKILL); <-s.ended }

func (s *Server) signal(sig os.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err) // it is our own child
	}
}

// PID is the process's id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Ended is closed when the process is gone.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Terminate asks the process to end, and returns how it did.
func (s *Server) Terminate(ctx context.Context) error {
	s.signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("the server does not end: %s", s.Stderr)
	}
}

// Output keeps what a process says, while others read it.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *Output) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was said so far.
func (b *Output) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
