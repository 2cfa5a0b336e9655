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
	"github.com/ifmatch/ifmatch/internal/store"
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
// is answered with what changed since. LoadVersion must be safe for concurrent
// use.
type Historian interface {
	// LoadVersion returns the document as it was at a version, the zero Document
	// where that is not known. An error is answered with 500 and logged.
	LoadVersion(ctx context.Context, id string, version int64) (Document, error)
}

// Options set a handler up. The zero value serves mux patterns with {id} under
// RFC 9110 with preconditions required.
type Options struct {
	// Contract says what tags are made of and which preconditions are due.
	Contract ifmatch.Contract
	// Overwrite lets callers ask for Prefer: conflict=overwrite.
	Overwrite bool
	// ID names the document of a request; false answers 404. Nil takes the path
	// value "id" of http.ServeMux.
	ID func(*http.Request) (id string, ok bool)
	// Actor names who makes a request, for Document.By. Nil names nobody.
	Actor func(*http.Request) string
	// FirstVersion gives the version of a document of which Load has no trace.
	// Nil is 1, which is right where deletions leave tombstones. A store that
	// really deletes must return numbers that grow with time, such as
	// time.Now().UnixMicro(), or a tag from before a deletion matches again.
	FirstVersion func() int64
	// MaxBody bounds a document in bytes; 0 means 1 MiB.
	MaxBody int64
	// Log gets the causes of 5xx answers; nil drops them.
	Log *slog.Logger
}

// New returns a handler for the documents of s. It is safe for concurrent use.
func New(s Store, o Options) http.Handler {
	rules := &engine.Rules{Contract: o.Contract}
	if o.Overwrite {
		rules.Allow = []engine.Strategy{engine.StrategyOverwrite}
	}
	if o.ID == nil {
		o.ID = pathID
	}
	if o.FirstVersion == nil {
		o.FirstVersion = func() int64 { return 1 }
	}
	adapter := &adapter{store: s, firstVersion: o.FirstVersion, digests: o.Contract.Token == ifmatch.TokenHash}
	adapter.historian, _ = s.(Historian)
	h := &handler{
		rules: rules, id: o.ID,
		door: door.Door{
			Engine: engine.New(adapter, engine.Config{Limits: engine.Limits{Body: o.MaxBody}}),
			Log:    o.Log,
		},
	}
	if o.Actor != nil {
		h.door.Actor = func(r *http.Request) store.Actor { return store.Actor{Name: o.Actor(r)} }
	}
	return h
}

type handler struct {
	door  door.Door
	rules *engine.Rules
	id    func(*http.Request) (string, bool)
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := door.Target{Rules: h.rules, Path: r.URL.EscapedPath()}
	id, ok := h.id(r)
	if !ok {
		h.door.NotFound(w, r, t)
		return
	}
	t.Ref.ID = id
	h.door.ServeItem(w, r, t)
}

func pathID(r *http.Request) (string, bool) {
	id := r.PathValue("id")
	return id, id != ""
}
