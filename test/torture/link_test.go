//go:build unix

package torture_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A link is a TCP proxy with one address for ever. What is behind it may move, and what
// passes may be held back, torn or lost.
type link struct {
	listener net.Listener
	fired    atomic.Int64 // chunks that did not just pass

	mu     sync.Mutex
	target string
	rule   rule
	wires  map[*wire]struct{}
	closed bool
	done   chan struct{} // closed with the link
	all    sync.WaitGroup
}

// chunk is what was read at once on one side of a connection.
type chunk struct {
	up    bool // from who has connected to who was connected to
	bytes []byte
	first []byte // the first chunk that went up, which tells who connected
}

// fate is what becomes of a chunk. The zero fate lets it pass.
type fate struct {
	// after holds the chunk back, and all that follows it on its side, until it is closed.
	after <-chan struct{}
	// lose passes on no more than keep bytes, and then resets both sides.
	lose bool
	keep int
	// haunt resets the side that the chunk came from at once, and passes it on after
	// that: the other side carries out what its sender has given up.
	haunt bool
}

// rule decides about each chunk. It is called concurrently.
type rule func(*chunk) fate

// wire is one connection through a link.
type wire struct {
	near, far net.Conn
	first     atomic.Pointer[[]byte]
}

// newLink listens on a port of the kernel's choice until the test ends.
func newLink(t *testing.T, target string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener, target: target, wires: make(map[*wire]struct{}), done: make(chan struct{})}
	l.all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // closed
			}
			l.all.Go(func() { l.join(near) })
		}
	})
	t.Cleanup(l.close)
	return l
}

func (l *link) addr() string { return l.listener.Addr().String() }

// point sets where later connections go; "" refuses them.
func (l *link) point(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
}

// obey sets what happens to chunks from now on; nil lets all of them pass.
func (l *link) obey(r rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rule = r
}

// cut resets all connections.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.wires {
		w.reset()
	}
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.done)
	_ = l.listener.Close() // it listens no more either way
	l.cut()
	l.all.Wait()
}

// join connects near to the target, and carries chunks both ways until one side ends.
func (l *link) join(near net.Conn) {
	l.mu.Lock()
	target := l.target
	l.mu.Unlock()
	w := &wire{near: near}
	far, err := net.Dial("tcp", target)
	if err != nil {
		reset(near)
		return
	}
	w.far = far
	l.mu.Lock()
	l.wires[w] = struct{}{}
	closed := l.closed
	l.mu.Unlock()
	if closed {
		w.reset()
	}
	var both sync.WaitGroup
	both.Go(func() { l.carry(w, true) })
	both.Go(func() { l.carry(w, false) })
	both.Wait()
	l.mu.Lock()
	delete(l.wires, w)
	l.mu.Unlock()
}

// carry passes chunks on in one direction.
func (l *link) carry(w *wire, up bool) {
	from, to := w.near, w.far
	if !up {
		from, to = to, from
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.deliver(w, &chunk{up: up, bytes: buffer[:n]}, to) {
			return
		}
		if err != nil {
			w.end()
			return
		}
	}
}

// deliver does to one chunk what the rule says, and tells whether the wire lives on.
func (l *link) deliver(w *wire, c *chunk, to net.Conn) bool {
	if c.up && w.first.Load() == nil {
		first := append([]byte(nil), c.bytes...)
		w.first.Store(&first)
	}
	if first := w.first.Load(); first != nil {
		c.first = *first
	}
	l.mu.Lock()
	r := l.rule
	l.mu.Unlock()
	var f fate
	if r != nil {
		f = r(c)
	}
	if f != (fate{}) {
		l.fired.Add(1)
	}
	if f.haunt {
		reset(w.near)
	}
	if f.after != nil {
		select {
		case <-f.after:
		case <-l.done:
			return false
		}
	}
	send := c.bytes
	if f.lose {
		send = send[:min(f.keep, len(send))]
	}
	_, err := to.Write(send)
	switch {
	case f.lose:
		w.reset()
	case err != nil:
		w.end()
	}
	return err == nil && !f.lose && !f.haunt
}

// end closes both sides in peace.
func (w *wire) end() {
	_ = w.near.Close()
	_ = w.far.Close()
}

// reset closes both sides so that their ends read an error, not an end.
func (w *wire) reset() {
	reset(w.near)
	reset(w.far)
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // of a connection that is closed already
	}
	_ = c.Close()
}
