package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Flood is what came of requests that were sent whether or not the ones before them had
// been answered (open loop).
type Flood struct {
	Due      uint64 // requests that it was time for
	Unsent   uint64 // of these, those that found every connection with a request under way
	Accepted uint64 // answered as the kind expects
	Refused  uint64 // answered 503
	Elapsed  time.Duration
	Latency  Histogram // of the accepted ones, from when they were due to their answer
	Refusals Histogram // likewise
}

// AcceptedRate is how many requests were accepted in a second.
func (f *Flood) AcceptedRate() float64 { return float64(f.Accepted) / f.Elapsed.Seconds() }

// everyTick is how often a flood looks which requests are due.
const everyTick = 200 * time.Microsecond

// RunFlood sends requests at a rate in a second, for the plan's Duration, over its
// Clients connections with one request under way on each. Only Replace will do: in the
// end every document is read, and has to have the tag that the last accepted write of
// it was answered with, so that nothing was lost that was accepted, and nothing done
// that was refused. Any status but 200 and 503 is an error.
func RunFlood(ctx context.Context, p Plan, rate float64) (*Flood, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Kind != Replace {
		return nil, errors.New("a flood is of writes that replace a document")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &flood{rate: rate, due: make(chan time.Time)}
	var wg sync.WaitGroup
	errs := make([]error, p.Clients)
	clients := make([]*client, p.Clients)
	for i := range clients {
		c, err := newClient(&p, i)
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	results := make([]Flood, p.Clients)
	f.idle.Store(int64(p.Clients))
	for i, c := range clients {
		wg.Go(func() {
			if errs[i] = f.send(c, &results[i]); errs[i] != nil {
				cancel()
			}
		})
	}
	total := f.drive(ctx, p.Duration)
	wg.Wait()
	for i, c := range clients {
		p.Corpus.writes = max(p.Corpus.writes, c.stamp)
		total.add(&results[i])
	}
	if err := first(errs); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return total, checkTags(clients[0])
}

func (f *Flood) add(other *Flood) {
	f.Accepted, f.Refused = f.Accepted+other.Accepted, f.Refused+other.Refused
	f.Latency.Merge(&other.Latency)
	f.Refusals.Merge(&other.Refusals)
}

type flood struct {
	rate float64
	due  chan time.Time // when it was time for a request
	idle atomic.Int64   // connections without a request
}

// drive hands requests out as they are due, until the time is up.
func (f *flood) drive(ctx context.Context, d time.Duration) *Flood {
	total := &Flood{Elapsed: d}
	began := time.Now()
	tick := time.NewTicker(everyTick)
	defer tick.Stop()
	defer close(f.due)
	for {
		select {
		case <-ctx.Done():
			return total
		case <-tick.C:
		}
		now := time.Since(began)
		if now > d {
			return total
		}
		for until := uint64(now.Seconds() * f.rate); total.Due < until; total.Due++ {
			if f.idle.Load() <= 0 {
				total.Unsent += until - total.Due
				total.Due = until
				break
			}
			f.idle.Add(-1)
			f.due <- began.Add(time.Duration(float64(total.Due) / f.rate * float64(time.Second)))
		}
	}
}

// send sends what is handed to one connection.
func (f *flood) send(c *client, r *Flood) error {
	for due := range f.due {
		if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		i := c.pick()
		current := &c.plan.Corpus.tags[i]
		c.compose(c.plan.Kind, i, current)
		if _, err := c.conn.Write(c.request); err != nil {
			return fmt.Errorf("send a request of the flood: %w", err)
		}
		resp, err := readResponse(c.conn, c.answer)
		if err != nil {
			return fmt.Errorf("an answer in the flood: %w", err)
		}
		took := time.Since(due)
		f.idle.Add(1)
		switch resp.Status {
		case 200:
			if err := current.set(resp.State()); err != nil {
				return err
			}
			r.Accepted++
			r.Latency.Record(took)
		case 503:
			r.Refused++
			r.Refusals.Record(took)
		default:
			return fmt.Errorf("%w: status %d in the flood: %.200s", ErrWrong, resp.Status, resp.Body)
		}
	}
	return nil
}

// checkTags reads all documents and holds their tags against what writers were told.
func checkTags(c *client) error {
	for i := range c.plan.Corpus.tags {
		if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		resp, err := c.do(Read, i, &tag{})
		if err != nil {
			return fmt.Errorf("read what was written: %w", err)
		}
		if known := c.plan.Corpus.tags[i].get(); !bytes.Equal(resp.ETag, known) {
			return fmt.Errorf("%w: %s has the tag %s, its writer was told %s", ErrWrong, Path(i), resp.ETag, known)
		}
	}
	return nil
}
