package crash_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/process"
)

// traced starts a server under strace and returns the lines of the trace, which
// end with the server. The tracer stands aside (-D), so that the process of the
// server is the server's.
func traced(t *testing.T, path string, options ...string) (*server, <-chan string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED, NOT CHECKED: strace is not installed, so no system call can be watched or made to fail")
	}
	if out, err := exec.Command(strace, "-D", "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: strace may not trace here: %v\n%s", err, out)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := process.Command(binary, process.Serve("sqlite:"+path)...)
	cmd.Path = strace
	cmd.Args = append(append([]string{"strace", "-D", "-f", "-y", "-o", "/dev/fd/3"}, options...), append([]string{binary}, cmd.Args[1:]...)...)
	cmd.ExtraFiles = []*os.File{w}
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		for trace := bufio.NewScanner(r); trace.Scan(); {
			lines <- trace.Text()
		}
	}()
	s := await(t, cmd)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s, lines
}

var (
	logWrite = regexp.MustCompile(`pwrite64\(\d+<[^>]*-wal>`)
	logSync  = regexp.MustCompile(`(fsync|fdatasync)\(\d+<[^>]*-wal>`)
	success  = regexp.MustCompile(`write\(\d+<[^>]*>, "HTTP/1\.1 20[01] `)
)

// TestFlushBeforeAnswer watches the system calls of a server that writes one
// document after the other: between the last byte of the log and the answer
// there is a flush of the log.
func TestFlushBeforeAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	s, lines := traced(t, path, "-e", "trace=pwrite64,write,fsync,fdatasync")
	l := newLoad(t, 0, 0)
	l.url = s.URL
	const writes = 20
	for i := range writes {
		r, ok := l.send("PUT", fmt.Sprintf("/v1/docs/%d", i), map[string]int{"n": i}, "Content-Type", jsonType, "If-None-Match", "*")
		if !ok || r.status != http.StatusCreated {
			t.Fatalf("PUT is answered %d: %s", r.status, r.body)
		}
	}
	if err := s.terminate(t); err != nil {
		t.Error(err)
	}
	answers, written, flushed := 0, false, false
	for line := range lines {
		switch {
		case logWrite.MatchString(line):
			written, flushed = true, false
		case logSync.MatchString(line):
			flushed = true // its caller goes on only when it is done
		case success.MatchString(line):
			if answers++; !written || !flushed {
				t.Errorf("answer %d left without a flush: log written %t, flushed after it %t", answers, written, flushed)
			}
			written, flushed = false, false
		}
	}
	if answers != writes {
		t.Errorf("the trace shows %d answers to %d writes", answers, writes)
	}
}

// TestFlushFails makes the kernel refuse to flush, as a broken disk does.
func TestFlushFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	first := start(t, path) // makes the store, whose flushes do not count
	if err := first.terminate(t); err != nil {
		t.Fatal(err)
	}
	s, lines := traced(t, path, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=10+")
	l := newLoad(t, 0, 0)
	l.url = s.URL
	put := func(i int) reply {
		r, ok := l.send("PUT", fmt.Sprintf("/v1/docs/%d", i), map[string]int{"n": i}, "Content-Type", jsonType, "If-None-Match", "*")
		if !ok {
			t.Fatalf("PUT %d is not answered", i)
		}
		return r
	}
	acked := 0
	r := put(0)
	for ; r.status == http.StatusCreated && acked < 100; r = put(acked) {
		acked++
	}
	if acked == 0 || r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "outcome-unknown") {
		t.Errorf("after %d writes the failed flush is answered %d: %s; want 503 outcome-unknown", acked, r.status, r.body)
	}
	if r := put(acked + 1); r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "read-only") {
		t.Errorf("the write after it is answered %d: %s; want 503 read-only", r.status, r.body)
	}
	if r, _ := l.send("GET", "/readyz", nil); r.status != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d, want 503", r.status)
	}
	there := func() {
		t.Helper()
		for i := range acked {
			if r, _ := l.send("GET", fmt.Sprintf("/v1/docs/%d", i), nil); r.status != http.StatusOK || r.version != 1 {
				t.Errorf("document %d was acknowledged and is answered %d: %s", i, r.status, r.body)
			}
		}
	}
	there()
	s.Kill()
	injected := 0
	for line := range lines {
		if strings.Contains(line, "(INJECTED)") {
			injected++
		}
	}
	if injected == 0 {
		t.Error("no flush was made to fail")
	}
	l.url = start(t, path).URL
	there()
	if r := put(acked + 2); r.status != http.StatusCreated {
		t.Errorf("started again, a write is answered %d: %s", r.status, r.body)
	}
}
