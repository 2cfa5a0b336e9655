package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// List implements [store.Store].
func (s *Store) List(ctx context.Context, part store.Part, q store.ListQuery) (store.Page, error) {
	if err := q.Validate(); err != nil {
		return store.Page{}, err
	}
	before := s.heads.look(part)
	page := store.Page{Head: before.published}
	var newest int64
	err := s.read(ctx, true, func(r *reader) error {
		if t := s.trouble.Load(); t != nil && t.parts[part] {
			return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, t.cause)
		}
		var number, floor int64
		found, err := r.conn.one(r.part, func(r row) {
			number, floor = r.int(0), r.int(1)
		}, part.Collection, part.Params)
		if err != nil || !found {
			return err
		}
		if _, err := r.conn.one(r.newest, func(r row) { newest = r.int(0) }); err != nil {
			return err
		}
		if q.Sort != "" || len(q.Where) > 0 {
			return r.listByIndex(ctx, part, number, floor, &q, &page)
		}
		// The empty id, a singleton's, comes before every id that can be asked for.
		statement, args := r.listFirst, []any{number, int64(q.Limit) + 1}
		if q.After.ID != "" {
			statement, args = r.listAfter, []any{number, q.After.ID, int64(q.Limit) + 1}
		}
		return r.conn.each(statement, func(r row) error {
			if len(page.Documents) == q.Limit {
				page.More = true
				return nil
			}
			e := scanHead(r, store.Ref{Part: part, ID: r.text(headWidth)}, floor)
			e.doc.Body = r.blob(headWidth + 1)
			page.Documents = append(page.Documents, &e.doc)
			page.Last.ID = e.doc.Ref.ID
			return nil
		}, args...)
	})
	// Where the part was being written, here or by another process, its own place in this snapshot is not
	// known; the whole store's is at or above it, and as good.
	if err == nil && newest > 0 && (s.opts.ReadOnly || !before.settled(s.heads.look(part))) {
		page.Head = newest
		s.heads.raise(part, newest)
	}
	return page, err
}

// Floor implements [store.FloorReader].
func (s *Store) Floor(ctx context.Context, part store.Part) (floor int64, err error) {
	err = s.read(ctx, false, func(r *reader) error {
		found, err := r.conn.one(r.part, func(r row) { floor = r.int(1) }, part.Collection, part.Params)
		if !found {
			floor = s.floor.Load()
		}
		return err
	})
	return floor, err
}

// Parts implements [store.PartLister].
func (s *Store) Parts(ctx context.Context) ([]store.Part, error) {
	var parts []store.Part
	err := s.read(ctx, false, func(r *reader) error {
		return r.conn.each(r.parts, func(r row) error {
			parts = append(parts, store.Part{Collection: r.text(0), Params: r.text(1)})
			return nil
		})
	})
	return parts, err
}

// Rows implements [store.RowReader].
func (s *Store) Rows(ctx context.Context, ref store.Ref, kind string) ([]store.Row, error) {
	var rows []store.Row
	err := s.read(ctx, true, func(r *reader) error {
		if err := s.doubtful(ref); err != nil {
			return err
		}
		number, _, err := r.locate(ref)
		if errors.Is(err, store.ErrNoEntry) {
			return nil
		}
		if err != nil {
			return err
		}
		return r.conn.each(r.rows, func(r row) error {
			rows = append(rows, store.Row{Ref: ref, Kind: kind, ID: r.text(0), Value: r.blob(1)})
			return nil
		}, number, kind)
	})
	return rows, err
}

// ScanDocuments implements [store.Scanner].
func (s *Store) ScanDocuments(ctx context.Context, yield func(*store.Document) error) error {
	return s.read(ctx, true, func(r *reader) error {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		return r.conn.each(r.scanDocuments, func(r row) error {
			ref := store.Ref{Part: store.Part{Collection: r.text(headWidth), Params: r.text(headWidth + 1)}, ID: r.text(headWidth + 2)}
			e := scanHead(r, ref, r.int(headWidth+3))
			if !e.doc.Deleted {
				e.doc.Body = r.blob(headWidth + 4)
			}
			return errors.Join(ctx.Err(), yield(&e.doc))
		})
	})
}

// ScanLog implements [store.Scanner].
func (s *Store) ScanLog(ctx context.Context, yield func(*store.Entry) error) error {
	return s.read(ctx, true, func(r *reader) error {
		if err := s.doubtfulAll(); err != nil {
			return err
		}
		return r.conn.each(r.scanLog, func(r row) error {
			ref := store.Ref{Part: store.Part{Collection: r.text(logWidth + 1), Params: r.text(logWidth + 2)}, ID: r.text(logWidth + 3)}
			e, err := scanLog(r, ref)
			if err != nil {
				return err
			}
			return errors.Join(ctx.Err(), yield(&e.Entry))
		})
	})
}
