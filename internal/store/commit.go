package store

import "time"

// Commit is one atomic change, complete in itself: a driver can run it, and run
// it again, without asking anybody. It never holds a transaction open.
//
// All checks and the preconditions of all writes are judged on the state before
// the commit. A driver applies nothing before the last of them has passed.
type Commit struct {
	ID          ID     // makes re-running safe; must be fresh for every new attempt
	Actor       Actor  // who, for the log rows
	Correlation string // the request's correlation id, for the log rows
	// Now is the caller's clock; it decides when stored answers expire. Leases
	// go by the driver's own clock.
	Now time.Time
	// Dry asks for everything but the change.
	Dry bool

	Checks []Check
	Writes []Write // at most one for each Ref
	Claims []Claim
	Rows   []RowChange // each belongs to a document that Writes touches
	Key    *Key        // at most one idempotency key
}

// Check asserts the state of a document that the commit does not write.
type Check struct {
	Ref     Ref
	Rev     int64 // stands at exactly this rev; 0: never was
	Version int64 // and at this version; 0 does not ask. Purged and created anew, a document can come to an old rev again, never to an old version
	Exists  bool  // instead of both: there is a document, at any rev
}

// Content says what a write does to the content of its document.
type Content uint8

// What a write does.
const (
	// ContentTouch leaves the content; only rev, lease or side rows change.
	ContentTouch Content = iota
	// ContentBody stores a new body.
	ContentBody
	// ContentTombstone deletes the document.
	ContentTombstone
)

// Write changes one document, or what belongs to it, and adds one log row.
type Write struct {
	Ref Ref
	// Rev is the rev that the document must stand at; 0: must never have been.
	// The new rev is one more.
	Rev int64

	Content Content
	// Version is the new version, at least the head's Next as it is at commit
	// (else the write is refused as stale: the floor rose meanwhile). A touch
	// repeats the head's version.
	Version int64
	Life    int64     // a touch repeats the head's
	At      time.Time // of this write, not before the head's At
	Body    []byte    // ContentBody only; belongs to the store from now on
	Digest  [32]byte  // of Body; a touch repeats the head's
	// Keys are the body's in the indexes of the collection, one for each of them,
	// ascending by Index; ContentBody only. The first document that a collection
	// ever gets says which indexes these are, unless [Indexer.Reindex] has; after
	// that other names are [ErrInvalid].
	Keys []IndexKey

	// Keep is how many versions keep their bodies, this one included; 0 keeps
	// all. KeepSince drops, beside that, those of versions that were superseded
	// before it. Log rows stay; when the bodies go is up to the driver.
	Keep      int64
	KeepSince time.Time

	Lease LeaseChange
	Log   Log
}

// LeaseOp is what a write does about the document's lease.
type LeaseOp uint8

// The lease operations. Under every one but LeaseGrant's and LeaseHeld's own
// holder, a live lease of somebody else refuses the commit as [LockedError].
const (
	LeaseNone    LeaseOp = iota // hold none: refused while anybody holds one
	LeaseHeld                   // write under the lease ID, which must be alive
	LeaseGrant                  // take the free document for TTL under ID
	LeaseRenew                  // extend the live lease ID to TTL from now
	LeaseRelease                // give the live lease ID back
)

// LeaseChange is a write's lease operation. A lease named by ID that is not
// alive on this document refuses the commit with [ErrLeaseExpired].
type LeaseChange struct {
	Op  LeaseOp
	ID  string
	TTL time.Duration
}

// Claim takes or releases a natural key: within one part, a value of one unique
// index belongs to at most one document. Releases of a commit count before its
// takes. Releasing what another document holds changes nothing.
type Claim struct {
	Part    Part
	Index   string // which unique index
	Value   string // canonical form of the indexed values
	ID      string // the document
	Release bool
}

// RowChange puts or deletes a side row.
type RowChange struct {
	Row
	Delete bool
}

// Key stores the answer of this commit under an idempotency key.
type Key struct {
	Scope string // whose keys: caller and part
	Key   string
	Answer
}

// Receipt tells what a commit did.
type Receipt struct {
	// Heads are the heads after the commit, one for each write, in their order.
	Heads []Head
	// Fence is the fencing number of a granted lease, else 0: one more than that of the
	// grant before it on that document. A dry commit tells what a grant at this rev gets.
	Fence int64
}

// After returns the head that a write of content leaves of was, but for its feed
// position and its lease, which only the store knows.
func (w *Write) After(was Head) Head {
	h := was
	h.Ref = w.Ref
	h.Rev++
	h.Entries = h.Rev
	h.Link = w.Log.Link
	if w.Content == ContentTouch {
		return h
	}
	h.SameSecond = was.Rev != 0 && w.At.Unix() == was.At.Unix()
	h.Next = max(w.Version, was.Next-1) + 1
	h.Version, h.Life, h.At, h.Digest = w.Version, w.Life, w.At, w.Digest
	if h.Deleted = w.Content == ContentTombstone; h.Deleted {
		h.Digest = [32]byte{}
	}
	return h
}
