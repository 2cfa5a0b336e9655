package engine

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Op is what an intent asks to be done to one document.
type Op uint8

// The operations.
const (
	_            Op = iota
	OpPut           // replace the whole document, or create it
	OpMergePatch    // RFC 7396
	OpJSONPatch     // RFC 6902
	OpDelete
	OpContribute // add a contribution to what the document is made of
	OpWithdraw   // take one back
	OpResolve    // decide about a parked write; by [Engine.Resolve] alone
	OpDiscard    // throw a parked write away; by [Engine.Discard] alone
	OpLease      // take a lease on the document
	OpRenew      // have it live on
	OpRelease    // give it back
	OpCheck      // assert the preconditions until the commit; by [Engine.Together] alone
	OpField      // change one value of the document, as Field says
)

// method returns the HTTP method whose precondition rules the operation follows.
func (o Op) method() string {
	switch o {
	case OpPut, OpContribute, OpCheck: // for which there need be no document
		return "PUT"
	case OpDelete, OpWithdraw, OpDiscard:
		return "DELETE"
	}
	return "PATCH"
}

func (o Op) action() store.Action {
	switch o {
	case OpPut, OpResolve:
		return store.ActionPut
	case OpDelete:
		return store.ActionDelete
	}
	return store.ActionPatch
}

// Strategy is what happens to a stale write.
type Strategy string

// The strategies. The empty one stands for the collection's default.
const (
	StrategyReject    Strategy = "reject"
	StrategyMerge     Strategy = "merge"
	StrategyPark      Strategy = "park"
	StrategyOverwrite Strategy = "overwrite"
)

// merges tells whether a strategy merges what does not contradict itself.
func (s Strategy) merges() bool { return s == StrategyMerge || s == StrategyPark }

// Rules are what the engine obeys for one collection. The zero value is
// RFC 9110 with preconditions required and stale writes rejected.
type Rules struct {
	Contract ifmatch.Contract
	// Members are what the contract adds to bodies, nil for nothing.
	Members *Members
	// OnStale is the strategy where the caller asks for none; empty means reject.
	OnStale Strategy
	// Allow lists what callers may ask for, beside reject and OnStale.
	Allow []Strategy
	// Merge says how two changes of one field combine, and which fields do not change
	// once a document has them; nil merges objects member by member.
	Merge *merge.Policy
	// Reserved is what only some callers may do.
	Reserved Reserved
	// Readers are the places that only those see whom the Authority of their intent, or
	// of their read, lets; nil is none. No answer tells others what stands there, nor
	// whether it is what they wrote.
	Readers *view.Fields
	// Contributions say how documents are materialised; nil takes none.
	Contributions *Contributions
	// Summary leaves values out of conflict documents.
	Summary bool
	// KeyRequired refuses writes that bring no idempotency key.
	KeyRequired bool
	// Key is what no two documents of a part may share, nil for nothing.
	Key *NaturalKey
	// Validate says what is wrong with a document that would be stored, nil for
	// nothing; nil takes any. It must be safe for concurrent use.
	Validate func(jsonvalue.Value) []Fault
	// Indexes are what lists of the collection can be filtered and sorted by, in the
	// order of [index.Sorted].
	Indexes []*index.Index
	// Keep is how many versions of a document can be read, the current one
	// included; 0 is all. KeepFor is how long an earlier one can; 0 is for good.
	Keep    int64
	KeepFor time.Duration
}

// Strategies yields what a caller may ask for, each once.
func (r *Rules) Strategies() iter.Seq[Strategy] {
	return func(yield func(Strategy) bool) {
		if !yield(StrategyReject) || r.OnStale != "" && r.OnStale != StrategyReject && !yield(r.OnStale) {
			return
		}
		for i, s := range r.Allow {
			if s != StrategyReject && s != r.OnStale && !slices.Contains(r.Allow[:i], s) && !yield(s) {
				return
			}
		}
	}
}

func (r *Rules) allows(s Strategy) bool {
	return s == StrategyReject || s == r.OnStale || slices.Contains(r.Allow, s)
}

// strategy returns the one that applies, and whether it is the caller's wish.
// A wish that is not allowed counts as none: Prefer never fails a request
// (RFC 7240 §2).
func (r *Rules) strategy(wish Strategy) (s Strategy, granted bool) {
	if wish != "" && r.allows(wish) {
		return wish, true
	}
	if r.OnStale == "" {
		return StrategyReject, false
	}
	return r.OnStale, false
}

// Intent is one write that somebody wants: all that a door knows about it.
type Intent struct {
	Ref         store.Ref
	Rules       *Rules
	Op          Op
	Conditions  ifmatch.Conditions
	Actor       store.Actor
	Authority   Authority // what the actor may do of what is reserved; nil is nothing
	Correlation string
	Body        []byte   // the request's content; kept by the engine while Do runs
	Strategy    Strategy // the caller's wish for the case that the write is stale
	Seen        Seen     // what the actor was shown of the document, where that is observed
	Dry         bool     // everything but the commit
	Key         *Key     // the idempotency key, nil for none; see [Engine.Once]
	// Field is what OpField does, nil for any other operation.
	Field *Field
	// Contribution is the id of what OpWithdraw takes back.
	Contribution string
	// Lease is the id of the lease under which the document is written, "" for none.
	Lease string
	// Wait is how long this may wait while somebody else has a lease on the document;
	// not longer than [MaxWait].
	Wait time.Duration
	// Place is what this occupies while it is carried out, nil for nothing. It is left
	// for as long as this waits for a lease, or for another request under its key.
	Place Place
	// Lenient lets a write stand that does not win every field it changes.
	Lenient bool
	// Links returns the value of _links as a read would show it now, for the tests
	// of a JSON Patch; nil where there are none.
	Links func(context.Context) ([]byte, error)

	// Members are the intents that [Engine.Together] carries out as one.
	Members []*Intent

	posted bool // a version in the content is no condition
}

// Place is one of a bounded number that are under way.
type Place interface {
	Leave()
	Return() // after Leave
}

// stepAside leaves the place, until back is called.
func (in *Intent) stepAside() (back func()) {
	if in.Place == nil {
		return func() {}
	}
	in.Place.Leave()
	return in.Place.Return
}

// Post makes in the creation of a document whose id the engine makes: of its natural
// key, else a UUIDv7 (RFC 9562 §5.7). The Ref of in names the part; its operation and
// conditions do not count.
func (in *Intent) Post() {
	in.Op, in.Conditions, in.posted = OpPut, ifmatch.Conditions{IfNoneMatch: ifmatch.AnyTag()}, true
}

// Result says what a write did.
type Result string

// The results, as they stand in the log and in Ifmatch-Outcome.
const (
	Created     Result = "created"
	Replaced    Result = "replaced"
	Patched     Result = "patched"
	Merged      Result = "merged"
	Overwritten Result = "overwritten"
	Unchanged   Result = "unchanged"
	Deleted     Result = "deleted"
	Contributed Result = "contributed"
	Withdrawn   Result = "withdrawn"
	Parked      Result = "parked"
	// Discarded is in the log alone: a parked write was thrown away.
	Discarded Result = "discarded"
	Leased    Result = "leased"
	Renewed   Result = "renewed"
	Released  Result = "released"
)

// Logged are the results that stand in the log: what changed nothing leaves no row.
var Logged = []Result{Created, Replaced, Patched, Merged, Overwritten, Deleted, Contributed, Withdrawn, Parked, Discarded, Leased, Renewed, Released}

// Answered are the results that a write is answered with.
func Answered() []Result {
	return append(slices.DeleteFunc(slices.Clone(Logged), func(r Result) bool { return r == Discarded }), Unchanged)
}

// Outcome is what became of an intent that was carried out.
type Outcome struct {
	Result Result
	// Document is the document as the write left it: the committed one, or under
	// Dry the one that would have been. For a deletion it is the tombstone.
	Document *store.Document
	// Seen is the body of Document as the caller sees it: under Dry by what is stored,
	// else by what it is now. Partial tells that some of it may be hidden from them,
	// whatever is in this one. It is nil where nothing comes of a document.
	Seen    []byte
	Partial bool
	hidden  []string // paths that the caller does not see
	// Before is the document as the write found it, without its body where that
	// was not needed.
	Before *store.Document
	// Granted is the strategy that the caller asked for and got, else empty.
	Granted Strategy
	// Observed is what an unconditional write overwrote, nil where nobody looks.
	Observed *Observation
	// Combined tells that what is stored is not simply what was asked for: somebody
	// else's change was merged into it (RFC 9110 §9.3.4).
	Combined bool
	// Contribution is the one that OpContribute made, or found there already.
	Contribution *contribution.Contribution
	// Outranked are the fields that a lenient write changes and does not win.
	Outranked []jsonvalue.Pointer
	// Parked is the id under which the write was parked, and Conflict what it
	// disputes. Document is Before then.
	Parked   string
	Conflict *Conflict
	// FieldBefore and Field are the value that OpField was about, as it was and as it
	// is, each as the caller sees it.
	FieldBefore, Field FieldState
	// Lease is what OpLease or OpRenew has got, nil for any other operation. Waited
	// tells that there was a line to stand in.
	Lease  *Lease
	Waited bool
	// Members are the outcomes of the members of a batch, in their order. Nothing else
	// but Rounds, Answer and Replayed is told of a batch.
	Members []*Outcome
	// Rounds counts the turns of the corridor: 1 without a lost race.
	Rounds int
	// Answer is what Key.Answer has made of this outcome, nil where no answer is
	// stored. Replayed tells that it was made of an earlier outcome of the same
	// request, of which nothing else is known any more.
	Answer   []byte
	Replayed bool
}

// Clock tells the time; tests and simulations bring their own.
type Clock func() time.Time
