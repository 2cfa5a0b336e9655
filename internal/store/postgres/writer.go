package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// writer carries commits out. As long as a connection is free a commit goes by
// itself; what has to wait for one shares a statement, and so one flush to the disk.
type writer struct {
	store *Store

	mu      sync.Mutex
	waiting []*member
	busy    locks // what is under way
	working int   // goroutines, at most Options.Writers

	trouble atomic.Pointer[error] // of the last statement, nil where the server was reached
}

// errUnreplicated is the warning that a commit has not reached its standbys.
var errUnreplicated = errors.New("postgres: a commit was made to end before its synchronous standbys had it")

func newWriter(s *Store) *writer { return &writer{store: s, busy: make(locks)} }

// Commit implements [store.Store]. Once it was handed in the caller's context has no
// say: nobody can take it back.
func (s *Store) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return store.Receipt{}, err
	}
	if err := validate(c); err != nil {
		return store.Receipt{}, err
	}
	if err := s.enter(); err != nil {
		return store.Receipt{}, err
	}
	defer s.leave()
	if err := s.opts.Probe.At(store.PointQueued); err != nil {
		return store.Receipt{}, err
	}
	m := newMember(c)
	if m.size > maxCommitBytes {
		return store.Receipt{}, fmt.Errorf("%w: %d bytes, more than %d", store.ErrTooLarge, m.size, maxCommitBytes)
	}
	if err := s.keepLong(ctx, c); err != nil {
		return store.Receipt{}, err
	}
	s.writer.queue(m)
	<-m.done
	return m.receipt, m.err
}

// validate refuses what no state could make right, or the database cannot hold.
func validate(c *store.Commit) error {
	if err := c.Validate(); err != nil {
		return err
	}
	texts := append([]string{c.Correlation, c.Actor.Name}, c.Actor.Roles...)
	for i := range c.Checks {
		texts = append(texts, c.Checks[i].Ref.ID, c.Checks[i].Ref.Part.Collection, c.Checks[i].Ref.Part.Params)
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		texts = append(texts, w.Ref.ID, w.Ref.Part.Collection, w.Ref.Part.Params, w.Lease.ID, w.Log.Outcome, string(w.Log.Action))
		texts = append(texts, store.Names(w.Keys)...)
	}
	for i := range c.Claims {
		texts = append(texts, c.Claims[i].ID, c.Claims[i].Index)
	}
	for i := range c.Rows {
		texts = append(texts, c.Rows[i].Kind)
	}
	return plain(texts...)
}

func (w *writer) queue(m *member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, m)
	if w.working < w.store.opts.Writers {
		w.working++
		go w.work()
	}
}

// work carries out what waits until nothing is left that it could.
func (w *writer) work() {
	for {
		w.mu.Lock()
		group := w.gather()
		if len(group) == 0 {
			w.working-- // what is left waits for those who are at work
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.serve(group)
	}
}

// serve carries a group out and answers its members.
func (w *writer) serve(group []*member) {
	defer func() {
		if v := recover(); v != nil {
			fail(group, fmt.Errorf("%w: the writer panicked: %v\n%s", store.ErrOutcomeUnknown, v, debug.Stack()))
		}
		w.mu.Lock()
		for _, m := range group {
			w.busy.release(m)
		}
		w.mu.Unlock()
		for _, m := range group {
			close(m.done)
		}
	}()
	if err := w.store.opts.Probe.At(store.PointGroup); err != nil {
		fail(group, err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.store.opts.Patience)
	defer cancel()
	unknown := false
	if len(group) > 1 {
		err := w.run(ctx, group)
		if err == nil || errors.Is(err, errForcedUnknown) {
			return
		}
		// What failed may be the fault of one member; alone, each gets its own answer.
		unknown = inDoubt(err)
	}
	for _, m := range group {
		w.alone(ctx, m, unknown)
	}
}

func fail(group []*member, err error) {
	for _, m := range group {
		m.receipt, m.err = store.Receipt{}, err
	}
}

// alone carries one commit out, again and again where that may help: after races that
// were lost, and where the server was lost before it had answered. That it was carried
// out the first time is found in the log. Unknown tells that it may have been already.
func (w *writer) alone(ctx context.Context, m *member, unknown bool) {
	for tries := 0; ; tries++ {
		err := w.run(ctx, []*member{m})
		if err == nil || errors.Is(err, errForcedUnknown) {
			return
		}
		unknown = unknown || inDoubt(err)
		code := codeOf(err)
		again := code == codeSerialization || code == codeDeadlock || passing(err) || errors.Is(err, errUnreplicated)
		if errors.Is(err, errForced) || !again || ctx.Err() != nil || !pause(ctx, tries) {
			if err = classify(err); unknown {
				err = fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
			}
			m.receipt, m.err = store.Receipt{}, err
			return
		}
	}
}

// inDoubt tells whether what failed with err may have been carried out all the same.
func inDoubt(err error) bool {
	return !errors.Is(err, errForced) && (leftUnknown(err) || errors.Is(err, errUnreplicated))
}

// pause waits before another try, longer each time. It returns false when the time is up.
func pause(ctx context.Context, tries int) bool {
	most := min(time.Millisecond<<min(tries, 10), 500*time.Millisecond)
	select {
	case <-time.After(rand.N(most) + time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// run carries a group out in one statement, and gives each member its answer. Its
// error means that nobody has one.
func (w *writer) run(ctx context.Context, group []*member) error {
	t := w.store.newStatement(group)
	warned := w.store.pools.unreplicated.Load()
	var o *outcome
	var err error
	if w.store.opts.Probe == nil {
		o, err = call(ctx, w.store.pools.write, t)
	} else {
		o, err = w.inSteps(ctx, t)
	}
	w.note(err)
	if errors.Is(err, errForcedUnknown) {
		fail(group, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err))
		return err
	}
	if err == nil && w.store.pools.unreplicated.Load() != warned {
		err = errUnreplicated
	}
	if err != nil {
		return err
	}
	if !t.dry {
		w.store.feed.committed(placed(group, o))
	}
	for _, m := range group {
		m.receipt, m.err = o.answer(m)
		switch m.err.(type) {
		case *store.StaleError, *store.ReplayedError:
			if !o.ours(m) {
				continue
			}
			m.receipt, m.err = w.settle(ctx, m.commit)
		}
	}
	return nil
}

// settle returns the receipt of a commit that was carried out before, and asks for it
// again where the server is lost over that.
func (w *writer) settle(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	for tries := 0; ; tries++ {
		r, err := w.store.settle(ctx, c)
		if err == nil {
			return r, nil
		}
		if again := passing(err) || errors.Is(err, errUnreplicated); !again || !pause(ctx, tries) {
			return store.Receipt{}, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
		}
	}
}

// placed returns the rows of the feed that a group has added.
func placed(group []*member, o *outcome) []row {
	var rows []row
	for _, m := range group {
		if !o.passed[m.at.member-1] {
			continue
		}
		for i := range m.commit.Writes {
			wr := &m.commit.Writes[i]
			at := m.at.ref + len(m.commit.Checks) + i
			rows = append(rows, row{
				change: store.Change{Ref: wr.Ref, Lane: int(o.lanes[at]), Position: o.positions[at]},
				touch:  wr.Content == store.ContentTouch,
			})
		}
	}
	return rows
}

// caller is a connection, a pool of them, or a transaction.
type caller interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func call(ctx context.Context, c caller, t *statement) (*outcome, error) {
	rows, err := c.Query(ctx, callCommit, t.args()...)
	if err != nil {
		return nil, err
	}
	return readOutcome(rows, t)
}

// note remembers whether the server was reached.
func (w *writer) note(err error) {
	if passing(err) && !errors.Is(err, errForced) {
		w.trouble.Store(&err)
	} else {
		w.trouble.Store(nil)
	}
}

func (w *writer) health() error {
	if err := w.trouble.Load(); err != nil {
		return *err
	}
	return nil
}
