package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/patch"
)

// weighed is a stale write held against what happened since its base.
type weighed struct {
	base, theirs jsonvalue.Value
	// mine is what the write makes of its base. Where it makes nothing of it,
	// broken says why; a deletion has neither.
	mine   candidate
	broken error
	merged merge.Result
	// repeats tells that the write would count twice if it were merged twice.
	repeats bool
}

// compared tells whether the write makes a document of its base, which is held
// against theirs.
func (s *weighed) compared() bool { return !s.mine.value.IsAbsent() }

// weigh works out what a stale write comes to on its base, and how that merges
// with the current document.
func (w *write) weigh(ctx context.Context, base *store.Entry) (*weighed, error) {
	s := &weighed{}
	var err error
	if s.base, err = w.contentOf(base); err != nil {
		return nil, err
	}
	if s.theirs, err = w.currentValue(); err != nil {
		return nil, err
	}
	if w.intent.Op == OpDelete || w.intent.Op.contributes() {
		return s, nil
	}
	at := headOf(base)
	s.mine, s.broken = w.candidate(ctx, func() (jsonvalue.Value, error) { return s.base, nil }, &at)
	if s.broken != nil {
		return s, nil
	}
	rules := w.intent.Rules.Merge
	who := merge.Writers{Mine: w.intent.Actor.Roles}
	if rules.ByAuthority() {
		if who.Theirs, err = w.engine.authors(ctx, w.current, base, s.base, s.theirs); err != nil {
			return nil, err
		}
	}
	s.merged = merge.Three(s.base, s.theirs, s.mine.value, rules, who)
	if w.intent.Op == OpJSONPatch {
		of, err := w.disputedMembers(ctx, s)
		if err != nil {
			return nil, err
		}
		s.merged.Disputes = append(append(s.merged.Disputes, w.disputedTests(s)...), of...)
	}
	s.repeats = rules.Repeats(s.base, s.mine.value)
	return s, nil
}

// RuleTest is the rule of a dispute about a test of a JSON Patch.
const RuleTest merge.Rule = "test"

// disputedTests returns the tests of a JSON Patch that hold of what the writer
// made and not of what would be stored. A test of what the patch itself changes
// later says nothing about the result.
func (w *write) disputedTests(s *weighed) []merge.Dispute {
	var disputes []merge.Dispute
	for _, op := range w.content.patch.Ops() {
		if op.Kind != patch.OpTest || !jsonvalue.Equal(s.mine.value.At(op.Path), op.Value) || jsonvalue.Equal(s.merged.Value.At(op.Path), op.Value) {
			continue
		}
		named := func(d merge.Dispute) bool { return slices.Equal(d.Path, op.Path) }
		if !slices.ContainsFunc(s.merged.Disputes, named) && !slices.ContainsFunc(disputes, named) {
			disputes = append(disputes, merge.Dispute{
				Path: op.Path, Base: s.base.At(op.Path), Theirs: s.theirs.At(op.Path), Mine: s.mine.value.At(op.Path),
				Rule: RuleTest, Reason: merge.ReasonChanged, Field: -1,
			})
		}
	}
	return disputes
}

// disputedMembers returns the tests of a JSON Patch on members that the contract
// adds which do not hold of the current state, as they held of the writer's: who
// tests the version does not want to be merged.
func (w *write) disputedMembers(ctx context.Context, s *weighed) ([]merge.Dispute, error) {
	var disputes []merge.Dispute
	for i := range w.content.tests {
		t := &w.content.tests[i]
		member, err := w.memberValue(ctx, t.of, s.theirs, &w.current.Head)
		if err != nil {
			return nil, err
		}
		if is := member.At(t.below); !jsonvalue.Equal(is, t.want) {
			disputes = append(disputes, merge.Dispute{
				Path: t.path, Base: t.want, Theirs: is, Mine: t.want, Rule: RuleTest, Reason: merge.ReasonChanged, Field: -1,
			})
		}
	}
	return disputes, nil
}

// planMerged decides about a stale write that is to be merged. What repeats is
// refused like any stale write, as long as nothing proves that it was not sent
// before.
func (w *write) planMerged(ctx context.Context, v evaluation, s *weighed, p plan) (plan, error) {
	switch {
	case s.broken != nil:
		return p, s.broken
	case s.repeats:
		return p, w.conflict(ctx, ReasonStale, v, s)
	case !s.merged.Clean():
		return p, w.conflict(ctx, ReasonMergeConflict, v, s)
	}
	c, err := w.finish(s.merged.Value)
	if err == nil {
		err = w.validate(&c)
	}
	if err != nil {
		return p, w.brokenByMerge(ctx, v, s, err)
	}
	p.result, p.content, p.candidate = Merged, store.ContentBody, c
	p.mergedFrom, p.combined = v.base.Version, !jsonvalue.Identical(c.value, s.mine.value)
	if p.decisions, err = encodeDecisions(s.merged.Decisions); err != nil {
		return p, err
	}
	p.unchanged, err = w.isCurrent(c)
	return p, err
}

// brokenByMerge refuses a merge whose result is not valid: for what the writer
// sent, if that is not valid either, else as a dispute that quotes the faults.
func (w *write) brokenByMerge(ctx context.Context, v evaluation, s *weighed, err error) error {
	merged, ok := errors.AsType[*Refusal](err)
	if !ok || merged.Reason != ReasonInvalid {
		return err
	}
	if err := w.validate(&s.mine); err != nil {
		return err
	}
	for _, f := range merged.Faults {
		at, err := jsonvalue.ParsePointer(f.Pointer)
		if err != nil {
			return err
		}
		s.merged.Disputes = append(s.merged.Disputes, merge.Dispute{
			Path: at, Base: s.base.At(at), Theirs: s.theirs.At(at), Mine: s.mine.value.At(at),
			Rule: RuleSchema, Reason: merge.ReasonChanged, Field: -1,
		})
	}
	conflict := w.conflict(ctx, ReasonMergeConflict, v, s)
	if r, ok := errors.AsType[*Refusal](conflict); ok {
		r.Faults = merged.Faults
	}
	return conflict
}

// conflict refuses a stale write with what happened meanwhile, and what the write
// disputes of it.
func (w *write) conflict(ctx context.Context, reason Reason, v evaluation, s *weighed) error {
	if err := w.settled(ctx); err != nil { // who wrote it is in the history then
		return err
	}
	c, err := w.engine.explain(ctx, w.current, v.base, s.base, s.theirs)
	if err != nil {
		return err
	}
	c.Compared, c.Disputes, c.Repeats = s.compared(), s.merged.Disputes, s.repeats
	if c.AlreadyApplied, err = w.applied(s); err != nil {
		return err
	}
	return &Refusal{Reason: reason, By: v.By, Current: w.current, Conflict: c, RetryAfter: w.engine.patience(w.intent.Ref)}
}

// applied tells whether what the write makes of its base is what is there.
func (w *write) applied(s *weighed) (bool, error) {
	if !s.compared() {
		return false, nil
	}
	return w.isCurrent(s.mine)
}

// RuleSchema is the rule of a dispute about a merge that would not be valid.
const RuleSchema merge.Rule = "schema"

// decision is a decision of a merge as the log keeps it.
type decision struct {
	Path   string `json:"path"`
	Winner string `json:"winner"`
	Rule   string `json:"rule"`
}

func encodeDecisions(decisions []merge.Decision) ([]byte, error) {
	if len(decisions) == 0 {
		return nil, nil
	}
	rows := make([]decision, len(decisions))
	for i, d := range decisions {
		rows[i] = decision{Path: d.Path.String(), Winner: string(d.Winner), Rule: d.Rule}
	}
	return json.Marshal(rows)
}

func headOf(e *store.Entry) store.Head {
	return store.Head{Ref: e.Ref, Rev: e.Rev, Version: e.Version, Life: e.Life, At: e.At, Digest: e.Digest}
}
