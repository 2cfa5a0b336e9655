package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/etcd"
)

// relay stands between a store and its cluster, and cuts them off around the one
// request that has a marker in it.
type relay struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	marker  []byte
	pass    bool          // the request reaches the server, and no answer comes back; else it is held
	met     chan struct{} // closed when the request was there
	release chan struct{} // closed when a held request may go on
	done    chan struct{} // closed when the test is over
	down    bool          // nobody gets through
	open    map[net.Conn]bool
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, server: endpoints(t)[0], open: make(map[net.Conn]bool), release: make(chan struct{}), done: make(chan struct{})}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(r.done)
		r.cut(true)
		r.wg.Wait()
	})
	return r
}

// expect waits for the next request with a marker, and tells by the channel that it was there.
func (r *relay) expect(marker string, pass bool) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marker, r.pass, r.met = []byte(marker), pass, make(chan struct{})
	return r.met
}

// cut closes all connections to the store. While it is down there are no new ones.
func (r *relay) cut(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	for c := range r.open {
		_ = c.Close()
	}
}

func (r *relay) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	r.mu.Lock()
	if r.down {
		r.mu.Unlock()
		return
	}
	r.open[c] = true
	r.mu.Unlock()
	muted := make(chan struct{})
	r.wg.Go(func() { answers(c, server, muted) })
	buffer := make([]byte, 1<<20)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			break
		}
		if r.meet(server, buffer[:n], muted) {
			break // what the store sends behind it, to take it back, does not arrive
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

// answers passes on what the server says, until it is muted.
func answers(c, server net.Conn, muted <-chan struct{}) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-muted:
			continue
		default:
		}
		if _, err := c.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// meet deals with the request that is expected, if this is the one.
func (r *relay) meet(server net.Conn, sent []byte, muted chan struct{}) bool {
	r.mu.Lock()
	expected := len(r.marker) > 0 && bytes.Contains(sent, r.marker)
	pass, met := r.pass, r.met
	if expected {
		r.marker = nil
	}
	r.mu.Unlock()
	if !expected {
		return false
	}
	close(muted)
	if !pass {
		close(met)
		select {
		case <-r.release:
		case <-r.done:
		}
	}
	_, _ = server.Write(sent)
	if pass {
		close(met)
	}
	<-r.done // a server lets go of what it was asked on a connection that ends
	return true
}

// through returns the address of a store by way of a relay.
func through(r *relay, address string) string {
	_, prefix, _ := strings.Cut(strings.TrimPrefix(address, etcd.Scheme), "/")
	return etcd.Scheme + r.listener.Addr().String() + "/" + prefix
}

// commit runs a commit beside the test.
func commit(s *etcd.Store, c *store.Commit) (wait func() (store.Receipt, error)) {
	var receipt store.Receipt
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		receipt, err = s.Commit(context.Background(), c)
	}()
	return func() (store.Receipt, error) {
		<-done
		return receipt, err
	}
}

// TestLostAnswer cuts the connection after the cluster has taken a commit and before
// the store hears of it, and in another run before the cluster has it. Either way the
// commit is answered with its receipt and has happened once.
func TestLostAnswer(t *testing.T) {
	for name, pass := range map[string]bool{"the answer": true, "the request": false} {
		t.Run(name, func(t *testing.T) {
			address := fresh(t)
			r := newRelay(t)
			s := open(t, through(r, address), etcd.Options{Patience: time.Minute})
			direct := open(t, address, etcd.Options{})
			h := save(t, s, "a", "1")
			const body = "this is the one that is lost"
			met := r.expect(body, pass)
			woken := direct.Watch(store.Scope{})
			defer woken.Stop()
			wait := commit(s, put(h, body))
			<-met
			if pass {
				<-woken.Changed() // it has happened
			}
			r.cut(false)
			receipt, err := wait()
			if err != nil || receipt.Heads[0].Rev != 2 {
				t.Fatalf("the commit is answered with %+v, %v", receipt, err)
			}
			close(r.release)
			save(t, s, "b", "whatever was on its way has come before this")
			rows, err := direct.History(t.Context(), ref("a"), 0, 10)
			if err != nil || len(rows) != 2 || string(get(t, direct, "a").Body) != body {
				t.Errorf("there are %d rows, %v", len(rows), err)
			}
		})
	}
}

// TestLateRequest holds a commit on its way to the cluster until the store has given it
// up, and then ran it again, which was refused since its lease had ended. After a refusal
// it must never happen, though it still arrives.
func TestLateRequest(t *testing.T) {
	for name, again := range map[string]bool{"run again and refused": true, "never run again": false} {
		t.Run(name, func(t *testing.T) {
			address := fresh(t)
			r := newRelay(t)
			var mu sync.Mutex
			now := time.Now()
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
			s := open(t, through(r, address), etcd.Options{Clock: clock, Patience: 500 * time.Millisecond})
			direct := open(t, address, etcd.Options{})
			grant := put(save(t, s, "a", "1"), "2")
			grant.Writes[0].Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "l", TTL: time.Minute}
			granted, err := s.Commit(t.Context(), grant)
			if err != nil {
				t.Fatal(err)
			}
			const body = "this is the one that comes late"
			c := put(granted.Heads[0], body)
			c.Writes[0].Lease = store.LeaseChange{Op: store.LeaseHeld, ID: "l"}
			met := r.expect(body, false)
			wait := commit(s, c)
			<-met
			r.cut(true)
			if _, err := wait(); !errors.Is(err, store.ErrOutcomeUnknown) {
				t.Fatalf("a commit that is still on its way is answered with %v, want ErrOutcomeUnknown", err)
			}
			r.cut(false)
			mu.Lock()
			now = now.Add(time.Hour)
			mu.Unlock()
			if again {
				untilConnected(t, s)
				if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrLeaseExpired) {
					t.Fatalf("run again it is answered with %v, want ErrLeaseExpired", err)
				}
			}
			woken := direct.Watch(store.Scope{})
			defer woken.Stop()
			close(r.release)
			if !again { // it does arrive, and happens: that is what the other case is about
				select {
				case <-woken.Changed():
				case <-time.After(5 * time.Second):
					t.Skip("SKIPPED, NOT CHECKED: the request that was held has come to nothing by itself, so that the other case says nothing this time")
				}
				return
			}
			select {
			case <-woken.Changed():
				t.Error("after it was refused it has happened")
			case <-time.After(300 * time.Millisecond): // nothing tells that it has arrived and come to nothing
			}
			if d := get(t, direct, "a"); d.Rev != 2 {
				t.Errorf("after it was refused there is rev %d, %s", d.Rev, d.Body)
			}
		})
	}
}

// untilConnected waits until a store has found its cluster again.
func untilConnected(t *testing.T, s *etcd.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err := s.Get(ctx, ref("a")); err == nil {
			return
		} else if ctx.Err() != nil {
			t.Fatalf("the cluster is not found again: %v", err)
		}
	}
}
