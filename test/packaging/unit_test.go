package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const programInUnit = "/usr/local/bin/ifmatch"

// unit writes the unit as it is, but for where the program is, since one that is not
// there is a fault of its own.
func unit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "packaging", "ifmatch.service"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "ExecStart="+programInUnit+" serve\n") {
		t.Fatalf("the unit does not start %s", programInUnit)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ifmatch.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), programInUnit, self)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// analyze runs systemd-analyze, which needs no systemd that runs.
func analyze(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: systemd-analyze is not installed, so nobody has read the unit")
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestUnit: systemd takes the unit without a word.
func TestUnit(t *testing.T) {
	path := unit(t)
	for line := range strings.Lines(analyze(t, "verify", "--man=no", path)) {
		if strings.Contains(line, "ifmatch") {
			t.Errorf("systemd says %s", line)
		}
	}
}

// TestUnitIsHardened: of what a service is exposed to, next to nothing is left (2.0 of
// 10, where systemd calls everything to 5.0 MEDIUM or better).
func TestUnitIsHardened(t *testing.T) {
	if out := analyze(t, "security", "--offline=yes", "--no-pager", "--threshold=20", unit(t)); !strings.Contains(out, "Overall exposure level") {
		t.Errorf("systemd says %s", out)
	}
}
