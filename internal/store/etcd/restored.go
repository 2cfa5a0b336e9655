package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Restored implements [store.Restorer], in one transaction. The floor of the whole
// store is beside the end of its feed, so that no part is rewritten.
func (s *Store) Restored(ctx context.Context, margin int64) (store.Info, error) {
	begun := meta{}
	look := func(*state) []get {
		return []get{one(s.keys.meta(), func(value []byte) error { return decode(value, &begun) })}
	}
	err := s.change(ctx, look, func(st *state, doubt bool) ([]clientv3.Op, error) {
		if doubt && begun.Epoch > s.epoch.Load() {
			return nil, nil // it was this call; its answer was lost
		}
		greatest, err := st.greatest(ctx)
		if err != nil {
			return nil, err
		}
		if st.tail.Floor, err = store.RaisedFloor(greatest, margin); err != nil {
			return nil, err
		}
		begun.Epoch++
		values := map[string][]byte{}
		err = put(values, s.keys.meta(), &begun)
		return []clientv3.Op{clientv3.OpPut(s.keys.meta(), string(values[s.keys.meta()]))}, err
	})
	if err == nil {
		s.epoch.Store(begun.Epoch)
	}
	return s.Info(), err
}

// greatest returns the greatest number that the store knows of as a version, a floor
// or a fence.
func (st *state) greatest(ctx context.Context) (int64, error) {
	greatest := st.tail.Floor
	parts, err := st.s.newState().allParts(ctx, &st.snap)
	for i := 0; i < len(parts) && err == nil; i++ {
		greatest = max(greatest, parts[i].floor)
		err = st.s.walkHeads(ctx, &st.snap, parts[i].name, "", chunk, func(_ store.Ref, h *head) (bool, error) {
			greatest = max(greatest, h.Version, h.Fence)
			return true, nil
		})
	}
	return greatest, err
}
