package engine

import (
	"context"
	"errors"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// planCreation decides about a member that creates a document under an id which is made
// here. Where the natural key is taken that depends on whether the batch itself frees
// it.
func (g *group) planCreation(ctx context.Context, w *write) (plan, error) {
	key := w.intent.Rules.Key
	if key == nil {
		if w.intent.Ref.ID == "" {
			w.intent.Ref.ID = g.engine.freshID()
		}
		return w.planned(ctx)
	}
	w.current, w.view = nil, nil
	c, err := w.candidate(ctx, nil, nil)
	if err != nil {
		return plan{}, w.failed(err)
	}
	if err := w.authorizeAs(ActCreate, func() (jsonvalue.Value, error) { return c.value, nil }); err != nil {
		return plan{}, err // before the key is looked up
	}
	if w.held != nil {
		if p, there, err := g.planHeld(ctx, w, c); there || err != nil {
			return p, err
		}
	}
	w.intent.Ref.ID = key.id(c.value)
	p, err := w.planned(ctx)
	if r, ok := errors.AsType[*Refusal](err); !ok || r.Reason != ReasonExists {
		return p, err
	}
	occupant := w.current
	value, err := key.held(g.engine, occupant)
	if err != nil {
		return plan{}, w.failed(err)
	}
	if value == c.key && !g.frees(occupant.Ref, value) {
		w.current = nil
		return w.planThere(w.duplicate(occupant), c)
	}
	w.intent.Ref.ID = g.engine.freshID()
	return w.planned(ctx)
}

// planHeld decides about a creation whose key another document was found to hold when
// it came to the commit. It is false where that one has let go since.
func (g *group) planHeld(ctx context.Context, w *write, c candidate) (p plan, there bool, err error) {
	holder, err := g.engine.store.Get(ctx, *w.held)
	if err != nil {
		return p, false, w.failed(err)
	}
	value, err := w.intent.Rules.Key.held(g.engine, holder)
	if err != nil {
		return p, false, w.failed(err)
	}
	if value != c.key || g.frees(holder.Ref, value) {
		w.held = nil
		return p, false, nil
	}
	p, err = w.planThere(w.duplicate(holder), c)
	return p, true, err
}

// planThere plans that nothing is created where an equal document has the key, and fails
// with the refusal where another one has.
func (w *write) planThere(r *Refusal, c candidate) (plan, error) {
	there, err := w.alreadyThere(r, c)
	if err != nil {
		return plan{}, err
	}
	w.current, w.value, w.view = there.current, there.value, there.view
	return plan{unchanged: true}, nil
}

// frees tells whether a member takes the value of the natural key from the document that
// has it. Members that create are not planned by then, and take it from none.
func (g *group) frees(holder store.Ref, value string) bool {
	for i, w := range g.writes {
		if p := &g.plans[i]; w.intent.Ref == holder && !w.intent.posted {
			return !p.unchanged && (p.content == store.ContentTombstone || p.content == store.ContentBody && p.candidate.key != value)
		}
	}
	return false
}

// claimed is a value of a natural key.
type claimed struct {
	part         store.Part
	index, value string
}

// rivals refuses two members that take one value of a natural key.
func (g *group) rivals(c *store.Commit) error {
	takers := make(map[claimed]string)
	for i := range c.Claims {
		claim := &c.Claims[i]
		if claim.Release {
			continue
		}
		of := claimed{claim.Part, claim.Index, claim.Value}
		if id, there := takers[of]; there && id != claim.ID {
			second, w := g.memberOf(claim.Part, claim.ID)
			first, _ := g.memberOf(claim.Part, id)
			r := &Refusal{Reason: ReasonDuplicate, Current: w.current,
				Detail: both(first, second) + " would have one value of the natural key. No two documents may. Give them two, or leave one out. Nothing was done."}
			for _, pointer := range w.intent.Rules.Key.texts {
				r.Faults = append(r.Faults, Fault{pointer, "Operation " + strconv.Itoa(first) + " takes this value of the natural key."})
			}
			return &MemberError{second, r}
		}
		takers[of] = claim.ID
	}
	return nil
}

// memberOf returns the write of a document.
func (g *group) memberOf(part store.Part, id string) (int, *write) {
	for i, w := range g.writes {
		if w.intent.Ref == (store.Ref{Part: part, ID: id}) && !g.plans[i].unchanged {
			return i, w
		}
	}
	return 0, g.writes[0] // there is none: every claim is made by a write
}

// taken answers a commit that was refused because of a document outside the batch which
// holds a natural key: with a *MemberError, or errLostRace where the next turn can do
// better.
func (g *group) taken(ctx context.Context, t *store.TakenError) error {
	i, w := g.memberOf(t.Claim.Part, t.Claim.ID)
	err := w.taken(ctx, t)
	r, refused := errors.AsType[*Refusal](err)
	if refused && r.Holder != nil && w.intent.posted {
		if _, err := w.alreadyThere(r, g.plans[i].candidate); err == nil {
			w.held = &r.Holder.Ref
			return errLostRace
		}
	}
	if !refused {
		return err
	}
	return g.refused(i, r)
}
