package sqlite

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The log has no index by part or document, which every write would pay for. A page
// walks the positions instead, a bounded number of them; where nothing has come since
// the page before, which this process knows, it walks none.
const changesColumns = logColumns + `, CASE WHEN ?1 THEN l.body END, p.collection, p.params, d.id`

const readChanges = "SELECT " + changesColumns + ` FROM log l
	CROSS JOIN documents d ON d.doc = l.doc CROSS JOIN parts p ON p.part = d.part
	WHERE l.position > ?2 AND l.position <= ?3 AND (?7 OR l.action <> 'touch') AND (?4 = 0 OR d.part = ?4) AND (?5 = 0 OR l.doc = ?5)
	ORDER BY l.position LIMIT ?6`

// Changes implements [store.Feed]. What a group has changed whose outcome is not
// known is not shown.
func (s *Store) Changes(ctx context.Context, q store.ChangeQuery) (store.ChangePage, error) {
	if err := q.Validate(); err != nil {
		return store.ChangePage{}, err
	}
	after, newest := q.After.At(0), s.tail.Newest().At(0) // every snapshot that is taken from now on has it
	quiet := q.Part.Collection != "" && s.heads.look(q.Part).published <= after
	var entries []store.Entry
	var last, pruned int64
	err := s.read(ctx, true, func(r *reader) error {
		if s.opts.ReadOnly { // nobody tells of what the process that serves the file has committed
			quiet = false
			if _, err := r.conn.one(r.newest, func(r row) { newest = r.int(0) }); err != nil {
				return err
			}
		}
		part, doc, head, err := r.feedScope(&q.Scope, &pruned)
		switch {
		case errors.Is(err, store.ErrNoEntry):
			quiet = true
		case err != nil:
			return err
		case q.One:
			quiet = quiet || head <= after
		}
		if last = max(after, newest); quiet || after >= newest {
			return nil
		}
		last = min(newest, after+store.MaxFeedScan)
		entries, err = r.changes(&q, part, doc, &last)
		return err
	})
	return store.ChangePage{Entries: entries, Last: store.Mark{last}, Newest: store.Mark{newest}, Pruned: store.Mark{pruned}}, err
}

// feedScope returns the numbers of a scope's part and document, 0 for all, and the
// position of the document's newest row. It fails with [store.ErrNoEntry] where the
// scope has never had a row.
func (r *reader) feedScope(scope *store.Scope, pruned *int64) (part, doc, head int64, err error) {
	if scope.Part.Collection == "" {
		_, err = r.conn.one(r.pruned, func(r row) { *pruned = r.int(0) })
		return 0, 0, 0, err
	}
	found, err := r.conn.one(r.part, func(r row) { part, *pruned = r.int(0), r.int(2) }, scope.Part.Collection, scope.Part.Params)
	if err == nil && !found {
		err = store.ErrNoEntry
	}
	if err == nil && scope.One {
		doc, head, err = r.locate(store.Ref{Part: scope.Part, ID: scope.ID})
	}
	return part, doc, head, err
}

// changes reads the rows of a page up to the position last, which it takes back to the
// last one where there may be others behind it.
func (r *reader) changes(q *store.ChangeQuery, part, doc int64, last *int64) (entries []store.Entry, err error) {
	err = r.conn.each(r.feed, func(r row) error {
		ref := store.Ref{Part: store.Part{Collection: r.text(logWidth + 1), Params: r.text(logWidth + 2)}, ID: r.text(logWidth + 3)}
		e, err := scanLog(r, ref)
		if err == nil {
			entries = append(entries, e.Entry)
		}
		return err
	}, flag(q.Bodies), q.After.At(0), *last, part, doc, int64(q.Limit), flag(q.Touches))
	if n := len(entries); n == q.Limit {
		*last = entries[n-1].Position
	}
	return entries, err
}

// Watch implements [store.Feed].
func (s *Store) Watch(scope store.Scope) *store.Watch { return s.tail.Watch(scope) }
