package main

import (
	"fmt"
	"io"

	"github.com/ifmatch/ifmatch/internal/rollout"
	"github.com/ifmatch/ifmatch/policy"
)

// watch returns what observes the collections of a policy that have that, and tells of
// them at once.
func watch(p *policy.Policy) (*rollout.Watch, error) {
	w, err := rollout.New(0)
	if err != nil {
		return nil, fmt.Errorf("cannot remember what is read: %w", err)
	}
	for i := range p.Collections {
		if c := &p.Collections[i]; c.Contract.Precondition.Observes() {
			w.Expect(c.Name)
		}
	}
	return w, nil
}

// sayTotals prints what a watch has counted, where it has.
func sayTotals(to io.Writer, w *rollout.Watch) error {
	for _, line := range w.Totals() {
		if _, err := fmt.Fprintln(to, line); err != nil {
			return err
		}
	}
	return nil
}
