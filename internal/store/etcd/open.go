// Package etcd keeps documents in etcd, 3.6 or later, for any number of processes at
// once. Everything that a commit does is one transaction, which happens if nothing
// has changed since it was read; reads are linearizable.
package etcd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/ifmatch/ifmatch/internal/store"
)

// layout is how keys and values are written. A store with a later one is refused.
const layout = 1

// maxBytes is how large a transaction may be: the server's limit of 1.5 MiB, unless
// it was told another, less what frames it.
const maxBytes = 1536<<10 - 16<<10

// maxWrites is how many documents one commit can write whatever it does to them: each
// takes three operations, and five are for all of them.
const maxWrites = (maxOps - 5) / 3

// Options set a store up. The zero value is right.
type Options struct {
	// CacheBytes bounds what is kept of bodies; 0 means 64 MiB.
	CacheBytes int64
	// Patience is how long a commit is tried while others are faster or the cluster does
	// not answer; 0 means 10 seconds.
	Patience time.Duration
	// Clock tells whether a lease is alive; nil is time.Now. The clocks of all nodes on
	// one store should agree: a lease ends early or late by as much as they do not.
	Clock func() time.Time
	// Existing has Open fail where there is no store, instead of making one.
	Existing bool
	// Logger gets what no caller waits for. Nil drops it.
	Logger *slog.Logger
	// Probe lets tests force interleavings and faults.
	Probe store.Probe
}

// Store is a store under one prefix of an etcd cluster. It is safe for concurrent use,
// and other processes may have the same one open.
type Store struct {
	opts   Options
	info   store.Info   // but for its epoch, which is
	epoch  atomic.Int64 // raised by a restore alone
	client *clientv3.Client
	keys   space
	bodies *bodies
	feed   feed
	writer *writer

	mu      sync.RWMutex // holds Close back while calls are running
	closed  bool
	trouble atomic.Pointer[error] // why the cluster did not answer last, nil where it did
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.Purger        = (*Store)(nil)
	_ store.Scanner       = (*Store)(nil)
	_ store.FloorReader   = (*Store)(nil)
	_ store.PartLister    = (*Store)(nil)
	_ store.RowReader     = (*Store)(nil)
	_ store.HeadReader    = (*Store)(nil)
	_ store.HealthChecker = (*Store)(nil)
	_ store.Indexer       = (*Store)(nil)
	_ store.Feed          = (*Store)(nil)
	_ store.Restorer      = (*Store)(nil)
	_ store.Exporter      = (*Store)(nil)
	_ store.Importer      = (*Store)(nil)
)

var errGone = errors.New("etcd: the store is no longer under its prefix; somebody has deleted its keys")

// Open opens the store at an address, as [Parse] reads it, or makes one. The caller
// must Close it.
func Open(ctx context.Context, address string, opts Options) (*Store, error) {
	at, err := Parse(address)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	config, err := at.config()
	if err != nil {
		return nil, err
	}
	config.Logger = zap.NewNop() // what goes wrong is returned, or comes to our own log
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	s := &Store{opts: opts, client: client, keys: space(at.Prefix + "/")}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(at.explain(err), client.Close())
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.bodies, err = newBodies(s.opts.CacheBytes); err != nil {
		return err
	}
	found, err := s.find(ctx)
	switch {
	case err != nil:
		return err
	case found == nil && s.opts.Existing:
		return fmt.Errorf("etcd: there is no store under %s; ifmatch serve makes one", strings.TrimSuffix(string(s.keys), "/"))
	case found == nil:
		if found, err = s.make(ctx); err != nil {
			return err
		}
	}
	if found.Layout > layout {
		return fmt.Errorf("etcd: the store has layout %d and this version knows %d; run a newer ifmatch", found.Layout, layout)
	}
	s.epoch.Store(found.Epoch)
	s.info = store.Info{ID: found.ID, Capabilities: store.Capabilities{
		Durable: true, MaxOps: maxWrites, MaxCommitBytes: maxBytes, CrossPart: true, SnapshotReads: true, Lanes: 1,
		ShortestLease: time.Second, SharedByProcess: true, Settles: true,
	}}
	st := s.newState()
	if err := st.snap.read(ctx, st.getTail()); err != nil {
		return err
	}
	s.feed.Begin(store.Mark{st.tail.Position})
	s.feed.ended = make(chan struct{})
	following, stop := context.WithCancel(context.Background())
	s.feed.stop = stop
	s.writer = newWriter(s)
	go s.writer.loop()
	go s.follow(following)
	return nil
}

// find returns what the store is, nil where there is none yet. Keys of somebody else
// under the prefix are an error.
func (s *Store) find(ctx context.Context) (found *meta, err error) {
	foreign := ""
	v := snapshot{client: s.client}
	err = v.read(ctx,
		one(s.keys.meta(), func(value []byte) error {
			found = &meta{}
			if err := json.Unmarshal(value, found); err != nil || found.Layout == 0 || found.ID == "" {
				found, foreign = nil, s.keys.meta()
			}
			return nil
		}),
		get{key: string(s.keys), opts: []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly()}, got: func(r *clientv3.GetResponse) error {
			if found == nil && len(r.Kvs) > 0 {
				foreign = string(r.Kvs[0].Key)
			}
			return nil
		}},
	)
	if err == nil && foreign != "" {
		err = fmt.Errorf("etcd: there are keys of another program under %s, %q for one; choose another prefix", strings.TrimSuffix(string(s.keys), "/"), foreign)
	}
	return found, err
}

// make makes a store, unless another process does so first.
func (s *Store) make(ctx context.Context) (*meta, error) {
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	ops := make(map[string][]byte)
	if err := errors.Join(
		put(ops, s.keys.meta(), &meta{Layout: layout, ID: hex.EncodeToString(id[:]), Epoch: 1}),
		put(ops, s.keys.tail(), &tail{}),
	); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.client.Txn(within).
		If(clientv3.Compare(clientv3.CreateRevision(string(s.keys)), "=", 0).WithPrefix()).
		Then(clientv3.OpPut(s.keys.meta(), string(ops[s.keys.meta()])), clientv3.OpPut(s.keys.tail(), string(ops[s.keys.tail()]))).
		Commit()
	if err != nil {
		return nil, classify(ctx, err)
	}
	found, err := s.find(ctx)
	if err == nil && found == nil {
		err = errGone
	}
	return found, err
}

// Info implements [store.Store].
func (s *Store) Info() store.Info {
	info := s.info
	info.Epoch = s.epoch.Load()
	return info
}

// Healthy implements [store.HealthChecker].
func (s *Store) Healthy() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if cause := s.trouble.Load(); cause != nil {
		return *cause
	}
	return nil
}

// healthy notes whether the cluster answers.
func (s *Store) healthy(cause error) {
	if cause == nil {
		s.trouble.Store(nil)
	} else {
		s.trouble.Store(&cause)
	}
}

// Close implements [store.Store]. It waits for calls that are running.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.closed = true
	s.writer.stop()
	s.feed.stop()
	<-s.feed.ended
	return s.client.Close()
}

// enter holds Close back until leave. It fails once the store is closed.
func (s *Store) enter() error {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return store.ErrClosed
	}
	return nil
}

func (s *Store) leave() { s.mu.RUnlock() }
