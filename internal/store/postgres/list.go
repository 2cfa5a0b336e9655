package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// A part's head is the sum, over the lanes, of the position of its newest row there,
// be that in the log or purged: every change inside the part makes one of them greater,
// and nothing makes one less.
const readPart = `SELECT p.floor, (SELECT coalesce(sum(greatest(
			(SELECT max(l.position) FROM log l WHERE l.part = p.part AND l.lane = n.lane),
			(SELECT o.position FROM pruned o WHERE o.part = p.part AND o.lane = n.lane))), 0)::bigint
		FROM generate_series(0, 15) n(lane))
	FROM parts p WHERE p.part = $1 AND p.collection = $2 AND p.params = $3`

const (
	listColumns = "SELECT " + headColumns + `, d.id, l.body FROM documents d JOIN log l ON l.part = d.part AND l.id = d.id AND l.rev = d.body_rev WHERE d.part = $1 AND `
	listFirst   = listColumns + "d.live ORDER BY d.id LIMIT $2"
	listAfter   = listColumns + "d.live AND d.id > $3 ORDER BY d.id LIMIT $2"
)

// List implements [store.Store].
func (s *Store) List(ctx context.Context, part store.Part, q store.ListQuery) (page store.Page, err error) {
	if err := q.Validate(); err != nil {
		return page, err
	}
	if plain(part.Collection, part.Params, q.After.ID) != nil {
		return page, plain(q.After.ID)
	}
	err = s.read(ctx, func(ctx context.Context) error {
		page = store.Page{}
		if q.Sort != "" || len(q.Where) > 0 {
			return s.listByIndex(ctx, part, &q, &page)
		}
		return s.listByID(ctx, part, &q, &page)
	})
	return page, err
}

func (s *Store) listByID(ctx context.Context, part store.Part, q *store.ListQuery, page *store.Page) error {
	number := s.number(part)
	var floor int64
	known := true
	return s.batch(ctx, func(b *pgx.Batch) {
		b.Queue(readPart, number, part.Collection, part.Params).QueryRow(func(row pgx.Row) error {
			err := row.Scan(&floor, &page.Head)
			if noRows(err) {
				known, err = false, nil
			}
			return err
		})
		// The empty id, a singleton's, comes before every id that can be asked for.
		statement, args := listFirst, []any{number, q.Limit + 1}
		if q.After.ID != "" {
			statement, args = listAfter, append(args, q.After.ID)
		}
		b.Queue(statement, args...).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			for known && rows.Next() {
				d, err := listed(rows, part, floor)
				if err != nil {
					return err
				}
				if len(page.Documents) == q.Limit {
					page.More = true
					break
				}
				page.Documents, page.Last.ID = append(page.Documents, d), d.Ref.ID
			}
			rows.Close()
			return rows.Err()
		})
	})
}

// listed reads a row of listColumns.
func listed(rows pgx.Rows, part store.Part, floor int64) (*store.Document, error) {
	var r headRow
	ref := store.Ref{Part: part}
	var body []byte
	err := rows.Scan(r.targets(&ref.ID, &body)...)
	return &store.Document{Head: r.head(ref, floor), Body: present(body)}, err
}
