//go:build unix

package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager is what a service manager hears.
type manager struct {
	*testing.T
	conn *net.UnixConn
	env  string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify-") //nolint:usetesting // a socket needs a short path, which a folder named after the test is not
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &manager{t, conn, "NOTIFY_SOCKET=" + name}
}

// hears reads one message, past signs of life where another one is wanted.
func (m *manager) hears(want string) {
	m.Helper()
	for buffer := make([]byte, 100); ; {
		n, err := m.conn.Read(buffer)
		if err != nil {
			m.Fatal(err)
		}
		if got := string(buffer[:n]); got == want {
			return
		} else if got != notifyAlive {
			m.Fatalf("the service manager hears %s, want %s", got, want)
		}
	}
}

// TestNotify: a service manager hears that the server is ready, that it lives, and that
// it is about to end.
func TestNotify(t *testing.T) {
	m := newManager(t)
	i := issue(t, t.TempDir())
	for name, args := range map[string][]string{"plain": nil, "encrypted": {"--tls-cert", i.cert, "--tls-key", i.key}} {
		t.Run(name, func(t *testing.T) {
			c := program(t, []string{m.env, "WATCHDOG_USEC=100000"}, append([]string{"serve", "--listen", "127.0.0.1:0", "--store", "memory:"}, args...)...)
			s := serve(t, c)
			m.hears("READY=1")
			m.hears("WATCHDOG=1")
			m.hears("WATCHDOG=1")
			if said := s.stop(); strings.Contains(said, "level=ERROR") {
				t.Errorf("it says %s", said)
			}
			m.hears("STOPPING=1")
		})
	}
}

// TestWatchdogIsForOneProcess: a sign of life is given by the process alone that it is
// wanted of, and a manager that is gone ends nothing.
func TestWatchdogIsForOneProcess(t *testing.T) {
	for _, tt := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"x", "", 0}, {"0", "", 0}, {"-5", "", 0}, {"30000000", "", 15 * time.Second}, {"30000000", "1", 0},
	} {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		if got := watchdogEvery(); got != tt.want {
			t.Errorf("%s of %s: %v, want %v", tt.usec, tt.pid, got, tt.want)
		}
	}
	c := program(t, []string{"NOTIFY_SOCKET=/nowhere/notify"}, "serve", "--listen", "127.0.0.1:0", "--store", "memory:")
	s := serve(t, c)
	status(t, s.url+"/healthz", http.StatusOK)
	if said := s.stop(); !strings.Contains(said, "the service manager cannot be told") {
		t.Errorf("it says %s", said)
	}
}

// TestHealth: the command finds the server that the same settings start.
func TestHealth(t *testing.T) {
	dir := t.TempDir()
	i := issue(t, dir)
	for name, more := range map[string][]string{"plain": nil, "encrypted": {"IFMATCH_TLS_CERT=" + i.cert, "IFMATCH_TLS_KEY=" + i.key}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, program(t, append(more, "IFMATCH_INSECURE=true"), "serve", "--listen", "0.0.0.0:0", "--store", "memory:"))
			_, port, _ := strings.Cut(s.url, "]:")
			if port == "" {
				port = s.url[strings.LastIndexByte(s.url, ':')+1:]
			}
			env := append(more, "IFMATCH_LISTEN=0.0.0.0:"+port)
			for _, args := range [][]string{{"health"}, {"health", "--ready"}} {
				if out, err := program(t, env, args...).CombinedOutput(); err != nil || string(out) != "ok\n" {
					t.Errorf("%v: %v: %s", args, err, out)
				}
			}
			s.stop()
			if said := fails(t, program(t, env, "health")); !strings.Contains(said, "connection refused") {
				t.Errorf("without a server it says %s", said)
			}
		})
	}
}
