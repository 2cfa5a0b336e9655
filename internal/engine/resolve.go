package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// resolution is what somebody does about a parked write.
type resolution struct {
	id      string
	discard bool
}

// Resolve decides about a parked write: it is merged again with the current
// document, and what that disputes is settled by the content of in, which is one of
//
//	{"choices": {"/title": "yours", "/body": "theirs", "/n": {"value": 3}}}
//	{"document": {…}}
//
// Choices name exactly the disputes of this merge, by their paths; else the write
// is refused with [ReasonMergeConflict] and told of them. A document stands for
// itself. What comes of it is committed as a write of the actor of in, and the
// parked write is gone with that commit. The conditions of in are about the
// document, and an entity tag in If-Match is always due. Its operation does not
// count. The error is always a [*Refusal], and then the write stays parked.
func (e *Engine) Resolve(ctx context.Context, in *Intent, id string) (*Outcome, error) {
	in.Op, in.Rules = OpResolve, in.Rules.Resolving()
	return (&write{engine: e, intent: in, whole: true, resolves: &resolution{id: id}}).run(ctx)
}

// decided completes the outcome of a decision. Where that comes to what is there,
// only the parked write is gone.
func (w *write) decided(out *Outcome) {
	if out.Document.Version == w.current.Version {
		out.Result, out.Document.Body = Unchanged, w.current.Body
	}
	out.Combined = true
}

// Discard throws a parked write away. The conditions of in are about the document,
// and hold where there are some; its operation does not count. The error is always
// a [*Refusal].
func (e *Engine) Discard(ctx context.Context, in *Intent, id string) (*Outcome, error) {
	rules := *in.Rules
	rules.Contract.Precondition.Delete = ifmatch.PreconditionOptional
	in.Op, in.Rules = OpDiscard, &rules
	return (&write{engine: e, intent: in, whole: true, resolves: &resolution{id: id, discard: true}}).run(ctx)
}

// Resolving returns the rules under which parked writes are decided about: an
// entity tag is due.
func (r *Rules) Resolving() *Rules {
	rules := *r
	rules.Contract.Precondition.Patch = ifmatch.PreconditionTag
	return &rules
}

// planResolution decides what to do about a parked write. Who may not decide about
// it is refused before its conditions are looked at.
func (w *write) planResolution(ctx context.Context) (plan, error) {
	parked, err := w.parkedWrite(ctx)
	if err != nil {
		return plan{}, w.failed(err)
	}
	s, err := w.reweigh(ctx, parked)
	if err != nil {
		return plan{}, w.granting("", err)
	}
	if err := w.mayResolve(s); err != nil {
		return plan{}, err
	}
	v, err := w.evaluate(ctx)
	if err != nil {
		return plan{}, err
	}
	v.base = parked.Base // what is explained is the parked write
	switch v.Verdict {
	case ifmatch.Fresh:
	case ifmatch.Stale:
		return plan{}, w.stillOpen(ctx, ReasonStale, v, s)
	default:
		return plan{}, w.refuse(v.Result)
	}
	p := plan{blind: v.Blind, rows: withoutParked(w.current.Ref, parked.ID)}
	if tagged := &w.intent.Conditions.IfMatch; tagged.Present() && !tagged.Any() {
		p.base = w.current.Version
	}
	about := &note{Conflict: parked.ID, By: parked.By.Name}
	if w.resolves.discard {
		p.result, p.content = Discarded, store.ContentTouch
		p.decisions, err = encodeDecisions(about, nil, "")
		return p, err
	}
	return w.planResolved(ctx, v, s, about, p)
}

// parkedWrite loads the parked write that is decided about.
func (w *write) parkedWrite(ctx context.Context) (*ParkedWrite, error) {
	if !w.current.Exists() {
		return nil, w.noConflict()
	}
	open, _, err := w.engine.parkedRows(ctx, &w.current.Head)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(open, func(p *ParkedWrite) bool { return p.ID == w.resolves.id })
	if i < 0 {
		return nil, w.noConflict()
	}
	there, err := w.engine.loadBodies(ctx, open[i])
	if err == nil && !there {
		err = w.noConflict()
	}
	return open[i], err
}

// stillOpen refuses a decision, and tells what is to be decided.
func (w *write) stillOpen(ctx context.Context, reason Reason, v evaluation, s *weighed) error {
	err := w.conflict(ctx, reason, v, s)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Conflict != nil {
		r.Conflict.Resolving = true
	}
	return err
}

// planResolved works out what was decided, and judges that like any other write.
func (w *write) planResolved(ctx context.Context, v evaluation, s *weighed, about *note, p plan) (plan, error) {
	d, err := w.parseDecision()
	if err != nil {
		return p, err
	}
	value, decisions := d.document, []merge.Decision{{Winner: merge.Given, Rule: merge.RuleChosen}}
	brings := w.view.Brings(value)
	if value.IsAbsent() {
		if brings, err = w.chosen(d.choices, s); err != nil {
			return p, err
		}
		result, err := merge.Resolve(s.base, s.theirs, s.mine.value, w.intent.Rules.Merge, s.who, d.choices, s.more...)
		if wrong, ok := errors.AsType[*merge.ChoiceError](err); ok {
			return p, &Refusal{Reason: ReasonInvalid, Current: w.current, cause: err,
				Faults: []Fault{{jsonvalue.Pointer{"choices", wrong.Path}.String(), wrong.Message()}}}
		}
		if err != nil { // *merge.ChoicesError, the one other that there is
			return p, w.stillOpen(ctx, ReasonMergeConflict, v, s)
		}
		value, decisions = result.Value, result.Decisions
	}
	if members := w.intent.Rules.Members; members != nil {
		value, _ = members.strip(value)
	}
	if !d.document.IsAbsent() {
		if value, err = w.view.Keep(s.theirs, value); err != nil {
			return p, w.ambiguous(err)
		}
	}
	if value.Depth() > max(w.engine.limits.Depth, s.theirs.Depth(), s.mine.value.Depth()) {
		return p, &Refusal{Reason: ReasonTooLarge, Current: w.current}
	}
	c, err := w.finish(value)
	if c.brings, c.brought = brings, d.document; brings && c.brought.IsAbsent() {
		c.brought = value // of choices it cannot be told apart what is theirs
	}
	if err == nil {
		err = w.validate(&c)
	}
	if err != nil {
		return p, err
	}
	p.result, p.content, p.candidate, p.mergedFrom = Merged, store.ContentBody, c, v.base.Version
	if p.decisions, err = encodeDecisions(about, decisions, w.intent.Actor.Name); err != nil {
		return p, err
	}
	same, err := w.isCurrent(c)
	if same {
		p.content = store.ContentTouch
	}
	return p, err
}

// chosen completes the values that were given as choices with what their giver does
// not see, and tells whether there are values for that among them.
func (w *write) chosen(choices map[string]merge.Choice, s *weighed) (brings bool, err error) {
	if w.view == nil {
		return false, nil
	}
	for i := range s.merged.Disputes {
		d := &s.merged.Disputes[i]
		choice, there := choices[d.Path.String()]
		if !there || choice.Winner != merge.Given {
			continue
		}
		places := []jsonvalue.Pointer{nil}
		if d.Together != nil {
			places = nil
			for _, p := range d.Together {
				places = append(places, jsonvalue.Pointer{p.String()})
			}
		}
		for n, in := range places {
			at := d.Path
			if d.Together != nil {
				at = d.Together[n]
			}
			given := choice.Value.At(in)
			brings = brings || w.view.BringsAt(at, given)
			kept, err := w.view.KeepAt(at, s.theirs.At(at), given)
			if err != nil {
				return brings, w.ambiguous(err)
			}
			if len(in) == 0 {
				choice.Value = kept
			} else if !kept.IsAbsent() {
				choice.Value, _ = choice.Value.With(in, kept)
			}
		}
		choices[d.Path.String()] = choice
	}
	return brings, nil
}

// decided is what the content of a resolution says: one of the two.
type decided struct {
	document jsonvalue.Value
	choices  map[string]merge.Choice
}

// decidedDepth is how deep a document may lie in the content of a resolution.
const decidedDepth = 3

// parseDecision reads the content of a resolution.
func (w *write) parseDecision() (decided, error) {
	var d decided
	v, err := jsonvalue.Parse(w.intent.Body, jsonvalue.Limits{Depth: w.engine.limits.Depth + decidedDepth})
	if err != nil {
		return d, w.malformed(err)
	}
	if v.Kind() != jsonvalue.KindObject || v.Len() != 1 {
		return d, w.undecided("", `send {"choices":{…}} or {"document":{…}}`)
	}
	what := v.Member(0)
	switch {
	case what.Name == "document":
		d.document = what.Value
	case what.Name == "choices" && what.Value.Kind() == jsonvalue.KindObject:
		d.choices = make(map[string]merge.Choice, what.Value.Len())
		for _, m := range what.Value.Members() {
			choice, ok := choiceOf(m.Value)
			if !ok {
				return d, w.undecided(jsonvalue.Pointer{"choices", m.Name}.String(), `a choice is "yours", "theirs" or {"value": …}`)
			}
			d.choices[m.Name] = choice
		}
	default:
		return d, w.undecided(jsonvalue.Pointer{what.Name}.String(), `send {"choices":{…}} or {"document":{…}}`)
	}
	return d, nil
}

func choiceOf(v jsonvalue.Value) (merge.Choice, bool) {
	given := v.Lookup("value")
	switch {
	case v.Kind() == jsonvalue.KindString && v.Text() == "yours":
		return merge.Choice{Winner: merge.Mine}, true
	case v.Kind() == jsonvalue.KindString && v.Text() == "theirs":
		return merge.Choice{Winner: merge.Theirs}, true
	}
	return merge.Choice{Winner: merge.Given, Value: given}, v.Len() == 1 && !given.IsAbsent()
}

func (w *write) undecided(pointer, detail string) *Refusal {
	return &Refusal{Reason: ReasonMalformed, Current: w.current, Faults: []Fault{{pointer, detail}}}
}
