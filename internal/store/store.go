// Package store says what the engine asks of storage: rows, one declarative
// commit, and the errors that a commit is refused with. It holds no driver.
//
// # What every driver promises
//
//   - Commit is atomic and durable: when it returns a receipt, all of it is on
//     stable storage and visible to every later call; when it returns one of
//     the refusals of errors.go, none of it is, or ever will be. Only
//     [ErrOutcomeUnknown] leaves that open.
//   - Nothing leaves early: neither a receipt nor a refusal may tell of a state
//     that could still be rolled back.
//   - Get, Entry, History and List never show an older state than any call that
//     returned before they were called (they are linearizable; a List is a
//     snapshot of its part).
//   - Values handed out are shared and must not be modified; a driver never
//     modifies or retains what the caller still owns, except the byte slices of
//     a Commit, which belong to the store from the call on.
//
// All methods are safe for concurrent use.
package store

import (
	"context"
	"time"
)

// Store is a place where documents live under compare-and-swap.
//
// Abilities that not every engine has are interfaces of their own: [Purger],
// [Scanner], [FloorReader], [PartLister], [RowReader], [HeadReader], [Submitter],
// [HealthChecker], [Indexer], [Feed], [Restorer], [Exporter],
// [Importer].
type Store interface {
	// Get returns the document that ref names. A document that never was, or was
	// purged, is not an error: its Rev is 0 and its Next says where versions
	// start. A deleted one has Deleted set and no body.
	Get(ctx context.Context, ref Ref) (*Document, error)

	// Entry returns the log row that wrote a version of ref, its body included, or
	// [ErrNoEntry] when there is none or its body is no longer kept.
	Entry(ctx context.Context, ref Ref, version int64) (*Entry, error)

	// History returns up to limit log rows of ref with a Rev below before,
	// newest first and without bodies; before 0 starts at the newest. It costs
	// its page, wherever in the history that lies.
	History(ctx context.Context, ref Ref, before int64, limit int) ([]Entry, error)

	// List returns a page of the live documents of a part, as q says. An index that
	// the collection's documents are not under is [ErrInvalid], unless the part has
	// never had a document.
	List(ctx context.Context, part Part, q ListQuery) (Page, error)

	// Answer returns what is stored under an idempotency key, or [ErrNoEntry].
	Answer(ctx context.Context, scope, key string) (*Answer, error)

	// Commit makes all of c happen, or nothing. It is re-runnable: running the
	// same value again after [ErrOutcomeUnknown] settles what happened, because a
	// commit that already stands in the log under its ID is answered with its
	// receipt again. With c.Dry set it does everything but the change, and the
	// receipt says what it would have been.
	Commit(ctx context.Context, c *Commit) (Receipt, error)

	// Info describes the store: identity, epoch and what its engine can do.
	Info() Info

	// Close finishes what was accepted, then releases the store. Later calls
	// return [ErrClosed].
	Close() error
}

// Purger can forget tombstones. Purge removes the tombstone of ref with its
// history and raises its part's floor to the tombstone's version, so that no
// document created later can take a version that was used before. It returns
// [ErrNoEntry] when ref has no tombstone, a live document included.
type Purger interface {
	Purge(ctx context.Context, ref Ref) error
}

// Scanner can walk everything that is stored, in one snapshot, for
// verification and copying. Both walks stop at the first error that yield
// returns, and return it.
type Scanner interface {
	// ScanDocuments yields every document and tombstone, by part and id.
	ScanDocuments(ctx context.Context, yield func(*Document) error) error
	// ScanLog yields every kept log row with its body, by position.
	ScanLog(ctx context.Context, yield func(*Entry) error) error
	// CheckIntegrity runs the engine's own check of its files, if it has one.
	CheckIntegrity(ctx context.Context) error
}

// Restorer can be told that what it holds was put back from a copy, which may lack
// commits that were acknowledged after it was made.
type Restorer interface {
	// Restored begins a new epoch, all of it or nothing: Info().Epoch is one more, and
	// no version and no fence is given out any more that is not above those which the
	// store knows of by more than margin, in parts that are still to come neither.
	// Documents, their versions and their history stay as they are. A margin below 1,
	// and one that leads past [MaxVersion], is [ErrInvalid]. Nobody may commit
	// meanwhile, and who has asked for Info before must open the store anew.
	Restored(ctx context.Context, margin int64) (Info, error)
}

// MaxVersion is the greatest version that a restore may lead to: above it programs that
// keep numbers as floating point ones would take two versions for one.
const MaxVersion = 1<<53 - 1

// FloorReader can tell the floor of a part: no version at or below it may be
// given out, because a purged document had it, or may have had it before a restore.
type FloorReader interface {
	Floor(ctx context.Context, part Part) (int64, error)
}

// PartLister can name the parts of a store, by collection and parameters: each
// that has a document or a tombstone, and perhaps some that had one. It costs the
// parts, not what lies in them.
type PartLister interface {
	Parts(ctx context.Context) ([]Part, error)
}

// RowReader can list the side rows of one document: contributions, parked
// conflicts, lease tickets. Rows come ordered by the bytes of their ids.
type RowReader interface {
	Rows(ctx context.Context, ref Ref, kind string) ([]Row, error)
}

// HeadReader can read a head without its body, and so for less. Head is Get, but
// that the Body of what it returns may be nil though there is one.
type HeadReader interface {
	Head(ctx context.Context, ref Ref) (*Document, error)
}

// Indexer keeps documents under indexes, for lists that are ordered or selected
// by more than ids. A store without it knows no indexes: a write with Keys, and a
// list with Sort or Where, are [ErrInvalid].
type Indexer interface {
	// Indexes returns the names of the indexes that a collection's documents are
	// under, ascending. Whole is false where a Reindex did not come to its end.
	Indexes(ctx context.Context, collection string) (names []string, whole bool, err error)

	// Reindex puts the documents of a collection under exactly these indexes, named
	// in ascending order, and returns how many live ones there are. It asks for the
	// keys of each: all of those names, as in Write.Keys. Where it fails, or the
	// process ends, the collection may be left without whole indexes; then its
	// lists by them and writes of bodies are [ErrInvalid] until another run comes to
	// its end. No commit should be made to the collection meanwhile.
	Reindex(ctx context.Context, collection string, names []string, keys func(*Document) ([]IndexKey, error)) (documents int64, err error)

	// ScanIndexes yields every row of every index, by part, index, key and id, in one
	// snapshot. It stops at the first error that yield returns, and returns it.
	ScanIndexes(ctx context.Context, yield func(*IndexRow) error) error
}

// Submitter can take commits one after the other without waiting for each, so that
// many commits of one document share what makes them durable. Submit hands c in
// behind all that was submitted before, on which it is judged. After is the
// submission whose result c was built on, nil for what the store has: where that
// one is not carried out c is refused as stale, whatever its revs say, since
// another write may have come to the same ones.
type Submitter interface {
	Submit(ctx context.Context, c *Commit, after Submission) (Submission, error)
}

// Submission is a commit on its way. Wait waits for its outcome, which is that of
// Commit. It must be called once and without delay, also where nobody cares any
// more: it may be what does the work.
type Submission interface {
	Wait() (Receipt, error)
}

// HealthChecker can tell whether the store takes commits now. The error says
// why it does not; it costs no I/O.
type HealthChecker interface {
	Healthy() error
}

// Info describes a store.
type Info struct {
	// ID names this store for good: 128 random bits in hex, made at creation.
	ID string
	// Epoch counts how often the store was restored from a copy that may lack
	// acknowledged commits. It starts at 1. Cursors and signed tokens carry it.
	Epoch int64
	// Capabilities says what the engine can do.
	Capabilities Capabilities
}

// Capabilities says in data what an engine can do. What it cannot do is
// refused with a typed error, never emulated by something weaker.
type Capabilities struct {
	Durable         bool          // survives the end of the process
	MaxOps          int           // checks and writes in one commit; 0 is unbounded
	MaxCommitBytes  int64         // bytes in one commit; 0 is unbounded
	CrossPart       bool          // one commit may span parts
	SnapshotReads   bool          // List and Scan read one state
	Lanes           int           // ordered lanes of the feed
	ShortestLease   time.Duration // the shortest time to live it can keep
	SharedByProcess bool          // several processes may open it at once
	Settles         bool          // running a commit again tells what became of it
}
