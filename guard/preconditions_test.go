package guard_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/internal/testdata"
)

// TestPreconditionTable runs the table of RFC 9110 and RFC 6585 over a socket,
// by a client that is not ours.
func TestPreconditionTable(t *testing.T) {
	table := testdata.Shared(t, "preconditions-rfc.json")
	runner := filepath.Join(filepath.Dir(table), "..", "tools", "run-preconditions.mjs")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: the precondition table needs node: %v", err)
	}
	for policy, contract := range map[string]ifmatch.Contract{"optional": optional, "require-preconditions": {}} {
		for over, open := range stores {
			t.Run(policy+"/"+over, func(t *testing.T) {
				t.Parallel()
				a := serve(t, open(t), guard.Options{Contract: contract})
				out, err := exec.CommandContext(t.Context(), node, runner, "--base", a.url+"/v1/docs/", "--policy", policy, "--settle", "1100").CombinedOutput()
				t.Logf("%s", out)
				if err != nil {
					t.Errorf("the table does not hold: %v", err)
				}
			})
		}
	}
}
