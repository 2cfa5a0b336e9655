package engine

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// contributes tells of the operations on what a document is made of.
func (o Op) contributes() bool { return o == OpContribute || o == OpWithdraw }

// planContribution decides about a contribution, or the withdrawal of one.
func (w *write) planContribution(ctx context.Context, v evaluation) (plan, error) {
	anew := w.intent.Conditions.IfNoneMatch.Any() // after a deletion only who says so creates
	switch {
	case w.current.Deleted && !anew:
		return plan{}, &Refusal{Reason: ReasonNotFound, Current: w.current}
	case v.Verdict == ifmatch.Stale:
		s, err := w.weigh(ctx, v.base)
		if err != nil {
			return plan{}, err
		}
		return plan{}, w.conflict(ctx, ReasonStale, v, s)
	case v.Verdict != ifmatch.Fresh:
		return plan{}, w.refuse(v.Result)
	}
	p := plan{blind: v.Blind}
	if tagged := &w.intent.Conditions.IfMatch; tagged.Present() && !tagged.Any() {
		p.base = w.current.Version
	}
	had, err := w.contributed(ctx)
	if err != nil {
		return p, err
	}
	if w.intent.Op == OpWithdraw {
		return w.planWithdrawal(p, had)
	}
	return w.planNew(p, had)
}

// contributed loads what the document is made of. It fails with errLostRace or a
// [*Refusal].
func (w *write) contributed(ctx context.Context) (contributed, error) {
	had, err := w.engine.contributedTo(ctx, w.current, w.intent.Rules)
	if err != nil && err != errLostRace {
		err = w.failed(err)
	}
	return had, err
}

// planNew decides about a contribution.
func (w *write) planNew(p plan, had contributed) (plan, error) {
	c, err := w.contribution()
	if err != nil {
		return p, err
	}
	brings := w.view.Brings(c.Data)
	for i := range had.all {
		known := !brings || c.By != "" && c.By == had.all[i].By // else it would tell what somebody else has said
		if known && had.all[i].Same(&c) {
			p.unchanged, p.contribution = true, &had.all[i]
			return p, nil
		}
	}
	if most := w.engine.limits.Contributions; had.foreign() >= most {
		return p, &Refusal{Reason: ReasonTooLarge, Current: w.current,
			Detail: "The document has " + strconv.Itoa(most) + " contributions, which is as many as it may. Withdraw some that no longer count."}
	}
	c.ID, c.Arrival = w.engine.freshID(), w.current.Rev+1
	p.result, p.contribution, p.candidate.brings = Contributed, &c, brings
	return w.materialise(p, had, append(had.all, c))
}

// foreign counts the contributions that were made as such. Those of direct writes
// are bounded by what these leave of each other.
func (c *contributed) foreign() int {
	n := 0
	for i := range c.all {
		if c.all[i].Source != contribution.Direct {
			n++
		}
	}
	return n
}

// planWithdrawal decides about taking back a contribution.
func (w *write) planWithdrawal(p plan, had contributed) (plan, error) {
	i := slices.IndexFunc(had.all, func(c contribution.Contribution) bool { return c.ID == w.intent.Contribution })
	if i < 0 {
		return p, &Refusal{Reason: ReasonNotFound, Current: w.current}
	}
	p.result, p.candidate.brings = Withdrawn, w.view.Brings(had.all[i].Data)
	return w.materialise(p, had, slices.Delete(slices.Clone(had.all), i, i+1))
}

// materialise plans that a document consists of all from now on.
func (w *write) materialise(p plan, had contributed, all []contribution.Contribution) (plan, error) {
	return w.become(p, had, all, w.intent.Rules.Contributions.Rules.Materialise(all))
}

// become is materialise for what is known to come to value. Where that is what is
// stored already, the document is only touched, unless that would tell what the caller
// does not see.
func (w *write) become(p plan, had contributed, all []contribution.Contribution, value jsonvalue.Value) (plan, error) {
	c, err := w.finish(value)
	if err != nil {
		return p, err
	}
	c.brings = p.candidate.brings
	same, err := w.isCurrent(c)
	if err != nil {
		return p, err
	}
	version := w.current.Next
	if p.content, p.candidate = store.ContentBody, c; same {
		p.content, p.candidate.body, version = store.ContentTouch, w.current.Body, w.current.Version
	} else if err := w.validate(&c); err != nil {
		return p, err
	}
	rows, size := had.changes(all, version)
	if size > w.engine.limits.Body*patchGrowth {
		return p, &Refusal{Reason: ReasonTooLarge, Current: w.current,
			Detail: "The contributions to the document would take more than " + strconv.FormatInt(w.engine.limits.Body*patchGrowth, 10) + " bytes together. Withdraw some that no longer count."}
	}
	p.rows = append(p.rows, rows...)
	return p, nil
}

// directly plans what a write of the document itself comes to where it takes
// contributions: one more of them.
func (w *write) directly(ctx context.Context, p plan) (plan, error) {
	takes := w.intent.Rules.Contributions
	if takes == nil || p.unchanged || w.intent.Op.contributes() {
		return p, nil
	}
	had, err := w.contributed(ctx)
	if err != nil {
		return p, err
	}
	if p.content == store.ContentTombstone {
		p.rows = had.withdrawn()
		return p, nil
	}
	if p.candidate.brings { // whether others outrank it depends on what is there
		return p, w.forbidden("You may not see all of what you give values for, and other contributions may rank above them. Leave them out, or contribute them to _contributions. Nothing was done.")
	}
	have, err := w.currentValue()
	if err != nil {
		return p, err
	}
	now := w.engine.now().UTC().Truncate(time.Microsecond)
	asked := p.candidate.value
	written := takes.Rules.Write(had.all, contribution.Contribution{
		ID: w.engine.freshID(), Source: contribution.Direct, Confidence: takes.Confidence, ObservedAt: contribution.TimeOf(now),
		Arrival: w.current.Rev + 1, At: now, By: w.intent.Actor.Name,
	}, have, asked)
	if len(written.Outranked) > 0 && !w.intent.Lenient {
		return p, w.granting(p.granted, w.outranked(takes.Rules, &written))
	}
	if p, err = w.become(p, had, written.All, written.Value); err != nil {
		return p, w.granting(p.granted, err)
	}
	if p.content == store.ContentTouch {
		p.result = Contributed
	}
	p.outranked = written.Outranked
	p.combined = p.combined || !jsonvalue.Identical(asked, written.Value)
	return p, nil
}

// outranked refuses a direct write for the fields that it would not win, and says
// who does.
func (w *write) outranked(rules *contribution.Rules, written *contribution.Written) *Refusal {
	r := &Refusal{Reason: ReasonOutranked, Current: w.current}
	_, origins := rules.Trace(written.All)
	for _, path := range written.Outranked[:min(len(written.Outranked), maxFaults)] {
		detail := "Other contributions rank above a direct write here."
		i := slices.IndexFunc(origins, func(o contribution.Origin) bool {
			return o.Path.HasPrefix(path) || path.HasPrefix(o.Path)
		})
		if i >= 0 {
			winner := origins[i].Of[0]
			for _, c := range origins[i].Of {
				if winner.Source == contribution.Direct {
					winner = c
				}
			}
			detail = "What counts here comes of " + winner.Source + ", observed at " + winner.ObservedAt.Text + " with a confidence of " + winner.Confidence.Text() + "."
		}
		r.Faults = append(r.Faults, Fault{Pointer: path.String(), Detail: detail})
	}
	return r
}

// maxAhead is how far in the future an observation may lie: as far as clocks differ.
const maxAhead = 5 * time.Minute

// maxSource bounds the names of sources, in bytes.
const maxSource = 256

// contribution reads the contribution that the intent brings.
func (w *write) contribution() (contribution.Contribution, error) {
	now := w.engine.now().UTC().Truncate(time.Microsecond)
	c := contribution.Contribution{At: now, By: w.intent.Actor.Name}
	v, err := jsonvalue.Parse(w.intent.Body, jsonvalue.Limits{Depth: w.engine.limits.Depth})
	if err != nil {
		return c, w.malformed(err)
	}
	if v.Kind() != jsonvalue.KindObject {
		return c, w.invalid("A contribution is a JSON object, and this is " + article(v.Kind()) + ".")
	}
	var faults []Fault
	check := func(name, want string, ok bool) {
		if v.Lookup(name).IsAbsent() {
			want = "It is missing. " + want
		}
		if !ok {
			faults = append(faults, Fault{"/" + name, want})
		}
	}
	c.Source, c.Confidence, c.Data = v.Lookup("source").Text(), v.Lookup("confidence"), v.Lookup("data")
	check("source", "It is a text of 1 to "+strconv.Itoa(maxSource)+" bytes that names the source, without control characters.", isSource(v.Lookup("source")))
	check("source", "The source "+contribution.Direct+" is that of writes of the document itself. PUT or PATCH it, or choose another name.", c.Source != contribution.Direct)
	check("confidence", "It is a number from 0 to 1.", contribution.IsConfidence(c.Confidence))
	var known bool
	c.ObservedAt, known = contribution.ParseTime(v.Lookup("observedAt").Text())
	check("observedAt", "It is a date-time of RFC 3339, such as 2026-11-20T18:00:00Z, with up to 9 digits for a fraction of a second.", known && v.Lookup("observedAt").Kind() == jsonvalue.KindString)
	check("observedAt", "It lies more than "+strconv.Itoa(int(maxAhead.Minutes()))+" minutes ahead of the server's clock.", !c.ObservedAt.At.After(now.Add(maxAhead)))
	check("data", "It is an object with the members that the source has something to say of.", c.Data.Kind() == jsonvalue.KindObject)
	for _, m := range v.Members() {
		if !slices.Contains([]string{"source", "confidence", "observedAt", "data"}, m.Name) {
			faults = append(faults, Fault{jsonvalue.Pointer{m.Name}.String(), "A contribution has no such member. It has source, confidence, observedAt and data."})
		}
	}
	if faults != nil {
		return c, &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: faults[:min(len(faults), maxFaults)]}
	}
	if members := w.intent.Rules.Members; members != nil {
		c.Data, _ = members.strip(c.Data)
	}
	return c, nil
}

func isSource(v jsonvalue.Value) bool {
	text := v.Text()
	return v.Kind() == jsonvalue.KindString && text != "" && len(text) <= maxSource &&
		!slices.ContainsFunc([]rune(text), func(r rune) bool { return r < ' ' || r == 0x7f })
}
