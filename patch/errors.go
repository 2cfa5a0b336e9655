package patch

import (
	"fmt"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Reasons of a [FormatError].
const (
	ReasonNotArray      = "not-array"
	ReasonNotObject     = "not-object"
	ReasonMissingMember = "missing-member"
	ReasonNotString     = "not-string"
	ReasonUnknownOp     = "unknown-op"
	ReasonBadPointer    = "bad-pointer"
	ReasonIntoItself    = "into-itself"
)

// Reasons of an [InapplicableError].
const (
	// ReasonMissing: nothing is at the path.
	ReasonMissing = "missing"
	// ReasonMissingParent: the object or array that should hold it is not there.
	ReasonMissingParent = "missing-parent"
	// ReasonScalarParent: what should hold it is neither an object nor an array.
	ReasonScalarParent = "scalar-parent"
	// ReasonBadIndex: the last token is not an index that this array can take.
	ReasonBadIndex = "bad-index"
	// ReasonWholeDocument: a document cannot be removed from itself.
	ReasonWholeDocument = "whole-document"
	// ReasonUnusable: the operation was put together by hand and holds no value,
	// or a name that is not valid UTF-8, or no known kind.
	ReasonUnusable = "unusable"
)

// Measures of a [TooLargeError].
const (
	// MeasureOps counts the operations of the patch.
	MeasureOps = "operations"
	// MeasureCopied counts the bytes that all copy operations write together.
	MeasureCopied = "copied bytes"
	// MeasureSize counts the bytes of the result as compact JSON.
	MeasureSize = "bytes"
	// MeasureDepth counts the levels of nesting of the result.
	MeasureDepth = "levels"
)

var advice = map[string]string{
	ReasonNotArray:      "a JSON Patch is an array of operations (RFC 6902 §3); send an array",
	ReasonNotObject:     `an operation is an object with "op" and "path"; send an object`,
	ReasonMissingMember: "the operation needs this member; add it (null counts as a value, absence does not)",
	ReasonNotString:     "this member must be a string; send a string",
	ReasonUnknownOp:     `use "add", "remove", "replace", "move", "copy" or "test"`,
	ReasonBadPointer:    "this is not a JSON Pointer (RFC 6901)",
	ReasonIntoItself:    "a value cannot move into its own child (RFC 6902 §4.4); copy it, or move it elsewhere",

	ReasonMissing:       "nothing is there; read the document again and correct the path",
	ReasonMissingParent: "what should hold it is not there; add the parent first",
	ReasonScalarParent:  "what should hold it is neither an object nor an array; replace the parent first",
	ReasonBadIndex:      `the array cannot take this index; use one without leading zeros, up to the array's length, or "-" to add at the end`,
	ReasonWholeDocument: "a document cannot be removed from itself; delete it instead",
	ReasonUnusable:      "the operation has no value, no known kind or a name that is not UTF-8; build it with ParseJSONPatch or Diff",
}

// FormatError says why a document is not a JSON Patch.
type FormatError struct {
	// Index is the position of the operation, or -1 for the document itself.
	Index int
	// Pointer is where in the patch document the fault is, such as /3/path.
	Pointer jsonvalue.Pointer
	// Reason is one of the Reason constants for this type.
	Reason string

	cause error
}

// Error returns a sentence that says where the fault is and what to do.
func (e *FormatError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("patch: fault at %q of the JSON Patch: %s: %v", e.Pointer.String(), advice[e.Reason], e.cause)
	}
	return fmt.Sprintf("patch: fault at %q of the JSON Patch: %s", e.Pointer.String(), advice[e.Reason])
}

// Unwrap returns the cause, such as a [*jsonvalue.PointerError], or nil.
func (e *FormatError) Unwrap() error { return e.cause }

// TestFailedError says that a test operation did not hold (RFC 6902 §4.6). Its
// text holds no content of the document; the fields do.
type TestFailedError struct {
	// Index is the position of the operation.
	Index int
	// Path is what was tested.
	Path jsonvalue.Pointer
	// Want is the value that the operation gives.
	Want jsonvalue.Value
	// Got is the value of the document there, after the operations before this
	// one; absent if nothing was there.
	Got jsonvalue.Value
}

// Error returns a sentence that names the operation and the path.
func (e *TestFailedError) Error() string {
	found := "another value is there"
	if e.Got.IsAbsent() {
		found = "nothing is there"
	}
	return fmt.Sprintf("patch: operation %d: the test of %q does not hold: %s; read the document again and rebuild the patch",
		e.Index, e.Path.String(), found)
}

// InapplicableError says that an operation cannot be done on this document,
// though it may be on another.
type InapplicableError struct {
	// Index is the position of the operation.
	Index int
	// Kind is the operation's kind, such as OpAdd.
	Kind string
	// Path is the path that cannot be used: the operation's path, or its from.
	Path jsonvalue.Pointer
	// Reason is one of the Reason constants for this type.
	Reason string
}

// Error returns a sentence that names the operation, the path and what to do.
func (e *InapplicableError) Error() string {
	return fmt.Sprintf("patch: operation %d: cannot %s %q: %s", e.Index, e.Kind, e.Path.String(), advice[e.Reason])
}

// TooLargeError says that a patch, or what it makes, is beyond its [Limits].
type TooLargeError struct {
	// Index is the position of the operation that went over the limit, or -1 if
	// the result as a whole did.
	Index int
	// Measure is one of the Measure constants: what is too large.
	Measure string
	// Limit is the limit in units of Measure.
	Limit int64
}

// Error returns a sentence that names the limit and what to do.
func (e *TooLargeError) Error() string {
	what := fmt.Sprintf("the result of the patch has more than %d %s", e.Limit, e.Measure)
	switch e.Measure {
	case MeasureOps:
		what = fmt.Sprintf("the patch has more than %d operations", e.Limit)
	case MeasureCopied:
		what = fmt.Sprintf("operation %d: the copies of the patch write more than %d bytes together", e.Index, e.Limit)
	}
	return "patch: " + what + "; split the change or make it smaller"
}
