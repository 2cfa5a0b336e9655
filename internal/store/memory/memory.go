// Package memory is the reference driver of package store: everything in maps
// of this process, gone when it ends. It is written to be obviously right, so
// that other drivers can be compared with it, and it serves tests and trials.
//
// One mutex puts commits into an order, a second one guards what readers see.
// A commit is judged and prepared under the first, and becomes visible under the
// second, all of it at once.
package memory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Options adjust a store. The zero value is right for production.
type Options struct {
	// Probe is called at the points of every commit, for tests. PointQueued is
	// called outside all locks, the later ones while other commits wait but reads
	// go on. There is no cache, so PointFill is never called.
	Probe store.Probe
	// Clock says whether leases are alive; nil means time.Now. It is called by
	// one commit at a time.
	Clock func() time.Time
}

// Store keeps documents in memory. It implements [store.Store],
// [store.Purger], [store.Scanner], [store.RowReader], [store.Indexer], [store.Feed],
// [store.Restorer], [store.Exporter], [store.Importer] and [store.HealthChecker], and is
// safe for concurrent use. Nothing is ever evicted, so it grows with its history.
type Store struct {
	probe store.Probe
	clock func() time.Time
	info  store.Info

	// writing is held by the one commit or purge that is being made. All fields
	// below change only under both mutexes, so the holder of either may read.
	writing sync.Mutex
	mu      sync.RWMutex

	closed   bool
	parts    map[store.Part]*part
	log      []*store.Entry // by position, which is index+1; nil where purged
	receipts map[store.ID]store.Receipt
	answers  map[answerKey]store.Answer
	expiring []expiring // the answers, as they came; some may have been replaced
	claims   map[claimKey]holder
	indexes  map[string][]string // what each collection is indexed under; none where it has documents and no entry
	pruned   int64               // the greatest position that was purged
	floor    int64               // of every part that is still to come, and of every fence
	tail     store.Tail

	importing []byte // how far another store has been taken over, nil where none is
	keeps     bool   // its log rows keep their positions
}

// part is what one store.Part holds.
type part struct {
	floor     int64 // no new version at or below it
	head      int64 // position of the newest commit
	pruned    int64 // the greatest position that was purged
	documents map[string]*record
}

// record is one document with everything that belongs to it.
type record struct {
	doc      *store.Document // immutable once visible
	keys     []store.IndexKey
	history  []*store.Entry // the row of rev r at r-1
	versions map[int64]*store.Entry
	rows     map[rowKey]store.Row
	fence    int64 // of the newest lease ever granted
}

type (
	answerKey struct{ scope, key string }
	// expiring is when the answer of a key ends.
	expiring struct {
		key answerKey
		at  time.Time
	}
	claimKey struct {
		part         store.Part
		index, value string
	}
	// holder is who holds a natural key. A singleton has an empty id too.
	holder struct {
		id   string
		held bool
	}
	rowKey struct{ kind, id string }
)

var (
	_ store.Store     = (*Store)(nil)
	_ store.Purger    = (*Store)(nil)
	_ store.Scanner   = (*Store)(nil)
	_ store.RowReader = (*Store)(nil)

	_ store.HealthChecker = (*Store)(nil)
	_ store.Indexer       = (*Store)(nil)
	_ store.Feed          = (*Store)(nil)
	_ store.Restorer      = (*Store)(nil)
	_ store.Exporter      = (*Store)(nil)
	_ store.Importer      = (*Store)(nil)
)

// Open returns a fresh, empty store with an identity of its own.
func Open(o Options) *Store {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	return &Store{
		probe: o.Probe,
		clock: o.Clock,
		info: store.Info{
			ID:    hex.EncodeToString(id[:]),
			Epoch: 1,
			Capabilities: store.Capabilities{
				CrossPart:     true,
				SnapshotReads: true,
				Lanes:         1,
				ShortestLease: time.Nanosecond,
				Settles:       true,
			},
		},
		parts:    make(map[store.Part]*part),
		receipts: make(map[store.ID]store.Receipt),
		answers:  make(map[answerKey]store.Answer),
		claims:   make(map[claimKey]holder),
		indexes:  make(map[string][]string),
	}
}

// Info describes the store; it answers after Close too.
func (s *Store) Info() store.Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.info
}

// Close waits for the commit that is being made and refuses all later calls
// with [store.ErrClosed]. It frees nothing; dropping the Store does.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.closed = true
	return nil
}

// read runs f on one state of the store.
func (s *Store) read(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	return f()
}

// record finds what is stored about ref, or nil. The caller holds a mutex.
func (s *Store) record(ref store.Ref) *record {
	p := s.parts[ref.Part]
	if p == nil {
		return nil
	}
	return p.documents[ref.ID]
}

// document returns ref as it stands, never nil. The caller holds a mutex.
func (s *Store) document(ref store.Ref) *store.Document {
	floor := s.floor
	if p := s.parts[ref.Part]; p != nil {
		floor = p.floor
		if r := p.documents[ref.ID]; r != nil {
			return atFloor(r.doc, floor)
		}
	}
	return &store.Document{Head: store.Head{Ref: ref, Next: floor + 1}}
}

// atFloor returns d with the Next that holds under floor, which may have risen
// since d was written.
func atFloor(d *store.Document, floor int64) *store.Document {
	next := max(d.Version, floor) + 1
	if d.Next == next {
		return d
	}
	raised := *d
	raised.Next = next
	return &raised
}
