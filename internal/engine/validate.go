package engine

import (
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// maxFaults bounds the faults that one refusal tells.
const maxFaults = 20

// validate judges what a write would store, whatever it was built from. It returns
// a *Refusal.
func (w *write) validate(c *candidate) error { return w.validateFor(c, w.view) }

// validateFor is validate, for who sees v of the document.
func (w *write) validateFor(c *candidate, v *view.View) error {
	rules := w.intent.Rules
	var was jsonvalue.Value
	if rules.Merge.HasImmutable() && w.current.Exists() {
		var err error
		if was, err = w.currentValue(); err != nil {
			return err
		}
	}
	if faults := w.unchangeable(c); faults != nil {
		return &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: faults}
	}
	if faults := rules.Faults(was, c.value); len(faults) > 0 {
		return &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: rules.told(faults, was, c.value, v)}
	}
	return nil
}

// Faults says what is wrong with a document that would stand in the place of was,
// which is absent for none: by Validate, and by the immutable fields of Merge. It
// returns at most 20 faults, nil for a document that keeps to the rules.
func (r *Rules) Faults(was, document jsonvalue.Value) []Fault {
	var faults []Fault
	if r.Validate != nil {
		faults = r.Validate(document)
	}
	for b := range r.Merge.Breaches(was, document) {
		if len(faults) >= maxFaults {
			break
		}
		detail := "Must stay as it is: it does not change once it is there."
		if b.Removed {
			detail = "Must stay: it is not removed once it is there."
		}
		faults = append(faults, Fault{Pointer: b.Path.String(), Detail: detail})
	}
	return faults[:min(len(faults), maxFaults)]
}
