// Package engine is the corridor: the one way of a write from intent to
// outcome, with the only retry loop. It loads, evaluates the preconditions,
// builds the candidate, and commits it by compare-and-swap; a lost race goes
// round to the load, because only an evaluation on fresh state may answer.
//
// It knows no net/http, SQL or YAML. What is checked and what is published both
// come from the collection's contract, through one function.
package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
)

// Config sets an engine up. The zero value is right for production.
type Config struct {
	// Limits bound what a request's content may cost.
	Limits Limits
	// Chain seals log rows into the audit chain; nil leaves them unsealed.
	Chain *audit.Chain
	// Now is the clock; nil is time.Now.
	Now Clock
	// NewID makes the ids of commits, and of documents that bring none; nil makes
	// UUIDv7s (RFC 9562 §5.7).
	NewID func() store.ID
	// Random makes numbers in [0,1) for the waits that refusals advise, which must not
	// all end at once; nil is math/rand.
	Random func() float64
	// MaxRounds bounds the turns of one write after lost races; 0 means 32.
	MaxRounds int
	// MaxQueue bounds the writes that wait for their turn at one document after a
	// lost race, the one whose turn it is included, and those that wait for a lease on
	// it to end; 0 means 1,024. Those beyond it
	// are refused as contended at once, instead of waiting longer than their
	// callers would.
	MaxQueue int
	// KeyWait bounds how long a request waits for another one under its idempotency
	// key; 0 means 1 s.
	KeyWait time.Duration
}

// Limits bound the content of requests. Zero fields take the defaults.
type Limits struct {
	Body     int64 // bytes of a document; default 1 MiB. A patch may grow one to four times that
	Depth    int   // nesting of JSON values; default 64
	PatchOps int   // operations in one JSON Patch; default 1,000
	// Contributions of sources to one document; default 1,000. All of its
	// contributions together take up to four times Body.
	Contributions int
}

// WithDefaults returns l with every zero field filled in.
func (l Limits) WithDefaults() Limits {
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.Depth == 0 {
		l.Depth = 64
	}
	if l.PatchOps == 0 {
		l.PatchOps = 1000
	}
	if l.Contributions == 0 {
		l.Contributions = 1000
	}
	return l
}

// Engine carries intents out against one store. It is safe for concurrent use.
type Engine struct {
	store     store.Store
	limits    Limits
	chain     *audit.Chain
	now       Clock
	newID     func() store.ID
	random    func() float64
	maxRounds int
	maxQueue  int
	queues    queues
	lines     lines
	keyWait   time.Duration
	flights   flights
}

// New returns an engine over s, which stays the caller's to close.
func New(s store.Store, c Config) *Engine {
	e := &Engine{
		store: s, limits: c.Limits.WithDefaults(), chain: c.Chain,
		now: c.Now, newID: c.NewID, random: c.Random, maxRounds: c.MaxRounds, maxQueue: c.MaxQueue, keyWait: c.KeyWait,
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.newID == nil {
		e.newID = newID
	}
	if e.random == nil {
		e.random = rand.Float64
	}
	if e.maxRounds == 0 {
		e.maxRounds = 32
	}
	if e.maxQueue == 0 {
		e.maxQueue = 1024
	}
	if e.keyWait == 0 {
		e.keyWait = time.Second
	}
	return e
}

func newID() store.ID {
	return store.ID(uuid.Must(uuid.NewV7()))
}

// StoreInfo describes the store beneath.
func (e *Engine) StoreInfo() store.Info { return e.store.Info() }

// Limits returns the bounds in force.
func (e *Engine) Limits() Limits { return e.limits }

// Do carries one intent out. Its error is always a [*Refusal]. When ctx ends
// before the commit is sent nothing happens; after that the commit is seen
// through, because a client that goes away takes nothing back.
func (e *Engine) Do(ctx context.Context, in *Intent) (*Outcome, error) {
	w := &write{engine: e, intent: in}
	out, err := w.run(ctx)
	if err != nil && in.Op == OpField {
		err = w.aboutField(err)
	}
	return out, err
}
