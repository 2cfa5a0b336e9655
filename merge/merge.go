// Package merge joins two changes of one JSON document: a three-way merge under
// rules for each field.
//
// Base is what a writer read, theirs what is stored now, mine what the writer
// wants. At each place, a value that only one side changed is taken from that
// side, and equal changes are agreed. Where both changed it differently the
// field's [Type] says how to combine the two, and where that gives no answer it
// is a dispute, which the field's [OnConflict] may settle. What remains is left
// to a person, as data: [Result.Disputes].
//
// Nothing is lost in silence. Every place that a side changed holds that side's
// value in the result, or is named by a [Decision] or a [Dispute].
//
// The package is pure: values and a [Policy] in, a [Result] out. The same input
// gives the same bytes on every machine and in every implementation of these
// rules; limits count steps, never time. All functions and methods are safe for
// concurrent use.
package merge

import (
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Winner says whose value a decision kept.
type Winner string

// The winners.
const (
	Theirs Winner = "theirs"
	Mine   Winner = "mine"
	Both   Winner = "both" // combined by the field's type
)

// Decision is one place that both sides changed differently and that was settled
// without a person.
type Decision struct {
	Path   jsonvalue.Pointer // in the result; an element of a list as in Dispute
	Winner Winner
	// Rule says by what: a Type, a Rule, RuleDetect or RuleAdded.
	Rule string
}

const (
	// RuleDetect is the rule of a decision about a difference of a class that the
	// policy does not detect.
	RuleDetect = "detect"
	// RuleAdded is the rule of a decision that joined two objects which both sides
	// added at one place.
	RuleAdded = "added"
)

// Reasons of a dispute: why the field's type had no answer.
const (
	// ReasonChanged: both sides changed it, and values like these do not combine.
	ReasonChanged = "both-changed"
	// ReasonRemoved: one side removed what the other changed.
	ReasonRemoved = "removed-and-changed"
	// ReasonKind: the sides made different kinds of value of it.
	ReasonKind = "kind-changed"
	// ReasonUnfit: a value does not fit the field's type.
	ReasonUnfit = "unfit"
	// ReasonOverlap: edits of a sequence or a text touch the same place.
	ReasonOverlap = "overlap"
	// ReasonOrder: both sides reordered the elements, differently.
	ReasonOrder = "reordered"
	// ReasonBounds: the sum of a counter lies outside its min and max.
	ReasonBounds = "out-of-bounds"
	// ReasonLimit: combining would take more steps than are allowed, or more digits.
	ReasonLimit = "limit"
	// ReasonTogether: the values of a group would be neither side's as a whole.
	ReasonTogether = "together"
)

// Dispute is one place that nobody but a person can settle.
type Dispute struct {
	// Path is where. An element of a list is named by its index in theirs; those
	// that theirs does not have are numbered after its last, in the order of base
	// and then of mine. For a group it is the first of Together.
	Path jsonvalue.Pointer
	// Key is the key of the innermost list element that Path lies in, absent
	// outside of lists.
	Key jsonvalue.Value
	// Together names the fields of a group, nil for a single field. In the place of
	// a field that lies in what is one value, such as an atomic object, stands that
	// value; groups that meet in one are one dispute.
	Together []jsonvalue.Pointer
	// Base, Theirs and Mine are the three values, absent where a side has none. For
	// a group each is an object that has a member for each field that is there,
	// named by its pointer.
	Base, Theirs, Mine jsonvalue.Value
	// Rule is the rule that was asked and left it: RuleReject, or one that found a
	// tie or nothing to compare.
	Rule Rule
	// Reason is one of the Reason constants.
	Reason string
	// Field is the index of the field of the policy that Rule came from, -1 for
	// none. For a group without a rule of its own it is -1.
	Field int
}

// Result is what a merge came to.
type Result struct {
	// Value is the merged value. Disputed places hold what theirs has.
	Value jsonvalue.Value
	// Decisions and Disputes are sorted by the string form of their paths.
	Decisions []Decision
	Disputes  []Dispute
}

// Clean reports whether nothing is left to a person.
func (r *Result) Clean() bool { return len(r.Disputes) == 0 }

// Writers says who wrote what, for rules that go by authority.
type Writers struct {
	// Mine are the roles of the writer whose change is merged.
	Mine []string
	// Theirs are the changes between base and theirs, oldest first. The last that
	// touches a disputed place tells who wrote what is stored there.
	Theirs []Authorship
}

// Authorship is one change of a place, with the roles of who made it.
type Authorship struct {
	Path  jsonvalue.Pointer
	Roles []string
}

// Three merges theirs and mine, which both came of base, under a policy; nil is
// the policy without rules. Any of the three may be absent: that is a value too.
//
// Cost is linear in the three sizes, plus what aligns sequences and texts that
// both sides changed, orders new elements of lists in lists and writes sums. That
// is bounded by a number of steps for the whole merge; a field that goes beyond is
// a dispute for ReasonLimit.
func Three(base, theirs, mine jsonvalue.Value, p *Policy, who Writers) Result {
	if p == nil {
		p = &Policy{}
	}
	w := walker{policy: p, matcher: newMatcher(p), who: who, root: three{base: base, theirs: theirs, mine: mine}}
	value := w.document()
	sortByPath(w.decisions, func(d *Decision) jsonvalue.Pointer { return d.Path })
	sortByPath(w.disputes, func(d *Dispute) jsonvalue.Pointer { return d.Path })
	return Result{Value: value, Decisions: w.decisions, Disputes: w.disputes}
}
