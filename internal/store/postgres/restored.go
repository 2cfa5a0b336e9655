package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

const greatestNumber = `SELECT greatest((SELECT value::bigint FROM meta WHERE key = 'floor'),
	(SELECT max(version) FROM documents), (SELECT max(fence) FROM documents), (SELECT max(floor) FROM parts))`

// Restored implements [store.Restorer], in one transaction that no commit is beside.
func (s *Store) Restored(ctx context.Context, margin int64) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return s.Info(), err
	}
	if err := s.enter(); err != nil {
		return s.Info(), err
	}
	defer s.leave()
	info := s.Info()
	err := pgx.BeginFunc(ctx, s.pools.write, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE documents IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		var greatest int64
		if err := tx.QueryRow(ctx, greatestNumber).Scan(&greatest); err != nil {
			return err
		}
		floor, err := store.RaisedFloor(greatest, margin)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE parts SET floor = $1", floor); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE meta SET value = $1::bigint::text WHERE key = 'floor'", floor); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "UPDATE meta SET value = (value::bigint + 1)::text WHERE key = 'epoch' RETURNING value::bigint").Scan(&info.Epoch)
	})
	if err == nil {
		s.info.Store(&info)
	}
	return s.Info(), classify(err)
}
