// Package postgres keeps documents in a PostgreSQL database, version 15 or newer, that
// any number of nodes share. A commit is one call of a function in the database; nodes
// hold nothing that the database does not have.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Options set a store up. The zero value is right.
type Options struct {
	// CacheBytes bounds the read cache; 0 means 88 MiB.
	CacheBytes int64
	// Readers is how many connections read; 0 means 4 for each processor.
	Readers int
	// Writers is how many connections commit at once; 0 means 1. What many share is one
	// flush; several would wait for one another at the counters of the feed.
	Writers int
	// MaxGather is how many commits share one statement; 0 means 64.
	MaxGather int
	// Patience is how long a call goes on trying while the server is away, and how
	// long it waits for an answer; 0 means 15 seconds.
	Patience time.Duration
	// PollEvery is how often the node looks how far the feed has come; 0 means a
	// quarter of a second. Notifications make it look at once.
	PollEvery time.Duration
	// Clock tells whether a lease is alive; nil is the database's clock.
	Clock func() time.Time
	// Existing refuses to make a store where there is none.
	Existing bool
	// Logger gets what no caller waits for. Nil drops it.
	Logger *slog.Logger
	// Probe lets tests force interleavings and faults. Commits are then made in the
	// steps that it names, each a round trip of its own.
	Probe store.Probe
}

// lanes is how many lanes the feed has. The tables are made for as many.
const lanes = 16

// Store is a store in one schema of a database. It is safe for concurrent use.
type Store struct {
	opts   Options
	pools  *pools
	id     string // Info().ID
	salt   string // of the numbers of parts
	info   atomic.Pointer[store.Info]
	cache  *cache
	writer *writer
	feed   *follower

	mu     sync.RWMutex // holds Close back while calls are running
	closed atomic.Bool
}

// Open opens the store that a DSN names, or makes one where the schema is empty. The
// schema is the search_path of the DSN, else [DefaultSchema]. The caller must Close it.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	p, err := openPools(ctx, dsn, &opts)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, pools: p}
	if err := s.open(ctx, dsn); err != nil {
		p.close()
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = 88 << 20
	}
	if o.Readers == 0 {
		o.Readers = 4 * runtime.GOMAXPROCS(0)
	}
	if o.Writers == 0 {
		o.Writers = 1
	}
	if o.MaxGather == 0 {
		o.MaxGather = 64
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	if o.PollEvery == 0 {
		o.PollEvery = 250 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// oldest is the least version of the server, as server_version_num has it.
const oldest = 150000

func (s *Store) open(ctx context.Context, dsn string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	var version int
	var encoding string
	err = s.pools.read.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')").Scan(&version, &encoding)
	switch {
	case err != nil:
		return s.pools.describe(err)
	case version < oldest:
		return fmt.Errorf("postgres: %s runs version %d of PostgreSQL; ifmatch needs 15 or newer", s.pools.address, version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: database %s is encoded in %s; make one with createdb -E UTF8 and name it in the DSN", s.pools.database, encoding)
	}
	if s.opts.Existing {
		if err := s.pools.isThere(ctx); err != nil {
			return err
		}
	}
	if err := s.pools.prepare(ctx, dsn, false); err != nil {
		return err
	}
	if s.cache, err = newCache(s.opts.CacheBytes); err != nil {
		return err
	}
	if err := s.readInfo(ctx); err != nil {
		return s.pools.describe(err)
	}
	s.writer = newWriter(s)
	s.feed, err = follow(ctx, s)
	return s.pools.describe(err)
}

func (s *Store) readInfo(ctx context.Context) error {
	var info store.Info
	err := s.pools.read.QueryRow(ctx, `SELECT (SELECT value FROM meta WHERE key = 'id'),
		(SELECT value::bigint FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'salt')`).Scan(&info.ID, &info.Epoch, &s.salt)
	if err != nil {
		return err
	}
	info.Capabilities = store.Capabilities{
		Durable: true, CrossPart: true, SnapshotReads: true, Lanes: lanes,
		ShortestLease: time.Millisecond, SharedByProcess: true, Settles: true,
		MaxCommitBytes: maxCommitBytes,
	}
	s.id = info.ID
	s.info.Store(&info)
	return nil
}

// maxCommitBytes is what the server takes as one statement, with room for the rest.
const maxCommitBytes = 512 << 20

// Info implements [store.Store].
func (s *Store) Info() store.Info { return *s.info.Load() }

// Healthy implements [store.HealthChecker].
func (s *Store) Healthy() error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return s.writer.health()
}

// Close implements [store.Store]. It waits for calls that are running.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return store.ErrClosed
	}
	s.feed.stop()
	s.pools.close()
	return nil
}

// enter holds Close back until leave. It fails once the store is closed.
func (s *Store) enter() error {
	s.mu.RLock()
	if s.closed.Load() {
		s.mu.RUnlock()
		return store.ErrClosed
	}
	return nil
}

func (s *Store) leave() { s.mu.RUnlock() }

var (
	_ store.Store         = (*Store)(nil)
	_ store.HeadReader    = (*Store)(nil)
	_ store.RowReader     = (*Store)(nil)
	_ store.PartLister    = (*Store)(nil)
	_ store.FloorReader   = (*Store)(nil)
	_ store.Purger        = (*Store)(nil)
	_ store.Scanner       = (*Store)(nil)
	_ store.Indexer       = (*Store)(nil)
	_ store.Feed          = (*Store)(nil)
	_ store.Restorer      = (*Store)(nil)
	_ store.HealthChecker = (*Store)(nil)
)
