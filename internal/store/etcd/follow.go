package etcd

import (
	"context"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// feed wakes who waits for changes: for those of this process when they are made, and
// for those of others as the cluster tells of them. Both come here, whichever is first.
type feed struct {
	store.Tail

	mu    sync.Mutex
	ended chan struct{}
	stop  context.CancelFunc
}

// position returns how far has been told of.
func (f *feed) position() int64 { return f.Newest().At(0) }

// publish tells of changes up to a position, in their order. Those that have been
// told of are passed over; there must be none missing before them.
func (f *feed) publish(last int64, changes []change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	told := f.position()
	if last <= told {
		return
	}
	var content []store.Change
	for i := range changes {
		c := &changes[i]
		if position := last - int64(len(changes)-1-i); position > told && !c.Touch {
			content = append(content, store.Change{Ref: c.ref(), Position: position})
		}
	}
	f.Publish(store.Mark{last}, content)
}

// news reads what was committed since this process last looked.
func (s *Store) news(ctx context.Context) get {
	from, to := s.keys.feed(s.feed.position()+1), end(s.keys.key(kindFeed))
	return get{key: from, opts: []clientv3.OpOption{clientv3.WithRange(to)}, got: func(r *clientv3.GetResponse) error {
		for _, kv := range r.Kvs {
			if err := s.hear(kv.Key, kv.Value); err != nil {
				return err
			}
		}
		return ctx.Err()
	}}
}

// hear publishes one key of the feed.
func (s *Store) hear(key, value []byte) error {
	var changes []change
	if err := decode(value, &changes); err != nil {
		return err
	}
	s.feed.publish(readNumber(string(key[len(key)-8:])), changes)
	return nil
}

// follow hears of what other nodes commit, until ctx ends.
func (s *Store) follow(ctx context.Context) {
	defer close(s.feed.ended)
	for ctx.Err() == nil {
		err := s.listen(ctx)
		if ctx.Err() == nil {
			s.healthy(err)
			s.opts.Logger.Warn("changes of other nodes are not heard of; trying again", "cause", err)
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

// listen catches up and then watches, until that fails.
func (s *Store) listen(ctx context.Context) error {
	v := snapshot{client: s.client}
	if err := v.read(ctx, s.news(ctx)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for answer := range s.client.Watch(ctx, s.keys.key(kindFeed), clientv3.WithPrefix(), clientv3.WithRev(v.revision+1), clientv3.WithFilterDelete()) {
		if err := answer.Err(); err != nil {
			return classify(ctx, err)
		}
		for _, event := range answer.Events {
			if err := s.hear(event.Kv.Key, event.Kv.Value); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Watch implements [store.Feed].
func (s *Store) Watch(scope store.Scope) *store.Watch { return s.feed.Watch(scope) }
