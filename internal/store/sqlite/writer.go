package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"

	"github.com/ifmatch/ifmatch/internal/store"
)

// writer is the one goroutine that changes the file. Whatever waits when it is
// ready shares one transaction and so one flush to the disk. Its fields belong
// to that goroutine, but for queue, done and checkpoints.
type writer struct {
	store       *Store
	conn        *conn
	st          writeStatements
	queue       chan *member
	done        chan struct{}
	checkpoints *checkpointer

	// What is durable; a group works on its own copies until then.
	parts    map[store.Part]*part
	position int64 // the newest
	number   int64 // the greatest documents.doc
	lastPart int64
}

// part is a row of parts.
type part struct {
	number, floor, head int64
}

// member is one call that waits for its share of a group.
type member struct {
	commit  *store.Commit // or
	purge   *store.Ref
	receipt store.Receipt
	err     error
	done    chan struct{}
}

func newWriter(s *Store, c *conn) (*writer, error) {
	w := &writer{
		store: s, conn: c, queue: make(chan *member, 4*s.opts.MaxGroup), done: make(chan struct{}),
		parts: make(map[store.Part]*part),
	}
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
	counters, err := w.conn.prepare(`SELECT
		max((SELECT value FROM meta WHERE key = 'position'), (SELECT coalesce(max(position), 0) FROM log)),
		(SELECT coalesce(max(doc), 0) FROM documents), (SELECT coalesce(max(part), 0) FROM parts)`, 3)
	if err != nil {
		return err
	}
	if _, err = w.conn.one(counters, func(row []driver.Value) {
		w.position, w.number, w.lastPart = asInt(row[0]), asInt(row[1]), asInt(row[2])
	}); err != nil {
		return err
	}
	all, err := w.conn.prepare("SELECT collection, params, part, floor, head FROM parts", 5)
	if err != nil {
		return err
	}
	return w.conn.each(all, func(row []driver.Value) error {
		w.parts[store.Part{Collection: asText(row[0]), Params: asText(row[1])}] = &part{asInt(row[2]), asInt(row[3]), asInt(row[4])}
		return nil
	})
}

func (w *writer) start() {
	go w.checkpoints.run()
	go w.run()
}

// stop finishes what is queued. No call may queue anything any more.
func (w *writer) stop() error {
	close(w.queue)
	<-w.done
	return w.checkpoints.stop()
}

// submit queues a member and waits for its outcome. Once it is queued the
// caller's context has no say: nobody can take it back.
func (s *Store) submit(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if s.writer == nil {
		return store.ErrReadOnly
	}
	if err := s.opts.Probe.At(store.PointQueued); err != nil {
		return err
	}
	m.done = make(chan struct{})
	select {
	case s.writer.queue <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-m.done
	return m.err
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

// run serves the queue until it is closed and empty.
func (w *writer) run() {
	defer close(w.done)
	members := make([]*member, 0, w.store.opts.MaxGroup)
	for first := range w.queue {
		members = append(members[:0], first)
		for len(members) < cap(members) {
			select {
			case m, ok := <-w.queue:
				if !ok {
					w.serve(members)
					return
				}
				members = append(members, m)
				continue
			default:
			}
			break
		}
		w.serve(members)
	}
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
func (w *writer) transact(members []*member) bool {
	g := newGroup(w)
	if err := w.conn.do("BEGIN IMMEDIATE"); err != nil {
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
	if err = w.conn.do("COMMIT"); err != nil && !leftUnknown(err) {
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
	err := w.conn.do("ROLLBACK")
	if err != nil && codeOf(err) == lib.SQLITE_ERROR {
		return nil // no transaction is active
	}
	if err != nil {
		w.store.stop(err, nil)
	}
	return err
}
