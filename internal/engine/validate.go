package engine

import (
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// maxFaults bounds the faults that one refusal tells.
const maxFaults = 20

// validate judges what a write would store, whatever it was built from. It returns
// a *Refusal.
func (w *write) validate(c *candidate) error {
	rules := w.intent.Rules
	var was jsonvalue.Value
	if len(rules.Immutable) > 0 && w.current.Exists() {
		var err error
		if was, err = w.currentValue(); err != nil {
			return err
		}
	}
	if faults := rules.Faults(was, c.value); len(faults) > 0 {
		return &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: faults}
	}
	return nil
}

// Faults says what is wrong with a document that would stand in the place of was,
// which is absent for none: by Validate, and by Immutable. It returns at most 20
// faults, nil for a document that keeps to the rules.
func (r *Rules) Faults(was, document jsonvalue.Value) []Fault {
	var faults []Fault
	if r.Validate != nil {
		faults = r.Validate(document)
	}
	for _, field := range r.Immutable {
		faults = appendChanged(faults, field, nil, was, document)
	}
	return faults[:min(len(faults), maxFaults)]
}

// anySegment stands in a field's path for every member or element.
const anySegment = "*"

// appendChanged appends a fault for each value of a field that was there and is
// another one now, or gone. At is where was and now stand, below it is what is
// left of the field's path.
func appendChanged(faults []Fault, below, at jsonvalue.Pointer, was, now jsonvalue.Value) []Fault {
	switch {
	case was.IsAbsent() || len(faults) >= maxFaults:
		return faults
	case len(below) == 0:
		if jsonvalue.Equal(was, now) {
			return faults
		}
		detail := "Must stay as it is: it does not change once it is there."
		if now.IsAbsent() {
			detail = "Must stay: it is not removed once it is there."
		}
		return append(faults, Fault{Pointer: at.String(), Detail: detail})
	case below[0] != anySegment:
		step := jsonvalue.Pointer{below[0]}
		return appendChanged(faults, below[1:], append(at, below[0]), was.At(step), now.At(step))
	}
	for _, m := range was.Members() {
		faults = appendChanged(faults, below[1:], append(at, m.Name), m.Value, now.Lookup(m.Name))
	}
	for i, e := range was.Elems() {
		faults = appendChanged(faults, below[1:], append(at, strconv.Itoa(i)), e, now.Elem(i))
	}
	return faults
}
