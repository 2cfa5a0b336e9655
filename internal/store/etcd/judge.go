package etcd

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// judge refuses a commit that does not fit the state. Where several refusals apply,
// the order is: idempotency key, stale, lease, natural key, index.
func (st *state) judge(c *store.Commit, now time.Time) error {
	if err := st.judgeKey(c); err != nil {
		return err
	}
	if err := st.judgeHeads(c); err != nil {
		return err
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		h := st.head(w.Ref)
		if err := judgeLease(&h, w.Lease, now); err != nil {
			return err
		}
	}
	return nil
}

func (st *state) judgeKey(c *store.Commit) error {
	if c.Key == nil {
		return nil
	}
	a := st.answers[st.s.keys.answer(c.Key.Scope, c.Key.Key)]
	switch {
	case a == nil || !c.Now.Before(a.Expires):
		return nil
	case !bytes.Equal(a.Digest, c.Key.Digest[:]):
		return store.ErrKeyMismatch
	}
	return &store.ReplayedError{Answer: a.of()}
}

// judgeHeads refuses c when any of its checks and writes expects another state.
func (st *state) judgeHeads(c *store.Commit) error {
	var stale []store.Head
	fail := func(h store.Head) {
		if !slices.ContainsFunc(stale, func(s store.Head) bool { return s.Ref == h.Ref }) {
			stale = append(stale, h)
		}
	}
	for i := range c.Checks {
		if h := st.head(c.Checks[i].Ref); !c.Checks[i].Fits(&h) {
			fail(h)
		}
	}
	for i := range c.Writes {
		if h := st.head(c.Writes[i].Ref); !c.Writes[i].Fits(&h) {
			fail(h)
		}
	}
	if stale != nil {
		return &store.StaleError{Heads: stale}
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		if h := st.heads[w.Ref]; h != nil && w.At.Before(h.At) {
			return fmt.Errorf("%w: write %d is dated before the version it replaces", store.ErrInvalid, i)
		}
	}
	return nil
}

// judgeLease refuses a write of the document at h under l.
func judgeLease(h *store.Head, l store.LeaseChange, now time.Time) error {
	alive := h.Lease != nil && now.Before(h.Lease.Expires)
	mine := alive && h.Lease.ID == l.ID
	switch l.Op {
	case store.LeaseNone:
		mine = false
	case store.LeaseHeld, store.LeaseRenew, store.LeaseRelease:
		if !mine {
			return store.ErrLeaseExpired
		}
	case store.LeaseGrant:
	}
	if alive && !mine {
		return &store.LockedError{Ref: h.Ref, Until: h.Lease.Expires}
	}
	return nil
}

// leased returns the lease of a document after l, which has been judged.
func leased(old *store.Lease, l store.LeaseChange, fence int64, now time.Time) *store.Lease {
	switch l.Op {
	case store.LeaseGrant:
		return &store.Lease{ID: l.ID, Fence: fence, Expires: now.Add(l.TTL)}
	case store.LeaseRenew:
		return &store.Lease{ID: old.ID, Fence: old.Fence, Expires: now.Add(l.TTL)}
	case store.LeaseRelease:
		return nil
	case store.LeaseNone, store.LeaseHeld:
	}
	return old
}
