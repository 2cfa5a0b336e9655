package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that this program started.
type process struct {
	cmd    *exec.Cmd
	addr   string
	log    string // file with what it printed
	began  time.Time
	exited chan struct{} // closed when it is gone
	err    error         // how it went; valid after exited
}

// freeAddress asks the kernel for a loopback port. Somebody else may take it
// before the server does; then the server fails to start and says so.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// startProcess runs a server in dir, which becomes its working directory.
func startProcess(binary, addr, dir string, args []string) (*process, error) {
	p := &process{addr: addr, log: dir + "/output.log", exited: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("keep the server's output: %w", err)
	}
	defer out.Close()
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

const startLimit = 20 * time.Second

// ready waits for the first answer with a status below 500 and returns the time
// from the start of the process to it.
func (p *process) ready(ctx context.Context, header string) (time.Duration, error) {
	limit := time.After(startLimit)
	var last error
	for {
		if last = p.ask(header); last == nil {
			return time.Since(p.began), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-p.exited:
			return 0, fmt.Errorf("the server ended by itself (%v): %s", p.err, p.tail())
		case <-limit:
			return 0, fmt.Errorf("no answer within %v (%w): %s", startLimit, last, p.tail())
		case <-time.After(time.Millisecond):
		}
	}
}

// ask reads a document that does not exist, which the store has to look for.
func (p *process) ask(header string) error {
	conn, err := net.DialTimeout("tcp", p.addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET /v1/docs/absent HTTP/1.1\r\nHost: "+p.addr+"\r\n"+header+"Connection: close\r\n\r\n"); err != nil {
		return err
	}
	line := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, line); err != nil {
		return err
	}
	if status := line[9]; status < '2' || status > '4' {
		return fmt.Errorf("answer %q", line)
	}
	return nil
}

// explain adds to a failed measurement what the server has to say about it.
func (p *process) explain(err error) error {
	select {
	case <-p.exited:
		return fmt.Errorf("%w; the server ended by itself (%v), its output: %s", err, p.err, p.tail())
	default:
		return fmt.Errorf("%w; the server still runs, its output: %s", err, p.tail())
	}
}

// tail is the end of what the server printed, on one line.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return "its output is lost: " + err.Error()
	}
	return oneLine(string(text), 300)
}

// oneLine keeps the last n bytes.
func oneLine(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > n {
		text = "…" + strings.ToValidUTF8(text[len(text)-n:], "")
	}
	return text
}

// resident is the memory in use, in bytes (VmRSS, Linux only).
func (p *process) resident() (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("read the server's memory: no VmRSS in its status")
}

// stop asks the server to end, and ends it when it has not within ten seconds.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process %d: %w", p.cmd.Process.Pid, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(10 * time.Second):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", p.cmd.Process.Pid, err)
	}
	<-p.exited
	return nil
}
