//go:build unix

package torture_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// dice are rolled by many connections at once.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rng: rand.New(rand.NewPCG(seed, 1))} }

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// storm is a network that loses requests and answers, tears them and holds them back.
type storm struct {
	*link
	*dice
}

func (storm) String() string { return "a network that loses, tears and delays" }

// slowest is how long the storm holds a chunk back.
const slowest = 30 // ms

func (s storm) inject(l *load) {
	failing := l.trouble(5)
	before := s.fired.Load()
	s.obey(func(c *chunk) fate {
		switch n := s.roll(100); {
		case n < 2:
			return fate{lose: true} // the request is not carried out, or its answer is lost
		case n < 4:
			return fate{lose: true, keep: s.roll(len(c.bytes))}
		case n < 20:
			after := make(chan struct{})
			time.AfterFunc(time.Duration(s.roll(slowest))*time.Millisecond, func() { close(after) })
			return fate{after: after}
		}
		return fate{}
	})
	failing()
	l.progress(between) // under keys, writes get through all the same
	if s.fired.Load() == before {
		l.Error("the network was fine")
	}
}

func (s storm) heal(*load) { s.obey(nil) }

// revenants are requests that their senders have given up, and that are carried out later.
type revenants struct {
	*link
	*dice
	size int // no request that is smaller is one
	most int // how many there are: each leaves a connection behind
}

func (revenants) String() string { return "requests that come after they were given up" }

func (r revenants) inject(l *load) {
	raised := make(chan struct{})
	var picked atomic.Int64
	given := make(chan struct{}) // closed when all of them were given up
	r.obey(func(c *chunk) fate {
		if !c.up || len(c.bytes) < r.size || r.roll(3) > 0 {
			return fate{}
		}
		n := int(picked.Add(1))
		if n == r.most {
			close(given)
		}
		if n > r.most {
			return fate{}
		}
		return fate{haunt: true, after: raised}
	})
	l.until(given, "requests are given up")
	l.progress(between)
	close(raised) // while all others are at work
	l.progress(between)
	r.obey(nil)
}

func (revenants) heal(*load) {}

// rupture resets all connections at once.
type rupture struct{ *link }

func (rupture) String() string { return "all connections are reset" }

func (r rupture) inject(l *load) {
	failing := l.trouble(1)
	r.cut()
	failing()
}

func (rupture) heal(*load) {}
