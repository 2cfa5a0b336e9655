package etcd

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// change makes a change that is no commit: look reads what it is made of, beside the
// tail, and build says what to do, nothing where there is nothing to do. It happens if
// nothing has changed since; else both run again. Doubt is true in a run after one of
// which no answer came.
func (s *Store) change(ctx context.Context, look func(*state) []get, build func(st *state, doubt bool) ([]clientv3.Op, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Patience)
	defer cancel()
	doubt := false
	var cause error
	for {
		st := s.newState()
		err := st.snap.read(ctx, append(look(st), st.getTail())...)
		if err == nil {
			ops, err := build(st, doubt)
			if err != nil || len(ops) == 0 {
				return err
			}
			done, err := s.try(ctx, st, ops)
			if done || err != nil && leftNothing(err) {
				return classify(context.Background(), err)
			}
			doubt, cause = doubt || err != nil, err
		} else {
			cause = err
		}
		select {
		case <-ctx.Done():
			switch {
			case doubt:
				return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
			case cause != nil:
				return cause
			}
			return fmt.Errorf("%w: other changes were faster each time", store.ErrContended)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// try runs ops if nothing has changed since st was read.
func (s *Store) try(ctx context.Context, st *state, ops []clientv3.Op) (done bool, err error) {
	about := map[string][]byte{}
	if err := put(about, s.keys.tail(), &st.tail); err != nil {
		return false, err
	}
	ops = append(ops, clientv3.OpPut(s.keys.tail(), string(about[s.keys.tail()])))
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(s.keys.tail()), "=", st.tailRev)).Then(ops...).Commit()
	return err == nil && answer.Succeeded, err
}

// Purge implements [store.Purger].
func (s *Store) Purge(ctx context.Context, ref store.Ref) error {
	return s.change(ctx,
		func(st *state) []get { return []get{st.getPart(ref.Part), st.getHead(ref)} },
		func(st *state, doubt bool) ([]clientv3.Op, error) {
			h, p := st.heads[ref], st.parts[ref.Part]
			switch {
			case h == nil && doubt:
				return nil, nil // it was this call, or one like it
			case h == nil || !h.Deleted:
				return nil, store.ErrNoEntry
			case p == nil:
				return nil, fmt.Errorf("etcd: %s/%s is in a part that is not there", ref.Part.Collection, ref.ID)
			}
			p.Floor, p.Pruned = max(p.Floor, h.Version), max(p.Pruned, h.Position)
			st.tail.Pruned = max(st.tail.Pruned, h.Position)
			values := map[string][]byte{}
			if err := put(values, s.keys.part(ref.Part), p); err != nil {
				return nil, err
			}
			ops := []clientv3.Op{
				clientv3.OpPut(s.keys.part(ref.Part), string(values[s.keys.part(ref.Part)])),
				clientv3.OpDelete(s.keys.head(ref)),
			}
			for _, kind := range []string{kindLog, kindBodies, kindRows} {
				ops = append(ops, clientv3.OpDelete(s.keys.of(kind, ref), clientv3.WithPrefix()))
			}
			return ops, nil
		})
}
