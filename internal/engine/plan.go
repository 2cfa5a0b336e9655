package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
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
}

// plan decides what to do about an evaluation. It returns a *Refusal, or
// errHeadOnly where that takes the body and only the head is loaded.
func (w *write) plan(ctx context.Context, v evaluation) (plan, error) {
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
		return w.planFailed(ctx, v.Result)
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
	p := plan{blind: res.Blind}
	if tagged := &w.intent.Conditions.IfMatch; tagged.Present() && !tagged.Any() || w.content.version != 0 {
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
	if w.intent.Op == OpDelete {
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
	base := v.base
	strategy, wished := w.intent.Rules.strategy(w.intent.Strategy)
	p := plan{base: base.Version}
	if wished {
		p.granted = strategy
	}
	if strategy == StrategyOverwrite {
		built, err := w.build(ctx, p, Overwritten)
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			refusal.Granted = p.granted
		}
		return built, err
	}
	applied := w.alreadyApplied(ctx, base)
	if applied && w.intent.Rules.Contract.AcceptApplied {
		p.unchanged = true
		return p, nil
	}
	conflict, err := w.engine.explain(ctx, w.current, base)
	if err != nil {
		return plan{}, w.failed(err)
	}
	conflict.AlreadyApplied = applied
	return plan{}, &Refusal{Reason: ReasonStale, By: v.By, Current: w.current, Conflict: conflict, Granted: p.granted}
}

// planFailed decides about a write under a false precondition that names no
// version. Under a date, a whole document still says itself what its result
// would be, and so whether it is there already.
func (w *write) planFailed(ctx context.Context, res ifmatch.Result) (plan, error) {
	if res.By == ifmatch.FieldIfUnmodifiedSince && w.intent.Op == OpPut && w.intent.Rules.Contract.AcceptApplied {
		if w.alreadyApplied(ctx, nil) {
			return plan{unchanged: true}, nil
		}
	}
	return plan{}, w.refuse(res)
}
