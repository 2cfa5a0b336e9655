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
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
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

// write is one intent on its way.
type write struct {
	engine  *Engine
	intent  *Intent
	content content         // the parsed body, once for all turns
	current *store.Document // as this turn loaded it
	whole   bool            // the current body is needed, not only its head
	queue   *queue          // the document's queue, once this write has joined
	hasTurn bool            // it is this write's turn there
	basis   *pending        // the commit that current comes of, nil for what is durable
	value   jsonvalue.Value // the current body parsed, once it was
	view    *view.View      // what the caller sees of it
	// leftover is a claim in the way that belongs to nobody, nil for none.
	leftover *leftover
	// together tells that the write is one of a batch, and held the document that was
	// found to have the natural key which it would take.
	together bool
	held     *store.Ref
	// resolves is the parked write that this one decides about, nil for none.
	resolves *resolution
	// waited tells that this write has stood in line for the document.
	waited bool
}

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

// attempt takes a write through the corridor until it is decided.
func (w *write) attempt(ctx context.Context) (*Outcome, error) {
	defer w.leaveQueue() // also when a turn panics, or nobody behind it would get one
	if err := w.joinOthers(ctx); err != nil {
		return nil, w.failed(err)
	}
	for round := 1; round <= w.engine.maxRounds; round++ {
		out, err := w.turn(ctx)
		if err != errLostRace {
			if unsettled := w.settled(ctx); unsettled != nil {
				out, err = nil, unsettled
			}
		}
		if err == errLostRace {
			if err := w.letGo(ctx); err != nil {
				return nil, w.failed(err)
			}
			if err := w.joinQueue(ctx); err != nil {
				return nil, w.discreet(w.failed(err))
			}
			continue
		}
		if err != nil {
			return nil, w.discreet(err)
		}
		out.Rounds = round
		return out, nil
	}
	return nil, w.discreet(&Refusal{Reason: ReasonContended, Current: w.current, RetryAfter: time.Second})
}

// errLostRace is the only way back to the start of the corridor.
var errLostRace = errors.New("lost race")

// turn walks the corridor once: load, evaluate, build, commit. It returns a
// *Refusal, errLostRace, or the outcome.
func (w *write) turn(ctx context.Context) (*Outcome, error) {
	p, err := w.planned(ctx)
	switch {
	case err != nil:
		return nil, err
	case p.parked != nil:
		return w.park(ctx, &p)
	case p.unchanged:
		return w.unchanged(ctx, &p)
	}
	return w.commit(ctx, &p)
}

// planned loads the document and decides about the write on it. It fails with
// errLostRace or a *Refusal.
func (w *write) planned(ctx context.Context) (plan, error) {
	if err := w.load(ctx); err != nil {
		return plan{}, err
	}
	if err := w.knownLease(); err != nil {
		return plan{}, err
	}
	if err := w.inTurn(); err != nil {
		return plan{}, err
	}
	p, err := w.decide(ctx)
	if err == nil {
		err = w.authorizeResult(&p)
	}
	if (err != nil || p.unchanged) && err != errLostRace {
		if locked := w.judgeLease(ctx); locked != nil {
			return plan{}, locked
		}
	}
	return p, err
}

// load reads the current document. What replaces or deletes it is content with
// its head, where the store can read that for less.
func (w *write) load(ctx context.Context) error {
	if err := w.fetch(ctx); err != nil {
		return err
	}
	if err := w.authorize(); err != nil {
		return err
	}
	return w.see()
}

func (w *write) fetch(ctx context.Context) error {
	w.value, w.basis = jsonvalue.Value{}, nil
	if w.hasTurn {
		if p := w.queue.ahead.newest(); p != nil {
			w.current, w.value, w.basis = &p.document, p.value, p
			return nil
		}
	}
	get := w.engine.store.Get
	if heads, ok := w.engine.store.(store.HeadReader); ok && !w.whole && w.headIsEnough() {
		get = heads.Head
	}
	doc, err := get(ctx, w.intent.Ref)
	if err != nil {
		return w.failed(err)
	}
	w.current = doc
	return nil
}

// headIsEnough tells whether a write can do without the body that is there,
// unless it turns out to be stale.
func (w *write) headIsEnough() bool {
	rules := w.intent.Rules
	if rules.Reserved.Documents {
		return false
	}
	return w.intent.Op.leases() || rules.Key == nil && rules.Readers == nil && (w.intent.Op == OpDelete || w.intent.Op == OpCheck || w.intent.Op == OpPut && !rules.Merge.HasImmutable() && rules.Contributions == nil)
}

// errHeadOnly says that a turn on the head alone has come to need the body.
var errHeadOnly = errors.New("the body was not loaded")

// hasBody tells whether the body that there is, if any, is loaded.
func (w *write) hasBody() bool { return !w.current.Exists() || w.current.Body != nil }

// evaluation is what the preconditions came to on the document as loaded.
type evaluation struct {
	ifmatch.Result
	base *store.Entry // the version that a stale write's tag names
	gone bool         // it names one that is no longer kept
}

func (w *write) evaluate(ctx context.Context) (evaluation, error) {
	if w.intent.Op == OpField {
		return w.evaluateField()
	}
	lookup := baseLookup{engine: w.engine, recently: w.recently, current: w.current, rules: w.intent.Rules}
	conditions, state := w.intent.Conditions, lookup.state(ctx)
	if w.intent.Rules.Members != nil {
		if err := w.parseForVersion(); err != nil {
			return evaluation{}, err
		}
		if conditions.Version = w.content.version; conditions.Version != 0 {
			state.TagOf = func(version int64) (ifmatch.ETag, bool) { return lookup.tagOf(ctx, version) }
		}
	}
	contract := w.intent.Rules.Contract
	if w.intent.Op.contributes() || w.intent.Op.leases() || w.intent.Op == OpCheck { // it overwrites nothing that its sender could have overlooked
		contract.Precondition = asksNothing
	}
	res := ifmatch.Evaluate(w.intent.Op.method(), conditions, state, contract)
	if lookup.err != nil {
		return evaluation{}, w.failed(lookup.err)
	}
	return evaluation{Result: res, base: lookup.base, gone: lookup.gone}, nil
}

var asksNothing = ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional,
}

// parseForVersion reads the body where the preconditions may stand in it, and
// nothing that comes before it refuses the write.
func (w *write) parseForVersion() error {
	op := w.intent.Op
	inBody := w.intent.Rules.Members.version.always && (op == OpPut || op == OpMergePatch && w.current.Exists())
	if inBody && w.intent.Conditions.Malformed == nil {
		return w.parse()
	}
	return nil
}

// refuse turns a verdict that ends the write into its refusal.
func (w *write) refuse(res ifmatch.Result) *Refusal {
	r := &Refusal{Current: w.current, By: res.By}
	switch res.Verdict {
	case ifmatch.Missing:
		r.Reason = ReasonNotFound
	case ifmatch.Malformed:
		r.Reason, r.Condition = ReasonMalformed, w.intent.Conditions.Malformed
		if res.By == ifmatch.FieldVersion {
			r.Faults = []Fault{{Pointer: w.intent.Rules.Members.version.at.String(),
				Detail: "this version and If-Match name two states, send one of them"}}
		}
	case ifmatch.Required:
		r.Reason = ReasonRequired
	case ifmatch.Failed:
		r.Reason = FailedReason(res)
	default:
		r.Reason = ReasonInternal
	}
	return r
}

// FailedReason gives a false precondition its reason.
func FailedReason(res ifmatch.Result) Reason {
	switch {
	case res.WeakOnly:
		return ReasonWeakValidator
	case res.By == ifmatch.FieldIfNoneMatch && res.AnyTag:
		return ReasonExists
	}
	return ReasonStale
}
