package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxOps is how many operations the server takes in one transaction, unless it was
// told to take others.
const maxOps = 128

// callTimeout is how long one request may take. A cluster that elects a leader
// answers within it.
const callTimeout = 5 * time.Second

// snapshot reads keys as all of them stood at one revision: the newest one when it
// read first. It is linearizable: that is no older than what anybody had been told of
// by then.
type snapshot struct {
	client   *clientv3.Client
	revision int64 // 0 until it has read
}

// get is one key or range to be read, and what takes it.
type get struct {
	key  string
	opts []clientv3.OpOption
	got  func(*clientv3.GetResponse) error
}

// one reads one key. Where it is absent, got is not called.
func one(key string, got func(value []byte) error) get {
	return get{key: key, got: func(r *clientv3.GetResponse) error {
		if len(r.Kvs) == 0 {
			return nil
		}
		return got(r.Kvs[0].Value)
	}}
}

// read reads all that gets ask for.
func (v *snapshot) read(ctx context.Context, gets ...get) error {
	for len(gets) > 0 {
		some := gets[:min(len(gets), maxOps)]
		gets = gets[len(some):]
		ops := make([]clientv3.Op, 0, len(some))
		for i := range some {
			opts := some[i].opts
			if v.revision != 0 {
				opts = append(opts[:len(opts):len(opts)], clientv3.WithRev(v.revision))
			}
			ops = append(ops, clientv3.OpGet(some[i].key, opts...))
		}
		answer, err := v.txn(ctx, ops)
		if err != nil {
			return classify(ctx, err)
		}
		if v.revision == 0 {
			v.revision = answer.Header.Revision
		}
		for i := range some {
			if err := some[i].got((*clientv3.GetResponse)(answer.Responses[i].GetResponseRange())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *snapshot) txn(ctx context.Context, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return v.client.Txn(ctx).Then(ops...).Commit()
}

// chunk is how many keys a walk reads at once.
const chunk = 500

// walk yields the keys from one on to before another, in their order, until yield
// returns false.
func (v *snapshot) walk(ctx context.Context, from, to string, size int64, yield func(key, value []byte) (bool, error), opts ...clientv3.OpOption) error {
	for {
		more := false
		err := v.read(ctx, get{
			key:  from,
			opts: append([]clientv3.OpOption{clientv3.WithRange(to), clientv3.WithLimit(size)}, opts...),
			got: func(r *clientv3.GetResponse) error {
				more = r.More
				for _, kv := range r.Kvs {
					from = string(kv.Key) + "\x00"
					if goOn, err := yield(kv.Key, kv.Value); err != nil || !goOn {
						more = false
						return err
					}
				}
				return nil
			},
		})
		if err != nil || !more {
			return err
		}
	}
}

// reading runs f on a snapshot, and again on a newer one where the server forgot the
// first meanwhile.
func (s *Store) reading(ctx context.Context, f func(*snapshot) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	err := errForgotten
	for try := 0; try < 3 && isForgotten(err); try++ {
		err = f(&snapshot{client: s.client})
	}
	return err
}

// errForgotten is the server's error where a revision that is being read was compacted
// away.
var errForgotten = rpctypes.ErrCompacted

func isForgotten(err error) bool { return errors.Is(err, errForgotten) }
