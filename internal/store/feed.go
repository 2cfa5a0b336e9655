package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxFeedScan is how many positions a page of changes passes over at most.
const MaxFeedScan = 10_000

// Feed can show what was committed in the order of its positions, and tell when
// more has come. A feed runs in lanes, and all that ever happens to a document is in
// one of them. In each, positions ascend in the order of commits, and a commit is
// shown once it is durable: whoever has read up to a mark never has to look below it
// again. Nothing is said about the order between lanes.
type Feed interface {
	// Changes returns a page of changes, as q says: every commit is among them whose
	// receipt was returned before the call, and none that is not durable. It fails
	// with [ErrInvalid] where q asks for nothing.
	Changes(ctx context.Context, q ChangeQuery) (ChangePage, error)

	// Watch waits for the next change in a scope. The caller must Stop it. It costs
	// no I/O and does not fail: who reads after Close learns of that.
	Watch(scope Scope) *Watch
}

// Scope says whose changes are meant. The zero Scope is the whole store, one with a
// Part alone is that part.
type Scope struct {
	Part Part
	ID   string // of One
	One  bool   // the document ID alone, which is "" for a singleton
}

// ChangeQuery selects a page of changes.
type ChangeQuery struct {
	Scope
	After  Mark // behind which the page begins; nil is the start
	Limit  int  // at least 1
	Bodies bool // with their bodies, where those are kept
	// Touches asks for the rows of touches too: all of the log that is kept.
	Touches bool
}

// Validate refuses with [ErrInvalid] what no state could make right.
func (q *ChangeQuery) Validate() error {
	if q.Limit < 1 || len(q.After) > 0 && slices.Min(q.After) < 0 || q.One && q.Part.Collection == "" {
		return fmt.Errorf("%w: a page of %d changes behind %v", ErrInvalid, q.Limit, q.After)
	}
	return nil
}

// ChangePage is one page of changes.
type ChangePage struct {
	// Entries are log rows that changed content, in each lane by position. Touches are
	// none, unless the query asks for them.
	Entries []Entry
	// Last is the mark up to which everything was looked at; the next page goes on
	// behind it. Newest covers it, unless the query went on behind that.
	Last Mark
	// Newest is where the feed of the whole store ended. More changes may be between
	// Last and it, and none are where Last covers it.
	Newest Mark
	// Pruned has the greatest positions in the scope, or in the part around it, of rows
	// that are no longer kept.
	Pruned Mark
}

// Tail is where a driver's feed ends, and who waits there. The zero Tail is that of
// an empty store. It is safe for concurrent use.
type Tail struct {
	newest atomic.Pointer[Mark]

	mu      sync.Mutex // held by who changes newest, too
	watches map[Scope]*Watch
}

// Change is one change that became durable.
type Change struct {
	Ref      Ref
	Lane     int
	Position int64
}

// Begin says where the feed of a store that is being opened ends.
func (t *Tail) Begin(newest Mark) { t.newest.Store(&newest) }

// Newest returns where the feed ends: everything up to it is durable and can be read.
func (t *Tail) Newest() Mark {
	if newest := t.newest.Load(); newest != nil {
		return *newest
	}
	return nil
}

// Publish moves the end of the feed to newest, and wakes who waits for one of the
// changes on the way, in each lane by position. Whoever waits for the same is woken at once,
// however many changes there are. Drivers call it when what they committed is
// durable and readable, in the order of commits, before they answer.
func (t *Tail) Publish(newest Mark, changes []Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.Newest()
	t.newest.Store(&newest)
	for i := range changes {
		if len(t.watches) == 0 {
			return
		}
		c := &changes[i]
		for _, scope := range [...]Scope{{}, {Part: c.Ref.Part}, {Part: c.Ref.Part, ID: c.Ref.ID, One: true}} {
			if w := t.watches[scope]; w != nil {
				delete(t.watches, scope)
				w.before = before.With(c.Lane, c.Position-1)
				close(w.changed)
			}
		}
	}
}

// Watch implements [Feed].
func (t *Tail) Watch(scope Scope) *Watch {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watches[scope]
	if w == nil {
		if t.watches == nil {
			t.watches = make(map[Scope]*Watch)
		}
		w = &Watch{tail: t, scope: scope, changed: make(chan struct{})}
		t.watches[scope] = w
	}
	w.waiting++
	return w
}

// Watch waits for one change. All who watch the same scope share one.
type Watch struct {
	tail    *Tail
	scope   Scope
	changed chan struct{}
	waiting int  // how many have not stopped
	before  Mark // before the change; valid once changed is closed
}

// Changed is closed by the first change in the scope after the call of Watch.
func (w *Watch) Changed() <-chan struct{} { return w.changed }

// Quiet returns a mark up to which nothing in the scope has changed since the call of
// Watch. Whoever has read to the end since then need not read up to there.
func (w *Watch) Quiet() Mark {
	w.tail.mu.Lock()
	defer w.tail.mu.Unlock()
	select {
	case <-w.changed:
		return w.before
	default:
		return w.tail.Newest()
	}
}

// Stop ends the wait of one caller.
func (w *Watch) Stop() {
	w.tail.mu.Lock()
	defer w.tail.mu.Unlock()
	if w.waiting--; w.waiting == 0 && w.tail.watches[w.scope] == w {
		delete(w.tail.watches, w.scope)
	}
}
