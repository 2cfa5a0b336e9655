package store

import (
	"time"
)

// Part names documents that lie together: one collection under one set of path
// parameters. It is the unit of lists, floors, atomic scope and placement.
type Part struct {
	Collection string // the collection's name
	Params     string // values of the path's parameters, each escaped, joined by "/"; empty without any
}

// Ref names one document, whether it exists or not.
type Ref struct {
	Part Part
	ID   string // empty for a singleton
}

// Head is a document without its body: what checks compare and tags are made of.
type Head struct {
	Ref Ref

	// Rev is raised by every commit that touches the document or anything that
	// belongs to it, and is what checks and writes compare. 0: never was.
	Rev int64
	// Version counts content changes only and is what the protocol shows. A
	// deletion takes one.
	Version int64
	// Next is the least version that the next content change may take:
	// Version+1, or more where a purge or a restore has raised the floor.
	Next int64
	// Life counts how often the document was created.
	Life int64
	// Deleted marks a tombstone.
	Deleted bool

	// At is when the current version was written. It never runs backwards.
	At time.Time
	// SameSecond is set when an earlier version was written within the second
	// of At, so that a date with the resolution of HTTP cannot tell them apart.
	SameSecond bool

	// Digest is SHA-256 over the canonical form of the body.
	Digest [32]byte
	// Link is the newest link of the document's audit chain.
	Link []byte
	// Entries counts the log rows that the document ever had.
	Entries int64
	// Position is that of the newest log row, in the document's lane of the feed.
	Position int64
	// Lease is who holds the document, nil for nobody. An expired lease may
	// still be shown; whether it is alive is the driver's clock to say.
	Lease *Lease
}

// Exists tells whether there is a document to read.
func (h *Head) Exists() bool { return h.Rev != 0 && !h.Deleted }

// Document is a head with its body; the body of a tombstone is empty.
type Document struct {
	Head
	Body []byte
}

// Lease is a short lock that one holder has on a document.
type Lease struct {
	ID      string // that only the holder can name; opaque to the store
	Fence   int64  // counts the grants of the document, also across holders
	Expires time.Time
}

// Action says what a log row's write did to the document.
type Action string

// The actions. Only Put, Patch and Delete change content.
const (
	ActionPut    Action = "put"
	ActionPatch  Action = "patch"
	ActionDelete Action = "delete"
	ActionTouch  Action = "touch"
)

// Actor is who made a commit, with the roles held at the time.
type Actor struct {
	Name  string
	Roles []string
}

// Log is what a writer says about one write. The store completes it to an
// [Entry], which is at once the document's history, its audit and its feed.
type Log struct {
	Action     Action
	Outcome    string // created, replaced, patched, merged, overwritten, deleted, …
	Base       int64  // the version the writer's token named, 0 for none
	Blind      bool   // the precondition did not name a state the writer had read
	MergedFrom int64  // the base version of a merge, 0 for none
	Decisions  []byte // how disputes were settled, JSON, or nil
	Link       []byte // audit chain: keyed digest over the previous link and this row
}

// Entry is one log row.
type Entry struct {
	Log
	Ref         Ref
	Lane        int   // of the feed; the same for all of a document
	Position    int64 // in the lane; ascending in the order of commits
	CommitID    ID
	Correlation string
	Actor       Actor
	Rev         int64
	Version     int64
	Life        int64
	At          time.Time
	Digest      [32]byte // of the body; zero for a deletion
	Body        []byte   // only where the call says that bodies are included
}

// ID identifies a commit: a UUIDv7.
type ID [16]byte

// Answer is what was answered to a write under an idempotency key. It may be
// returned after it has expired. Commits that store answers forget those which had
// expired by their Now: in the long run all of them, and a few at a time.
type Answer struct {
	Digest  [32]byte // of the request
	Content []byte   // the encoded answer; opaque to the store
	Expires time.Time
}

// Row is a side row: something that belongs to a document, lives and dies with
// commits on it, and is opaque to the store.
type Row struct {
	Ref   Ref
	Kind  string
	ID    string
	Value []byte
}
