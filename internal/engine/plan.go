package engine

import (
	"context"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// plan is what a turn has decided to write.
type plan struct {
	unchanged bool // nothing: the result is what is there
	result    Result
	content   store.Content
	candidate candidate
	base      int64 // the version that the writer's tag named
	blind     bool
	granted   Strategy
	// unconditional tells that there is no precondition, and observed what the write
	// overwrites, nil where nobody looks.
	unconditional bool
	observed      *Observation
	// Of a merge: the version it started from, the decisions for the log, and
	// whether its result is other than what the writer asked for.
	mergedFrom int64
	decisions  []byte
	combined   bool
	// parked is what the caller of a write is told that is parked; where the plan is
	// unchanged, it is already.
	parked *Refusal
	// rows are what changes beside the document, in the same commit.
	rows []store.RowChange
	// Of a contribution: which, and of a write the fields that others win.
	contribution *contribution.Contribution
	outranked    []jsonvalue.Pointer
	// lease is what an operation on the lease does to it, and leaseID the id of a new one.
	lease   store.LeaseChange
	leaseID string
}

// decide evaluates a write on what was loaded, and plans what to do about that.
func (w *write) decide(ctx context.Context) (plan, error) {
	p, err := w.undirected(ctx)
	if err != nil || p.content == store.ContentTouch {
		return p, err
	}
	if p, err = w.directly(ctx, p); err == nil {
		w.observe(ctx, &p)
	}
	return p, err
}

// undirected is decide for a document that takes no contributions.
func (w *write) undirected(ctx context.Context) (plan, error) {
	if w.resolves != nil {
		return w.planResolution(ctx)
	}
	if err := w.unanswerable(); err != nil {
		return plan{}, err
	}
	v, err := w.evaluate(ctx)
	if err != nil {
		return plan{}, err
	}
	p, err := w.plan(ctx, v)
	if err == errHeadOnly {
		return w.planOnWhole(ctx, v)
	}
	return p, err
}

// plan decides what to do about an evaluation. It returns a *Refusal, or
// errHeadOnly where that takes the body and only the head is loaded.
func (w *write) plan(ctx context.Context, v evaluation) (plan, error) {
	if w.intent.Op.contributes() {
		return w.planContribution(ctx, v)
	}
	if w.intent.Op.leases() {
		return w.planLease(ctx, v)
	}
	if v.Verdict == ifmatch.Fresh {
		return w.planFresh(ctx, v.Result)
	}
	if !w.hasBody() {
		return plan{}, errHeadOnly
	}
	switch v.Verdict {
	case ifmatch.Stale:
		return w.planStale(ctx, v)
	case ifmatch.Failed:
		return w.planFailed(ctx, v)
	}
	return plan{}, w.refuse(v.Result)
}

// planOnWhole loads the body that a plan has come to need. What was evaluated on
// the head holds with it, unless another write came between. Purged and created
// anew, a document can come to an old rev again, never to an old version.
func (w *write) planOnWhole(ctx context.Context, v evaluation) (plan, error) {
	was := &w.current.Head
	w.whole = true
	if err := w.load(ctx); err != nil {
		return plan{}, err
	}
	if w.current.Rev != was.Rev || w.current.Version != was.Version {
		var err error
		if v, err = w.evaluate(ctx); err != nil {
			return plan{}, err
		}
	}
	return w.plan(ctx, v)
}

// planFresh decides about a write whose preconditions hold.
func (w *write) planFresh(ctx context.Context, res ifmatch.Result) (plan, error) {
	p := plan{blind: res.Blind, unconditional: res.Unconditional && w.intent.Op != OpCheck}
	if tagged := &w.intent.Conditions.IfMatch; w.intent.Op != OpField && tagged.Present() && !tagged.Any() || w.content.version != 0 {
		p.base = w.current.Version
	}
	return w.build(ctx, p, w.resultOf())
}

// resultOf names what a write does that is not stale.
func (w *write) resultOf() Result {
	switch {
	case w.intent.Op == OpDelete:
		return Deleted
	case !w.current.Exists():
		return Created
	case w.intent.Op == OpPut:
		return Replaced
	}
	return Patched
}

// build applies the intent to the current document.
func (w *write) build(ctx context.Context, p plan, result Result) (plan, error) {
	p.result = result
	switch w.intent.Op {
	case OpCheck:
		p.unchanged = true
		return p, nil
	case OpDelete:
		p.content = store.ContentTombstone
		return p, nil
	}
	c, err := w.candidate(ctx, w.currentValue, &w.current.Head)
	if err != nil {
		return p, err
	}
	p.content, p.candidate = store.ContentBody, c
	p.unchanged, err = w.isCurrent(c)
	if err == nil && !p.unchanged {
		err = w.validate(&c)
	}
	return p, err
}

// planStale decides about a write whose tag, or whose version in the content,
// names an earlier version.
func (w *write) planStale(ctx context.Context, v evaluation) (plan, error) {
	if err := w.blindly(ctx, v); err != nil {
		return plan{}, err
	}
	strategy, wished, err := w.strategy(ctx, v.base)
	if err != nil {
		return plan{}, err
	}
	p := plan{base: v.base.Version}
	if wished {
		p.granted = strategy
	}
	if strategy == StrategyOverwrite {
		p, err := w.build(ctx, p, Overwritten)
		return p, w.granting(p.granted, err)
	}
	s, err := w.weigh(ctx, v.base)
	if err != nil {
		return plan{}, err
	}
	if strategy.merges() && w.intent.Op != OpDelete {
		p, err = w.planMerged(ctx, v, s, p)
		switch {
		case strategy == StrategyPark && w.together: // all of a batch would wait for somebody's decision, and part of it would be there
			if err != nil {
				p.granted = ""
			}
		case strategy == StrategyPark:
			p, err = w.planParked(ctx, v.base, s, p, err)
		}
		return p, w.granting(p.granted, err)
	}
	// A content that cannot be applied has no result, and the write is refused for
	// being stale before its content is looked at.
	applied, err := w.applied(s)
	if err != nil {
		return plan{}, err
	}
	if applied && !s.repeats && w.intent.Rules.Contract.AcceptApplied {
		p.unchanged = true
		return p, nil
	}
	return plan{}, w.granting(p.granted, w.conflict(ctx, ReasonStale, v, s))
}

// strategy returns what applies to a stale write that was made on base, nil for a
// version that is not known, and whether that is its caller's wish. Overwriting
// that is kept from the caller counts as not allowed, and as a default is reject.
func (w *write) strategy(ctx context.Context, base *store.Entry) (s Strategy, wished bool, err error) {
	rules := w.intent.Rules
	if w.intent.Op == OpCheck {
		return StrategyReject, false, nil
	}
	s, wished = rules.strategy(w.intent.Strategy)
	if s != StrategyOverwrite {
		return s, wished, nil
	}
	if may, err := w.mayOverwrite(ctx, base); err != nil || may {
		return s, wished, err
	}
	if s, _ = rules.strategy(""); s == StrategyOverwrite {
		s = StrategyReject
	}
	return s, false, nil
}

// granting notes on a refusal the strategy that its caller asked for and got.
func (w *write) granting(granted Strategy, err error) error {
	if err == nil || err == errLostRace {
		return err
	}
	r := w.failed(err)
	r.Granted = granted
	return r
}

// planFailed decides about a write under a false precondition that names no
// version. Under a date, a whole document still says itself what its result
// would be, and so whether it is there already.
func (w *write) planFailed(ctx context.Context, v evaluation) (plan, error) {
	rules := w.intent.Rules
	strategy, wished, err := w.strategy(ctx, nil)
	if err != nil {
		return plan{}, err
	}
	if v.gone && strategy.merges() && w.intent.Op != OpDelete {
		r := w.refuse(v.Result)
		r.Reason = ReasonBaseUnavailable
		if wished {
			r.Granted = strategy
		}
		return plan{}, r
	}
	if v.By == ifmatch.FieldIfUnmodifiedSince && w.intent.Op == OpPut && rules.Contract.AcceptApplied && !rules.Merge.HasRepeating() {
		if c, err := w.candidate(ctx, w.currentValue, &w.current.Head); err == nil {
			if same, err := w.isCurrent(c); err == nil && same {
				return plan{unchanged: true}, nil
			}
		}
	}
	return plan{}, w.refuse(v.Result)
}
