package problem

import "time"

// Document is one problem (RFC 9457 §3). A member whose field is the zero value
// is left out. A Document is safe for concurrent use while nobody changes it:
// neither [Write] nor Append does.
type Document struct {
	// Code gives type and title, and status and detail where they are not set.
	Code Code
	// Status overrides the code's status where it is not 0.
	Status int
	// Detail says what happened this time and what to do next. Where it is ""
	// the code's own sentence stands.
	Detail string
	// CorrelationID is a UUID; the instance member is made of it. [Write] fills it
	// in where it is "".
	CorrelationID string

	Resource string // path of the document
	Action   string // the request's method

	YourETag       string // the tag that the caller sent, with its quotes
	YourVersion    int64
	CurrentETag    string // with its quotes; [Write] sends it as ETag too
	CurrentVersion int64
	ChangedAt      time.Time // when the current version was made
	ChangedBy      string    // by whom
	Deleted        bool      // there is a tombstone

	// AlreadyApplied tells whether the result of the write is what is stored
	// already. Nil leaves it out: nobody has compared.
	AlreadyApplied *bool
	// Changes are what happened between the caller's version and the current one.
	// Nil leaves them out, because the version that the caller read is not known;
	// an empty list is printed.
	Changes []Change
	// Conflict compares the caller's write with that. Nil where nobody has.
	Conflict *Conflict
	// Strategies are what this caller may ask for in Prefer: conflict=….
	Strategies []string

	// RetryAfter is how long to wait; it is printed in milliseconds, and in
	// seconds in Retry-After, each rounded up.
	RetryAfter time.Duration
	Advice     Advice

	// FailedIndex is which operation of a batch was refused, counted from 0, so that
	// none of them was carried out. Nil leaves it out.
	FailedIndex *int

	Faults []Fault
	// Allowed lists what would have been accepted instead: methods, media types,
	// versions, declared names.
	Allowed []string
}

// Conflict compares a stale write with the current document. Both members are
// printed always, the list even where it is empty.
type Conflict struct {
	// Disputes are where the write contradicts what happened since; printed as
	// "conflicts".
	Disputes []Dispute
	// Mergeable tells that the write would merge without a dispute.
	Mergeable bool
}

// Change is one difference between the version the caller read and the current
// one.
type Change struct {
	Path string // JSON Pointer
	Op   string // add, remove or replace
	// From and To are JSON text. Nil leaves the member out: there is no value on
	// that side, or the caller may not see it. They must be valid JSON.
	From, To []byte
	Version  int64  // that made the change, 0 where not known
	By       string // who made it
}

// Dispute is one place where a write contradicts another.
type Dispute struct {
	Path string // JSON Pointer
	// Base is what the caller read, Theirs what is stored, Yours what the caller
	// wrote: JSON text, nil for no value. They must be valid JSON.
	Base, Theirs, Yours []byte
	// Key tells which element of a list Path lies in: JSON text, nil for none.
	Key []byte
	// Together are the JSON Pointers of the fields that are disputed jointly, nil
	// for one field. Base, Theirs and Yours are objects then, with a member for each
	// field that is there, named by its pointer.
	Together   []string
	Rule       string   // what the policy does with it
	Reason     string   // why that settles nothing
	MayResolve []string // roles that may decide
}

// Fault is one thing wrong with a request's content.
type Fault struct {
	Pointer string // JSON Pointer to it, "" for the whole content
	Detail  string
}

// Advice is what a client does best about a refusal.
type Advice string

// The advice that is given.
const (
	AdviceRetry      Advice = "retry"
	AdviceMerge      Advice = "merge"
	AdviceLease      Advice = "lease"
	AdviceAskAPerson Advice = "ask-a-person"
)

// New returns a document with a code and a detail; an empty detail stands for
// the code's own.
func New(code Code, detail string) *Document {
	return &Document{Code: code, Detail: detail}
}

// StatusCode returns the HTTP status: Status, or the code's where that is 0.
func (d *Document) StatusCode() int {
	if d.Status != 0 {
		return d.Status
	}
	return d.Code.Status()
}

// Error returns code and detail, so that a document can travel as an error up
// to where it is written.
func (d *Document) Error() string { return string(d.Code) + ": " + d.detail() }

func (d *Document) detail() string {
	if d.Detail != "" {
		return d.Detail
	}
	return d.Code.Detail()
}
