package sqlite

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Purge implements [store.Purger].
func (s *Store) Purge(ctx context.Context, ref store.Ref) error {
	return s.submit(ctx, &member{purge: &ref})
}

// purge removes a tombstone with its history and everything that belongs to it,
// and raises the floor of its part.
func (g *group) purge(ref store.Ref) error {
	e, err := g.entry(ref)
	if err != nil {
		return err
	}
	if e == nil || !e.doc.Deleted {
		return store.ErrNoEntry
	}
	p, err := g.touchPart(ref.Part)
	if err != nil {
		return err
	}
	p.floor = max(p.floor, e.doc.Version)
	if _, err := g.w.conn.exec(g.w.st.raiseFloor, p.floor, e.doc.Position, p.number); err != nil {
		return err
	}
	if _, err := g.w.conn.exec(g.w.st.raisePruned, e.doc.Position); err != nil {
		return err
	}
	if err := g.purgeLog(e); err != nil {
		return err
	}
	for _, s := range []*stmt{g.w.st.deleteMilestones, g.w.st.deleteSides, g.w.st.deleteDocument} {
		if _, err := g.w.conn.exec(s, e.number); err != nil {
			return err
		}
	}
	// The rows may have been the newest of the log; their positions stay taken.
	if _, err := g.w.conn.exec(g.w.st.keepPosition, g.position); err != nil {
		return err
	}
	g.set(ref, nil)
	g.purged = true
	return nil
}

func (g *group) purgeLog(e *entry) error {
	for position := e.doc.Position; position != 0; {
		row, err := readLog(g.w.conn, g.w.st.logRow, position, e.doc.Ref)
		if err != nil {
			return err
		}
		if _, err := g.w.conn.exec(g.w.st.deleteLog, position); err != nil {
			return err
		}
		position = row.prev
	}
	return nil
}
