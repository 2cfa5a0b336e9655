// Package problem renders refusals: RFC 9457 problem details with members that
// explain a conflict, and the one table of codes, statuses and titles.
//
// A hand-written handler answers with
//
//	problem.Write(w, r, problem.New(problem.Stale, "Read the note again, it has changed."))
package problem

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// TypePrefix followed by a code is the type member of a problem document.
const TypePrefix = "urn:ifmatch:problem:"

// Code says what kind of refusal a problem is. Its text is the last part of the
// type member and never changes, so programs may compare it.
type Code string

// The codes.
const (
	Malformed            Code = "malformed"
	UnsupportedVersion   Code = "unsupported-version"
	Unauthenticated      Code = "unauthenticated"
	Forbidden            Code = "forbidden"
	NotFound             Code = "not-found"
	MethodNotAllowed     Code = "method-not-allowed"
	Duplicate            Code = "duplicate"
	Outranked            Code = "outranked"
	IdempotencyInFlight  Code = "idempotency-in-flight"
	PatchTestFailed      Code = "patch-test-failed"
	PatchInapplicable    Code = "patch-inapplicable"
	Resync               Code = "resync"
	Stale                Code = "stale"
	MergeConflict        Code = "merge-conflict"
	WeakValidator        Code = "weak-validator"
	TokenForged          Code = "token-forged"
	BaseUnavailable      Code = "base-unavailable"
	Exists               Code = "exists"
	LeaseExpired         Code = "lease-expired"
	TooLarge             Code = "too-large"
	UnsupportedMediaType Code = "unsupported-media-type"
	Invalid              Code = "invalid"
	IdempotencyMismatch  Code = "idempotency-mismatch"
	Locked               Code = "locked"
	PreconditionRequired Code = "precondition-required"
	RateLimited          Code = "rate-limited"
	Internal             Code = "internal"
	Overloaded           Code = "overloaded"
	Contended            Code = "contended"
	ReadOnly             Code = "read-only"
	OutcomeUnknown       Code = "outcome-unknown"
	StorageFull          Code = "storage-full"
)

// row is what the table knows of a code. The detail stands in a document that
// brings none of its own, and says what to do next.
type row struct {
	status        int
	title, detail string
}

var table = map[Code]row{
	Malformed:            {http.StatusBadRequest, "The request cannot be read", "Correct the request and send it again."},
	UnsupportedVersion:   {http.StatusBadRequest, "This API version is not served", "Send one of the allowed values in Api-Version, or leave the header out."},
	Unauthenticated:      {http.StatusUnauthorized, "Credentials are missing or not valid", "Send valid credentials in Authorization."},
	Forbidden:            {http.StatusForbidden, "You may not do this", "Ask the owner of this API for the authority, or leave out what you may not change."},
	NotFound:             {http.StatusNotFound, "There is nothing here", "Check the path. To create the document, send a PUT without If-Match."},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, "The method is not allowed here", "Use one of the methods in Allow."},
	Duplicate:            {http.StatusConflict, "Another document holds this key", "Read the document at Location and change that one, or choose another key."},
	Outranked:            {http.StatusConflict, "Another source outranks this write", "Leave out the fields named, or send Prefer: handling=lenient to keep the write without winning them."},
	IdempotencyInFlight:  {http.StatusConflict, "A request with this Idempotency-Key is still running", "Wait as long as Retry-After says, then send the same request with the same key."},
	PatchTestFailed:      {http.StatusConflict, "A test of the patch does not hold", "Read the document, make the patch anew and send it with the new ETag."},
	PatchInapplicable:    {http.StatusConflict, "The patch does not fit the document", "Read the document, make the patch anew and send it with the new ETag."},
	Resync:               {http.StatusGone, "This cursor is no longer kept", "List the collection again and follow changes from there."},
	Stale:                {http.StatusPreconditionFailed, "The document changed since you read it", "Read it again, apply your change to what is there now, and send that with its ETag."},
	MergeConflict:        {http.StatusPreconditionFailed, "Your change disputes another one", "Decide each of the conflicts, then write again with the current ETag."},
	WeakValidator:        {http.StatusPreconditionFailed, "A weak entity tag never matches in If-Match", "Something between you and the server, as a rule a compressing intermediary, marked the tag W/. Send it without W/, stop the intermediary from changing ETag, or set weak_if_match: accept."},
	TokenForged:          {http.StatusPreconditionFailed, "The entity tag was not issued for this document", "Read the document and send the ETag of that answer."},
	BaseUnavailable:      {http.StatusPreconditionFailed, "The version you read is no longer kept", "It cannot be merged with. Read the document again, apply your change to it, and send that with its ETag."},
	Exists:               {http.StatusPreconditionFailed, "The document exists already", "To change it, read it and send its ETag in If-Match. To create another one, choose another id."},
	LeaseExpired:         {http.StatusPreconditionFailed, "The lease is no longer yours", "Read the document and take a new lease, or write without Ifmatch-Lease."},
	TooLarge:             {http.StatusRequestEntityTooLarge, "The request is too large", "Send less at once."},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "This media type is not accepted here", "Send one of the allowed media types in Content-Type, without a content coding."},
	Invalid:              {http.StatusUnprocessableEntity, "The document is not valid", "Correct each of the faults and send it again."},
	IdempotencyMismatch:  {http.StatusUnprocessableEntity, "This Idempotency-Key belongs to another request", "Use a new key for every new request, and the same key only for the very same one."},
	Locked:               {http.StatusLocked, "Somebody else holds a lease on the document", "Wait as long as Retry-After says, or queue with Prefer: wait."},
	PreconditionRequired: {http.StatusPreconditionRequired, "A precondition is required", "Read the document and send its ETag in If-Match, so that nobody's change is overwritten unseen."},
	RateLimited:          {http.StatusTooManyRequests, "Too many requests", "Wait as long as Retry-After says."},
	Internal:             {http.StatusInternalServerError, "The server failed", "Nothing was written. Report the correlationId to whoever runs this API."},
	Overloaded:           {http.StatusServiceUnavailable, "The server cannot take the request now", "Nothing was written. Wait as long as Retry-After says, then try again."},
	Contended:            {http.StatusServiceUnavailable, "Too many writers want this document", "Nothing was written. Wait as long as Retry-After says, then try again."},
	ReadOnly:             {http.StatusServiceUnavailable, "The server takes no writes now", "Nothing was written. Reads go on; try the write again later."},
	OutcomeUnknown:       {http.StatusServiceUnavailable, "It is not known whether this was written", "Send the same request with the same Idempotency-Key, or read the document and compare, before you write again."},
	StorageFull:          {http.StatusInsufficientStorage, "The storage is full", "Nothing was written. Reads go on; whoever runs this API has to make room."},
}

// Codes returns every code, ordered by status and then by name.
func Codes() []Code {
	codes := slices.Collect(maps.Keys(table))
	slices.SortFunc(codes, func(a, b Code) int {
		if d := a.Status() - b.Status(); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
	return codes
}

// Known tells whether the code is in the table.
func (c Code) Known() bool {
	_, ok := table[c]
	return ok
}

// Status returns the code's HTTP status, 500 for a code that is not known.
func (c Code) Status() int {
	if r, ok := table[c]; ok {
		return r.status
	}
	return http.StatusInternalServerError
}

// Title returns the code's summary in English, which is the same for every
// occurrence (RFC 9457 §3.1.3), "" for a code that is not known.
func (c Code) Title() string { return table[c].title }

// Detail returns the sentence that stands in a document without a detail of its
// own: what the caller can do next. It is "" for a code that is not known.
func (c Code) Detail() string { return table[c].detail }

// Type returns the URI of the type member: urn:ifmatch:problem:stale for Stale.
func (c Code) Type() string { return TypePrefix + string(c) }

// envelope returns the code as the envelope dialect spells it.
func (c Code) envelope() string {
	if c == Stale {
		return "CONFLICT"
	}
	return strings.ToUpper(strings.ReplaceAll(string(c), "-", "_"))
}
