package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// follower keeps the end of the feed for those who wait at this node. What the node has
// committed itself it hears of at once; what others have, by looking at the counters of
// the lanes: every so often, and when it is notified. In each lane it tells of every
// position in turn, so that nobody is told to be past what he was not told of.
type follower struct {
	store  *Store
	tail   store.Tail
	wake   chan struct{} // holds one look
	tell   chan struct{} // holds one notification of other nodes
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	mark  store.Mark           // the end of tail
	ahead [lanes]map[int64]row // committed here, behind what is not known yet
}

// row is a row of the feed.
type row struct {
	change store.Change
	touch  bool
}

// follow begins where the feed ends now.
func follow(ctx context.Context, s *Store) (*follower, error) {
	f := &follower{store: s, wake: make(chan struct{}, 1), tell: make(chan struct{}, 1)}
	for lane := range f.ahead {
		f.ahead[lane] = make(map[int64]row)
	}
	var err error
	if f.mark, err = f.ends(ctx); err != nil {
		return nil, err
	}
	f.tail.Begin(f.mark)
	running, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	f.done.Go(func() { f.poll(running) })
	f.done.Go(func() { f.notify(running) })
	f.done.Go(func() { f.listen(running) })
	return f, nil
}

func (f *follower) stop() {
	f.cancel()
	f.done.Wait()
}

// ends reads the counters of the lanes.
func (f *follower) ends(ctx context.Context) (store.Mark, error) {
	rows, err := f.store.pools.read.Query(ctx, readLanes, 0)
	if err != nil {
		return nil, err
	}
	mark := make(store.Mark, lanes)
	var lane int16
	var position int64
	_, err = pgx.ForEachRow(rows, []any{&lane, &position}, func() error {
		mark[lane] = position
		return nil
	})
	return mark, err
}

// committed tells of what this node has committed.
func (f *follower) committed(rows []row) {
	if len(rows) == 0 {
		return
	}
	f.mu.Lock()
	for _, r := range rows {
		if r.change.Position > f.mark.At(r.change.Lane) {
			f.ahead[r.change.Lane][r.change.Position] = r
		}
	}
	f.advance()
	gap := false
	for lane := range f.ahead {
		gap = gap || len(f.ahead[lane]) > 0
	}
	f.mu.Unlock()
	if gap {
		hint(f.wake)
	}
	hint(f.tell)
}

// advance publishes what follows the end without a gap. The caller holds mu.
func (f *follower) advance() {
	mark := make(store.Mark, lanes)
	var changes []store.Change
	for lane := range mark {
		mark[lane] = f.mark.At(lane)
		for {
			r, known := f.ahead[lane][mark[lane]+1]
			if !known {
				break
			}
			mark[lane]++
			delete(f.ahead[lane], mark[lane])
			if !r.touch {
				changes = append(changes, r.change)
			}
		}
	}
	if f.mark.Covers(mark) {
		return
	}
	f.mark = mark
	f.tail.Publish(mark, changes)
}

// hint puts one into a channel that holds one.
func hint(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (f *follower) poll(ctx context.Context) {
	tick := time.NewTicker(f.store.opts.PollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-tick.C:
		}
		if err := f.catchUp(ctx); err != nil && ctx.Err() == nil {
			f.store.opts.Logger.Warn("the feed of other nodes cannot be read", "cause", err)
		}
	}
}

// stride is how many rows of a lane are read at a time.
const stride = 2000

const readNews = `SELECT l.position, l.action = 'touch', p.collection, p.params, l.id FROM log l JOIN parts p ON p.part = l.part
	WHERE l.lane = $1 AND l.position > $2 AND l.position <= $3 ORDER BY l.position`

// catchUp tells of what others have committed. Positions that the log has no row for
// were purged.
func (f *follower) catchUp(ctx context.Context) error {
	ends, err := f.ends(ctx)
	if err != nil {
		return err
	}
	for lane := range ends {
		for {
			f.mu.Lock()
			from := f.mark.At(lane)
			f.mu.Unlock()
			to := min(ends[lane], from+stride)
			if from >= to {
				break
			}
			if err := f.catchUpLane(ctx, lane, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *follower) catchUpLane(ctx context.Context, lane int, from, to int64) error {
	rows, err := f.store.pools.read.Query(ctx, readNews, lane, from, to)
	if err != nil {
		return err
	}
	news := make(map[int64]row)
	var r row
	ref := &r.change.Ref
	if _, err := pgx.ForEachRow(rows, []any{&r.change.Position, &r.touch, &ref.Part.Collection, &ref.Part.Params, &ref.ID}, func() error {
		r.change.Lane = lane
		news[r.change.Position] = r
		return nil
	}); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for position := max(from, f.mark.At(lane)) + 1; position <= to; position++ {
		r, kept := news[position]
		if !kept {
			r.touch = true
		}
		f.ahead[lane][position] = r
	}
	f.advance()
	return nil
}

// notifyEvery is how long notifications are gathered.
const notifyEvery = 20 * time.Millisecond

// notify tells other nodes that there is more. It says so after the commit and once
// for many: within it, all commits would wait for one another.
func (f *follower) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.tell:
		}
		if _, err := f.store.pools.read.Exec(ctx, "SELECT pg_notify($1, $2)", f.channel(), f.store.id); err != nil && ctx.Err() == nil {
			f.store.opts.Logger.Debug("other nodes were not notified", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(notifyEvery):
		}
	}
}

// channel is that of the schema; a database may hold several stores.
func (f *follower) channel() string { return "ifmatch_" + f.store.id }

// listen wakes the look at the counters. A notification that is lost is made up for by
// the next look.
func (f *follower) listen(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		err := f.listenOnce(ctx)
		if ctx.Err() == nil {
			f.store.opts.Logger.Debug("notifications are not heard", "cause", err)
			pause(ctx, 10)
		}
	}
}

func (f *follower) listenOnce(ctx context.Context) error {
	c, err := pgx.ConnectConfig(ctx, f.store.pools.read.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := c.Close(ending); err != nil {
			f.store.opts.Logger.Debug("closing the connection that listens", "cause", err)
		}
	}()
	if _, err := c.Exec(ctx, fmt.Sprintf("LISTEN %s", pgx.Identifier{f.channel()}.Sanitize())); err != nil {
		return err
	}
	for {
		if _, err := c.WaitForNotification(ctx); err != nil {
			return err
		}
		hint(f.wake)
	}
}
