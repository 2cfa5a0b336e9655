package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Restorer = (*Store)(nil)

// Restored implements [store.Restorer], in one transaction.
func (s *Store) Restored(ctx context.Context, margin int64) (store.Info, error) {
	err := s.submit(ctx, &member{step: func(g *group) error { return g.restored(margin) }})
	return s.Info(), err
}

const greatestNumber = `SELECT max((SELECT value FROM meta WHERE key = 'floor'),
	(SELECT coalesce(max(version), 0) FROM documents), (SELECT coalesce(max(fence), 0) FROM documents),
	(SELECT coalesce(max(floor), 0) FROM parts))`

func (g *group) restored(margin int64) error {
	read, err := g.w.conn.prepare(greatestNumber)
	if err != nil {
		return err
	}
	var greatest int64
	if _, err := g.w.conn.one(read, func(r row) { greatest = r.int(0) }); err != nil {
		return err
	}
	if g.floor, err = store.RaisedFloor(greatest, margin); err != nil {
		return err
	}
	for name := range g.w.parts { // no document is written beside this, so these are all
		p, err := g.touchPart(name)
		if err != nil {
			return err
		}
		p.floor = g.floor
	}
	for _, p := range g.parts {
		p.floor = g.floor
	}
	g.epoch++
	g.purged = true
	return errors.Join(
		g.w.conn.do(fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'floor'", g.floor)),
		g.w.conn.do(fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'epoch'", g.epoch)),
		g.w.conn.do(fmt.Sprintf("UPDATE parts SET floor = %d", g.floor)),
	)
}
