package browser_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// rebound leads to this machine, in the browser of these tests alone.
const rebound = "rebound.example"

// findChromium returns the path of a Chromium, or skips the test.
func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("SKIPPED, NOT CHECKED: chromium is not installed, so no real browser was asked what it lets pages do")
	return ""
}

// open opens a page in a browser of its own, without a window, which ends with
// the test.
func open(t *testing.T, chromium, url string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser-") //nolint:usetesting // sockets in it need a short path, which a folder named after the test is not
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(chromium, "--headless", "--no-sandbox", // the only pages it sees are ours
		"--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-breakpad",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--host-resolver-rules=MAP "+rebound+" 127.0.0.1", "--user-data-dir="+filepath.Join(dir, "profile"), url)
	c.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children can be ended with it
	c.WaitDelay = 10 * time.Second                      // Wait also waits until they are gone, and stderr with them
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-c.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
		err := c.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || !exit.Sys().(syscall.WaitStatus).Signaled() {
			t.Errorf("the browser ended by itself: %v", err)
		}
		if t.Failed() {
			t.Logf("the browser said: %s", &stderr)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
}

// enough bounds how long a browser may take, on a slow machine.
const enough = 2 * time.Minute
