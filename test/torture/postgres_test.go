//go:build unix

package torture_test

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestPostgres restarts PostgreSQL, has its synchronous standby take over, and breaks
// what lies between it and our servers, which are two with caches of their own.
func TestPostgres(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	c := newReplicated(t)
	c.serve(2)
	d := newDice(seed)
	endure(t, c, seed, clients, scaled(1, 1, 12),
		failover{c}, &restart{c, []syscall.Signal{syscall.SIGQUIT, syscall.SIGINT}}, kill{c.nodes[0]},
		weather{c, d}, late{c, d}, storm{c.nodes[1].front, d}, idle{c})
}

// weather is a storm between our servers and the database, in which its answers are lost
// in the middle of commits.
type weather struct {
	*replicated
	*dice
}

func (weather) String() string { return "a network before the database that loses, tears and delays" }

func (w weather) storm() storm { return storm{w.hosts[w.primary].link, w.dice} }

func (w weather) inject(l *load) { w.storm().inject(l) }

func (w weather) heal(l *load) { w.storm().heal(l) }

// late is a commit that is carried out after its connection has died, and others have
// been made since.
type late struct {
	*replicated
	*dice
}

func (late) String() string { return "commits that come after their connection has died" }

// commitSize is what no other message to the database reaches.
const commitSize = 400

func (c late) inject(l *load) {
	revenants{c.hosts[c.primary].link, c.dice, commitSize, 3}.inject(l)
}

func (late) heal(*load) {}

// idle is a transaction of somebody else's that stays open.
type idle struct{ *replicated }

func (idle) String() string { return "an unrelated transaction that stays open" }

func (i idle) inject(l *load) {
	db := i.hosts[i.primary]
	ctx := context.WithoutCancel(i.Context())
	conn, err := db.connect(ctx)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // which rolls it back
	for _, s := range []string{"BEGIN", "CREATE TABLE unrelated (n int)", "INSERT INTO unrelated VALUES (1)"} {
		if _, err := conn.Exec(ctx, s); err != nil {
			l.Fatal(err)
		}
	}
	f := &follower{t: i.T, http: http.DefaultClient, nodes: i.urls(), seen: make(record), at: "now"}
	l.progress(between)
	bound, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for f.count < between {
		if _, err := f.page(bound, "wait=2"); err != nil && bound.Err() != nil {
			l.Fatalf("beside an open transaction a follower sees %d changes: %v", f.count, err)
		}
	}
}

func (idle) heal(*load) {}
