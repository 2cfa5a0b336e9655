package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

// ScanDocuments implements [store.Scanner]. The snapshot is taken first, so
// yield may call the store and commits go on meanwhile.
func (s *Store) ScanDocuments(ctx context.Context, yield func(*store.Document) error) error {
	var all []*store.Document
	err := s.read(ctx, func() error {
		for _, p := range s.parts {
			for _, r := range p.documents {
				all = append(all, atFloor(r.doc, p.floor))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *store.Document) int { return compareRefs(a.Ref, b.Ref) })
	for _, d := range all {
		if err := yield(d); err != nil {
			return err
		}
	}
	return nil
}

// ScanLog implements [store.Scanner]. The snapshot is taken first, so yield may
// call the store and commits go on meanwhile.
func (s *Store) ScanLog(ctx context.Context, yield func(*store.Entry) error) error {
	var all []*store.Entry
	err := s.read(ctx, func() error {
		all = slices.Clone(s.log)
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range all {
		if e == nil {
			continue
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// CheckIntegrity implements [store.Scanner]. There are no files to check, so it
// fails with [store.ErrClosed] or the context's error only.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	return s.read(ctx, func() error { return nil })
}

// Healthy implements [store.HealthChecker]: commits are taken until Close.
func (s *Store) Healthy() error {
	return s.read(context.Background(), func() error { return nil })
}

// Purge implements [store.Purger].
func (s *Store) Purge(ctx context.Context, ref store.Ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	r := s.record(ref)
	if r == nil || !r.doc.Deleted {
		return store.ErrNoEntry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[ref.Part]
	p.floor = max(p.floor, r.doc.Version)
	p.pruned, s.pruned = max(p.pruned, r.doc.Position), max(s.pruned, r.doc.Position)
	delete(p.documents, ref.ID)
	for _, e := range r.history {
		s.log[e.Position-1] = nil
	}
	return nil
}

// compareRefs orders by collection, parameters and id, each by its bytes.
func compareRefs(a, b store.Ref) int {
	return cmp.Or(
		strings.Compare(a.Part.Collection, b.Part.Collection),
		strings.Compare(a.Part.Params, b.Part.Params),
		strings.Compare(a.ID, b.ID),
	)
}

// Parts implements [store.PartLister].
func (s *Store) Parts(ctx context.Context) (parts []store.Part, err error) {
	err = s.read(ctx, func() error {
		parts = slices.SortedFunc(maps.Keys(s.parts), func(a, b store.Part) int {
			return compareRefs(store.Ref{Part: a}, store.Ref{Part: b})
		})
		return nil
	})
	return parts, err
}

// Floor implements [store.FloorReader].
func (s *Store) Floor(ctx context.Context, name store.Part) (floor int64, err error) {
	err = s.read(ctx, func() error {
		floor = s.floor
		if p := s.parts[name]; p != nil {
			floor = p.floor
		}
		return nil
	})
	return floor, err
}
