// Package load drives an HTTP/1.1 server over raw keep-alive connections and
// measures how many requests it answers and how long each took. It shares the
// processors with the server it measures, so a request costs it one copy, one
// write, one read and a scan of the answer's head.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Plan says what one run does. Addr, Clients and Corpus are required.
type Plan struct {
	Addr string
	// Also are the addresses of further servers of the same documents. Clients are
	// spread over all.
	Also    []string
	Clients int // connections, each with one request under way at a time
	Corpus  *Corpus
	Kind    Kind
	Zipf    *Zipf // how Read and Unchanged choose documents; nil is uniform
	// Warmup is driven but not counted; Duration is counted. Kinds that create
	// ignore both.
	Warmup, Duration time.Duration
	// Header is added to every request: whole lines, each ending in CRLF.
	Header string
	Seed   uint64
}

func (p *Plan) check() error {
	switch {
	case p.Clients < 1 || p.Corpus.Len() < p.Clients && !p.Kind.shares():
		return fmt.Errorf("%d clients on %d documents: give each client at least one document", p.Clients, p.Corpus.Len())
	case p.Kind.patches() && p.Clients > Writers:
		return fmt.Errorf("%d clients: a document has members for %d writers", p.Clients, Writers)
	}
	return nil
}

// server returns the address of the server that a client talks to.
func (p *Plan) server(client int) string {
	if i := client % (len(p.Also) + 1); i > 0 {
		return p.Also[i-1]
	}
	return p.Addr
}

// Result is what one run measured.
type Result struct {
	Done      uint64 // what the clients were there for: reads, or writes that succeeded
	Requests  uint64 // answered; more than Done where clients read first and try again
	Elapsed   time.Duration
	Latency   Histogram // of what is done; closed loop: a client goes on when it has its last answer
	BodyBytes uint64    // of the answers that it was done with
}

// Rate is what was done in a second.
func (r *Result) Rate() float64 { return float64(r.Done) / r.Elapsed.Seconds() }

// RequestsEach is how many requests one success took.
func (r *Result) RequestsEach() float64 { return float64(r.Requests) / float64(r.Done) }

// ErrWrong is in the chain of every error about an answer that the plan's server
// must not give, however busy it is: another status than the kind expects, or a
// document without what was written to it.
var ErrWrong = errors.New("wrong answer")

// patience is how long past its end a run waits for an answer.
const patience = 30 * time.Second

// Run drives the plan to its end, or until ctx is done, which is an error. Any
// answer with another status than the plan's kind expects, and any failure of a
// connection, ends it with an error too. Where all write one document, it is read
// at the end: everybody's last write has to be in it, and its version has to count
// all of them.
func Run(ctx context.Context, p Plan) (*Result, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clients := make([]*client, p.Clients)
	for i := range clients {
		c, err := newClient(&p, i)
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	start := time.Now()
	from := start.Add(p.Warmup)
	until := from.Add(p.Duration)
	var wg sync.WaitGroup
	errs := make([]error, len(clients))
	for i, c := range clients {
		wg.Go(func() {
			if p.Kind.creates() {
				errs[i] = c.create(ctx)
			} else {
				errs[i] = c.measure(ctx, from, until)
			}
			if errs[i] != nil {
				cancel() // one failure spoils the run
			}
		})
	}
	wg.Wait()
	for _, c := range clients {
		p.Corpus.writes = max(p.Corpus.writes, c.stamp)
	}
	if err := first(errs); err != nil {
		return nil, err
	}
	if p.Kind.shares() {
		if err := checkShared(clients); err != nil {
			return nil, err
		}
	}
	r := &Result{Elapsed: p.Duration}
	if p.Kind.creates() {
		r.Elapsed = time.Since(start)
	}
	if r.add(clients); r.Done == 0 {
		return nil, fmt.Errorf("nothing was done within %v", r.Elapsed)
	}
	return r, nil
}

func (r *Result) add(clients []*client) {
	for _, c := range clients {
		r.Latency.Merge(&c.latency)
		r.Requests += c.answered
		r.BodyBytes += c.bodyBytes
	}
	r.Done = r.Latency.Count()
}

// first prefers the failure over the cancellations it caused.
func first(errs []error) error {
	var canceled error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		canceled = errors.Join(canceled, err)
	}
	return canceled
}
