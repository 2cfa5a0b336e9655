package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

const (
	readLanes  = "SELECT lane, position FROM lanes WHERE part = $1"
	readPruned = "SELECT lane, position FROM pruned WHERE part = $1"
	readOne    = "SELECT position FROM documents WHERE part = $1 AND id = $2 AND rev > 0"
)

// A page takes the lanes in turn, so that a busy one does not keep the others back.
// $1 is where each lane goes on and $2 up to where it is looked at.
const (
	changesHead = `SELECT rank, ` + logColumns + `, CASE WHEN $5 THEN l.body END, p.collection, p.params, l.id
		FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY a(after, until, nth)
		CROSS JOIN LATERAL (SELECT o.*, row_number() OVER (ORDER BY o.position) AS rank FROM (SELECT * FROM log WHERE lane = a.nth - 1 AND position > a.after AND position <= a.until `
	changesTail = ` AND ($4 OR action <> 'touch') ORDER BY position LIMIT $3) o) l
		JOIN parts p ON p.part = l.part ORDER BY rank, l.lane LIMIT $3`
	changesOfAll  = changesHead + changesTail
	changesOfPart = changesHead + "AND part = $6" + changesTail
	changesOfOne  = changesHead + "AND part = $6 AND id = $7" + changesTail
)

// Changes implements [store.Feed].
func (s *Store) Changes(ctx context.Context, q store.ChangeQuery) (page store.ChangePage, err error) {
	if err := q.Validate(); err != nil {
		return page, err
	}
	err = s.read(ctx, func(ctx context.Context) error {
		page = store.ChangePage{}
		return s.snapshot(ctx, func(tx pgx.Tx) error { return s.changes(ctx, tx, &q, &page) })
	})
	return page, err
}

func (s *Store) changes(ctx context.Context, tx pgx.Tx, q *store.ChangeQuery, page *store.ChangePage) (err error) {
	if page.Newest, err = readMark(ctx, tx, readLanes, 0); err != nil {
		return err
	}
	var part int64
	if q.Part.Collection != "" {
		part = s.number(q.Part)
	}
	if page.Pruned, err = readMark(ctx, tx, readPruned, part); err != nil {
		return err
	}
	until := page.Newest
	if q.One {
		until, err = s.untilOne(ctx, tx, q, part, until)
	} else if part == 0 {
		until = upTo(q.After, until, store.MaxFeedScan/lanes)
	}
	if err != nil {
		return err
	}
	if page.Last = q.After.Join(page.Newest); q.After.Covers(until) {
		return nil
	}
	if page.Entries, err = readChanges(ctx, tx, q, part, until); err != nil {
		return err
	}
	switch {
	case len(page.Entries) == q.Limit:
		page.Last = q.After.Past(page.Entries)
	case q.One: // lanes in which the document is not have nothing of it
		lane := laneOf(store.Ref{Part: q.Part, ID: q.ID})
		if until.At(lane) < page.Newest.At(lane) && until.At(lane)-q.After.At(lane) == store.MaxFeedScan {
			page.Last = page.Last.With(lane, until.At(lane))
		}
	default:
		page.Last = q.After.Join(until)
	}
	return nil
}

// upTo returns how far a page looks that passes over so many positions in each lane.
func upTo(after, newest store.Mark, positions int64) store.Mark {
	until := make(store.Mark, lanes)
	for lane := range until {
		until[lane] = min(newest.At(lane), after.At(lane)+positions)
	}
	return until
}

// untilOne returns how far a page of one document looks: in its lane, up to its newest
// row at most.
func (s *Store) untilOne(ctx context.Context, tx pgx.Tx, q *store.ChangeQuery, part int64, newest store.Mark) (store.Mark, error) {
	lane := laneOf(store.Ref{Part: q.Part, ID: q.ID})
	var position int64
	err := tx.QueryRow(ctx, readOne, part, q.ID).Scan(&position)
	if err != nil && !noRows(err) {
		return nil, err
	}
	until := upTo(q.After, newest, store.MaxFeedScan)
	return store.Mark(nil).With(lane, min(position, until.At(lane))), nil
}

func readMark(ctx context.Context, tx pgx.Tx, query string, part int64) (store.Mark, error) {
	rows, err := tx.Query(ctx, query, part)
	if err != nil {
		return nil, err
	}
	mark := make(store.Mark, lanes)
	var lane int16
	var position int64
	_, err = pgx.ForEachRow(rows, []any{&lane, &position}, func() error {
		mark[lane] = position
		return nil
	})
	return mark, err
}

func readChanges(ctx context.Context, tx pgx.Tx, q *store.ChangeQuery, part int64, until store.Mark) (entries []store.Entry, err error) {
	from, to := make([]int64, lanes), make([]int64, lanes)
	for lane := range from {
		from[lane], to[lane] = q.After.At(lane), until.At(lane)
	}
	query, args := changesOfAll, []any{from, to, q.Limit, q.Touches, q.Bodies}
	switch {
	case q.One:
		query, args = changesOfOne, append(args, part, q.ID)
	case part != 0:
		query, args = changesOfPart, append(args, part)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r logRow
		var rank int64
		targets := append([]any{&rank}, r.targets(&r.body, &r.e.Ref.Part.Collection, &r.e.Ref.Part.Params, &r.e.Ref.ID)...)
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		e, err := r.entry(r.e.Ref)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Watch implements [store.Feed].
func (s *Store) Watch(scope store.Scope) *store.Watch { return s.feed.tail.Watch(scope) }
