package sqlite

import (
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// dropBodies drops the bodies that a write's document need no longer keep. It
// runs with every milestone, so that a write pays for one body on average; up to
// milestoneEvery more than asked for stay until then.
func (g *group) dropBodies(w *store.Write, e *entry, newest int64) error {
	boundary := e.doc.Version - w.Keep // versions up to here need no body
	if w.Keep <= 0 {
		boundary = 0
	}
	from, err := g.firstToDrop(w, e, boundary, newest)
	superseded := w.At
	for position := from; position != 0 && err == nil; {
		var row keptRow
		if row, err = g.kept(position); err != nil {
			break
		}
		until := superseded
		if row.action != store.ActionTouch {
			superseded = row.at
		}
		if position != e.bodyAt && (row.version <= boundary || until.Before(w.KeepSince)) {
			switch {
			case row.hasBody:
				_, err = g.w.conn.exec(g.w.st.dropBody, position)
			case row.action != store.ActionTouch && row.action != store.ActionDelete:
				return nil // dropped before, and so is everything below
			}
		}
		position = row.prev
	}
	return err
}

// firstToDrop returns the position from which on rows are looked at, 0 for
// nowhere: shortly above the boundary, or the newest row where even rows above
// that are too old.
func (g *group) firstToDrop(w *store.Write, e *entry, boundary, newest int64) (int64, error) {
	var oldest, from int64
	var err error
	if boundary > 0 {
		from, err = start(g.w.conn, g.w.st.milestoneByVersion, e.number, boundary, newest)
		oldest = from
	} else if !w.KeepSince.IsZero() {
		oldest, err = start(g.w.conn, g.w.st.milestoneByRev, e.number, 0, newest)
	}
	if err != nil || oldest == 0 {
		return 0, err
	}
	row, err := g.kept(oldest)
	if err == nil && row.at.Before(w.KeepSince) {
		from = newest
	}
	return from, err
}

// keptRow is what retention wants to know of a log row.
type keptRow struct {
	prev, version int64
	at            time.Time
	action        store.Action
	hasBody       bool
}

func (g *group) kept(position int64) (k keptRow, err error) {
	_, err = g.w.conn.one(g.w.st.kept, func(r row) {
		k = keptRow{r.int(0), r.int(1), r.time(2), store.Action(r.text(3)), r.flag(4)}
	}, position)
	return k, err
}
