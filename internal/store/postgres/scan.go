package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// walk runs f in one snapshot, for as long as it takes. It is not run again where the
// server is lost: yield may have been called.
func (s *Store) walk(ctx context.Context, f func(tx pgx.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return classify(s.snapshot(ctx, f))
}

// ScanDocuments implements [store.Scanner].
func (s *Store) ScanDocuments(ctx context.Context, yield func(*store.Document) error) error {
	return s.walk(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+headColumns+`, p.collection, p.params, d.id, p.floor, l.body
			FROM parts p JOIN documents d ON d.part = p.part AND d.rev > 0
			LEFT JOIN log l ON l.part = d.part AND l.id = d.id AND l.rev = d.body_rev
			ORDER BY p.collection, p.params, d.id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r headRow
			var ref store.Ref
			var floor int64
			var body []byte
			if err := rows.Scan(r.targets(&ref.Part.Collection, &ref.Part.Params, &ref.ID, &floor, &body)...); err != nil {
				return err
			}
			if err := yield(&store.Document{Head: r.head(ref, floor), Body: body}); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// ScanLog implements [store.Scanner]. It goes lane by lane.
func (s *Store) ScanLog(ctx context.Context, yield func(*store.Entry) error) error {
	return s.walk(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+logColumns+`, l.body, p.collection, p.params, l.id FROM log l JOIN parts p ON p.part = l.part
			ORDER BY l.lane, l.position`)
		if err != nil {
			return err
		}
		return eachEntry(rows, func(r *logRow) []any {
			return []any{&r.body, &r.e.Ref.Part.Collection, &r.e.Ref.Part.Params, &r.e.Ref.ID}
		}, func(r *logRow) error {
			e, err := r.entry(r.e.Ref)
			if err != nil {
				return err
			}
			return yield(&e)
		})
	})
}

// CheckIntegrity implements [store.Scanner]. The database watches over its own files;
// what is checked is what the tables must have in common.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	return s.walk(ctx, func(tx pgx.Tx) error {
		var errs []error
		for what, query := range map[string]string{
			"documents of no part": "SELECT count(*) FROM documents d WHERE NOT EXISTS (SELECT FROM parts p WHERE p.part = d.part)",
			"documents whose newest row is not in the log": `SELECT count(*) FROM documents d WHERE NOT EXISTS (
				SELECT FROM log l WHERE l.part = d.part AND l.id = d.id AND l.rev = d.rev AND l.position = d.position)`,
			"living documents without a body": `SELECT count(*) FROM documents d WHERE d.live AND NOT EXISTS (
				SELECT FROM log l WHERE l.part = d.part AND l.id = d.id AND l.rev = d.body_rev AND l.body IS NOT NULL)`,
			"log rows of no document":                   "SELECT count(*) FROM log l WHERE NOT EXISTS (SELECT FROM documents d WHERE d.part = l.part AND d.id = l.id)",
			"log rows beyond the counter of their lane": "SELECT count(*) FROM log l JOIN lanes c ON c.part = 0 AND c.lane = l.lane WHERE l.position > c.position",
		} {
			var n int64
			if err := tx.QueryRow(ctx, query).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				errs = append(errs, fmt.Errorf("postgres: there are %d %s", n, what))
			}
		}
		return errors.Join(errs...)
	})
}

// Parts implements [store.PartLister].
func (s *Store) Parts(ctx context.Context) (parts []store.Part, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		rows, err := s.pools.read.Query(ctx, `SELECT collection, params FROM parts p
			WHERE EXISTS (SELECT FROM documents d WHERE d.part = p.part AND d.rev > 0) ORDER BY collection, params`)
		if err != nil {
			return err
		}
		parts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p store.Part, err error) {
			err = row.Scan(&p.Collection, &p.Params)
			return p, err
		})
		return err
	})
	return parts, err
}

// Purge implements [store.Purger].
func (s *Store) Purge(ctx context.Context, ref store.Ref) error {
	if !isPlain(ref.ID) {
		return store.ErrNoEntry
	}
	part := s.number(ref.Part)
	unknown := false
	return s.read(ctx, func(ctx context.Context) error {
		var was bool
		err := s.pools.write.QueryRow(ctx, "SELECT ifmatch_purge($1, $2, $3)", part, ref.ID, int16(laneOf(ref))).Scan(&was)
		switch {
		case err != nil:
			unknown = unknown || leftUnknown(err)
			return err
		case !was && unknown: // an earlier try has done it, or there was nothing to do
			return nil
		case !was:
			return store.ErrNoEntry
		}
		return nil
	})
}
