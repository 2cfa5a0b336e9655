package storetest

import (
	"context"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// pending is a call that runs beside the test.
type pending struct {
	what    string
	done    chan struct{}
	receipt store.Receipt // of a commit
	doc     *store.Document
	err     error
}

// async runs f beside the test.
func async(what string, f func(p *pending)) *pending {
	p := &pending{what: what, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		f(p)
	}()
	return p
}

// commitAsync runs c beside the test.
func (r *rig) commitAsync(c *store.Commit) *pending { return r.commitAsyncUnder(ctx, c) }

func (r *rig) commitAsyncUnder(ctx context.Context, c *store.Commit) *pending {
	s := r.s
	return async("commit of "+commitLine(c), func(p *pending) { p.receipt, p.err = s.Commit(ctx, c) })
}

// getAsync reads ref beside the test.
func (r *rig) getAsync(ref store.Ref) *pending {
	s := r.s
	return async("read of "+ref.ID, func(p *pending) { p.doc, p.err = s.Get(ctx, ref) })
}

// headAsync is getAsync for a head without its body.
func (r *rig) headAsync(ref store.Ref) *pending {
	r.Helper()
	s := r.header()
	return async("head of "+ref.ID, func(p *pending) { p.doc, p.err = s.Head(ctx, ref) })
}

// queue runs c beside the test and returns once the driver has accepted it.
func (r *rig) queue(c *store.Commit) *pending {
	r.Helper()
	n := r.probes.count(store.PointQueued)
	p := r.commitAsync(c)
	r.probes.await(r.T, store.PointQueued, n+1)
	return p
}

// wait returns when p is done.
func (r *rig) wait(p *pending) *pending {
	r.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		r.Fatalf("%s has not returned", p.what)
	}
	return p
}

// reach waits until g stops p, which must not return before.
func (r *rig) reach(g *gate, p *pending) {
	r.Helper()
	select {
	case <-g.reached:
	case <-p.done:
		r.Fatalf("%s returned (error: %v) without passing point %s", p.what, p.err, g.point)
	case <-time.After(patience):
		r.Fatalf("%s has not come to point %s", p.what, g.point)
	}
}

// unanswered fails when p has returned. What has returned too early may take a
// moment to show; a driver that is right is never failed by how long that is.
func (r *rig) unanswered(p *pending, when string) {
	r.Helper()
	select {
	case <-p.done:
		r.Fatalf("%s returned %s (receipt %s, error %v)", p.what, when, receiptLines(p.receipt), p.err)
	case <-time.After(20 * time.Millisecond):
	}
}

// promptly runs f, which must not wait for anything that the test holds.
func (r *rig) promptly(what string, f func()) {
	r.Helper()
	r.wait(async(what, func(*pending) { f() }))
}
