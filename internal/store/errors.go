package store

import (
	"errors"
	"fmt"
	"time"
)

// The refusals that carry nothing. Nothing was changed, except as
// ErrOutcomeUnknown says.
var (
	// ErrNoEntry: there is no such row, or it is no longer kept.
	ErrNoEntry = errors.New("store: no such entry")
	// ErrKeyMismatch: the idempotency key was used for a different request.
	ErrKeyMismatch = errors.New("store: idempotency key belongs to another request")
	// ErrLeaseExpired: the lease named is unknown, expired or superseded.
	ErrLeaseExpired = errors.New("store: lease is not alive")
	// ErrTooLarge: the engine cannot take a commit of this size.
	ErrTooLarge = errors.New("store: commit is too large for this engine")
	// ErrCrossPart: the engine cannot span these parts in one commit.
	ErrCrossPart = errors.New("store: commit spans parts that this engine cannot join")
	// ErrContended: the engine gave up on a commit that kept losing races.
	ErrContended = errors.New("store: too much contention")
	// ErrOutcomeUnknown: the commit may or may not have happened. Running the
	// same Commit again tells.
	ErrOutcomeUnknown = errors.New("store: outcome of the commit is unknown")
	// ErrReadOnly: storage cannot be written.
	ErrReadOnly = errors.New("store: storage is read-only")
	// ErrFull: storage has no room left.
	ErrFull = errors.New("store: storage is full")
	// ErrUnavailable: storage does not answer now.
	ErrUnavailable = errors.New("store: storage does not answer")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrNotEmpty: what would take another store over holds something already.
	ErrNotEmpty = errors.New("store: the store is not empty")
	// ErrInvalid: the commit contradicts itself, two writes of one document for
	// example. It is a mistake of the program, not of its user.
	ErrInvalid = errors.New("store: invalid commit")
)

// StaleError refuses a commit because documents no longer stand where its
// checks and writes say. It carries every failed reference as it stands.
type StaleError struct {
	Heads []Head
}

func (e *StaleError) Error() string {
	if len(e.Heads) == 0 {
		return "store: stale"
	}
	h := e.Heads[0]
	return fmt.Sprintf("store: %d stale, first %s/%s at rev %d", len(e.Heads), h.Ref.Part.Collection, h.Ref.ID, h.Rev)
}

// TakenError refuses a commit because another document holds a natural key.
type TakenError struct {
	Claim Claim
	By    string // the id of the holder
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("store: key %s of %s is taken", e.Claim.Index, e.Claim.Part.Collection)
}

// LockedError refuses a commit because somebody else's lease is alive.
type LockedError struct {
	Ref   Ref
	Until time.Time
}

func (e *LockedError) Error() string { return "store: document is leased" }

// ReplayedError refuses a commit because its idempotency key already has an
// answer, made by the same request.
type ReplayedError struct {
	Answer Answer
}

func (e *ReplayedError) Error() string { return "store: already answered under this key" }
