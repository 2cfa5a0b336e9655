package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/postgres"
)

// patience is how long tests let a store try.
const patience = 20 * time.Second

// proxy stands between a store and its server, and cuts connections.
type proxy struct {
	net.Listener
	to string

	mu       sync.Mutex
	open     map[net.Conn]bool
	away     bool // nobody is let through
	swallows atomic.Int64
}

func newProxy(t testing.TB, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: u.Host, open: make(map[net.Conn]bool)}
	t.Cleanup(func() { l.Close(); p.cut() })
	go p.serve()
	u.Host = l.Addr().String()
	return p, u.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		p.mu.Lock()
		refused := p.away || err != nil
		if !refused {
			p.open[client], p.open[server] = true, true
		}
		p.mu.Unlock()
		if refused {
			client.Close()
			continue
		}
		go pipe(server, client)
		go p.answer(client, server)
	}
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from) // that it ends is what a test does to it
	to.Close()
}

// answer hands on what the server says, and loses an answer where that is asked for:
// what it answers has happened.
func (p *proxy) answer(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if p.swallows.Load() > 0 && n > 200 { // more than what ends a small statement
			p.swallows.Add(-1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
	p.open = make(map[net.Conn]bool)
}

func (p *proxy) setAway(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
}

// TestConnectionsDie has connections die under commits, over and over. No caller is told
// anything but the truth: what has a receipt is there once, and what was refused is not.
func TestConnectionsDie(t *testing.T) {
	dsn := fresh(t)
	p, through := newProxy(t, dsn)
	s := open(t, through, postgres.Options{Patience: patience})
	direct := open(t, dsn, postgres.Options{})
	var commits atomic.Int64
	var wg sync.WaitGroup
	var counted [6]atomic.Int64
	for w := range 12 {
		wg.Go(func() {
			for range 30 {
				n := w % len(counted)
				c := increment(t, s, n)
				if c == nil {
					return
				}
				switch i := commits.Add(1); {
				case i%40 == 0:
					p.cut()
				case i%20 == 0:
					p.swallows.Store(2)
				}
				_, err := s.Commit(context.Background(), c)
				switch {
				case err == nil:
					counted[n].Add(1)
				case !isStale(err):
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	p.swallows.Store(0)
	for n := range counted {
		d := get(t, direct, thing(strconv.Itoa(n)))
		if d.Rev != counted[n].Load() || d.Exists() && string(d.Body) != strconv.FormatInt(d.Rev, 10) {
			t.Errorf("counter %d is %s at rev %d after %d receipts", n, d.Body, d.Rev, counted[n].Load())
		}
	}
}

// TestServerAway: while no server is there the store says so, and goes on afterwards.
func TestServerAway(t *testing.T) {
	dsn := fresh(t)
	open(t, dsn, postgres.Options{}) // sets the schema up
	p, through := newProxy(t, dsn)
	s := open(t, through, postgres.Options{Patience: time.Second})
	h := store.Head{Ref: thing("a"), Next: 1}
	if _, err := s.Commit(t.Context(), put(h, "1")); err != nil {
		t.Fatal(err)
	}
	p.setAway(true)
	p.cut()
	if _, err := s.Get(t.Context(), thing("a")); err == nil {
		t.Error("a read without a server gave an answer")
	}
	lost := put(get1(h), "2")
	if _, err := s.Commit(t.Context(), lost); err == nil {
		t.Error("a commit without a server has a receipt")
	}
	if err := s.Healthy(); err == nil {
		t.Error("without a server the store says that it is well")
	}
	p.setAway(false)
	if _, err := s.Commit(t.Context(), lost); err != nil {
		t.Errorf("the commit, run again with the server: %v", err)
	}
	if d := get(t, s, thing("a")); d.Rev != 2 || string(d.Body) != "2" {
		t.Errorf("there is %s at rev %d", d.Body, d.Rev)
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("with the server it says %v", err)
	}
}

// get1 is the head that the first write left.
func get1(h store.Head) store.Head {
	return store.Head{Ref: h.Ref, Rev: 1, Version: 1, Next: 2, Life: 1, At: time.Unix(1_700_000_000, 0)}
}

// TestLostAnswer loses the answer to one commit. It is run again on another connection,
// found in the log, and answered with its receipt.
func TestLostAnswer(t *testing.T) {
	p, through := newProxy(t, fresh(t))
	s := open(t, through, postgres.Options{Patience: patience, Writers: 1, PollEvery: time.Hour})
	h := store.Head{Ref: thing("a"), Next: 1}
	for i := range 5 {
		p.swallows.Store(1)
		c := put(h, strconv.Itoa(i))
		r, err := s.Commit(t.Context(), c)
		if err != nil || r.Heads[0].Rev != int64(i+1) {
			t.Fatalf("commit %d: %+v, %v", i, r, err)
		}
		h = r.Heads[0]
		n := 0
		p.swallows.Store(0)
		page, err := s.History(t.Context(), h.Ref, 0, 100)
		for _, e := range page {
			if e.CommitID == c.ID {
				n++
			}
		}
		if err != nil || n != 1 || len(page) != i+1 {
			t.Fatalf("commit %d stands in the log %d times, in %d rows, %v", i, n, len(page), err)
		}
	}
}
