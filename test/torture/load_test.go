//go:build unix

package torture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/problem"
)

// How long a load waits for what must come, and a client for an answer.
const (
	patience = 2 * time.Minute
	answerIn = 3 * time.Second
	// pause is between two requests of a client that is not answered.
	pause = 10 * time.Millisecond
)

// load is a set of clients at work, and what they have seen.
type load struct {
	*testing.T
	*history
	nodes []string // base URLs
	slots []*slot
	http  *http.Client
	stop  chan struct{} // closed when no client shall begin anything more
	wrong chan struct{} // closed when an answer was one that no store may give
	once  sync.Once
	all   sync.WaitGroup

	mu       sync.Mutex
	acked    int                   // writes that were acknowledged
	failed   int                   // requests without an answer that settles them
	problems map[problem.Code]*int // those among them that were answered, by what they were told
	alarms   []alarm
}

// alarm is closed when a count has been reached.
type alarm struct {
	count *int
	at    int
	c     chan struct{}
}

// slot is a place where a pair is worked on. Its pair gives way to a fresh one
// after so many operations, which bounds the search for an order.
type slot struct {
	n    int
	mu   sync.Mutex
	used int
}

const (
	slots       = 12
	perPair     = 150
	logAtMost   = 6 // entries that a put keeps
	unkeyedIn   = 3 // one write in so many is sent without a key, and so only once
	sentTwiceIn = 6 // one with a key in so many is sent twice at once
)

// pair names the pair that is to be worked on.
func (s *slot) pair() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used++
	return fmt.Sprintf("%d-%d", s.n, s.used/perPair)
}

// newLoad has clients work on all nodes until it is stopped.
func newLoad(t *testing.T, seed uint64, clients int, nodes []string) *load {
	l := &load{T: t, history: newHistory(), nodes: nodes, stop: make(chan struct{}), wrong: make(chan struct{}), problems: make(map[problem.Code]*int)}
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	l.http = &http.Client{Transport: transport, Timeout: answerIn}
	for n := range slots {
		l.slots = append(l.slots, &slot{n: n})
	}
	for n := range clients {
		c := &client{load: l, n: n, rng: rand.New(rand.NewPCG(seed, uint64(n))), known: make([]view, slots)}
		l.all.Go(c.work)
	}
	t.Cleanup(func() {
		l.end()
		transport.CloseIdleConnections()
	})
	return l
}

// end lets the clients finish what they have begun. Asked again it does nothing.
func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.all.Wait()
}

// fault fails the test. What comes after the first one is told no more.
func (l *load) fault(format string, args ...any) {
	l.once.Do(func() {
		l.Errorf(format, args...)
		close(l.wrong)
	})
}

// count adds to one of the load's counts.
func (l *load) count(n *int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*n++
	l.alarms = slices.DeleteFunc(l.alarms, func(a alarm) bool {
		rings := *a.count >= a.at
		if rings {
			close(a.c)
		}
		return rings
	})
}

// expect returns what waits until a count has grown by n more from now on, and ends the
// test where it does not.
func (l *load) expect(count *int, n int, what string) (wait func()) {
	l.mu.Lock()
	a := alarm{count, *count + n, make(chan struct{})}
	l.alarms = append(l.alarms, a)
	l.mu.Unlock()
	return func() {
		l.Helper()
		l.until(a.c, fmt.Sprintf("%d %s", n, what))
	}
}

// until waits for a channel to be closed, and ends the test where it is not.
func (l *load) until(c <-chan struct{}, what string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	select {
	case <-c:
	case <-l.wrong:
		l.FailNow()
	case <-ctx.Done():
		l.Fatalf("not within %v: %s", patience, what)
	}
}

// progress waits for n more writes to be acknowledged.
func (l *load) progress(n int) {
	l.Helper()
	l.expect(&l.acked, n, "writes are acknowledged")()
}

// trouble returns what waits for n more requests to stay without an answer that settles them.
func (l *load) trouble(n int) (wait func()) { return l.expect(&l.failed, n, "requests fail") }

// problem is the count of those who were told so.
func (l *load) problem(code problem.Code) *int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problems[code] == nil {
		l.problems[code] = new(int)
	}
	return l.problems[code]
}

// told returns what waits until somebody is told of a problem.
func (l *load) told(code problem.Code) (wait func()) {
	return l.expect(l.problem(code), 1, "requests are told "+string(code))
}
