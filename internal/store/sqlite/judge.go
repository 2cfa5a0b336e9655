package sqlite

import (
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// judged is what judging a commit has found for writing it.
type judged struct {
	was    []*entry // of each write, nil where there was none
	claims []claimChange
	// indexes are those of collections that get their first documents.
	indexes map[string][]string
	now     time.Time
}

// claimChange puts or deletes a row of claims.
type claimChange struct {
	claim  store.Claim
	delete bool
}

// judge refuses c, or returns what it stands on. Where several refusals apply
// the order is: idempotency key, stale, lease, natural key.
func (g *group) judge(c *store.Commit) (*judged, error) {
	if err := g.judgeKey(c); err != nil {
		return nil, err
	}
	j := &judged{was: make([]*entry, len(c.Writes)), now: g.w.store.opts.Clock()}
	if err := g.judgeHeads(c, j); err != nil {
		return nil, err
	}
	for i := range c.Writes {
		if err := judgeLease(c.Writes[i].Ref, j.was[i], &c.Writes[i].Lease, j.now); err != nil {
			return nil, err
		}
	}
	if err := g.judgeClaims(c, j); err != nil {
		return nil, err
	}
	return j, g.judgeIndexes(c, j)
}

func (g *group) judgeKey(c *store.Commit) error {
	if c.Key == nil {
		return nil
	}
	var stored store.Answer
	found, err := g.w.conn.one(g.w.st.answer, func(r row) { stored = scanAnswer(r) }, c.Key.Scope, c.Key.Key)
	switch {
	case err != nil:
		return err
	case !found || !c.Now.Before(stored.Expires):
		return nil
	case stored.Digest != c.Key.Digest:
		return store.ErrKeyMismatch
	}
	return &store.ReplayedError{Answer: stored}
}

func scanAnswer(r row) store.Answer {
	return store.Answer{Digest: r.digest(0), Content: r.blob(1), Expires: r.time(2)}
}

// judgeHeads refuses c with every reference that stands elsewhere.
func (g *group) judgeHeads(c *store.Commit, j *judged) error {
	var stale store.StaleError
	failed := make(map[store.Ref]bool)
	fail := func(ref store.Ref, e *entry) {
		if !failed[ref] {
			failed[ref] = true
			stale.Heads = append(stale.Heads, g.headOf(ref, e))
		}
	}
	for _, k := range c.Checks {
		e, err := g.entry(k.Ref)
		if err != nil {
			return err
		}
		if h := g.headOf(k.Ref, e); !k.Fits(&h) {
			fail(k.Ref, e)
		}
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		e, err := g.entry(w.Ref)
		if err != nil {
			return err
		}
		j.was[i] = e
		if h := g.headOf(w.Ref, e); !w.Fits(&h) {
			fail(w.Ref, e)
		}
	}
	if stale.Heads != nil {
		return &stale
	}
	for i, e := range j.was {
		if e != nil && c.Writes[i].At.Before(e.doc.At) {
			return fmt.Errorf("%w: write %d is dated before the version it replaces", store.ErrInvalid, i)
		}
	}
	return nil
}

// headOf returns the head of an entry, or of a document that never was. The
// floor may have risen since the entry was cached.
func (g *group) headOf(ref store.Ref, e *entry) store.Head {
	h := store.Head{Ref: ref}
	if e != nil {
		h = e.doc.Head
	}
	floor := g.floor
	if p := g.part(ref.Part); p != nil {
		floor = p.floor
	}
	h.Next = max(h.Version, floor) + 1
	return h
}

// judgeLease refuses a write under l of a document that somebody else holds, or
// under a lease that is not alive.
func judgeLease(ref store.Ref, e *entry, l *store.LeaseChange, now time.Time) error {
	var lease *store.Lease
	if e != nil {
		lease = e.doc.Lease
	}
	alive := lease != nil && now.Before(lease.Expires)
	mine := alive && l.Op != store.LeaseNone && lease.ID == l.ID
	switch {
	case !mine && (l.Op == store.LeaseHeld || l.Op == store.LeaseRenew || l.Op == store.LeaseRelease):
		return store.ErrLeaseExpired
	case alive && !mine:
		return &store.LockedError{Ref: ref, Until: lease.Expires}
	}
	return nil
}

// judgeClaims works out who holds what after c. Releases count before takes.
func (g *group) judgeClaims(c *store.Commit, j *judged) error {
	if len(c.Claims) == 0 {
		return nil
	}
	type key struct {
		part        store.Part
		name, value string
	}
	after := make(map[key]string)
	holder := func(cl *store.Claim) (string, error) {
		if id, ok := after[key{cl.Part, cl.Index, cl.Value}]; ok {
			return id, nil
		}
		return g.holder(cl)
	}
	for _, release := range []bool{true, false} {
		for i := range c.Claims {
			cl := &c.Claims[i]
			if cl.Release != release {
				continue
			}
			id, err := holder(cl)
			if err != nil {
				return err
			}
			switch {
			case release && id != cl.ID:
				continue
			case release:
				after[key{cl.Part, cl.Index, cl.Value}] = noHolder
			case id != noHolder && id != cl.ID:
				return &store.TakenError{Claim: *cl, By: id}
			default:
				after[key{cl.Part, cl.Index, cl.Value}] = cl.ID
			}
			j.claims = append(j.claims, claimChange{claim: *cl, delete: release})
		}
	}
	return nil
}

// noHolder is no document's id: ids are printable, and a singleton's is empty.
const noHolder = "\x00"

func (g *group) holder(cl *store.Claim) (id string, err error) {
	id = noHolder
	if p := g.part(cl.Part); p != nil {
		_, err = g.w.conn.one(g.w.st.claim, func(r row) { id = r.text(0) }, p.number, cl.Index, cl.Value)
	}
	return id, err
}
