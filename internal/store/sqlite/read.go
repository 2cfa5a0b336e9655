package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// reader is a connection that reads, with its statements.
type reader struct {
	conn                                 *conn
	document, head, floor, number        *stmt
	begin, end                           *stmt
	newest                               *stmt
	milestoneByRev, milestoneByVersion   *stmt
	logRow, logWithBody                  *stmt
	part, parts, listFirst, listAfter    *stmt
	rows, answer                         *stmt
	feed, pruned                         *stmt
	scanDocuments, scanLog, integrityRun *stmt
	index                                indexReads
}

func newReader(s *Store) (*reader, error) {
	c, err := connect(s.opts, s.path, "query_only(1)", readerPages)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c}
	err = c.prepareAll(map[**stmt]string{
		&r.document: "SELECT " + headColumns + `, (SELECT floor FROM parts WHERE part = d.part), l.body
			FROM documents d LEFT JOIN log l ON l.position = d.body_at WHERE d.part = ? AND d.id = ?`,
		&r.head: "SELECT " + headColumns + `, (SELECT floor FROM parts WHERE part = d.part)
			FROM documents d WHERE d.part = ? AND d.id = ?`,
		&r.begin:  "BEGIN",
		&r.end:    "COMMIT",
		&r.newest: newestPosition,
		&r.floor:  "SELECT floor FROM parts WHERE part = ?",
		&r.number: `SELECT d.doc, d.position FROM parts p JOIN documents d ON d.part = p.part AND d.id = ?
			WHERE p.collection = ? AND p.params = ?`,
		&r.milestoneByRev:     milestoneByRev,
		&r.milestoneByVersion: milestoneByVersion,
		&r.logRow:             "SELECT " + logColumns + " FROM log l WHERE l.position = ?",
		&r.logWithBody:        "SELECT " + logColumns + ", l.body FROM log l WHERE l.position = ?",
		&r.part:               "SELECT part, floor, pruned FROM parts WHERE collection = ? AND params = ?",
		&r.parts:              "SELECT collection, params FROM parts ORDER BY collection, params",
		&r.listFirst:          listColumns + "d.part = ? AND d.deleted = 0 ORDER BY d.id LIMIT ?",
		&r.listAfter:          listColumns + "d.part = ? AND d.deleted = 0 AND d.id > ? ORDER BY d.id LIMIT ?",
		&r.rows:               "SELECT id, value FROM side_rows WHERE doc = ? AND kind = ? ORDER BY id",
		&r.answer:             "SELECT digest, content, expires FROM answers WHERE scope = ? AND key = ?",
		&r.scanDocuments: "SELECT " + headColumns + `, p.collection, p.params, d.id, p.floor, l.body FROM documents d
			JOIN parts p ON p.part = d.part LEFT JOIN log l ON l.position = d.body_at
			ORDER BY p.collection, p.params, d.id`,
		&r.scanLog: "SELECT " + logColumns + `, l.body, p.collection, p.params, d.id FROM log l
			JOIN documents d ON d.doc = l.doc JOIN parts p ON p.part = d.part ORDER BY l.position`,
		&r.feed:         readChanges,
		&r.pruned:       "SELECT value FROM meta WHERE key = 'pruned'",
		&r.integrityRun: "PRAGMA integrity_check(20)",
	})
	if err == nil {
		err = c.prepareAll(r.index.statements())
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return r, nil
}

const listColumns = "SELECT " + headColumns + ", d.id, l.body FROM documents d JOIN log l ON l.position = d.body_at WHERE "

const (
	milestoneByRev     = "SELECT position FROM milestones WHERE doc = ? AND rev >= ? ORDER BY rev LIMIT 1"
	milestoneByVersion = "SELECT position FROM milestones WHERE doc = ? AND version >= ? ORDER BY version, rev LIMIT 1"
)

// read runs f on a free reader, in one read transaction where snapshot is set.
func (s *Store) read(ctx context.Context, snapshot bool, f func(*reader) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	var r *reader
	select {
	case r = <-s.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers <- r }()
	if err := ctx.Err(); err != nil {
		return err
	}
	if !snapshot {
		return classify(f(r))
	}
	if _, err := r.conn.exec(r.begin); err != nil {
		return classify(err)
	}
	err := f(r)
	_, ended := r.conn.exec(r.end)
	return classify(errors.Join(err, ended))
}

// doubtful refuses to read what the last group of a stopped writer may or may
// not have changed.
func (s *Store) doubtful(ref store.Ref) error {
	if t := s.trouble.Load(); t != nil && t.unknown[ref] {
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, t.cause)
	}
	return nil
}

// doubtfulAll refuses to read anything at all once a group's outcome is unknown.
func (s *Store) doubtfulAll() error {
	if t := s.trouble.Load(); t != nil && len(t.unknown) > 0 {
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, t.cause)
	}
	return nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.get(ctx, ref, true)
}

// Head implements [store.HeadReader].
func (s *Store) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.get(ctx, ref, false)
}

func (s *Store) get(ctx context.Context, ref store.Ref, body bool) (*store.Document, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	if e, ok := s.cache.get(ref); ok && (!body || e.whole()) {
		return &e.doc, nil
	}
	var doc *store.Document
	err := s.read(ctx, false, func(r *reader) (err error) {
		noted := s.cache.note(ref)
		e, floor, err := r.load(s, ref, body)
		if err != nil {
			return err
		}
		if err := s.doubtful(ref); err != nil {
			return err
		}
		if e == nil {
			doc = &store.Document{Head: store.Head{Ref: ref, Next: floor + 1}}
			return nil
		}
		doc = &e.doc
		if s.opts.ReadOnly { // a process that serves the file would not tell of its commits
			return nil
		}
		if err := s.opts.Probe.At(store.PointFill); err != nil {
			return err
		}
		s.cache.fill(ref, e, noted)
		return nil
	})
	return doc, err
}

// load reads a document, with its body where that is asked for; where there is
// none, the floor of its part.
func (r *reader) load(s *Store, ref store.Ref, body bool) (e *entry, floor int64, err error) {
	part, known := s.numbers.get(ref.Part)
	if !known {
		_, err = r.conn.one(r.part, func(r row) { part = r.int(0) }, ref.Part.Collection, ref.Part.Params)
		if err != nil || part == 0 {
			return nil, s.floor.Load(), err
		}
	}
	statement := r.head
	if body {
		statement = r.document
	}
	found, err := r.conn.one(statement, func(r row) {
		e = scanHead(r, ref, r.int(headWidth))
		if body && !e.doc.Deleted {
			e.doc.Body = r.blob(headWidth + 1)
		}
	}, part, ref.ID)
	if err == nil && !found {
		_, err = r.conn.one(r.floor, func(r row) { floor = r.int(0) }, part)
	}
	return e, floor, err
}

// Entry implements [store.Store].
func (s *Store) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	var found *store.Entry
	err := s.read(ctx, true, func(r *reader) error {
		if err := s.doubtful(ref); err != nil {
			return err
		}
		number, newest, err := r.locate(ref)
		if err != nil {
			return err
		}
		position, err := start(r.conn, r.milestoneByVersion, number, version, newest)
		if err != nil {
			return err
		}
		found, err = r.walk(position, ref, version)
		return err
	})
	return found, err
}

// locate returns a document's number and the position of its newest log row.
func (r *reader) locate(ref store.Ref) (number, newest int64, err error) {
	found, err := r.conn.one(r.number, func(r row) { number, newest = r.int(0), r.int(1) },
		ref.ID, ref.Part.Collection, ref.Part.Params)
	if err == nil && !found {
		err = store.ErrNoEntry
	}
	return number, newest, err
}

// walk goes back from a position to the row that wrote a version.
func (r *reader) walk(position int64, ref store.Ref, version int64) (*store.Entry, error) {
	for position != 0 {
		e, err := readLog(r.conn, r.logRow, position, ref)
		if err != nil {
			return nil, err
		}
		switch {
		case e.Version < version:
			return nil, store.ErrNoEntry
		case e.Version == version && e.Action != store.ActionTouch:
			if e, err = readLog(r.conn, r.logWithBody, position, ref); err != nil {
				return nil, err
			}
			if e.Body == nil && e.Action != store.ActionDelete {
				return nil, store.ErrNoEntry
			}
			return &e.Entry, nil
		}
		position = e.prev
	}
	return nil, store.ErrNoEntry
}

// History implements [store.Store].
func (s *Store) History(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	var page []store.Entry
	err := s.read(ctx, true, func(r *reader) error {
		if err := s.doubtful(ref); err != nil {
			return err
		}
		number, position, err := r.locate(ref)
		if errors.Is(err, store.ErrNoEntry) {
			return nil
		}
		if err == nil && before > 0 {
			position, err = start(r.conn, r.milestoneByRev, number, before-1, position)
		}
		for err == nil && position != 0 && len(page) < limit {
			var e *logEntry
			if e, err = readLog(r.conn, r.logRow, position, ref); err != nil {
				break
			}
			if before == 0 || e.Rev < before {
				page = append(page, e.Entry)
			}
			position = e.prev
		}
		return err
	})
	return page, err
}

// Answer implements [store.Store].
func (s *Store) Answer(ctx context.Context, scope, key string) (*store.Answer, error) {
	var a *store.Answer
	err := s.read(ctx, false, func(r *reader) error {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		found, err := r.conn.one(r.answer, func(r row) {
			stored := scanAnswer(r)
			a = &stored
		}, scope, key)
		if err == nil && !found {
			err = store.ErrNoEntry
		}
		return err
	})
	return a, err
}
