package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// patience is how long the suite waits for what must come before it fails. No
// test passes or fails by how long something takes.
const patience = 30 * time.Second

// probes is the probe that a store under test is opened with. It does nothing
// until a test arms it.
type probes struct {
	mu      sync.Mutex
	arrived *sync.Cond
	counts  map[store.Point]int
	gates   []*gate
}

func newProbes() *probes {
	p := &probes{counts: make(map[store.Point]int)}
	p.arrived = sync.NewCond(&p.mu)
	return p
}

// gate stops the one arrival at its point that it was armed for.
type gate struct {
	point   store.Point
	skip    int // arrivals that pass before
	reached chan struct{}
	once    sync.Once
	opened  chan struct{}
	err     error
}

// at is the store.Probe.
func (p *probes) at(point store.Point) error {
	p.mu.Lock()
	p.counts[point]++
	p.arrived.Broadcast()
	var stop *gate
	for i, g := range p.gates {
		if g.point != point {
			continue
		}
		if g.skip > 0 {
			g.skip--
			continue
		}
		stop = g
		p.gates = append(p.gates[:i:i], p.gates[i+1:]...)
		break
	}
	p.mu.Unlock()
	if stop == nil {
		return nil
	}
	close(stop.reached)
	<-stop.opened
	return stop.err
}

// hold stops the arrival at point after skip more until the gate is opened.
func (p *probes) hold(t testing.TB, point store.Point, skip int) *gate {
	g := &gate{point: point, skip: skip, reached: make(chan struct{}), opened: make(chan struct{})}
	p.mu.Lock()
	p.gates = append(p.gates, g)
	p.mu.Unlock()
	// A test that fails must not leave the store stuck.
	t.Cleanup(func() { g.open(nil) })
	return g
}

// fail makes the arrival at point after skip more return err.
func (p *probes) fail(t testing.TB, point store.Point, skip int, err error) *gate {
	g := p.hold(t, point, skip)
	g.open(err)
	return g
}

// open lets what the gate stops go on, with err. Only the first call counts.
func (g *gate) open(err error) {
	g.once.Do(func() {
		g.err = err
		close(g.opened)
	})
}

// fired tells whether something has arrived at the gate.
func (g *gate) fired() bool {
	select {
	case <-g.reached:
		return true
	default:
		return false
	}
}

// count returns how often point was passed.
func (p *probes) count(point store.Point) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[point]
}

// await returns when point was passed n times in all.
func (p *probes) await(t testing.TB, point store.Point, n int) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.arrived.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	for p.counts[point] < n && !late {
		p.arrived.Wait()
	}
	got := p.counts[point]
	p.mu.Unlock()
	if got < n {
		t.Fatalf("point %s was passed %d times, want %d", point, got, n)
	}
}

// releaseAll disarms every gate that nothing has reached.
func (p *probes) releaseAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gates = nil
}
