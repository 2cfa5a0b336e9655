package sqlite

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// What the writer appends to the write-ahead log is moved into the file in turns
// of moveEvery bytes. The log grows on meanwhile, and starts again from its
// beginning once it has restartEvery bytes: that costs a flush of the file, with
// every commit waiting, so that it has to be rare.
const (
	moveEvery    = 32 << 20
	restartEvery = 128 << 20
)

// commitCost is roughly what one commit appends beside its body: the page with
// its document row.
const commitCost = 6 << 10

// checkpointer moves the write-ahead log into the file. The bulk goes in the
// background, beside the writer. Only a log that is moved entirely starts again
// from its beginning: where it is due, the writer moves what it appended
// meanwhile itself, between two groups. So commits stall rarely, for the small
// rest only, and the log does not grow without end.
type checkpointer struct {
	store    *Store
	conn     *conn
	pragma   *stmt
	wake     chan struct{}
	done     chan struct{}
	bulkDone atomic.Bool

	// These belong to whoever is at work.
	appended, logged        int64 // bytes since the last turn, and since the log began anew
	moveEvery, restartEvery int64
}

const checkpointPragma = "PRAGMA wal_checkpoint(PASSIVE)"

func newCheckpointer(s *Store) (*checkpointer, error) {
	c, err := connect(s.opts, s.path)
	if err != nil {
		return nil, err
	}
	p := &checkpointer{
		store: s, conn: c, wake: make(chan struct{}, 1), done: make(chan struct{}),
		moveEvery: moveEvery, restartEvery: restartEvery,
	}
	if p.pragma, err = c.prepare(checkpointPragma); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return p, nil
}

func (p *checkpointer) run() {
	defer close(p.done)
	for range p.wake {
		p.bulk()
		p.bulkDone.Store(true)
	}
}

// Each pass of the bulk moves what the writer appended during the one before,
// which is less each time. It ends when the rest is small, or does not shrink.
const (
	smallRest = 256 // frames
	maxPasses = 6
)

func (p *checkpointer) bulk() {
	before := int64(0)
	for range maxPasses {
		frames := p.checkpoint(p.conn, p.pragma)
		if frames-before < smallRest {
			return
		}
		before = frames
	}
}

func (p *checkpointer) stop() error {
	close(p.wake)
	<-p.done
	return p.conn.close()
}

// afterGroup is the writer's turn.
func (p *checkpointer) afterGroup(w *writer, members []*member) {
	appended := cost(members)
	p.appended += appended
	p.logged += appended
	switch {
	case p.store.trouble.Load() != nil:
	case p.bulkDone.CompareAndSwap(true, false):
		if p.logged >= p.restartEvery {
			p.checkpoint(w.conn, w.st.checkpoint)
			p.appended, p.logged = 0, 0
		}
	case p.appended > p.moveEvery:
		select {
		case p.wake <- struct{}{}:
			p.appended = 0
		default: // the bulk is still on its way
		}
	}
}

// cost is roughly what a group appends to the log, in bytes.
func cost(members []*member) (bytes int64) {
	for _, m := range members {
		bytes += int64(m.writes) * commitCost
		if m.commit == nil {
			continue
		}
		for i := range m.commit.Writes {
			bytes += commitCost + int64(len(m.commit.Writes[i].Body))
		}
	}
	return bytes
}

// checkpoint runs one on a connection and returns how many frames the log had
// when it began, 0 where it failed. What a reader still needs stays in the
// log and is no fault. A failed flush stops the writer: what it was to make
// durable may be lost, and the log that still has it must not be overwritten.
func (p *checkpointer) checkpoint(c *conn, s *stmt) (frames int64) {
	if p.store.trouble.Load() != nil {
		return 0
	}
	_, err := c.one(s, func(r row) { frames = r.int(1) })
	switch {
	case err == nil:
	case leftUnknown(err):
		p.store.stop(fmt.Errorf("sqlite: checkpoint: %w", err), nil)
	default:
		p.store.opts.Logger.Warn("the write-ahead log could not be moved into the file; it grows until it can", "cause", err)
	}
	return frames
}
