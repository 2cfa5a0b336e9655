package guard_test

import (
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/internal/testdata"
)

func TestPreconditionTable(t *testing.T) {
	run := testdata.Preconditions(t)
	for policy, contract := range map[string]ifmatch.Contract{"optional": optional, "require-preconditions": {}} {
		for over, open := range stores {
			t.Run(policy+"/"+over, func(t *testing.T) {
				t.Parallel()
				run(t, serve(t, open(t), guard.Options{Contract: contract}).url+"/v1/docs/", policy)
			})
		}
	}
}
