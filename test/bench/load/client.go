package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

type client struct {
	plan      *Plan
	index     int
	conn      net.Conn
	random    *rand.Rand
	doc       document
	stamp     uint64
	request   []byte
	answer    []byte
	tails     [numKinds][]byte // header lines that every request of a kind shares
	latency   Histogram
	answered  uint64 // requests, in the time that counts
	bodyBytes uint64

	// Where documents are patched.
	patch   []byte
	own     tag    // of the state that this client knows of a document that is shared
	read    bool   // PatchRetry: own is of a read that no patch has followed
	written uint64 // patches that succeeded, counted or not
	last    uint64 // what the last of them wrote
}

// answerSize has room for a refusal that tells what all the others have changed.
const answerSize = 64 << 10

func newClient(p *Plan, index int) (*client, error) {
	conn, err := net.DialTimeout("tcp", p.server(index), 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect client %d: %w", index, err)
	}
	c := &client{
		plan: p, index: index, conn: conn,
		random: rand.New(rand.NewPCG(p.Seed, uint64(index))),
		doc:    newDocument(),
		stamp:  p.Corpus.writes + uint64(index),
		answer: make([]byte, answerSize),
	}
	if p.Kind == CreateFields {
		c.doc = newFields()
	}
	if p.Kind.shares() {
		c.own = p.Corpus.tags[0]
	}
	c.tails[p.Kind], c.tails[Read] = p.tail(p.Kind), p.tail(Read)
	return c, nil
}

// tail is what follows the target in requests of a kind, as far as it is the same
// in all of them.
func (p *Plan) tail(kind Kind) []byte {
	tail := []byte(" HTTP/1.1\r\nHost: " + p.Addr + "\r\n" + p.Header)
	switch {
	case kind.patches():
		tail = append(tail, "Content-Type: application/merge-patch+json\r\n"...)
	case kind.writes():
		tail = append(tail, "Content-Type: application/json\r\n"...)
	}
	if kind.creates() || kind == Replace {
		tail = append(tail, "Content-Length: "+strconv.Itoa(DocumentSize)+"\r\n"...)
	}
	switch {
	case kind == ReplaceInBody:
		return append(tail, "Content-Length: "...)
	case kind.creates():
		return append(tail, "If-None-Match: *\r\n"...)
	case kind == Unchanged:
		return append(tail, "If-None-Match: "...)
	case kind.writes():
		return append(tail, "If-Match: "...)
	}
	return tail
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
		resp, err := c.do(c.plan.Kind, i, &c.plan.Corpus.tags[i])
		if err != nil {
			return err
		}
		c.count(time.Since(began), len(resp.Body))
		c.answered++
	}
	return nil
}

func (c *client) count(took time.Duration, size int) {
	c.latency.Record(took)
	c.bodyBytes += uint64(size)
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
		resp, done, err := c.step()
		if err != nil {
			return err
		}
		ended := time.Now()
		if ended.After(until) {
			return nil
		}
		if ended.After(from) {
			c.answered++
			if done {
				c.count(ended.Sub(began), len(resp.Body))
			}
		}
		if done {
			began = ended
		}
	}
}

// step sends one request and tells whether this client is done with what it is at.
func (c *client) step() (resp Response, done bool, err error) {
	kind := c.plan.Kind
	switch {
	case kind == PatchRetry && !c.read:
		if resp, err = c.do(Read, 0, &tag{}); err == nil {
			err = c.own.set(resp.ETag)
		}
		c.read = true
		return resp, false, err
	case kind.shares():
		resp, err = c.do(kind, 0, &c.own)
		c.read = false
		return resp, resp.Status == forms[kind].status, err
	}
	i := c.pick()
	resp, err = c.do(kind, i, &c.plan.Corpus.tags[i])
	return resp, true, err
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

// do sends one request about document i. A write takes current along as the tag
// that it expects, and leaves the new one there. Its refusal is an error, but for
// PatchRetry.
func (c *client) do(kind Kind, i int, current *tag) (Response, error) {
	c.compose(kind, i, current)
	form := &forms[kind]
	if _, err := c.conn.Write(c.request); err != nil {
		return Response{}, fmt.Errorf("send %s%s: %w", form.method, Path(i), err)
	}
	resp, err := readResponse(c.conn, c.answer)
	if err != nil {
		return Response{}, fmt.Errorf("%s%s: %w", form.method, Path(i), err)
	}
	if resp.Status == 412 && kind == PatchRetry {
		return resp, nil
	}
	if resp.Status != form.status {
		return Response{}, fmt.Errorf("%w: %s%s of %s at %s: status %d, %d was expected: %.200s", ErrWrong, form.method, Path(i),
			current.get(), resp.State(), resp.Status, form.status, resp.Body)
	}
	if kind.patches() {
		c.written, c.last = c.written+1, c.stamp
	}
	if kind.writes() {
		if err := current.set(resp.State()); err != nil {
			return Response{}, fmt.Errorf("%s%s: %w", form.method, Path(i), err)
		}
	}
	return resp, nil
}

// compose makes the next request, about document i and its tag.
func (c *client) compose(kind Kind, i int, current *tag) {
	req := append(c.request[:0], forms[kind].method...)
	req = appendPath(req, i)
	req = append(req, c.tails[kind]...)
	if kind.writes() {
		c.stamp += uint64(c.plan.Clients)
	}
	switch {
	case kind == Read:
		req = append(req, "\r\n"...)
	case kind == Unchanged:
		req = append(append(req, current.get()...), "\r\n\r\n"...)
	case kind.patches():
		c.patch = appendPatch(c.patch[:0], c.index, c.stamp)
		req = append(append(req, current.get()...), "\r\nContent-Length: "...)
		req = append(strconv.AppendInt(req, int64(len(c.patch)), 10), "\r\n\r\n"...)
		req = append(req, c.patch...)
	default:
		req = c.appendDocument(req, kind, current)
	}
	c.request = req
}

// appendDocument ends a request that holds a whole document.
func (c *client) appendDocument(req []byte, kind Kind, current *tag) []byte {
	c.doc.stamp(firstStamp + c.stamp)
	switch kind {
	case ReplaceInBody:
		size := DocumentSize + len(versionMember) + len(current.version())
		req = append(strconv.AppendInt(req, int64(size), 10), "\r\n\r\n"...)
		return c.doc.appendWithVersion(req, current.version())
	case Replace:
		req = append(append(req, current.get()...), "\r\n"...)
	}
	req = append(req, "\r\n"...)
	return append(req, c.doc.body...)
}
