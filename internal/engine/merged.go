package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// planMerged decides about a stale write that is to be merged. What repeats is
// refused like any stale write, unless it comes under an idempotency key: nothing
// else would tell a second change from the same one sent again.
func (w *write) planMerged(ctx context.Context, v evaluation, s *weighed, p plan) (plan, error) {
	switch {
	case s.broken != nil:
		return p, s.broken
	case s.repeats && w.intent.Key == nil:
		return p, w.conflict(ctx, ReasonStale, v, s)
	case !s.merged.Clean():
		return p, w.conflict(ctx, ReasonMergeConflict, v, s)
	case s.view.Takes(s.theirs, s.merged.Value): // with what is hidden in it, and may have changed since
		s.blind = true
		return p, w.conflict(ctx, ReasonStale, v, s)
	}
	c, err := w.judge(s)
	if err == nil && !s.merged.Clean() { // unless it is for what the writer sent
		if err = w.validate(&s.whole); err == nil {
			err = w.conflict(ctx, ReasonMergeConflict, v, s)
		}
	}
	if err != nil {
		return p, err
	}
	p.result, p.content, p.candidate = Merged, store.ContentBody, c
	p.mergedFrom, p.combined = v.base.Version, !jsonvalue.Identical(s.view.Value(c.value), s.mine.value)
	if p.decisions, err = encodeDecisions(nil, s.merged.Decisions, ""); err != nil {
		return p, err
	}
	p.unchanged, err = w.isCurrent(c)
	return p, err
}

// judge finishes what a merge without disputes came to, and judges it like any
// document that would be stored. What is wrong with it is disputed then. Any other
// error is a [*Refusal].
func (w *write) judge(s *weighed) (candidate, error) {
	c, err := w.merged(s)
	if err == nil {
		err = w.validateFor(&c, s.view)
	}
	if r, ok := errors.AsType[*Refusal](err); ok && r.Reason == ReasonInvalid {
		s.faults = w.intent.Rules.told(r.Faults, s.theirs, c.value, w.view)
		err = s.disputeFaults(r.Faults)
	}
	return c, err
}

// merged makes a candidate of what a merge came to.
func (w *write) merged(s *weighed) (candidate, error) {
	if s.view == nil {
		return w.finish(s.merged.Value)
	}
	current, err := w.currentValue()
	if err != nil {
		return candidate{}, err
	}
	return w.keeping(current, s.merged.Value)
}

// disputeFaults disputes what is wrong with the result of a merge.
func (s *weighed) disputeFaults(faults []Fault) error {
	for _, f := range faults {
		at, err := jsonvalue.ParsePointer(f.Pointer)
		if err != nil {
			return err
		}
		if !s.disputes(at) {
			s.dispute(s.disputed(at, RuleSchema))
		}
	}
	return nil
}

// conflict refuses a stale write with what happened meanwhile, what the write
// disputes of it, and what would be wrong with a merge of the two.
func (w *write) conflict(ctx context.Context, reason Reason, v evaluation, s *weighed) error {
	if err := w.settled(ctx); err != nil { // who wrote it is in the history then
		return err
	}
	c, err := w.engine.explain(ctx, w.current, v.base, s.base, s.theirs, w.view)
	if err != nil {
		return err
	}
	switch {
	case s.blind, w.intent.Op == OpCheck:
		c.Strategies = []Strategy{StrategyReject}
	case w.resolves == nil:
		c.Strategies = w.offered(ctx, v.base)
	}
	c.Hot = w.isHot()
	c.Compared, c.Disputes, c.Repeats = s.compared() && !s.blind, shown(w.intent.Rules.disputes(s), w.view), s.repeats && w.intent.Key == nil
	if c.AlreadyApplied, err = w.applied(s); err != nil {
		return err
	}
	return &Refusal{Reason: reason, By: v.By, Current: w.current, Conflict: c, Faults: s.faults, RetryAfter: w.engine.patience(w.intent.Ref)}
}

// applied tells whether what the write makes of its base is what is there.
func (w *write) applied(s *weighed) (bool, error) {
	if !s.compared() {
		return false, nil
	}
	if s.view != nil {
		return jsonvalue.Identical(s.mine.value, s.theirs), nil
	}
	return w.isCurrent(s.mine)
}

// RuleSchema is the rule of a dispute about a merge that would not be valid.
const RuleSchema merge.Rule = "schema"
