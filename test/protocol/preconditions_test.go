package protocol_test

import (
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/testdata"
)

func TestPreconditionTable(t *testing.T) {
	run := testdata.Preconditions(t)
	for policy, rules := range map[string]engine.Rules{
		"optional":              {Contract: optional},
		"require-preconditions": {},
	} {
		t.Run(policy, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
				run(t, a.url+"/v1/docs/", policy)
				a.verify()
			})
		})
	}
}
