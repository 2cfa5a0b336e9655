package engine

import (
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/patch"
)

// weighed is a stale write held against what happened since its base.
type weighed struct {
	// What a caller sees of the three is held against each other, with the rest
	// kept as it is stored: of a change that they may not see a merge tells nothing.
	view         *view.View
	base, theirs jsonvalue.Value
	// mine is what the write makes of its base. Where it makes nothing of it,
	// broken says why; a deletion has neither.
	mine   candidate
	broken error
	// whole is mine with what its writer does not see, and wholeBase the base. Blind
	// tells that the writer gave values for that, or takes away what may hold some.
	whole     candidate
	wholeBase jsonvalue.Value
	blind     bool
	who       merge.Writers
	merged    merge.Result
	// tests are where a JSON Patch tests what it makes of its base. More are the
	// disputes that are not of the merge itself: these tests, or a schema.
	tests []jsonvalue.Pointer
	more  []merge.Dispute
	// faults are what is wrong with the result of the merge.
	faults []Fault
	// repeats tells that the write would count twice if it were merged twice.
	repeats bool
}

// compared tells whether the write makes a document of its base, which is held
// against theirs.
func (s *weighed) compared() bool { return !s.mine.value.IsAbsent() }

// weigh works out what a stale write comes to on its base, and how that merges
// with the current document.
func (w *write) weigh(ctx context.Context, base *store.Entry) (*weighed, error) {
	s := &weighed{view: w.view}
	var err error
	if s.wholeBase, err = w.contentOf(base); err != nil {
		return nil, err
	}
	if s.theirs, err = w.currentValue(); err != nil {
		return nil, err
	}
	s.base, s.theirs = s.view.Value(s.wholeBase), s.view.Value(s.theirs)
	if w.intent.Op == OpDelete || w.intent.Op == OpCheck || w.intent.Op.contributes() || w.intent.Op.leases() {
		return s, nil
	}
	at := headOf(base)
	s.whole, s.broken = w.candidate(ctx, func() (jsonvalue.Value, error) { return s.wholeBase, nil }, &at)
	if s.blind = s.whole.brings; s.broken == nil && !s.blind {
		s.mine = s.seen()
		return s, w.compare(ctx, base, s)
	}
	return s, nil
}

// seen is what the write would leave as its caller sees it.
func (s *weighed) seen() candidate {
	if s.view == nil {
		return s.whole
	}
	value := s.view.Value(s.whole.value)
	return candidate{value: value, body: value.Append(nil)}
}

// blindly refuses a stale write that gives a value for what its caller may not see:
// whatever became of it would tell them about that.
func (w *write) blindly(ctx context.Context, v evaluation) error {
	if w.view == nil {
		return nil
	}
	s, err := w.weigh(ctx, v.base)
	if err != nil || !s.blind {
		return err
	}
	return w.conflict(ctx, ReasonStale, v, s)
}

// compare holds what a write makes of its base against what happened since.
func (w *write) compare(ctx context.Context, base *store.Entry, s *weighed) error {
	if err := w.threeWay(ctx, base, s, w.intent.Actor.Roles); err != nil {
		return err
	}
	if w.intent.Op == OpJSONPatch {
		s.tests = w.testsOf(s.mine.value)
		of, err := w.disputedMembers(ctx, s)
		if err != nil {
			return err
		}
		s.dispute(s.disputedTests()...)
		s.dispute(of...)
	}
	s.repeats = w.intent.Rules.Merge.Repeats(s.base, s.mine.value)
	return nil
}

// threeWay merges a write of somebody in these roles.
func (w *write) threeWay(ctx context.Context, base *store.Entry, s *weighed, roles []string) error {
	rules := w.intent.Rules.Merge
	s.who.Mine = roles
	if rules.ByAuthority() {
		if err := w.durable(ctx); err != nil { // who wrote it is in the history then
			return err
		}
		var err error
		if s.who.Theirs, err = w.engine.authors(ctx, w.current, base, s.base, s.theirs, s.view); err != nil {
			return err
		}
	}
	s.merged = merge.Three(s.base, s.theirs, s.mine.value, rules, s.who)
	return nil
}

// dispute adds disputes to those of the merge.
func (s *weighed) dispute(more ...merge.Dispute) {
	s.more = append(s.more, more...)
	s.merged.Disputes = append(s.merged.Disputes, more...)
}

// disputes tells whether a place is disputed already.
func (s *weighed) disputes(at jsonvalue.Pointer) bool {
	return slices.ContainsFunc(s.merged.Disputes, func(d merge.Dispute) bool { return slices.Equal(d.Path, at) })
}

// RuleTest is the rule of a dispute about a test of a JSON Patch.
const RuleTest merge.Rule = "test"

// testsOf returns where the tests of a JSON Patch hold of what the writer made. A
// test of what the patch itself changes later says nothing about the result.
func (w *write) testsOf(mine jsonvalue.Value) []jsonvalue.Pointer {
	var held []jsonvalue.Pointer
	for _, op := range w.content.patch.Ops() {
		same := func(p jsonvalue.Pointer) bool { return slices.Equal(p, op.Path) }
		if op.Kind == patch.OpTest && jsonvalue.Equal(mine.At(op.Path), op.Value) && !slices.ContainsFunc(held, same) {
			held = append(held, op.Path)
		}
	}
	return held
}

// disputedTests returns the tests that hold of what the writer made and not of
// what would be stored.
func (s *weighed) disputedTests() []merge.Dispute {
	var disputes []merge.Dispute
	for _, at := range s.tests {
		if !jsonvalue.Equal(s.merged.Value.At(at), s.mine.value.At(at)) && !s.disputes(at) {
			disputes = append(disputes, s.disputed(at, RuleTest))
		}
	}
	return disputes
}

// disputed is the dispute about a place that a rule beyond the merge has found.
func (s *weighed) disputed(at jsonvalue.Pointer, rule merge.Rule) merge.Dispute {
	return merge.Dispute{
		Path: at, Base: s.base.At(at), Theirs: s.theirs.At(at), Mine: s.mine.value.At(at),
		Rule: rule, Reason: merge.ReasonChanged, Field: -1,
	}
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

func headOf(e *store.Entry) store.Head {
	return store.Head{Ref: e.Ref, Rev: e.Rev, Version: e.Version, Life: e.Life, At: e.At, Digest: e.Digest}
}
