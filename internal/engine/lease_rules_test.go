package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// TestNoLeases: on a store that keeps none, nobody's is known, and no write slips
// through under one.
func TestNoLeases(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	r.store.info = &store.Info{}
	refusal := r.refused(ReasonLeaseExpired, r.under(&Lease{ID: "any"}, OpPut, `{"n":1}`))
	if !strings.Contains(refusal.Detail, "No leases are kept here") || errors.Is(refusal, store.ErrLeaseExpired) {
		t.Errorf("%q, %v", refusal.Detail, refusal)
	}
}

// TestLeaseOfTheDeleted: whoever deletes a document under a lease keeps its place until
// they give it back.
func TestLeaseOfTheDeleted(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.refused(ReasonNotFound, r.intent(OpLease, `{"ttlMs":1000}`))
	r.refused(ReasonLeaseExpired, r.under(&Lease{ID: "none"}, OpPut, `{"n":0}`))
	r.must(OpPut, `{"n":0}`)
	held := r.leased(time.Minute)
	for _, op := range []Op{OpDelete, OpRenew, OpPut, OpDelete} {
		body := `{"ttlMs":60000}`
		if op == OpPut {
			body = `{"n":1}`
		}
		if _, refusal := r.do(r.under(held, op, body)); refusal != nil {
			t.Fatal(op, refusal)
		}
		r.refused(ReasonLocked, r.intent(OpPut, `{"n":2}`))
	}
	r.refused(ReasonNotFound, r.under(held, OpRenew, `{"ttlMs":1000}`, "If-Match", "*"))
	if _, refusal := r.do(r.under(held, OpRelease, "")); refusal != nil {
		t.Fatal(refusal)
	}
	r.refused(ReasonNotFound, r.intent(OpLease, `{"ttlMs":1000}`))
	r.must(OpPut, `{"n":2}`)
	r.verified()
}

// may lets its caller do these actions, and no other.
type may []Action

func (m may) May(a Action, _ jsonvalue.Value) Answer {
	if slices.Contains(m, a) {
		return Yes
	}
	return No
}
func (may) MayOverwrite(jsonvalue.Value) bool    { return false }
func (may) MayResolve(int, jsonvalue.Value) bool { return false }
func (may) MayRead(int, jsonvalue.Value) bool    { return false }

// TestWhoMayLease: who may write may lease. Nobody else is told that a document is
// locked, nor that others wait for it.
func TestWhoMayLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := optional
		rules.Reserved.Access = true
		r := newRig(t, rules, Config{})
		everything := may{ActRead, ActCreate, ActWrite, ActDelete}
		r.authority = everything
		r.must(OpPut, `{"n":0}`)
		lease := func(a may) *Intent {
			r.authority = a
			return r.intent(OpLease, `{"ttlMs":60000}`)
		}
		for _, a := range []may{nil, {ActCreate}, {ActRead}, {ActRead, ActDelete}, {ActWrite}} {
			r.refused(ReasonForbidden, lease(a))
		}
		if _, refusal := r.do(lease(everything)); refusal != nil {
			t.Fatal(refusal)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waits := lease(everything)
		waits.Wait = MaxWait
		go func() {
			if _, err := r.engine.Do(ctx, waits); err == nil {
				t.Error("it has a lease that somebody else has")
			}
		}()
		synctest.Wait()
		for _, a := range []may{nil, {ActRead}, {ActWrite}} {
			in := lease(a)
			in.Wait = MaxWait
			r.refused(ReasonForbidden, in)
			r.refused(ReasonForbidden, r.intent(OpPut, `{"n":1}`))
		}
		r.refused(ReasonLocked, lease(everything))
		cancel()
		r.noLines()
	})
}

// FuzzLease: whatever a lease is asked for with, it is granted for a time that may be, to
// the millisecond, or refused with nothing changed.
func FuzzLease(f *testing.F) {
	for _, body := range []string{`{"ttlMs":5000}`, `{"ttlMs":300001}`, `{"ttlMs":-0}`, `{"ttlMs":1e3}`, `{"ttlMs":"1"}`, `{"ttlMs":1,"ttl":1}`, `[]`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"n":0}`)
		w := &write{engine: r.engine, intent: r.intent(OpLease, body), current: r.current()}
		ttl, err := w.timeToLive()
		if err != nil {
			if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonInvalid && refusal.Reason != ReasonMalformed {
				t.Errorf("%q is refused as %v", body, err)
			}
			return
		}
		if ttl < time.Millisecond || ttl > MaxLease || ttl%time.Millisecond != 0 || !strings.Contains(body, strconv.FormatInt(ttl.Milliseconds(), 10)) {
			t.Errorf("%q asks for %s", body, ttl)
		}
	})
}
