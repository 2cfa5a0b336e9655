package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

// writer changes the file, one group of commits at a time. Whatever waits when a
// group is done shares the next transaction and so one flush to the disk. There
// is no goroutine for it: the first to come does the work for all who came while
// it was at it, so that a lone caller pays for no change of goroutines. Its
// fields belong to whoever is at work, but for those under mu.
type writer struct {
	store       *Store
	conn        *conn
	st          writeStatements
	checkpoints *checkpointer
	importing   *importing // nil but in a store that takes another one over

	mu      sync.Mutex
	idle    *sync.Cond // nobody is at work
	busy    bool
	waiting []*member

	// What is durable; a group works on its own copies until then.
	parts     map[store.Part]*part
	indexes   map[string]*indexSet // by collection
	position  int64                // the newest
	number    int64                // the greatest documents.doc
	lastPart  int64
	lastIndex int64
}

// part is a row of parts.
type part struct {
	number, floor int64
	head          int64 // position of the newest commit inside, 0 for none in this process
}

// member is one call that waits for its share of a group.
type member struct {
	commit  *store.Commit // or
	purge   *store.Ref    // or
	step    func(*group) error
	writes  int     // documents that step changes
	after   *member // that has to be carried out before, nil for none
	receipt store.Receipt
	err     error

	store *Store
	first bool // nobody was at work when it came: its owner begins
	done  chan struct{}
}

func newWriter(s *Store, c *conn) (*writer, error) {
	w := &writer{
		store: s, conn: c, parts: make(map[store.Part]*part), indexes: make(map[string]*indexSet),
	}
	w.idle = sync.NewCond(&w.mu)
	err := w.st.prepare(c)
	if err != nil {
		return nil, err
	}
	if err := w.readCounters(); err != nil {
		return nil, err
	}
	w.checkpoints, err = newCheckpointer(s)
	return w, err
}

func (w *writer) readCounters() error {
	counters, err := w.conn.prepare("SELECT (" + newestPosition + `),
		(SELECT coalesce(max(doc), 0) FROM documents), (SELECT coalesce(max(part), 0) FROM parts), (SELECT coalesce(max(number), 0) FROM indexes)`)
	if err != nil {
		return err
	}
	if _, err = w.conn.one(counters, func(r row) {
		w.position, w.number, w.lastPart, w.lastIndex = r.int(0), r.int(1), r.int(2), r.int(3)
	}); err != nil {
		return err
	}
	w.store.heads.atLeast = w.position
	w.store.tail.Begin(store.Mark{w.position})
	all, err := w.conn.prepare("SELECT collection, params, part, floor FROM parts")
	if err != nil {
		return err
	}
	if err := w.conn.each(all, func(r row) error {
		name := store.Part{Collection: r.text(0), Params: r.text(1)}
		w.parts[name] = &part{number: r.int(2), floor: r.int(3)}
		w.store.numbers.set(name, r.int(2))
		return nil
	}); err != nil {
		return err
	}
	return w.readIndexes()
}

func (w *writer) readIndexes() error {
	collections, err := w.conn.prepare("SELECT DISTINCT collection FROM indexes")
	if err != nil {
		return err
	}
	return w.conn.each(collections, func(r row) (err error) {
		w.indexes[r.text(0)], err = readIndexes(w.conn, w.st.indexes, r.text(0))
		return err
	})
}

// stop waits for who is at work. Nobody may submit anything any more.
func (w *writer) stop() error {
	w.mu.Lock()
	for w.busy {
		w.idle.Wait()
	}
	w.mu.Unlock()
	return w.checkpoints.stop()
}

// submit queues a member and waits for its outcome.
func (s *Store) submit(ctx context.Context, m *member) error {
	if err := s.queue(ctx, m); err != nil {
		return err
	}
	_, err := m.Wait()
	return err
}

// queue hands a member in. From then on the caller's context has no say: nobody
// can take it back. Somebody has to wait for it.
func (s *Store) queue(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	err := store.ErrReadOnly
	if s.writer != nil {
		err = s.opts.Probe.At(store.PointQueued)
	}
	if err != nil {
		s.leave()
		return err
	}
	m.store, m.done = s, make(chan struct{})
	m.first = s.writer.enqueue(m)
	return nil
}

// Wait implements [store.Submission]. It does the work where nobody is at it.
func (m *member) Wait() (store.Receipt, error) {
	defer m.store.leave()
	if m.first {
		m.store.writer.work()
	}
	<-m.done
	return m.receipt, m.err
}

// enqueue hands a member in, and tells whether nobody is at work: then it is for
// its owner to begin.
func (w *writer) enqueue(m *member) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, m)
	first = !w.busy
	w.busy = true
	return first
}

// work carries out the group that waits, and leaves what came meanwhile to a
// goroutine: its caller, who has an answer now, is not kept for others.
func (w *writer) work() {
	w.mu.Lock()
	n := min(len(w.waiting), w.store.opts.MaxGroup)
	group := w.waiting[:n:n]
	w.waiting = slices.Clone(w.waiting[n:])
	w.mu.Unlock()
	w.serve(group)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy = len(w.waiting) > 0; w.busy {
		go w.work()
		return
	}
	w.idle.Broadcast()
}

// Commit implements [store.Store].
func (s *Store) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	if err := c.Validate(); err != nil {
		return store.Receipt{}, err
	}
	m := &member{commit: c}
	err := s.submit(ctx, m)
	return m.receipt, err
}

// Submit implements [store.Submitter].
func (s *Store) Submit(ctx context.Context, c *store.Commit, after store.Submission) (store.Submission, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &member{commit: c}
	if after != nil {
		m.after = after.(*member)
	}
	return m, s.queue(ctx, m)
}

// serve carries a group out and answers its members, in that order: nobody
// learns anything, a refusal included, before COMMIT returned.
func (w *writer) serve(members []*member) {
	w.carryOut(members)
	for _, m := range members {
		close(m.done)
	}
	w.checkpoints.afterGroup(w, members)
}

func (w *writer) carryOut(members []*member) {
	if t := w.store.trouble.Load(); t != nil {
		fail(members, fmt.Errorf("%w: the writer stopped: %w", store.ErrReadOnly, t.cause))
		return
	}
	if err := w.store.opts.Probe.At(store.PointGroup); err != nil {
		fail(members, err)
		return
	}
	if w.transact(members) {
		return
	}
	// What failed may be the fault of one member; alone, each gets its own answer.
	for i := range members {
		if w.store.trouble.Load() != nil {
			fail(members[i:], store.ErrReadOnly)
			return
		}
		w.transact(members[i : i+1])
	}
}

func fail(members []*member, err error) {
	for _, m := range members {
		m.receipt, m.err = store.Receipt{}, err
	}
}

// transact runs members in one transaction. It returns false when the whole of
// it was rolled back and nobody has an outcome yet; a single member always has
// one.
func (w *writer) transact(members []*member) (settled bool) {
	g := newGroup(w)
	defer func() {
		if v := recover(); v != nil {
			g.panicked(members, v)
			settled = true
		}
	}()
	if _, err := w.conn.exec(w.st.begin); err != nil {
		fail(members, classify(err))
		return len(members) == 1
	}
	err := g.apply(members)
	if err == nil {
		err = w.store.opts.Probe.At(store.PointBeforeCommit)
	}
	if err != nil {
		fail(members, classify(errors.Join(err, w.rollback())))
		return len(members) == 1
	}
	g.hold()
	g.sent = true
	if _, err = w.conn.exec(w.st.end); err != nil && !leftUnknown(err) {
		err = errors.Join(err, w.rollback())
		g.release()
		fail(members, classify(err))
		return len(members) == 1
	}
	if err == nil {
		err = w.store.opts.Probe.At(store.PointAfterCommit)
	}
	if err != nil {
		w.store.stop(err, g.order)
		fail(members, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err))
		return true
	}
	g.publish()
	return true
}

// rollback ends the transaction, unless SQLite has rolled it back by itself.
func (w *writer) rollback() error {
	if w.conn.raw.AutocommitEnabled() {
		return nil
	}
	err := w.conn.do("ROLLBACK")
	if err != nil {
		w.store.stop(err, nil)
	}
	return err
}
