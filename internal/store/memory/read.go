package memory

import (
	"context"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	var d *store.Document
	err := s.read(ctx, func() error {
		d = s.document(ref)
		return nil
	})
	return d, err
}

// Entry implements [store.Store]. It costs the same at any length of history.
func (s *Store) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	var found *store.Entry
	err := s.read(ctx, func() error {
		r := s.record(ref)
		if r == nil {
			return store.ErrNoEntry
		}
		found = r.versions[version]
		if found == nil {
			return store.ErrNoEntry
		}
		return nil
	})
	return found, err
}

// History implements [store.Store]. It costs its page.
func (s *Store) History(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	var page []store.Entry
	err := s.read(ctx, func() error {
		r := s.record(ref)
		if r == nil {
			return nil
		}
		end := int64(len(r.history))
		if before > 0 {
			end = min(end, before-1)
		}
		for i := end - 1; i >= 0 && len(page) < limit; i-- {
			e := *r.history[i]
			e.Body = nil
			page = append(page, e)
		}
		return nil
	})
	return page, err
}

// Answer implements [store.Store]. An expired answer is still returned until a
// commit with a key forgets it.
func (s *Store) Answer(ctx context.Context, scope, key string) (*store.Answer, error) {
	var found *store.Answer
	err := s.read(ctx, func() error {
		a, ok := s.answers[answerKey{scope, key}]
		if !ok {
			return store.ErrNoEntry
		}
		found = &a
		return nil
	})
	return found, err
}

// Rows implements [store.RowReader].
func (s *Store) Rows(ctx context.Context, ref store.Ref, kind string) ([]store.Row, error) {
	var rows []store.Row
	err := s.read(ctx, func() error {
		r := s.record(ref)
		if r == nil {
			return nil
		}
		for k, row := range r.rows {
			if k.kind == kind {
				rows = append(rows, row)
			}
		}
		slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
	return rows, err
}
