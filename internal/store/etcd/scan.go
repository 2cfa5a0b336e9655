package etcd

import (
	"context"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// scanned is how many documents or rows a scan has in memory at once.
const scanned = 100

// ScanDocuments implements [store.Scanner].
func (s *Store) ScanDocuments(ctx context.Context, yield func(*store.Document) error) error {
	return s.scanning(ctx, func(v *snapshot, yielded *bool) error {
		parts, err := s.newState().allParts(ctx, v)
		for i := 0; i < len(parts) && err == nil; i++ {
			var some []*store.Document
			flush := func() error {
				if err := s.addBodies(ctx, v, some); err != nil {
					return err
				}
				for _, d := range some {
					*yielded = true
					if err := yield(d); err != nil {
						return err
					}
				}
				some = some[:0]
				return nil
			}
			err = s.walkHeads(ctx, v, parts[i].name, "", scanned, func(ref store.Ref, h *head) (bool, error) {
				some = append(some, &store.Document{Head: h.of(ref, parts[i].floor)})
				if len(some) < scanned {
					return true, nil
				}
				return true, flush()
			})
			if err == nil {
				err = flush()
			}
		}
		return err
	})
}

// ScanLog implements [store.Scanner].
func (s *Store) ScanLog(ctx context.Context, yield func(*store.Entry) error) error {
	return s.scanning(ctx, func(v *snapshot, yielded *bool) error {
		st := s.newState()
		if err := v.read(ctx, st.getTail()); err != nil {
			return err
		}
		return s.walkLog(ctx, v, st.tail.Position, func(e *store.Entry) error {
			*yielded = true
			return yield(e)
		})
	})
}

// walkLog yields all rows up to a position, with their bodies.
func (s *Store) walkLog(ctx context.Context, v *snapshot, newest int64, yield func(*store.Entry) error) error {
	q := store.ChangeQuery{Limit: scanned, Touches: true}
	for last := int64(0); last < newest; {
		q.After, last = store.Mark{last}, newest
		spots, err := s.spots(ctx, v, &q, &last)
		if err != nil {
			return err
		}
		rows, err := s.entries(ctx, v, spots, true)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := yield(&rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanning is reading, but that nothing is yielded twice: what the server forgets in
// the midst of it ends a scan.
func (s *Store) scanning(ctx context.Context, scan func(v *snapshot, yielded *bool) error) error {
	yielded := false
	return s.reading(ctx, func(v *snapshot) error {
		err := scan(v, &yielded)
		if err != nil && yielded && isForgotten(err) {
			return fmt.Errorf("etcd: the server forgot the state that was being read; have it keep revisions for longer than a scan takes (--auto-compaction-retention): %w", errForgotten)
		}
		return err
	})
}

// CheckIntegrity implements [store.Scanner]. The cluster checks its own files; here it
// is only asked whether the feed is whole.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	return s.reading(ctx, func(v *snapshot) error {
		st := s.newState()
		if err := v.read(ctx, st.getTail()); err != nil {
			return err
		}
		first, at := s.keys.key(kindFeed), int64(0)
		err := v.walk(ctx, first, end(first), chunk, func(key, value []byte) (bool, error) {
			var changes []change
			if err := decode(value, &changes); err != nil {
				return false, err
			}
			last := readNumber(string(key[len(first):]))
			if before := last - int64(len(changes)); before != at && before > st.tail.Pruned { // a copy leaves out what was purged
				return false, fmt.Errorf("etcd: the feed goes on at position %d after %d", last-int64(len(changes))+1, at)
			}
			at = last
			return true, nil
		})
		if err == nil && at != max(at, st.tail.Position) && st.tail.Position > st.tail.Pruned {
			err = fmt.Errorf("etcd: the feed ends at %d and should at %d", at, st.tail.Position)
		}
		return err
	})
}
