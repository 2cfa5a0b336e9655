package testdata

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Preconditions returns what runs the table of RFC 9110 and RFC 6585 over a
// socket, by a client that is not ours, on fresh documents right below the URL
// base. Policy names the part of the table that holds there: optional or
// require-preconditions. The table's own run takes seconds, since it waits for
// dates to pass. Where the table or node is missing the test is skipped.
func Preconditions(t testing.TB) func(t testing.TB, base, policy string) {
	t.Helper()
	table := Shared(t, "preconditions-rfc.json")
	runner := filepath.Join(filepath.Dir(table), "..", "tools", "run-preconditions.mjs")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: the precondition table needs node: %v", err)
	}
	return func(t testing.TB, base, policy string) {
		t.Helper()
		// Dates have a resolution of a second, so it settles for a little more.
		out, err := exec.CommandContext(t.Context(), node, runner, "--base", base, "--policy", policy, "--settle", "1100").CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("the table does not hold: %v", err)
		}
	}
}
