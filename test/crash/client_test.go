package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// load is a set of clients with what each of them knows.
type load struct {
	*testing.T
	url      string
	http     *http.Client
	counters []*counter
	clients  []*client

	mu    sync.Mutex
	acks  int
	until int           // this many acknowledgements
	full  chan struct{} // closed when they have come, or never will
}

// counter is a document that everybody increments. Its version is always one
// more than its number.
type counter struct {
	id      string
	mu      sync.Mutex
	acked   map[int64]string // version → the operation that wrote it
	unknown map[string]bool  // operations that were sent and not answered
	shown   int64            // the greatest version that a read has shown
}

// client is one connection's worth of work, with documents of its own.
type client struct {
	*load
	n    int
	rng  *rand.Rand
	ops  int
	docs []*document
}

// document is one that only its client writes, so that it knows exactly how it
// stands, but for the one operation that was not answered.
type document struct {
	path    string
	state   state
	pending *state
}

type state struct {
	version int64
	body    map[string]any // nil where there is no document
}

func newLoad(t *testing.T, clients int, seed uint64) *load {
	l := &load{T: t}
	l.transport(false)
	for i := range 4 {
		l.counters = append(l.counters, &counter{id: fmt.Sprintf("counter-%d", i), acked: make(map[int64]string), unknown: make(map[string]bool)})
	}
	for n := range clients {
		c := &client{load: l, n: n, rng: rand.New(rand.NewPCG(seed, uint64(n)))}
		for i := range 3 {
			c.docs = append(c.docs, &document{path: fmt.Sprintf("/v1/docs/own-%d-%d", n, i)})
		}
		l.clients = append(l.clients, c)
	}
	return l
}

// transport makes the clients keep their connections, or open one a request.
func (l *load) transport(fresh bool) {
	l.http = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64, DisableKeepAlives: fresh,
		DisableCompression: true, // a compressed answer's tag is more than the version
	}}
}

// run lets the clients work on a server until it no longer answers, or answers
// what it must not. The channel is closed after so many acknowledgements, or when
// no client is left to get any.
func (l *load) run(url string, until int) (full <-chan struct{}, done func()) {
	l.url, l.acks, l.until, l.full = url, 0, until, make(chan struct{})
	var all sync.WaitGroup
	for _, c := range l.clients {
		all.Go(func() {
			for !l.Failed() && c.act() {
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Wait()
		if l.acks < until {
			l.Errorf("the clients have ended after %d of %d acknowledgements, before anybody ended the server", l.acks, until)
			close(l.full)
		}
	}()
	return l.full, func() { <-ended }
}

func (l *load) acknowledged() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acks++; l.acks == l.until {
		close(l.full)
	}
}

type reply struct {
	status  int
	version int64 // of the ETag, 0 where there is none
	body    []byte
}

// send returns false where no whole answer came.
func (l *load) send(method, path string, body any, header ...string) (reply, bool) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			l.Error(err)
			return reply{}, false
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, l.url+path, content)
	if err != nil {
		l.Error(err)
		return reply{}, false
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return reply{}, false
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return reply{}, false
	}
	if tag := resp.Header.Get("ETag"); tag != "" {
		if r.version, err = strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err != nil {
			l.Errorf("%s %s: the entity tag %s is no version", method, path, tag)
		}
	}
	return r, true
}

func tag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

const jsonType, mergeType = "application/json", "application/merge-patch+json"

// act does one thing, and returns false when the server no longer answers.
func (c *client) act() bool {
	c.ops++
	if c.rng.IntN(3) == 0 {
		return c.increment(c.counters[c.rng.IntN(len(c.counters))])
	}
	return c.write(c.docs[c.rng.IntN(len(c.docs))])
}

// number is the content of a counter.
type number struct {
	N  int64  `json:"n"`
	Op string `json:"op"`
}

func (c *client) increment(k *counter) bool {
	path := "/v1/counters/" + k.id
	for refused := int64(-1); ; {
		r, ok := c.send("GET", path, nil)
		if !ok {
			return false
		}
		if r.version <= refused {
			c.Errorf("a write on version %d of %s is refused with 412, and a read after it shows version %d", refused, k.id, r.version)
			return false
		}
		next := number{Op: fmt.Sprintf("%s-%d-%d", c.url, c.n, c.ops)}
		condition := []string{"Content-Type", jsonType, "If-None-Match", "*"}
		if r.status == http.StatusOK {
			k.saw(c.T, r)
			var now number
			if err := json.Unmarshal(r.body, &now); err != nil || now.N != r.version-1 {
				c.Errorf("%s at version %d is %s, %v", k.id, r.version, r.body, err)
			}
			next.N = now.N + 1
			condition = []string{"Content-Type", jsonType, "If-Match", tag(r.version)}
		}
		before := r.version
		k.sent(next.Op)
		if r, ok = c.send("PUT", path, next, condition...); !ok {
			return false
		}
		k.answered(c.T, next.Op, r, before+1)
		if r.status != http.StatusPreconditionFailed {
			c.acknowledged()
			return true
		}
		refused = before
	}
}

func (k *counter) saw(t *testing.T, r reply) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shown = max(k.shown, r.version)
	if r.version == 0 {
		t.Errorf("%s is read without an entity tag", k.id)
	}
}

func (k *counter) sent(op string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unknown[op] = true
}

func (k *counter) answered(t *testing.T, op string, r reply, version int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.unknown, op)
	switch {
	case r.status == http.StatusPreconditionFailed:
	case r.status != http.StatusOK && r.status != http.StatusCreated:
		t.Errorf("incrementing %s is answered %d: %s", k.id, r.status, r.body)
	case r.version != version:
		t.Errorf("%s was to become version %d and became %d", k.id, version, r.version)
	case k.acked[version] != "":
		t.Errorf("lost update: version %d of %s was acknowledged to %s and to %s", version, k.id, k.acked[version], op)
	default:
		k.acked[version] = op
	}
}

// write creates, replaces, patches or deletes a document of the client's own.
func (c *client) write(d *document) bool {
	next := state{version: d.state.version + 1}
	fresh := map[string]any{"op": fmt.Sprintf("%d-%d", c.n, c.ops), "pad": strings.Repeat("x", c.rng.IntN(3000))}
	method, header := "PUT", []string{"If-Match", tag(d.state.version), "Content-Type", jsonType}
	var body any = fresh
	next.body = fresh
	switch n := c.rng.IntN(10); {
	case d.state.body == nil:
		header = []string{"If-None-Match", "*", "Content-Type", jsonType}
	case n == 0:
		method, header, body, next.body = "DELETE", header[:2], nil, nil
	case n < 4:
		method, header[3] = "PATCH", mergeType
		next.body = maps.Clone(d.state.body)
		maps.Copy(next.body, fresh)
		next.body["patched"] = fresh["op"]
		body = map[string]any{"op": fresh["op"], "pad": fresh["pad"], "patched": fresh["op"]}
	}
	d.pending = &next
	r, ok := c.send(method, d.path, body, header...)
	if !ok {
		return false
	}
	d.pending = nil
	switch {
	case r.status < 200 || r.status > 299:
		c.Errorf("%s %s on version %d is answered %d: %s", method, d.path, d.state.version, r.status, r.body)
		return false
	case method != "DELETE" && r.version != next.version:
		c.Errorf("%s %s was to become version %d and became %d", method, d.path, next.version, r.version)
	}
	d.state = next
	c.acknowledged()
	return true
}

// check asks the server for every document, settles what was not answered, and
// returns how many of those operations happened. Where everything was answered,
// none may have.
func (l *load) check(url string) (happened int) {
	l.url = url
	for _, k := range l.counters {
		happened += k.check(l)
	}
	for _, c := range l.clients {
		for _, d := range c.docs {
			if d.check(l) {
				happened++
			}
		}
	}
	return happened
}

func (k *counter) check(l *load) (happened int) {
	path := "/v1/counters/" + k.id
	r, ok := l.send("GET", path, nil)
	if !ok {
		l.Errorf("GET %s is not answered", path)
		return 0
	}
	for v := range k.acked {
		if v > r.version {
			l.Errorf("version %d of %s was acknowledged and is lost: it stands at %d", v, k.id, r.version)
		}
	}
	if k.shown > r.version {
		l.Errorf("version %d of %s was shown and is lost: it stands at %d", k.shown, k.id, r.version)
	}
	for v := int64(1); v <= r.version; v++ {
		if k.acked[v] != "" && v < r.version-20 {
			continue // verify has read them all
		}
		old, ok := l.send("GET", fmt.Sprintf("%s/_history/%d", path, v), nil)
		var was number
		if err := json.Unmarshal(old.body, &was); !ok || err != nil || was.N != v-1 {
			l.Errorf("version %d of %s is answered %d: %s", v, k.id, old.status, old.body)
			continue
		}
		switch op := k.acked[v]; {
		case op == was.Op:
		case op != "":
			l.Errorf("version %d of %s was acknowledged to %s and is by %s", v, k.id, op, was.Op)
		case !k.unknown[was.Op]:
			l.Errorf("version %d of %s is by %s, which was answered otherwise or happened twice", v, k.id, was.Op)
		default:
			delete(k.unknown, was.Op)
			k.acked[v] = was.Op
			happened++
		}
	}
	clear(k.unknown)
	return happened
}

// check tells whether the operation that was not answered happened.
func (d *document) check(l *load) (happened bool) {
	r, ok := l.send("GET", d.path, nil)
	if !ok {
		l.Errorf("GET %s is not answered", d.path)
		return false
	}
	var body map[string]any
	switch r.status {
	case http.StatusOK:
		if err := json.Unmarshal(r.body, &body); err != nil {
			l.Errorf("GET %s: %v", d.path, err)
		}
	case http.StatusNotFound, http.StatusGone:
	default:
		l.Errorf("GET %s is answered %d: %s", d.path, r.status, r.body)
	}
	is := func(s *state) bool {
		return reflect.DeepEqual(body, s.body) && (body == nil || r.version == s.version)
	}
	pending := d.pending
	d.pending = nil
	switch {
	case is(&d.state):
		return false
	case pending != nil && is(pending):
		d.state = *pending
		return true
	}
	l.Errorf("%s stands at version %d: %.100s; acknowledged was version %d: %.100v", d.path, r.version, r.body, d.state.version, d.state.body)
	return false
}
