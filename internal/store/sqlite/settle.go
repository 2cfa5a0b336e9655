package sqlite

import (
	"github.com/ifmatch/ifmatch/internal/store"
)

// settle answers a commit that stands in the log already under its own ID with
// its receipt, and any other with the refusal that it has earned. That makes it
// safe to run a commit again whose outcome its caller never learnt.
func (g *group) settle(c *store.Commit, refusal error) (store.Receipt, error) {
	var receipt store.Receipt
	for i := range c.Writes {
		w := &c.Writes[i]
		e, err := g.entry(w.Ref)
		if err != nil {
			return store.Receipt{}, err
		}
		if e == nil || e.doc.Rev <= w.Rev {
			return store.Receipt{}, refusal
		}
		h, ours, err := g.committed(e, w.Rev+1, c.ID)
		if err != nil {
			return store.Receipt{}, err
		}
		if !ours {
			return store.Receipt{}, refusal
		}
		if w.Lease.Op == store.LeaseGrant {
			receipt.Fence = e.fence
		}
		receipt.Heads = append(receipt.Heads, h)
	}
	if len(c.Writes) == 0 {
		return store.Receipt{}, refusal
	}
	return receipt, nil
}

// committed tells whether the commit id wrote the document's row at rev, and
// where that left the document.
func (g *group) committed(e *entry, rev int64, id store.ID) (store.Head, bool, error) {
	position, err := start(g.w.conn, g.w.st.milestoneByRev, e.number, rev, e.doc.Position)
	if err != nil {
		return store.Head{}, false, err
	}
	for position != 0 {
		row, err := readLog(g.w.conn, g.w.st.logRow, position, e.doc.Ref)
		if err != nil {
			return store.Head{}, false, err
		}
		if row.Rev > rev {
			position = row.prev
			continue
		}
		if row.Rev < rev || row.CommitID != id {
			break
		}
		before, err := readLog(g.w.conn, g.w.st.logRow, row.prev, e.doc.Ref)
		return headAt(row, before, e), true, err
	}
	return store.Head{}, false, nil
}

// headAt rebuilds the head that a log row left. A floor that has risen since is
// none of its business: what changed content then stood above the floor of then.
func headAt(row, before *logEntry, now *entry) store.Head {
	if row.Rev == now.doc.Rev {
		h := now.doc.Head
		if row.Action != store.ActionTouch {
			h.Next = h.Version + 1
		}
		return h
	}
	return store.Head{
		Ref: row.Ref, Rev: row.Rev, Version: row.Version, Next: row.Version + 1,
		Life: row.Life, Deleted: row.Action == store.ActionDelete, At: row.At,
		SameSecond: before != nil && before.At.Unix() == row.At.Unix(),
		Digest:     row.Digest, Link: row.Link, Entries: row.Rev, Position: row.Position,
	}
}
