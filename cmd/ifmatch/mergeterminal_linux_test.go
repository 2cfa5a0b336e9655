package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMergeColours shows a dispute on a terminal.
func TestMergeColours(t *testing.T) {
	const plain = "mine is not merged, and nothing was written: 1 place is disputed\n\n/a: both sides changed it\n  base    1\n  theirs  2\n  yours   3\n"
	coloured := strings.NewReplacer("/a", "\x1b[1m/a\x1b[0m", "base    1", "base    \x1b[2m1\x1b[0m",
		"theirs  2", "theirs  \x1b[36m2\x1b[0m", "yours   3", "yours   \x1b[33m3\x1b[0m").Replace(plain)
	for _, tt := range []struct {
		name, env, want string
	}{
		{"a terminal", "NO_COLOR=", coloured},
		{"NO_COLOR", "NO_COLOR=1", plain},
		{"one that knows no colours", "TERM=dumb", plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := program(t, []string{"TERM=xterm", "NO_COLOR=", tt.env}, "merge", "base", "theirs", "mine")
			for name, text := range map[string]string{"base": shortBase, "theirs": shortTheirs, "mine": otherMine} {
				writeFile(t, c.Dir+"/"+name, text)
			}
			screen, terminal := newTerminal(t)
			c.Stderr = terminal
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if err := terminal.Close(); err != nil {
				t.Fatal(err)
			}
			shown, err := io.ReadAll(screen)
			if err != nil && !errors.Is(err, syscall.EIO) { // how a terminal ends
				t.Fatal(err)
			}
			_ = c.Wait() // the code tells
			if got := strings.ReplaceAll(string(shown), "\r\n", "\n"); c.ProcessState.ExitCode() != conflictCode || got != tt.want {
				t.Errorf("code %d, shown %q, want %q", c.ProcessState.ExitCode(), got, tt.want)
			}
		})
	}
}

// newTerminal returns a terminal and what its user sees.
func newTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: there are no pseudoterminals: %v", err)
	}
	t.Cleanup(func() {
		if err := screen.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}
