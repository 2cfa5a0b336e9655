// Package door translates one document's HTTP: a request becomes an
// engine.Intent, and the engine's Outcome or Refusal becomes the response. Every
// way in over HTTP uses it, so that all of them give the same answers.
package door

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// Door serves documents over one engine. Its fields are set before use; it is
// safe for concurrent use after that.
type Door struct {
	Engine *engine.Engine
	// MaxTags bounds the tags in one condition header; 0 means
	// [ifmatch.DefaultMaxTags].
	MaxTags int
	// Actor tells who makes a request; nil leaves writers unnamed.
	Actor func(*http.Request) store.Actor
	// Now is the clock that Date and Last-Modified are kept in order by; nil is
	// time.Now.
	Now engine.Clock
	// Dialect tells in which form the problems of a request are worded; nil is
	// problem+json for all.
	Dialect func(*http.Request) problem.Dialect
	// Codings are what answers to reads may be compressed with, the preferred one
	// first; none sends all of them as they are.
	Codings []Coding
	// Keys says what is done about Idempotency-Key, and KeepAnswers how long an answer
	// is kept under one; 0 means [DefaultKeep].
	Keys        Keys
	KeepAnswers time.Duration
	// Admit gives a write a place among those that are under way, once its content has
	// arrived; what it is answered with, it is answered without one. Where there is no
	// place Admit answers the request itself, and returns nil. All of a batch has one
	// place. Nil admits everything.
	Admit func(http.ResponseWriter, *http.Request) engine.Place
	// Observer is told what callers read and overwrite where a contract observes; nil
	// takes all of them for anonymous.
	Observer Observer
	// Log gets what callers must not see: the causes of 5xx answers, forged tags, and
	// what unconditional writes overwrote where a contract observes. Nil drops it.
	Log *slog.Logger
}

// Target is the document that a request is about, and the rules it lives under.
type Target struct {
	Ref   store.Ref
	Rules *engine.Rules
	Path  string // as it came, for the resource member of problems
	// Item is the document's own path where Path is that of something beside it, such
	// as one of its contributions; else "".
	Item string
	// Dialect is how the contract words refusals; nil is its zero value. What it adds to
	// bodies is in Rules.
	Dialect *ifmatch.Dialect
	// Authority says what the caller may do of what the rules reserve, and see of what
	// they keep from some; nil is nothing.
	Authority engine.Authority
	// Barred is why the caller may not do what they ask for to any document, nil where
	// they may to some. A write that can be read is refused with it, before the answer
	// that is stored under its key is looked up; reads are refused before they get here.
	Barred error
	// Links returns what the document is related to: the value of _links, a JSON
	// object. It fails with what the engine fails with. It is nil where there are no
	// links.
	Links func(context.Context) ([]byte, error)
}

// sibling returns the path of another document in the same part.
func (t *Target) sibling(id string) string {
	if t.Ref.ID == "" { // a POST: the path is the collection's
		return t.Path + "/" + id
	}
	item := t.item()
	return item[:len(item)-len(t.Ref.ID)] + id
}

// item returns the path of the document.
func (t *Target) item() string { return cmp.Or(t.Item, t.Path) }

const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
	mediaJSONPatch  = "application/json-patch+json"
)

var itemMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}

// ServeItem answers a request about one document.
func (d *Door) ServeItem(w http.ResponseWriter, r *http.Request, t Target) {
	EchoRequestID(w.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		d.read(w, r, t)
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		d.write(w, r, t)
	case http.MethodOptions:
		Options(w, itemMethods, true)
	default:
		d.MethodNotAllowed(w, r, itemMethods)
	}
}

// Options answers OPTIONS with what a resource can do.
func Options(w http.ResponseWriter, methods []string, patches bool) {
	h := w.Header()
	h["Allow"] = []string{join(methods)}
	if patches {
		h["Accept-Patch"] = acceptPatch
	}
	h["Cache-Control"] = noStore
	w.WriteHeader(http.StatusNoContent)
}

// MethodNotAllowed answers 405 with the methods that would do.
func (d *Door) MethodNotAllowed(w http.ResponseWriter, r *http.Request, methods []string) {
	d.Problem(w, r, &problem.Document{
		Code: problem.MethodNotAllowed, Allowed: methods, Resource: r.URL.EscapedPath(), Action: r.Method,
		Detail: r.Method + " does nothing here. Use one of " + join(methods) + ".",
	})
}

// Problem answers with a problem document, under the request's ids and in the
// dialect of what it is about.
func (d *Door) Problem(w http.ResponseWriter, r *http.Request, p *problem.Document) {
	d.problem(w, r, p, outcomeRejected)
}

func (d *Door) problem(w http.ResponseWriter, r *http.Request, p *problem.Document, outcome []string) {
	EchoRequestID(w.Header(), r)
	if p.CorrelationID == "" {
		p.CorrelationID = Correlation(r)
	}
	if i, ok := r.Context().Value(failedIndex{}).(int); ok {
		p.FailedIndex = &i
	}
	if isWrite(r.Method) && p.Code != problem.OutcomeUnknown { // which may have been written
		w.Header()["Ifmatch-Outcome"] = outcome
	}
	dialect := problem.ProblemJSON
	if d.Dialect != nil {
		dialect = d.Dialect(r)
	}
	dialect.Write(w, r, p)
}

// Panicked answers a request whose handler panicked with v, and logs where. An
// answer that was on its way already is cut off by net/http.
func (d *Door) Panicked(w http.ResponseWriter, r *http.Request, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	p := &problem.Document{Code: problem.Internal, CorrelationID: Correlation(r), Resource: r.URL.EscapedPath(), Action: r.Method,
		Detail: "The server failed in the middle. If this was a write, read the document to see whether it happened."}
	if d.Log != nil {
		d.Log.LogAttrs(r.Context(), slog.LevelError, "handler panicked", slog.String("correlationId", p.CorrelationID),
			slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	}
	d.Problem(w, r, p)
}

// Refuse answers with what an error of the engine means to its caller, under
// the correlation id that the request goes by; "" takes the request's own.
func (d *Door) Refuse(w http.ResponseWriter, r *http.Request, t Target, correlation string, err error) {
	refusal, ok := errors.AsType[*engine.Refusal](err)
	if !ok {
		refusal = &engine.Refusal{Reason: engine.ReasonInternal}
	}
	if correlation == "" {
		correlation = Correlation(r)
	}
	p := describe(r, t, refusal)
	p.CorrelationID = correlation
	if p.CurrentETag != "" {
		d.Tell(r, t.Rules, t.Ref, refusal.Current.Version)
	}
	if d.Log != nil && p.StatusCode() >= http.StatusInternalServerError && !gone(r.Context()) {
		d.Log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("correlationId", correlation), slog.String("method", r.Method),
			slog.String("path", t.Path), slog.String("problem", string(p.Code)), slog.Any("cause", err))
	}
	if d.Log != nil && refusal.Reason == engine.ReasonTokenForged {
		d.Log.LogAttrs(r.Context(), slog.LevelWarn, "forged entity tag",
			slog.String("correlationId", correlation), slog.String("method", r.Method), slog.String("path", t.Path),
			slog.String("by", d.actor(r).Name), slog.String("tag", yourTag(r)))
	}
	if refusal.Granted != "" {
		w.Header()["Preference-Applied"] = []string{"conflict=" + string(refusal.Granted)}
	}
	outcome, at := outcomeRejected, ""
	switch {
	case refusal.Holder != nil:
		at = t.sibling(refusal.Holder.Ref.ID)
	case refusal.Parked != "":
		outcome, at = outcomeParked, t.parkedAt(refusal.Parked)
	}
	if at != "" && w.Header()["Ifmatch-Dry-Run"] == nil { // which gives no Location
		w.Header()["Location"] = []string{at}
	}
	d.problem(w, r, p, outcome)
}

// Conditions reads a request's preconditions.
func (d *Door) Conditions(r *http.Request) ifmatch.Conditions {
	limit := d.MaxTags
	if limit == 0 {
		limit = ifmatch.DefaultMaxTags
	}
	return ifmatch.ParseConditionsLimit(r.Header, limit)
}

func (d *Door) actor(r *http.Request) store.Actor {
	if d.Actor == nil {
		return store.Actor{}
	}
	return d.Actor(r)
}

func isWrite(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// gone tells whether the client has closed its side of the connection. It may
// still read, so that it is answered: an answer that is not written would be
// sent as an empty 200.
func gone(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// NotFound answers that a path names no document.
func (d *Door) NotFound(w http.ResponseWriter, r *http.Request, t Target) {
	d.Problem(w, r, about(r, t, problem.NotFound, "No document can have this path. Check it against the documentation of this API."))
}
