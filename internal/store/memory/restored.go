package memory

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Restored implements [store.Restorer].
func (s *Store) Restored(ctx context.Context, margin int64) (store.Info, error) {
	if err := ctx.Err(); err != nil {
		return store.Info{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return store.Info{}, store.ErrClosed
	}
	greatest := s.floor
	for _, p := range s.parts {
		greatest = max(greatest, p.floor)
		for _, r := range p.documents {
			greatest = max(greatest, r.doc.Version, r.fence)
		}
	}
	floor, err := store.RaisedFloor(greatest, margin)
	if err != nil {
		return store.Info{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor = floor
	for _, p := range s.parts {
		p.floor = floor
	}
	s.info.Epoch++
	return s.info, nil
}
