package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Key is an idempotency key: the request that comes under it is carried out once,
// however often it is sent, and answered with what it was answered first.
type Key struct {
	// Scope is whose key it is. The same text in another scope is another key.
	Scope, Key string
	// Digest is of the request. Another request under the key is refused.
	Digest [32]byte
	// Keep is how long the answer is kept.
	Keep time.Duration
	// Answer encodes what an outcome is answered with. It is called before the
	// commit, which stores the answer, and again in every turn; nothing is committed
	// where it fails.
	Answer func(*Outcome) ([]byte, error)
}

// Once carries an intent out with do, unless its key has an answer already: then
// the outcome is [Outcome.Replayed], and do is not called. Of several calls under
// one key one is carried out at a time; the others wait for it, not longer than
// Config.KeyWait, after which they are refused with [ReasonInFlight].
//
// The answer is stored by the commit itself, so that a request is carried out once
// also where servers share a store, and where one ends between commit and answer. A
// refusal stores nothing: the key is free again. Do may return neither an outcome
// nor an error, for what it has seen to itself; nothing is stored then either.
//
// Without a key, and under a dry run, Once is do. Where the rules ask for a key, also of
// a member of a batch, and there is none, it refuses what would write. Its error is that of do, or a
// [*Refusal].
func (e *Engine) Once(ctx context.Context, in *Intent, do func(context.Context, *Intent) (*Outcome, error)) (*Outcome, error) {
	if err := in.bringsKey(); err != nil {
		return nil, err
	}
	if !in.stores() {
		return do(ctx, in)
	}
	if err := e.flights.take(ctx, in, e.keyWait); err != nil {
		return nil, e.refusalOf(err, nil)
	}
	defer e.flights.leave(in.Key)
	if first, err := e.answered(ctx, in.Key); first != nil || err != nil {
		return first, err
	}
	out, err := do(ctx, in)
	if err == nil {
		return out, nil
	}
	return e.orAnswered(ctx, in.Key, err)
}

// bringsKey refuses a write that should bring a key and does not. A batch has one for all
// of its members.
func (in *Intent) bringsKey() error {
	if in.Key != nil {
		return nil
	}
	for i, m := range in.Members {
		if m.demandsKey() {
			return &MemberError{i, keyMissing("The operation is on a collection whose writes bring an Idempotency-Key, and a batch brings it for all of its operations.")}
		}
	}
	if in.demandsKey() {
		return keyMissing("Writes to this collection bring an Idempotency-Key.")
	}
	return nil
}

// demandsKey tells of what writes a document whose rules ask for a key. Leases are none:
// taking one twice does no harm.
func (in *Intent) demandsKey() bool {
	return in.Rules.KeyRequired && !in.Op.leases() && in.Op != OpCheck
}

func keyMissing(why string) *Refusal {
	return &Refusal{Reason: ReasonMalformed, Detail: "Idempotency-Key is missing. " + why +
		" Make a new one for each request, such as a UUID, and send it again with the same request where the answer is lost. Nothing was done."}
}

// Spend gives a key to a request that is carried out in more than one commit, and which
// has to see itself to doing nothing twice. No other request gets the key, for as long as
// it is kept, and until done is called nobody is given it for the same one either. Where
// the intent has no key, or is a dry run, there is nothing to it. The error is a
// [*Refusal].
func (e *Engine) Spend(ctx context.Context, in *Intent) (done func(), err error) {
	if !in.stores() {
		return func() {}, nil
	}
	if err := e.flights.take(ctx, in, e.keyWait); err != nil {
		return nil, e.refusalOf(err, nil)
	}
	if err := e.spend(ctx, in); err != nil {
		e.flights.leave(in.Key)
		return nil, err
	}
	return func() { e.flights.leave(in.Key) }, nil
}

// spent stands under a key in the place of an answer.
var spent = []byte("spent")

func (e *Engine) spend(ctx context.Context, in *Intent) error {
	if before, err := e.answered(ctx, in.Key); before != nil || err != nil {
		return err
	}
	c := e.begin(in)
	c.Key = in.Key.answer(spent, c.Now)
	_, err := e.commit(context.WithoutCancel(ctx), c)
	if _, before := errors.AsType[*store.ReplayedError](err); err != nil && !before {
		return e.refusalOf(err, nil)
	}
	return nil
}

// answer is what a commit stores under the key.
func (k *Key) answer(content []byte, now time.Time) *store.Key {
	return &store.Key{Scope: k.Scope, Key: k.Key, Answer: store.Answer{Digest: k.Digest, Content: content, Expires: now.Add(k.Keep)}}
}

// orAnswered is what a refused request comes to: it may be refused for what another
// server has done under its key meanwhile, and then that is the outcome.
func (e *Engine) orAnswered(ctx context.Context, key *Key, refusal error) (*Outcome, error) {
	first, err := e.answered(ctx, key)
	if err != nil || first == nil {
		return nil, refusal
	}
	return first, nil
}

// stores tells whether the answer to an intent is stored.
func (in *Intent) stores() bool { return in.Key != nil && !in.Dry }

// answered returns the outcome that is stored under a key, nil for none. It fails
// with a [*Refusal] where the key is another request's.
func (e *Engine) answered(ctx context.Context, key *Key) (*Outcome, error) {
	a, err := e.store.Answer(ctx, key.Scope, key.Key)
	switch {
	case errors.Is(err, store.ErrNoEntry):
		return nil, nil
	case err != nil:
		return nil, e.refusalOf(err, nil)
	case !e.stamp().Before(a.Expires):
		return nil, nil
	case a.Digest != key.Digest:
		return nil, e.refusalOf(store.ErrKeyMismatch, nil)
	}
	return replayed(a), nil
}

func replayed(a *store.Answer) *Outcome { return &Outcome{Replayed: true, Answer: a.Content} }

// keep has a commit store what its outcome is answered with.
func (w *write) keep(c *store.Commit, p *plan, out *Outcome) error {
	if p.refused() {
		return nil
	}
	return w.intent.keep(c, out)
}

func (in *Intent) keep(c *store.Commit, out *Outcome) error {
	if !in.stores() {
		return nil
	}
	content, err := in.Key.Answer(out)
	if err != nil {
		return err
	}
	out.Answer = content
	c.Key = in.Key.answer(content, c.Now)
	return nil
}

// unchanged answers a write that changes nothing. Under a key that is remembered
// all the same, with the state that it was decided on: a retry is not to change
// what others have written since.
func (w *write) unchanged(ctx context.Context, p *plan) (*Outcome, error) {
	out := w.outcome(p, w.current)
	c := w.engine.begin(w.intent)
	c.Checks = []store.Check{w.assertion()}
	if err := w.keep(c, p, out); err != nil {
		return nil, w.failed(err)
	}
	if c.Key == nil {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, w.failed(err)
	}
	if _, err := w.send(context.WithoutCancel(ctx), c, p); err != nil {
		return w.notCommitted(ctx, err)
	}
	w.basis = nil
	return out, nil
}

// assertion has a commit depend on the state that a write was decided on.
func (w *write) assertion() store.Check {
	head, c := &w.current.Head, &w.intent.Conditions
	if w.intent.Op == OpCheck && c.IfMatch.Any() && !c.IfNoneMatch.Present() { // which is all that was asked
		return store.Check{Ref: head.Ref, Exists: true}
	}
	return store.Check{Ref: head.Ref, Rev: head.Rev, Version: head.Version}
}

// flights are the keys whose requests are being carried out by this process.
type flights struct {
	mu    sync.Mutex
	byKey map[flight]chan struct{}
}

type flight struct{ scope, key string }

// take makes the key of an intent the caller's, who has to leave it. It fails where
// somebody has it and does not leave it in time.
func (f *flights) take(ctx context.Context, in *Intent, wait time.Duration) error {
	name := flight{in.Key.Scope, in.Key.Key}
	left := f.try(name)
	if left == nil {
		return nil
	}
	defer in.stepAside()()
	patience := time.NewTimer(wait)
	defer patience.Stop()
	for ; left != nil; left = f.try(name) {
		select {
		case <-left:
		case <-patience.C:
			return &Refusal{Reason: ReasonInFlight, RetryAfter: time.Second}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// try is take without waiting: where somebody has the key it returns what is closed
// once they leave it.
func (f *flights) try(name flight) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if left, taken := f.byKey[name]; taken {
		return left
	}
	if f.byKey == nil {
		f.byKey = make(map[flight]chan struct{})
	}
	f.byKey[name] = make(chan struct{})
	return nil
}

func (f *flights) leave(key *Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := flight{key.Scope, key.Key}
	close(f.byKey[name])
	delete(f.byKey, name)
}
