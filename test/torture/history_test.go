//go:build unix

package torture_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// operation is what one client asked for, once, however often it had to.
type operation struct {
	client     int
	steps      []step
	got        result
	call, back int64 // nanoseconds since the history began; back is math.MaxInt64 where nothing came
}

// writes tells whether it would change anything.
func (o *operation) writes() bool {
	return slices.ContainsFunc(o.steps, func(s step) bool { return s.kind != read && s.kind != check })
}

// history is what all clients have seen. It may be written to concurrently.
type history struct {
	began time.Time

	mu    sync.Mutex
	pairs map[string][]operation
	// void are the entries of what the server said that it had not done, or was never sent.
	void map[string]bool
}

func newHistory() *history {
	return &history{began: time.Now(), pairs: make(map[string][]operation), void: make(map[string]bool)}
}

// now is a reading of the monotonic clock.
func (h *history) now() int64 { return int64(time.Since(h.began)) }

// add keeps an operation on a pair.
func (h *history) add(pair string, o *operation) {
	if o.got.verdict == unknown {
		if !o.writes() {
			return // a read that nobody saw
		}
		o.back = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pairs[pair] = append(h.pairs[pair], *o)
}

// withhold keeps that an operation has not happened.
func (h *history) withhold(o *operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range o.steps {
		if e := o.steps[i].entry; e != "" {
			h.void[e] = true
		}
	}
}

// path is where a document of a pair lies.
func path(pair string, doc int) string { return fmt.Sprintf("/v1/pairs/%s-%c", pair, 'a'+rune(doc)) }

// judge returns what is wrong with a history, given what the store says in the end, and
// how many operations it has looked at.
func (h *history) judge(r record) (faults []string, judged int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := newAudit(r)
	for pair, ops := range h.pairs {
		h.pairs[pair] = a.settle(pair, ops)
	}
	for entry := range h.void {
		a.absent(entry, "is said not to have happened")
	}
	a.foreign()
	for pair, ops := range h.pairs {
		judged += len(ops)
		if verdict := porcupine.CheckOperationsTimeout(model, events(ops), judgeLimit); verdict != porcupine.Ok {
			a.fault("the history of %s is not linearizable (%s):\n%s", pair, verdict, tell(ops))
		}
	}
	return a.faults, judged
}

// judgeLimit bounds the search for an order. One that is not found in time is a fault too.
const judgeLimit = time.Minute

func events(ops []operation) []porcupine.Operation {
	var all []porcupine.Operation
	for i := range ops {
		o := &ops[i]
		all = append(all, porcupine.Operation{ClientId: o.client, Input: o.steps, Output: o.got, Call: o.call, Return: o.back})
	}
	return all
}

// tell is a history for people, in the order of calls.
func tell(ops []operation) string {
	ops = slices.Clone(ops)
	slices.SortFunc(ops, func(a, b operation) int { return int(a.call - b.call) })
	text := ""
	for i := range ops {
		o := &ops[i]
		text += fmt.Sprintf("%d–%d client %d: %s\n", o.call, o.back, o.client, describe(o.steps, o.got))
	}
	return text
}
