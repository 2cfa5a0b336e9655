// Package load drives an HTTP/1.1 server over raw keep-alive connections and
// measures how many requests it answers and how long each took. It shares the
// processors with the server it measures, so a request costs it one copy, one
// write, one read and a scan of the answer's head.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// Kind is what the requests of a run do.
type Kind int

// The kinds of request. Each names the one status that counts as success; any
// other ends the run with an error, since a fast refusal is not throughput.
const (
	Create        Kind = iota // PUT with If-None-Match: *, each document once; 201
	Replace                   // PUT with the tag last seen in If-Match; 200
	ReplaceInBody             // PUT with the version in the tag last seen as a member "version"; 200
	Read                      // GET; 200
	Unchanged                 // GET with the tag last seen in If-None-Match; 304
)

// Plan says what one run does. Addr, Clients and Corpus are required.
type Plan struct {
	Addr    string
	Clients int // connections, each with one request under way at a time
	Corpus  *Corpus
	Kind    Kind
	Zipf    *Zipf // how Read and Unchanged choose documents; nil is uniform
	// Warmup is driven but not counted; Duration is counted. Create ignores both.
	Warmup, Duration time.Duration
	// Header is added to every request: whole lines, each ending in CRLF.
	Header string
	Seed   uint64
}

// Result is what one run measured.
type Result struct {
	Requests  uint64
	Elapsed   time.Duration
	Latency   Histogram // closed loop: a client sends when it has its last answer
	BodyBytes uint64    // of the answers counted
}

// Rate is requests answered in a second.
func (r *Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// patience is how long past its end a run waits for an answer.
const patience = 30 * time.Second

// Run drives the plan to its end, or until ctx is done, which is an error. Any
// answer with another status than the plan's kind expects, and any failure of a
// connection, ends it with an error too.
func Run(ctx context.Context, p Plan) (*Result, error) {
	if p.Clients < 1 || p.Corpus.Len() < p.Clients {
		return nil, fmt.Errorf("%d clients on %d documents: give each client at least one document", p.Clients, p.Corpus.Len())
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
			if p.Kind == Create {
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
	r := &Result{Elapsed: p.Duration}
	if p.Kind == Create {
		r.Elapsed = time.Since(start)
	}
	for _, c := range clients {
		r.Latency.Merge(&c.latency)
		r.BodyBytes += c.bodyBytes
	}
	r.Requests = r.Latency.Count()
	return r, nil
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

type client struct {
	plan      *Plan
	index     int
	conn      net.Conn
	random    *rand.Rand
	doc       document
	stamp     uint64
	request   []byte
	answer    []byte
	tail      []byte // header lines that every request of the run shares
	latency   Histogram
	bodyBytes uint64
}

func newClient(p *Plan, index int) (*client, error) {
	conn, err := net.DialTimeout("tcp", p.Addr, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect client %d: %w", index, err)
	}
	c := &client{
		plan: p, index: index, conn: conn,
		random: rand.New(rand.NewPCG(p.Seed, uint64(index))),
		doc:    newDocument(),
		stamp:  p.Corpus.writes + uint64(index),
		answer: make([]byte, 16<<10),
	}
	c.tail = append(c.tail, " HTTP/1.1\r\nHost: "+p.Addr+"\r\n"+p.Header...)
	if p.Kind.writes() {
		c.tail = append(c.tail, "Content-Type: application/json\r\n"...)
	}
	if p.Kind == Create || p.Kind == Replace {
		c.tail = append(c.tail, "Content-Length: "+strconv.Itoa(DocumentSize)+"\r\n"...)
	}
	switch p.Kind {
	case ReplaceInBody:
		c.tail = append(c.tail, "Content-Length: "...)
	case Create:
		c.tail = append(c.tail, "If-None-Match: *\r\n"...)
	case Replace:
		c.tail = append(c.tail, "If-Match: "...)
	case Unchanged:
		c.tail = append(c.tail, "If-None-Match: "...)
	}
	return c, nil
}

// create makes this client's share of the documents.
func (c *client) create(ctx context.Context) error {
	for i := c.index; i < c.plan.Corpus.Len(); i += c.plan.Clients {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Each request anew: how long the whole takes is not known beforehand.
		if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return fmt.Errorf("set the deadline: %w", err)
		}
		began := time.Now()
		resp, err := c.do(i)
		if err != nil {
			return err
		}
		c.latency.Record(time.Since(began))
		c.bodyBytes += uint64(len(resp.Body))
	}
	return nil
}

func (c *client) measure(ctx context.Context, from, until time.Time) error {
	// One deadline for the whole run: setting one a request is a timer's cost each.
	if err := c.conn.SetDeadline(until.Add(patience)); err != nil {
		return fmt.Errorf("set the deadline: %w", err)
	}
	began := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		resp, err := c.do(c.pick())
		if err != nil {
			return err
		}
		ended := time.Now()
		if ended.After(until) {
			return nil
		}
		if ended.After(from) {
			c.latency.Record(ended.Sub(began))
			c.bodyBytes += uint64(len(resp.Body))
		}
		began = ended
	}
}

// pick chooses a document. Writers keep to their share, so that no write is
// ever stale; readers choose from all.
func (c *client) pick() int {
	n := c.plan.Corpus.Len()
	switch {
	case c.plan.Kind.writes():
		share := (n - c.index + c.plan.Clients - 1) / c.plan.Clients
		return c.index + c.random.IntN(share)*c.plan.Clients
	case c.plan.Zipf != nil:
		return scatter(c.plan.Zipf.Rank(c.random), n)
	}
	return c.random.IntN(n)
}

func (k Kind) writes() bool { return k == Create || k == Replace || k == ReplaceInBody }

var methods = [...]string{Create: "PUT ", Replace: "PUT ", ReplaceInBody: "PUT ", Read: "GET ", Unchanged: "GET "}

var statuses = [...]int{Create: 201, Replace: 200, ReplaceInBody: 200, Read: 200, Unchanged: 304}

func (c *client) do(i int) (Response, error) {
	kind := c.plan.Kind
	current := &c.plan.Corpus.tags[i]
	c.compose(i, current)
	if _, err := c.conn.Write(c.request); err != nil {
		return Response{}, fmt.Errorf("send %s%s: %w", methods[kind], Path(i), err)
	}
	resp, err := readResponse(c.conn, c.answer)
	if err != nil {
		return Response{}, fmt.Errorf("%s%s: %w", methods[kind], Path(i), err)
	}
	if resp.Status != statuses[kind] {
		return Response{}, fmt.Errorf("%s%s: status %d, %d was expected: %.200s", methods[kind], Path(i), resp.Status, statuses[kind], resp.Body)
	}
	if kind.writes() {
		if err := current.set(resp.ETag); err != nil {
			return Response{}, fmt.Errorf("%s%s: %w", methods[kind], Path(i), err)
		}
	}
	return resp, nil
}

// compose makes the next request, about document i and its tag.
func (c *client) compose(i int, current *tag) {
	kind := c.plan.Kind
	req := append(c.request[:0], methods[kind]...)
	req = appendPath(req, i)
	req = append(req, c.tail...)
	switch kind {
	case Replace, Unchanged:
		req = append(append(req, current.get()...), "\r\n"...)
	case ReplaceInBody:
		size := DocumentSize + len(versionMember) + len(current.version())
		req = append(strconv.AppendInt(req, int64(size), 10), "\r\n"...)
	}
	req = append(req, "\r\n"...)
	if kind.writes() {
		c.doc.stamp(firstStamp + c.stamp)
		c.stamp += uint64(c.plan.Clients)
		if kind == ReplaceInBody {
			req = c.doc.appendWithVersion(req, current.version())
		} else {
			req = append(req, c.doc.body...)
		}
	}
	c.request = req
}
