package engine

import (
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/patch"
)

// Reason is the stable code of a refusal, equal to the slug of its problem.
type Reason string

// The reasons.
const (
	ReasonMalformed       Reason = "malformed"
	ReasonForbidden       Reason = "forbidden"
	ReasonNotFound        Reason = "not-found"
	ReasonStale           Reason = "stale"
	ReasonMergeConflict   Reason = "merge-conflict"
	ReasonBaseUnavailable Reason = "base-unavailable"
	ReasonWeakValidator   Reason = "weak-validator"
	ReasonTokenForged     Reason = "token-forged"
	ReasonExists          Reason = "exists"
	ReasonRequired        Reason = "precondition-required"
	ReasonPatchTestFailed Reason = "patch-test-failed"
	ReasonInapplicable    Reason = "patch-inapplicable"
	ReasonResync          Reason = "resync"
	ReasonDuplicate       Reason = "duplicate"
	ReasonOutranked       Reason = "outranked"
	ReasonTooLarge        Reason = "too-large"
	ReasonInvalid         Reason = "invalid"
	ReasonInFlight        Reason = "idempotency-in-flight"
	ReasonKeyMismatch     Reason = "idempotency-mismatch"
	ReasonLocked          Reason = "locked"
	ReasonLeaseExpired    Reason = "lease-expired"
	ReasonContended       Reason = "contended"
	ReasonOverloaded      Reason = "overloaded" // also: the caller's context ended first
	ReasonUnknown         Reason = "outcome-unknown"
	ReasonReadOnly        Reason = "read-only"
	ReasonFull            Reason = "storage-full"
	ReasonInternal        Reason = "internal"
)

// Refusal is the error of every intent that was not carried out. Unless Reason
// is ReasonUnknown, or Parked is set, nothing was changed.
type Refusal struct {
	Reason Reason
	// By is the condition header that decided, if one did.
	By ifmatch.Field
	// Condition says what is wrong with a malformed condition header.
	Condition *ifmatch.SyntaxError
	// Current is the document that the refusal was decided on, nil where none
	// was looked at. It may be a tombstone or absent.
	Current *store.Document
	// Field is what Current has for the value that OpField is about, nil for any other
	// operation. Applied tells that it is what was to be put there.
	Field   *FieldState
	Applied bool
	// Conflict explains a stale write, nil for any other refusal.
	Conflict *Conflict
	// Holder is the document that holds the natural key, of ReasonDuplicate; nil where
	// the caller may not read it.
	Holder *store.Document
	// Detail tells the caller what to do, "" for what the reason says itself.
	Detail string
	// Faults are what is wrong with the content, one entry each.
	Faults []Fault
	// Granted is the strategy that the caller asked for and got, else empty.
	Granted Strategy
	// Parked is the id under which the write is kept for somebody to decide, "" where
	// it is not.
	Parked string
	// Crowded tells that it would be, and that as many as may be are kept already.
	Crowded bool
	// RetryAfter is when trying again may help, 0 for no advice.
	RetryAfter time.Duration

	cause error
}

// Fault is one thing that is wrong with a request's content.
type Fault struct {
	Pointer string // JSON Pointer into the content, "" for all of it
	Detail  string
}

// Conflict explains why a write is stale and what happened meanwhile.
type Conflict struct {
	Base           *store.Entry // the version that the writer had read
	ChangedBy      string       // who wrote the current version
	AlreadyApplied bool         // the write's result is the current content
	Changes        []Change     // from the base to the current version
	Strategies     []Strategy   // what the writer may ask for

	// Compared tells that the write was held against the changes: it would make a
	// document of its base. Disputes are where the two contradict each other; with
	// none it would merge.
	Compared bool
	Disputes []Dispute
	// Repeats tells that the write is not merged for want of a proof that it was
	// not sent before: it changes a counter, or appends.
	Repeats bool
	// Hot tells that so many others want the document that its writers do better to take
	// leases.
	Hot bool
	// Resolving tells that this is about a write that was parked before, and that
	// somebody decides about now.
	Resolving bool
}

// Change is one difference between the writer's version and the current one,
// with the latest version that touched its path.
type Change struct {
	patch.Change
	Version int64 // 0 where the version between are no longer kept
	By      string
}

func (r *Refusal) Error() string {
	if r.cause != nil {
		return fmt.Sprintf("engine: %s: %v", r.Reason, r.cause)
	}
	return "engine: " + string(r.Reason)
}

// Unwrap returns the hidden cause, for logs.
func (r *Refusal) Unwrap() error { return r.cause }
