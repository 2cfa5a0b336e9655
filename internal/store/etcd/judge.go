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
		if err := w.Lease.Judge(&h, now); err != nil {
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
