// Package guard protects the documents of a service's own store from lost
// updates: an [http.Handler] for GET, HEAD, PUT, PATCH and DELETE with entity
// tags, preconditions, JSON patches, dry runs and conflict documents, over a
// store that can load and compare-and-swap. It answers as the server does,
// because the same engine stands behind both.
//
//	mux.Handle("/notes/{id}", guard.New(store, guard.Options{}))
package guard

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/problem"
)

// Document is one document as a service stores it.
type Document struct {
	// Body is a JSON object. Empty for a deleted document.
	Body []byte
	// Version counts changes from 1. 0 means that there is no trace of a document.
	Version int64
	// Deleted marks a tombstone: the document is gone, its Version lives on.
	Deleted bool
	// Modified is when this version was written. Where it is zero nothing is said
	// or believed about dates.
	Modified time.Time
	// SameSecond tells that an earlier version was written within the second of
	// Modified. A store that keeps Modified keeps this with it: without it a date
	// with the resolution of HTTP would let an update be lost.
	SameSecond bool
	// Life counts from 1 how often the document was created. A store that keeps
	// tombstones keeps it with them, or tags from before a deletion are taken for
	// earlier states of the document that stands there now. 0 counts as 1.
	Life int64
	// By is who wrote this version, as Options.Actor named them. A store that
	// keeps it has conflict documents say who changed what; "" names nobody.
	By string
	// Roles are those that By held then, as Options.Roles named them. A store that
	// keeps them lets rules go by authority.
	Roles []string
}

// Store is what a service's storage must be able to do. Both methods must be
// safe for concurrent use.
type Store interface {
	// Load returns the current document, the zero Document where there is none.
	// An error is answered with 500 and logged.
	Load(ctx context.Context, id string) (Document, error)
	// CompareAndSwap stores next if the document still has the version from, 0
	// for no trace of it, and tells whether it did. Comparing and storing must be
	// one atomic step: UPDATE … WHERE id = $1 AND version = $2, or INSERT … ON
	// CONFLICT DO NOTHING for 0. A deletion comes as next with Deleted set; keep
	// its row. When the error is not nil it may or may not have happened.
	CompareAndSwap(ctx context.Context, id string, from int64, next Document) (swapped bool, err error)
}

// Historian is a Store that can load earlier versions. With it a stale write
// is answered with what changed since, and can be merged with it. LoadVersion must
// be safe for concurrent use.
type Historian interface {
	// LoadVersion returns the document as it was at a version, the zero Document
	// where that is not known. An error is answered with 500 and logged.
	LoadVersion(ctx context.Context, id string, version int64) (Document, error)
}

// Options set a handler up. The zero value serves mux patterns with {id} under
// RFC 9110 with preconditions required.
type Options struct {
	// Contract says what tags are made of and which preconditions are due. Where they are
	// signed it needs a Signer of this handler's own: under that of another one, a document
	// would take the tags of that handler's document with the same id.
	Contract ifmatch.Contract
	// Dialect says what the contract adds to bodies, and how refusals are worded.
	Dialect ifmatch.Dialect
	// OnStale says what happens to stale writes. Merging takes a [Historian]; a
	// handler parks nothing.
	OnStale ifmatch.OnStale
	// MayOverwrite tells whether the maker of a request may let it win over what they
	// have not read, where OnStale has overwriting at all. Document is what is stored.
	// It must be safe for concurrent use. Nil is everybody; it is due where
	// OnStale.Overwrite is set, an expression of a policy file, which a handler does
	// not read.
	MayOverwrite func(r *http.Request, document []byte) bool
	// Hide are the fields that not everybody sees, by their paths: JSON Pointers with
	// wildcards, as those of a policy file that have read. It takes a MayRead, and a
	// Contract whose tokens are not hashes of what is hidden.
	Hide []string
	// MayRead tells whether the maker of a request sees what stands at one of Hide in a
	// document, as it is stored; nil for one that is not there. What somebody does not
	// see is in no answer, and stays as it is where they write the document. It must be
	// safe for concurrent use.
	MayRead func(r *http.Request, path string, document []byte) bool
	// Merge says how two changes of one field combine, who wins where they do not, and
	// which fields do not change once they are there; nil merges objects member by
	// member. The rules of a policy file become one by [merge.Compile].
	Merge *merge.Policy
	// Validate says what is wrong with a document that would be stored, merged ones
	// included: one sentence by JSON Pointer, none for a valid one. It must be safe
	// for concurrent use. Nil takes any.
	Validate func(document []byte) map[string]string
	// ID names the document of a request; false answers 404. Nil takes the path
	// value "id" of http.ServeMux.
	ID func(*http.Request) (id string, ok bool)
	// Actor names who makes a request, for Document.By. Nil names nobody.
	Actor func(*http.Request) string
	// Roles tells what roles that one holds, for rules that go by authority. Nil is
	// none.
	Roles func(*http.Request) []string
	// FirstVersion gives the version of a document of which Load has no trace.
	// Nil is 1, which is right where deletions leave tombstones. A store that
	// really deletes must return numbers that grow with time, such as
	// time.Now().UnixMicro(), or a tag from before a deletion matches again.
	FirstVersion func() int64
	// IgnoreIdempotencyKeys leaves Idempotency-Key to something else on the way of a
	// request, which answers one that was carried out. Otherwise a write that has the
	// header is refused with 400: a Store of two methods cannot keep an answer with
	// the write that it is of, and who sends a key trusts that the same request sent
	// again does no harm.
	IgnoreIdempotencyKeys bool
	// MaxBody bounds a document in bytes; 0 means 1 MiB.
	MaxBody int64
	// Log gets the causes of 5xx answers, and signed tags that are forged; nil drops both.
	Log *slog.Logger
}

// New returns a handler for the documents of s. It is safe for concurrent use. It
// panics where o cannot be meant: its Contract observes, or has signed tags and no
// Signer; a member of its Dialect has no valid pointer; OnStale names a strategy that
// there is not, or says who may overwrite without a MayOverwrite; or Hide cannot be.
func New(s Store, o Options) http.Handler {
	checkContract(&o.Contract)
	if o.ID == nil {
		o.ID = pathID
	}
	if o.FirstVersion == nil {
		o.FirstVersion = func() int64 { return 1 }
	}
	adapter := &adapter{store: s, firstVersion: o.FirstVersion, digests: o.Contract.Token == ifmatch.TokenHash}
	adapter.historian, _ = s.(Historian)
	h := &handler{
		rules: o.rules(), dialect: o.Dialect, id: o.ID, mayOverwrite: o.MayOverwrite, hide: o.Hide, mayRead: o.MayRead,
		door: door.Door{
			Engine: engine.New(adapter, engine.Config{Limits: engine.Limits{Body: o.MaxBody}}),
			Log:    o.Log,
		},
	}
	if h.door.Keys = door.KeysRefused; o.IgnoreIdempotencyKeys {
		h.door.Keys = door.KeysIgnored
	}
	if o.Dialect.Envelope {
		h.door.Dialect = func(*http.Request) problem.Dialect { return problem.Envelope }
	}
	if o.Actor != nil || o.Roles != nil {
		h.door.Actor = o.actor
	}
	return h
}

type handler struct {
	door    door.Door
	rules   *engine.Rules
	dialect ifmatch.Dialect
	id      func(*http.Request) (string, bool)
	// mayOverwrite is nil where everybody may.
	mayOverwrite func(*http.Request, []byte) bool
	hide         []string
	mayRead      func(*http.Request, string, []byte) bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := door.Target{Rules: h.rules, Dialect: &h.dialect, Path: r.URL.EscapedPath()}
	id, ok := h.id(r)
	if !ok {
		h.door.NotFound(w, r, t)
		return
	}
	t.Ref.ID = id
	if h.mayOverwrite != nil || h.mayRead != nil {
		t.Authority = caller{r, h}
	}
	h.door.ServeItem(w, r, t)
}

// caller is who makes a request.
type caller struct {
	request *http.Request
	handler *handler
}

// May implements engine.Authority: who may do what is the service's to ask before.
func (c caller) May(engine.Action, jsonvalue.Value) engine.Answer { return engine.Yes }

// MayOverwrite implements engine.Authority.
func (c caller) MayOverwrite(current jsonvalue.Value) bool {
	return c.handler.mayOverwrite(c.request, current.Append(nil))
}

// MayRead implements engine.Authority.
func (c caller) MayRead(path int, current jsonvalue.Value) bool {
	var document []byte
	if !current.IsAbsent() {
		document = current.Append(nil)
	}
	return c.handler.mayRead(c.request, c.handler.hide[path], document)
}

// MayResolve implements engine.Authority. No field of a handler is reserved.
func (c caller) MayResolve(int, jsonvalue.Value) bool { return false }

func pathID(r *http.Request) (string, bool) {
	id := r.PathValue("id")
	return id, id != ""
}
