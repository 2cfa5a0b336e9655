package etcd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// maxGroup is how many commits share a transaction at most.
const maxGroup = 64

// writer makes the commits of this process, one transaction after the other. What
// came while one was under way shares the next: it is judged in the order in which it
// came, each commit on what those before it leave, and all of it happens on the one
// condition that nothing has changed since it was read.
type writer struct {
	s *Store

	mu     sync.Mutex
	queue  []*member
	wake   chan struct{} // holds one when there is something in the queue
	closed chan struct{}
	ended  chan struct{}

	// inDoubt is the revision of the tail that the newest transaction is bound to of
	// which no answer came. While the tail stands there, it may yet happen.
	inDoubt int64
}

// member is one commit on its way.
type member struct {
	commit  *store.Commit
	sent    bool // a transaction with it may have happened, and nobody knows
	receipt store.Receipt
	err     error
	done    chan struct{}
}

func newWriter(s *Store) *writer {
	return &writer{s: s, wake: make(chan struct{}, 1), closed: make(chan struct{}), ended: make(chan struct{})}
}

// Commit implements [store.Store]. A context is looked at before the commit is
// accepted and never after.
func (s *Store) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return store.Receipt{}, err
	}
	if err := c.Validate(); err != nil {
		return store.Receipt{}, err
	}
	if err := s.enter(); err != nil {
		return store.Receipt{}, err
	}
	defer s.leave()
	if err := s.opts.Probe.At(store.PointQueued); err != nil {
		return store.Receipt{}, err
	}
	m := &member{commit: c, done: make(chan struct{})}
	s.writer.push(m)
	<-m.done
	return m.receipt, m.err
}

func (w *writer) push(members ...*member) {
	w.mu.Lock()
	w.queue = append(w.queue, members...)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop ends the writer. Nothing may be in the queue.
func (w *writer) stop() {
	close(w.closed)
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case <-w.closed:
			return
		case <-w.wake:
		}
		for group := w.take(); len(group) > 0; group = w.take() {
			w.run(group)
		}
	}
}

func (w *writer) take() []*member {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxGroup)
	group := w.queue[:n:n]
	w.queue = w.queue[n:]
	return group
}

// giveBack puts members for whom there was no room back to the front.
func (w *writer) giveBack(members []*member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(members, w.queue...)
}

// run makes a group. It tries again for as long as others are faster, or the cluster
// does not answer, until patience ends.
func (w *writer) run(group []*member) {
	if err := w.s.opts.Probe.At(store.PointGroup); err != nil {
		reply(group, err)
		return
	}
	deadline := time.Now().Add(w.s.opts.Patience)
	for try := 0; ; try++ {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		again, err := w.attempt(ctx, &group)
		cancel()
		if !again {
			w.s.healthy(err)
			return
		}
		if time.Now().After(deadline) {
			w.giveUp(group, err)
			return
		}
		if err != nil || try > 3 { // who lost a race tries at once, and who loses many makes room
			<-time.After(time.Duration(1+rand.Int64N(20)) * time.Millisecond)
		}
	}
}

// giveUp tells a group that it was not made, or that nobody knows.
func (w *writer) giveUp(group []*member, cause error) {
	w.s.healthy(cause)
	for _, m := range group {
		err := cause
		switch {
		case m.sent:
			err = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, cause)
		case cause == nil:
			err = fmt.Errorf("%w: other nodes were faster each time", store.ErrContended)
		}
		reply([]*member{m}, err)
	}
}

func reply(members []*member, err error) {
	for _, m := range members {
		if err != nil {
			m.receipt, m.err = store.Receipt{}, err
		}
		close(m.done)
	}
}

// attempt makes a group once, on the newest state. It tells whether that must be
// tried again, with the error where it was not just a race that was lost. Members
// that have been answered, or given back, are no longer in the group.
func (w *writer) attempt(ctx context.Context, group *[]*member) (again bool, err error) {
	st, err := w.s.load(ctx, *group)
	if err != nil {
		return true, err
	}
	in, err := w.judge(ctx, st, group)
	if err != nil {
		return true, err
	}
	*group = in
	ops, err := st.txn()
	if err != nil {
		reply(in, err)
		return false, nil
	}
	if len(ops) == 1 && w.inDoubt != st.tailRev { // nothing but the tail, and no rival to shut out
		reply(in, nil)
		return false, nil
	}
	if err := w.s.opts.Probe.At(store.PointBeforeCommit); err != nil {
		reply(in, err)
		return false, nil
	}
	if again, err := w.send(ctx, st, in, ops); again || err != nil {
		if !again {
			w.giveUp(in, err)
		}
		return again, err
	}
	unknown := w.s.opts.Probe.At(store.PointAfterCommit)
	for i := range st.bodies {
		w.s.bodies.put(&st.bodies[i].Head, st.bodies[i].Body)
	}
	w.s.feed.publish(st.tail.Position, st.changes)
	if unknown != nil {
		unknown = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, unknown)
	}
	reply(in, unknown)
	return false, nil
}

// judge judges a group and prepares what it does. It returns the members that are
// answered when that has happened; the others are answered or given back.
func (w *writer) judge(ctx context.Context, st *state, group *[]*member) (in []*member, err error) {
	for i, m := range *group {
		m.receipt, m.err = store.Receipt{}, nil
		fits, err := w.member(ctx, st, m)
		if err != nil {
			return nil, err
		}
		switch {
		case fits:
			in = append(in, m)
		case i == 0:
			m.err = fmt.Errorf("%w: etcd takes %d operations and %d bytes in one transaction", store.ErrTooLarge, maxOps, maxBytes)
			in = append(in, m)
		default:
			w.giveBack((*group)[i:])
			return in, nil
		}
	}
	return in, nil
}

// member judges one commit and adds what it does. It tells whether that fits in
// beside the others, and fails where the state could not be read.
func (w *writer) member(ctx context.Context, st *state, m *member) (fits bool, err error) {
	now := w.s.opts.Clock()
	var p *plan
	refusal := st.judge(m.commit, now)
	if refusal == nil {
		p, refusal = st.plan(ctx, m.commit, now)
	}
	if refusal != nil {
		if !isRefusal(refusal) {
			return false, refusal
		}
		m.receipt, m.err = st.settle(ctx, m.commit, refusal)
		if m.err == nil || isRefusal(m.err) {
			return true, nil
		}
		return false, m.err
	}
	if !st.room(p) {
		return false, nil
	}
	if err := w.s.opts.Probe.At(store.PointChecked); err != nil {
		m.err = err
		return true, nil //nolint:nilerr // it is the member's own, and the group goes on
	}
	m.receipt = p.receipt
	if !m.commit.Dry {
		st.add(p)
	}
	return true, nil
}

// send makes what a group does happen, if nothing has changed since the state was
// read. Where no answer comes it may happen later, until something else takes its
// place; the next attempt finds out.
func (w *writer) send(ctx context.Context, st *state, in []*member, ops []clientv3.Op) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	made, err := w.s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(w.s.keys.tail()), "=", st.tailRev)).Then(ops...).Commit()
	switch {
	case err == nil:
		return !made.Succeeded, nil
	case leftNothing(err):
		return false, classify(context.Background(), err)
	}
	w.inDoubt = st.tailRev
	for _, m := range in {
		m.sent = true
	}
	return true, classify(context.Background(), err)
}
