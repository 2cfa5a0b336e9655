package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// MemberError refuses a batch for one of its members.
type MemberError struct {
	Index   int // among the members
	Refusal *Refusal
}

func (e *MemberError) Error() string { return fmt.Sprintf("member %d: %v", e.Index, e.Refusal) }

// Unwrap returns the refusal.
func (e *MemberError) Unwrap() error { return e.Refusal }

// Together carries the members of an intent out in one commit: all of them or none.
// Actor, Correlation, Dry and Key are those of in, for all of them; it has no Ref and no
// Op. Each member is judged on its document as it was before the batch, and stands only
// if none of these documents has changed until the commit. A document has one member at
// most, unless each of them is an [OpCheck]. Nothing is parked: what would be is refused
// as a merge that is disputed.
//
// It fails with a [*MemberError], or with a [*Refusal] for what concerns no member more
// than the others.
func (e *Engine) Together(ctx context.Context, in *Intent) (*Outcome, error) {
	g := &group{engine: e, intent: in, plans: make([]plan, len(in.Members))}
	for _, m := range in.Members {
		m.Actor, m.Correlation, m.Dry, m.Key = in.Actor, in.Correlation, in.Dry, in.Key
		g.writes = append(g.writes, &write{engine: e, intent: m, together: true})
	}
	return g.run(ctx)
}

// group is a batch on its way: writes that walk the corridor side by side.
type group struct {
	engine *Engine
	intent *Intent
	writes []*write
	plans  []plan // one for each write, as this turn decided
	size   int64  // bytes of the bodies that this turn has read and made
	inLine bool   // each document has a queue, and it is the group's turn in all
}

// run takes a group through the corridor until it is decided.
func (g *group) run(ctx context.Context) (*Outcome, error) {
	defer g.leaveQueues() // also when a turn panics, or nobody behind it would get one
	if err := g.fits(); err != nil {
		return nil, err
	}
	if err := g.distinct(); err != nil {
		return nil, err
	}
	if err := g.joinQueues(ctx, false); err != nil {
		return nil, err
	}
	for round := 1; round <= g.engine.maxRounds; round++ {
		out, err := g.turn(ctx)
		if err == errLostRace {
			if err := g.queueForAll(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Rounds = round
		return out, nil
	}
	return nil, &Refusal{Reason: ReasonContended, RetryAfter: time.Second}
}

// turn walks the corridor once with all writes: load, evaluate and build each, commit
// all. It returns errLostRace, an error of [Engine.Together], or the outcome.
func (g *group) turn(ctx context.Context) (*Outcome, error) {
	if err := g.decide(ctx); err != nil {
		return nil, err
	}
	if err := g.distinct(); err != nil { // with the ids that were made
		return nil, err
	}
	c := g.engine.begin(g.intent)
	out, left, err := g.enlist(c)
	if err != nil {
		return nil, err
	}
	if err := g.rivals(c); err != nil {
		return nil, err
	}
	if err := g.intent.keep(c, out); err != nil {
		return nil, g.engine.refusalOf(err, nil)
	}
	if err := ctx.Err(); err != nil {
		return nil, g.engine.refusalOf(err, nil)
	}
	receipt, err := g.engine.commit(context.WithoutCancel(ctx), c)
	if err != nil {
		return g.notCommitted(ctx, err)
	}
	for i, document := range left {
		document.Head = receipt.Heads[i]
	}
	return out, nil
}

// enlist makes the commit of all plans. It returns the outcome, and the documents that
// the writes of the commit will leave.
func (g *group) enlist(c *store.Commit) (out *Outcome, left []*store.Document, err error) {
	out = &Outcome{}
	for i, w := range g.writes {
		p := &g.plans[i]
		document := w.current
		if p.unchanged {
			c.Checks = append(c.Checks, w.assertion())
		} else {
			if document, err = w.enlist(c, p); err != nil {
				return nil, nil, g.refused(i, err)
			}
			left = append(left, document)
		}
		out.Members = append(out.Members, w.outcome(p, document))
	}
	return out, left, nil
}

// decide plans every write on the state before the batch. Those whose documents get
// their ids of natural keys come last, as the others may free these. It fails with
// errLostRace or a *MemberError.
func (g *group) decide(ctx context.Context) error {
	g.size = 0
	clear(g.plans)
	for _, posted := range []bool{false, true} {
		for i, w := range g.writes {
			if w.intent.posted != posted {
				continue
			}
			decide := w.planned
			if posted {
				decide = func(ctx context.Context) (plan, error) { return g.planCreation(ctx, w) }
			}
			p, err := decide(ctx)
			if err == nil {
				err = g.bound(w, &p)
			}
			if err == errLostRace {
				return err
			}
			if err != nil {
				return g.refused(i, err)
			}
			g.plans[i] = p
		}
	}
	return nil
}

// batchGrowth is how many times the body limit all that a batch reads and makes of
// documents may come to.
const batchGrowth = 32

// bound refuses a batch that takes too much memory.
func (g *group) bound(w *write, p *plan) error {
	g.size += int64(len(w.current.Body)) + int64(len(p.candidate.body))
	if most := g.engine.limits.Body * batchGrowth; g.size > most {
		return &Refusal{Reason: ReasonTooLarge, Current: w.current,
			Detail: "The documents of the operations up to this one, as they are and as they would be, come to more than " + strconv.FormatInt(most, 10) + " bytes. Send fewer operations at once. Nothing was done."}
	}
	return nil
}

// refused is the refusal of the batch for a member.
func (g *group) refused(i int, err error) *MemberError {
	w := g.writes[i]
	return &MemberError{Index: i, Refusal: w.failed(w.discreet(err))}
}

// notCommitted decides about a commit that the store did not carry out.
func (g *group) notCommitted(ctx context.Context, err error) (*Outcome, error) {
	return notCommitted(err, func(t *store.TakenError) error { return g.taken(ctx, t) }, func(err error) error {
		if lockOf(err) != nil || errors.Is(err, store.ErrLeaseExpired) {
			return g.lockedOut(ctx, err)
		}
		return g.engine.refusalOf(err, nil)
	})
}

// lockedOut finds the member whose lease the store has refused a commit for. Where there
// is none any more, that was somebody's who has let go: errLostRace.
func (g *group) lockedOut(ctx context.Context, err error) error {
	locked := lockOf(err)
	for i, w := range g.writes {
		if locked != nil && w.intent.Ref == locked.Ref {
			return g.refused(i, err)
		}
		if locked == nil && w.intent.Lease != "" {
			if expired := w.judgeLease(ctx); expired != nil && expired != errLostRace {
				return g.refused(i, expired)
			}
		}
	}
	return errLostRace
}

// fits refuses what the store cannot do at once.
func (g *group) fits() error {
	can := g.engine.store.Info().Capabilities
	if can.MaxOps > 0 && len(g.writes) > can.MaxOps {
		return &Refusal{Reason: ReasonTooLarge,
			Detail: "The storage takes at most " + strconv.Itoa(can.MaxOps) + " operations at once. Send fewer. Nothing was done."}
	}
	for i, w := range g.writes {
		if first := g.writes[0]; !can.CrossPart && w.intent.Ref.Part != first.intent.Ref.Part {
			return &MemberError{i, &Refusal{Reason: ReasonMalformed,
				Detail: "The storage takes operations at once on the documents of one collection alone, and operations 0 and " + strconv.Itoa(i) + " are of two. Send them apart. Nothing was done."}}
		}
	}
	return nil
}

// distinct refuses two members that are about one document, unless both only check it.
// A document whose id is not made yet is another one.
func (g *group) distinct() error {
	first := make(map[store.Ref]int, len(g.writes))
	for i, w := range g.writes {
		if w.intent.posted && w.intent.Ref.ID == "" || g.plans[i].unchanged && w.intent.posted {
			continue
		}
		other, there := first[w.intent.Ref]
		if there && (w.intent.Op != OpCheck || g.writes[other].intent.Op != OpCheck) {
			return &MemberError{i, &Refusal{Reason: ReasonMalformed, Detail: both(other, i) +
				" are about one document. A batch that is atomic has one operation for a document, which is judged on the state before the batch. Make one of the two, or send two requests. Nothing was done."}}
		}
		first[w.intent.Ref] = i
	}
	return nil
}

// both names two members, counted from 0 as in failedIndex.
func both(i, j int) string { return "Operations " + strconv.Itoa(i) + " and " + strconv.Itoa(j) }
