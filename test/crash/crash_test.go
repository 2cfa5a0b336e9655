package crash_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// rounds is how often a server is ended.
func rounds() (rounds, clients int) {
	switch {
	case *torture:
		return 60, 64
	case testing.Short():
		return 5, 16
	}
	return 20, 32
}

// TestKill ends the server with kill -9 under load and starts it again on the
// same store, many times over.
func TestKill(t *testing.T) {
	rounds, clients := rounds()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "crash.db")
	l := newLoad(t, clients, seed)
	acks, happened := 0, 0
	for round := range rounds {
		s := start(t, path)
		full, done := l.run(s.URL, 1+rng.IntN(1500))
		<-full
		s.Kill()
		done()
		if round%2 == 0 { // before a server has mended anything
			verify(t, path)
		}
		again := start(t, path)
		acks += l.acks
		happened += l.check(again.URL)
		again.Kill()
		verify(t, path)
		if t.Failed() {
			t.Fatalf("in round %d; the server said: %s", round, s.Stderr)
		}
	}
	t.Logf("%d rounds, %d writes acknowledged, %d happened without an answer", rounds, acks, happened)
}

// TestTerminate asks the server to end under load. Whatever it accepted it must
// answer: an operation that was not answered has not happened.
func TestTerminate(t *testing.T) {
	rounds, clients := rounds()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "crash.db")
	l := newLoad(t, clients, seed)
	acks := 0
	for range (rounds + 3) / 4 {
		// A connection of its own for each request: on one that is kept, the
		// server may be about to close it as idle while the client is writing.
		l.transport(true)
		s := start(t, path)
		full, done := l.run(s.URL, 1+rng.IntN(1000))
		<-full
		if err := s.terminate(t); err != nil {
			t.Errorf("the server ends with %v: %s", err, s.Stderr)
		}
		done()
		verify(t, path)
		l.transport(false)
		again := start(t, path)
		acks += l.acks
		if happened := l.check(again.URL); happened > 0 {
			t.Errorf("%d writes happened and were not answered", happened)
		}
		again.Kill()
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d writes acknowledged", acks)
}
