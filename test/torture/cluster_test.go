//go:build unix

package torture_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/process"
)

// node is a server that clients reach by one address, whatever becomes of its process.
type node struct {
	*testing.T
	front   *link
	store   string
	flags   []string
	running *process.Server
}

// startNode serves a store.
func startNode(t *testing.T, store string, flags ...string) *node {
	t.Helper()
	n := &node{T: t, front: newLink(t, ""), store: store, flags: flags}
	n.start()
	t.Cleanup(func() { n.running.Kill() })
	return n
}

// url is where clients find it.
func (n *node) url() string { return "http://" + n.front.addr() }

// start starts the process, when there is none.
func (n *node) start() {
	n.Helper()
	s, err := process.Start(process.Command(binary, append(process.Serve(n.store), n.flags...)...))
	if err != nil {
		n.Fatal(err)
	}
	n.running = s
	n.front.point(strings.TrimPrefix(s.URL, "http://"))
}

// cluster is what keeps documents: the store's own processes and the servers before them.
type cluster interface {
	// urls are where clients find the servers.
	urls() []string
	// verify holds the store against itself, as the command of that name does. No
	// client is at work.
	verify()
}

func urlsOf(nodes []*node) (urls []string) {
	for _, n := range nodes {
		urls = append(urls, n.url())
	}
	return urls
}

// verify runs the command that a user has for it.
func verify(t *testing.T, store string, flags ...string) {
	t.Helper()
	out, err := process.Command(binary, append([]string{"verify", "--store", store}, flags...)...).CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	t.Logf("%s", strings.TrimSpace(string(out)))
}

// fault is one way to break things, and to make them whole again.
type fault interface {
	fmt.Stringer
	// inject breaks something and heal makes it whole. Between the two it has been seen
	// that requests fail, or that as many as usual go on, as it is with the fault.
	inject(*load)
	heal(*load)
}

// between is how many writes are acknowledged before, after and between faults.
const between = 60

// endure has clients work while the faults come, each so many times in turn, and then holds
// what everybody saw against what is there.
func endure(t *testing.T, c cluster, seed uint64, clients, rounds int, faults ...fault) {
	t.Helper()
	t.Logf("seed %d", seed)
	following := startFollowers(t, 2, c.urls())
	l := newLoad(t, seed, clients, c.urls())
	for round := range rounds {
		for _, f := range faults {
			l.progress(between)
			f.inject(l)
			f.heal(l)
			if t.Failed() {
				t.Fatalf("in round %d of %s", round, f)
			}
		}
	}
	l.progress(between)
	l.end()
	record := following.agree(t, c.urls())
	found, judged := l.judge(record)
	for _, f := range found {
		t.Error(f)
	}
	l.mu.Lock()
	t.Logf("%d rounds: %d operations judged, %d writes acknowledged, %d requests without an answer", rounds, judged, l.acked, l.failed)
	if l.failed == 0 {
		t.Error("no request failed: nothing was tested")
	}
	l.mu.Unlock()
	c.verify()
}

// kill is kill -9 of a server.
type kill struct{ *node }

func (kill) String() string { return "kill -9 of a server" }

func (k kill) inject(l *load) {
	failing := l.trouble(1)
	k.running.Kill()
	failing()
}

func (k kill) heal(*load) { k.start() }

// freeze stops a server where it stands, which its clients take for dead or for slow.
type freeze struct{ *node }

func (freeze) String() string { return "a server that stands still" }

func (f freeze) inject(l *load) {
	failing := l.trouble(1)
	f.running.Pause()
	f.front.cut() // the clients that wait for an answer do so no longer
	failing()
}

func (f freeze) heal(*load) { f.running.Resume() }

// terminate asks a server to end, which finishes what it has begun.
type terminate struct{ *node }

func (terminate) String() string { return "SIGTERM to a server" }

func (k terminate) inject(l *load) {
	failing := l.trouble(1)
	if err := k.running.Terminate(context.WithoutCancel(l.Context())); err != nil {
		l.Error(err)
	}
	failing()
}

func (k terminate) heal(*load) { k.start() }
