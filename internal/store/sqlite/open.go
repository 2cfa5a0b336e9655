// Package sqlite keeps documents in one SQLite file: write-ahead log, full
// synchronisation, one writer that commits in groups, readers on connections of
// their own, and a cache of what is durable.
package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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
	// Readers is how many connections read; 0 means 2 for each processor.
	Readers int
	// MaxGroup is how many commits share one COMMIT; 0 means 256.
	MaxGroup int
	// Clock tells whether a lease is alive; nil is time.Now.
	Clock func() time.Time
	// Logger gets what no caller waits for: failed checkpoints, a poisoned
	// writer. Nil drops it.
	Logger *slog.Logger
	// ReadOnly opens an existing store for reading only, also while another
	// process serves it. It is not migrated.
	ReadOnly bool
	// Alone has a store that is opened for reading only keep others out: Open fails
	// with [ErrInUse] while another process serves the file, and none can begin to
	// until Close. So all that is read is of one moment.
	Alone bool
	// VFS names another file layer that is registered with SQLite, for tests.
	VFS string
	// Probe lets tests force interleavings and faults.
	Probe store.Probe
}

// Store is a store in one SQLite file. It is safe for concurrent use.
type Store struct {
	opts    Options
	path    string
	info    store.Info   // but for its epoch, which is
	epoch   atomic.Int64 // raised by a restore alone, as is
	floor   atomic.Int64 // of every part that is still to come, and of every fence
	lock    *os.File
	cache   *cache
	numbers numbers
	heads   heads
	tail    store.Tail
	readers chan *reader
	writer  *writer

	mu      sync.RWMutex // holds Close back while calls are running
	closed  atomic.Bool
	trouble atomic.Pointer[trouble] // why the writer stopped, nil while it runs
}

// trouble is why the writer takes no more commits, and which documents may or
// may not have changed in its last group.
type trouble struct {
	cause   error
	unknown map[store.Ref]bool
	parts   map[store.Part]bool
}

// Open opens the store in a file, or makes one. It fails with [ErrInUse] while
// anybody else has it open. The caller must Close it.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := realPath(path)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	s := &Store{opts: opts, path: path, readers: make(chan *reader, opts.Readers)}
	if s.lock, err = lock(path+".lock", opts); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(classify(err), s.release())
	}
	return s, nil
}

// lock takes the lock that opts ask for, nil where they ask for none. Who reads only
// makes no file: where there is none, as beside a copy, nobody serves what it is for.
func lock(path string, opts Options) (f *os.File, err error) {
	switch {
	case !opts.ReadOnly:
		f, err = lockFile(path, os.O_RDWR|os.O_CREATE)
	case opts.Alone:
		if f, err = lockFile(path, os.O_RDONLY); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return f, err
}

// makePrivate makes a file that nobody but its owner reads or writes, where there is none.
// SQLite would let everybody read it, and gives the same permissions to those beside it.
// One that is there is as its owner wants it.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// realPath resolves links, so that one file has one lock whatever it is called.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		return filepath.Join(folder, filepath.Base(path)), err
	}
	return real, err
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = 88 << 20
	}
	if o.Readers == 0 {
		o.Readers = 2 * runtime.GOMAXPROCS(0)
	}
	if o.MaxGroup == 0 {
		o.MaxGroup = 256
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (s *Store) open() (err error) {
	if s.cache, err = newCache(s.opts.CacheBytes); err != nil {
		return err
	}
	if !s.opts.ReadOnly {
		if err := makePrivate(s.path); err != nil {
			return err
		}
	}
	c, err := connect(s.opts, s.path, writerPages)
	if err != nil {
		return err
	}
	if err = isOurs(c); err == nil { // nothing is changed before
		err = c.do("PRAGMA journal_mode(WAL)")
	}
	switch {
	case err != nil:
	case s.opts.ReadOnly:
		err = isMigrated(c)
	default:
		err = migrate(c)
	}
	if err == nil {
		err = s.readInfo(c)
	}
	if err != nil {
		return errors.Join(err, c.close())
	}
	for range s.opts.Readers {
		r, err := newReader(s)
		if err != nil {
			return errors.Join(err, c.close())
		}
		s.readers <- r
	}
	if s.opts.ReadOnly {
		return c.close()
	}
	s.writer, err = newWriter(s, c)
	if err != nil {
		return errors.Join(err, c.close())
	}
	go s.writer.checkpoints.run()
	return nil
}

func (s *Store) readInfo(c *conn) error {
	st, err := c.prepare(`SELECT (SELECT value FROM meta WHERE key = 'id'), (SELECT value FROM meta WHERE key = 'epoch'),
		(SELECT value FROM meta WHERE key = 'floor')`)
	if err != nil {
		return err
	}
	_, err = c.one(st, func(r row) {
		s.info.ID = r.text(0)
		s.epoch.Store(r.int(1))
		s.floor.Store(r.int(2))
	})
	s.info.Capabilities = store.Capabilities{
		Durable: true, CrossPart: true, SnapshotReads: true, Lanes: 1, ShortestLease: time.Millisecond, Settles: true,
	}
	return err
}

// Path returns the file's absolute path, with links resolved.
func (s *Store) Path() string { return s.path }

// Info implements [store.Store].
func (s *Store) Info() store.Info {
	info := s.info
	info.Epoch = s.epoch.Load()
	return info
}

// Healthy implements [store.HealthChecker].
func (s *Store) Healthy() error {
	if t := s.trouble.Load(); t != nil {
		return t.cause
	}
	switch {
	case s.closed.Load():
		return store.ErrClosed
	case s.opts.ReadOnly:
		return store.ErrReadOnly
	}
	return nil
}

// Close implements [store.Store]. It waits for calls that are running.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return store.ErrClosed
	}
	var err error
	if s.writer != nil {
		err = s.writer.stop()
	}
	return errors.Join(err, s.release())
}

// release gives connections and lock back. The lock file itself stays: removing
// it would let two processes lock two files of one name.
func (s *Store) release() error {
	var errs []error
	close(s.readers)
	for r := range s.readers {
		errs = append(errs, r.conn.close())
	}
	// The last connection to be closed moves the write-ahead log into the file.
	// After trouble that must not be: nobody knows what the log holds. One
	// connection that stays open to the end of the process prevents it.
	if s.writer != nil && s.trouble.Load() == nil {
		errs = append(errs, s.writer.conn.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
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

// stop ends writing for good: after a flush that failed nobody knows what the
// disk holds, and a later flush that succeeds would prove nothing about it. Only
// opening the file anew, which reads what is really there, can go on. The first
// cause stands.
func (s *Store) stop(cause error, unknown []store.Ref) {
	t := &trouble{cause: cause, unknown: make(map[store.Ref]bool), parts: make(map[store.Part]bool)}
	for _, ref := range unknown {
		t.unknown[ref], t.parts[ref.Part] = true, true
	}
	if s.trouble.CompareAndSwap(nil, t) {
		s.opts.Logger.Error("the store takes no more writes until it is opened again", "cause", cause)
	}
}
