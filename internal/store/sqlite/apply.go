package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// milestoneEvery is how many log rows of a document lie between two milestones:
// the longest walk to any of them, and how rarely the index is written.
const milestoneEvery = 16

// write carries a commit out that was judged. Its errors are of storage only.
func (g *group) write(c *store.Commit, j *judged) (store.Receipt, error) {
	var receipt store.Receipt
	var changed []*entry
	for i := range c.Writes {
		e, err := g.after(&c.Writes[i], j.was[i], j.now)
		if err != nil {
			return store.Receipt{}, err
		}
		if c.Writes[i].Lease.Op == store.LeaseGrant {
			receipt.Fence = e.fence
		}
		e.doc.Position = g.position + int64(i) + 1
		changed = append(changed, e)
		receipt.Heads = append(receipt.Heads, e.doc.Head)
	}
	if c.Dry {
		return receipt, nil
	}
	if err := g.begin(j.indexes); err != nil {
		return store.Receipt{}, err
	}
	for i, e := range changed {
		if err := g.writeOne(c, &c.Writes[i], j.was[i], e); err != nil {
			return store.Receipt{}, err
		}
	}
	return receipt, g.writeRest(c, j)
}

// after returns what a write makes of a document, without its place in the log.
func (g *group) after(w *store.Write, was *entry, now time.Time) (*entry, error) {
	e := &entry{doc: store.Document{Head: g.headOf(w.Ref, was)}}
	if was != nil {
		e.number, e.bodyAt, e.fence = was.number, was.bodyAt, was.fence
	}
	e.doc.Head = w.After(e.doc.Head)
	e.lease(&w.Lease, now, g.floor)
	if w.Content == store.ContentTouch {
		return e, g.keepBody(e, was)
	}
	e.doc.Body = w.Body
	if e.doc.Deleted {
		e.doc.Body, e.bodyAt = nil, 0
	}
	return e, nil
}

// lease changes the lease as a judged operation says. Fences are above floor.
func (e *entry) lease(l *store.LeaseChange, now time.Time, floor int64) {
	h := &e.doc.Head
	switch l.Op {
	case store.LeaseGrant:
		e.fence = max(e.fence, floor) + 1
		h.Lease = &store.Lease{ID: l.ID, Fence: e.fence, Expires: leaseEnd(now, l.TTL)}
	case store.LeaseRenew:
		h.Lease = &store.Lease{ID: l.ID, Fence: h.Lease.Fence, Expires: leaseEnd(now, l.TTL)}
	case store.LeaseRelease:
		h.Lease = nil
	case store.LeaseNone, store.LeaseHeld:
	}
}

// leaseEnd rounds as the column does, so that both tell the same.
func leaseEnd(now time.Time, ttl time.Duration) time.Time {
	return now.Add(ttl).Truncate(time.Microsecond).UTC()
}

// keepBody brings the body along that a touch leaves as it is.
func (g *group) keepBody(e, was *entry) error {
	e.doc.Body = was.doc.Body
	if e.whole() {
		return nil
	}
	found, err := g.w.conn.one(g.w.st.body, func(r row) { e.doc.Body = r.blob(0) }, e.bodyAt)
	if err == nil && !found {
		err = fmt.Errorf("sqlite: the body of %s/%s is missing at position %d", e.doc.Ref.Part.Collection, e.doc.Ref.ID, e.bodyAt)
	}
	return err
}

// writeOne writes the document row, the log row and the milestone of one write.
func (g *group) writeOne(c *store.Commit, w *store.Write, was, e *entry) error {
	p, err := g.touchPart(w.Ref.Part)
	if err != nil {
		return err
	}
	g.position++
	p.head = g.position
	var prev int64
	if was != nil {
		prev = was.doc.Position
	}
	if w.Content == store.ContentBody {
		e.bodyAt = g.position
	}
	if err := g.writeDocument(p, was, e); err != nil {
		return err
	}
	if err := g.writeLog(c, w, e, prev); err != nil {
		return err
	}
	if set := g.indexSet(w.Ref.Part.Collection); set != nil && w.Content != store.ContentTouch {
		if err := g.writeKeys(p.number, e.number, w.Ref.ID, set, w.Keys); err != nil {
			return err
		}
	}
	if e.doc.Rev%milestoneEvery == 0 {
		if _, err := g.w.conn.exec(g.w.st.insertMilestone, e.number, e.doc.Rev, e.doc.Version, g.position); err != nil {
			return err
		}
		if err := g.dropBodies(w, e, prev); err != nil {
			return err
		}
	}
	if w.Content != store.ContentTouch {
		g.changes = append(g.changes, store.Change{Ref: w.Ref, Position: g.position})
	}
	g.set(w.Ref, e)
	return nil
}

func (g *group) writeDocument(p *part, was, e *entry) error {
	h := &e.doc.Head
	var leaseID any
	var leaseUntil int64
	if h.Lease != nil {
		leaseID, leaseUntil = h.Lease.ID, h.Lease.Expires.UnixMicro()
	}
	columns := []any{
		h.Rev, h.Version, h.Life, h.At.UnixMicro(), flag(h.SameSecond), digest(&h.Digest), h.Link,
		h.Position, e.bodyAt, leaseID, e.fence, leaseUntil,
	}
	if was == nil {
		g.number++
		e.number = g.number
		_, err := g.w.conn.exec(g.w.st.insertDocument, append(columns, flag(h.Deleted), e.number, p.number, h.Ref.ID)...)
		return err
	}
	// The comparison stands in the statement too: the cache may be wrong, the
	// table is what was acknowledged.
	update := g.w.st.updateDocument
	if h.Deleted != was.doc.Deleted {
		update = g.w.st.turnDocument
	}
	n, err := g.w.conn.exec(update, append(columns, e.number, was.doc.Rev)...)
	if err == nil && n != 1 {
		err = fmt.Errorf("sqlite: %s/%s is not at rev %d, where it was judged", h.Ref.Part.Collection, h.Ref.ID, was.doc.Rev)
	}
	return err
}

func (g *group) writeLog(c *store.Commit, w *store.Write, e *entry, prev int64) error {
	h := &e.doc.Head
	row := store.Entry{
		Log: w.Log, Position: g.position, CommitID: c.ID, Correlation: c.Correlation, Actor: c.Actor,
		Rev: h.Rev, Version: h.Version, Life: h.Life, At: w.At, Digest: h.Digest,
	}
	if w.Content == store.ContentBody {
		row.Body = w.Body
	}
	return g.insertLog(&row, e.number, prev)
}

// insertLog writes the log row of a document, behind the one at prev.
func (g *group) insertLog(e *store.Entry, doc, prev int64) error {
	roles, err := encodeRoles(e.Actor.Roles)
	if err != nil {
		return err
	}
	_, err = g.w.conn.exec(g.w.st.insertLog,
		e.Position, doc, prev, e.Rev, e.Version, e.Life, string(e.Action), text(e.Outcome), e.Base,
		flag(e.Blind), e.MergedFrom, e.Decisions, e.At.UnixMicro(), e.CommitID[:], text(e.Correlation),
		text(e.Actor.Name), roles, digest(&e.Digest), e.Link, e.Body)
	return err
}

// digest binds the zero digest, which stands for no body, as NULL.
func digest(d *[32]byte) []byte {
	if *d == ([32]byte{}) {
		return nil
	}
	return d[:]
}

func encodeRoles(roles []string) (any, error) {
	if len(roles) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(roles)
	return string(b), err
}

// writeRest writes what few commits have: claims, side rows, a stored answer.
func (g *group) writeRest(c *store.Commit, j *judged) error {
	for i := range j.claims {
		cl := &j.claims[i].claim
		p, err := g.touchPart(cl.Part)
		if err != nil {
			return err
		}
		if j.claims[i].delete {
			_, err = g.w.conn.exec(g.w.st.deleteClaim, p.number, cl.Index, cl.Value)
		} else {
			_, err = g.w.conn.exec(g.w.st.putClaim, p.number, cl.Index, cl.Value, cl.ID)
		}
		if err != nil {
			return err
		}
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		var err error
		if number := g.entries[r.Ref].number; r.Delete {
			_, err = g.w.conn.exec(g.w.st.deleteRow, number, r.Kind, r.ID)
		} else {
			_, err = g.w.conn.exec(g.w.st.putRow, number, r.Kind, r.ID, r.Value)
		}
		if err != nil {
			return err
		}
	}
	return g.writeAnswer(c)
}

// writeAnswer stores the answer of a commit under its key. With each that comes two
// that have expired may go, so that there are never more of these for long.
func (g *group) writeAnswer(c *store.Commit) error {
	k := c.Key
	if k == nil {
		return nil
	}
	if _, err := g.w.conn.exec(g.w.st.forgetAnswers, c.Now.UnixMicro()); err != nil {
		return err
	}
	_, err := g.w.conn.exec(g.w.st.putAnswer, k.Scope, k.Key, k.Digest[:], k.Content, k.Expires.UnixMicro())
	return err
}
