//go:build unix

package torture_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// client does one thing after the other.
type client struct {
	*load
	n     int
	rng   *rand.Rand
	sent  int
	known []view // of each slot
}

// view is how a client has last seen a pair. What it knows nothing of is unseen.
type view struct {
	pair string
	state
}

// work goes on until the load is stopped.
func (c *client) work() {
	for {
		select {
		case <-c.stop:
			return
		default:
			c.act()
		}
	}
}

// unseen is a document that a client knows nothing of.
var unseen = document{version: -1}

// act does one thing to the pair of some slot.
func (c *client) act() {
	n := c.rng.IntN(len(c.slots))
	know := &c.known[n]
	if pair := c.slots[n].pair(); know.pair != pair {
		*know = view{pair, state{unseen, unseen}}
	}
	doc := c.rng.IntN(pair)
	if know.state[doc] == unseen || c.rng.IntN(10) < 2 {
		c.look(know.pair, doc, &know.state)
		return
	}
	c.write(know.pair, c.choose(&know.state, doc), &know.state)
}

// look reads a document; one that is known, on the condition that it has changed.
func (c *client) look(pair string, doc int, know *state) {
	o := &operation{client: c.n, steps: []step{{doc: doc, kind: read}}}
	var have int64
	if know[doc].there && c.rng.IntN(2) == 0 {
		have = know[doc].version
	}
	o.call = c.now()
	got, end := c.get(c.node(), path(pair, doc), have)
	o.back, o.got = c.now(), got
	if end != answered {
		c.rest()
		return // whatever it was, nobody saw it
	}
	c.add(pair, o)
	switch {
	case got.unchanged:
	case got.there:
		know[doc] = document{version: got.versions[0], there: true, log: got.log}
	default:
		know[doc] = document{}
	}
}

// choose makes up the steps of a write.
func (c *client) choose(know *state, doc int) []step {
	other := 1 - doc
	batches := know[other] != unseen
	now := &know[doc]
	switch n := c.rng.IntN(20); {
	case !now.there:
		return []step{c.put(now, doc)}
	case n < 2:
		return []step{{doc: doc, kind: remove, pre: precondition(now.version)}}
	case n < 7:
		return []step{{doc: doc, kind: add, pre: anyone, entry: c.entry()}}
	case n < 10 && batches: // what is written depends on the other
		return []step{c.put(now, doc), {doc: other, kind: check, pre: standing(&know[other])}}
	case n < 12 && batches:
		return []step{c.put(now, doc), c.put(&know[other], other)}
	}
	return []step{c.put(now, doc)}
}

// standing is the precondition that a document stands as it is known.
func standing(d *document) precondition {
	if !d.there {
		return absent
	}
	return precondition(d.version)
}

// put is the step that adds an entry by replacing what is known.
func (c *client) put(now *document, doc int) step {
	s := step{doc: doc, kind: put, pre: standing(now), entry: c.entry()}
	kept := strings.Fields(now.log)
	if len(kept) > logAtMost {
		kept = kept[len(kept)-logAtMost:]
	}
	for _, e := range append(kept, s.entry) {
		s.log += " " + e
	}
	return s
}

func (c *client) entry() string {
	c.sent++
	return fmt.Sprintf("%d.%d", c.n, c.sent)
}

// write sends a write: now and then once and never again, else under a key until it is settled.
func (c *client) write(pair string, steps []step, know *state) {
	o := &operation{client: c.n, steps: steps, call: c.now()}
	key := ""
	if c.rng.IntN(unkeyedIn) > 0 {
		key = uuid.NewString()
	}
	got, end := c.deliver(pair, steps, key)
	o.back, o.got = c.now(), got
	switch end {
	case withheld:
		c.withhold(o)
		c.rest()
		return
	case open:
		o.got = result{verdict: unknown}
	case answered:
		if got.verdict == done {
			c.count(&c.acked)
		}
	}
	c.add(pair, o)
	for i := range steps {
		s := &steps[i]
		if know[s.doc] == unseen {
			continue
		}
		if o.got.verdict != done {
			know[s.doc] = unseen
			continue
		}
		if s.kind == add && got.versions[i] != know[s.doc].version+1 {
			know[s.doc] = unseen // others have written in between
			continue
		}
		know[s.doc] = s.apply(know[s.doc])
	}
}

// deliver sends a write. Under a key it does so until it is answered, to any node, and at times twice at once.
func (c *client) deliver(pair string, steps []step, key string) (result, ending) {
	worst := withheld
	for {
		got, f := c.submit(pair, steps, key)
		switch {
		case f == answered && worst == open && got.verdict == refused && !final(steps):
			return result{}, open // what was not answered may still come, and find another state
		case f == answered, key == "":
			return got, f
		}
		if f == open {
			worst = open
		}
		select {
		case <-c.stop:
			return result{}, worst
		default:
			c.rest()
		}
	}
}

// final tells whether a refusal of steps is one for ever: no version comes twice.
func final(steps []step) bool {
	return !slices.ContainsFunc(steps, func(s step) bool { return s.pre <= 0 })
}

// submit sends a write once, or twice at once. Of two answers the one that tells of it done counts.
func (c *client) submit(pair string, steps []step, key string) (got result, f ending) {
	if key == "" || c.rng.IntN(sentTwiceIn) > 0 {
		return c.send(c.node(), pair, steps, key)
	}
	var second result
	var s ending
	one, two := c.node(), c.node()
	var both sync.WaitGroup
	both.Go(func() { second, s = c.send(two, pair, steps, key) })
	got, f = c.send(one, pair, steps, key)
	both.Wait()
	switch {
	case f == answered && got.verdict == done:
		if s == answered && second.verdict == done && second != got {
			c.fault("under one key %v is answered %+v and %+v", steps, got, second)
		}
	case s == answered && second.verdict == done, f != open && s == open:
		got, f = second, s
	case f == answered && s != answered:
		got, f = second, s
	}
	return got, f
}

// node is one of the servers.
func (c *client) node() string { return c.nodes[c.rng.IntN(len(c.nodes))] }

// rest is what a client does that was not answered. It counts as trouble.
func (c *client) rest() {
	c.count(&c.failed)
	select {
	case <-c.stop:
	case <-time.After(pause):
	}
}
