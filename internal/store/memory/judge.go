package memory

import (
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// judgeKey refuses c when its idempotency key has an answer that is not expired.
func (s *Store) judgeKey(c *store.Commit) error {
	if c.Key == nil {
		return nil
	}
	a, ok := s.answers[answerKey{c.Key.Scope, c.Key.Key}]
	switch {
	case !ok || !c.Now.Before(a.Expires):
		return nil
	case a.Digest != c.Key.Digest:
		return store.ErrKeyMismatch
	}
	return &store.ReplayedError{Answer: a}
}

// judgeHeads refuses c when any of its checks and writes expects another state.
func (s *Store) judgeHeads(c *store.Commit) error {
	var stale []store.Head
	failed := make(map[store.Ref]bool)
	fail := func(h *store.Head) {
		if !failed[h.Ref] {
			failed[h.Ref] = true
			stale = append(stale, *h)
		}
	}
	for _, k := range c.Checks {
		d := s.document(k.Ref)
		if !k.Fits(&d.Head) {
			fail(&d.Head)
		}
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		d := s.document(w.Ref)
		if !w.Fits(&d.Head) {
			fail(&d.Head)
		}
	}
	if stale != nil {
		return &store.StaleError{Heads: stale}
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.At.Before(s.document(w.Ref).At) {
			return fmt.Errorf("%w: write %d is dated before the version it replaces", store.ErrInvalid, i)
		}
	}
	return nil
}

// judgeClaims returns who holds what after c, or refuses.
func (s *Store) judgeClaims(c *store.Commit) (map[claimKey]holder, error) {
	after := make(map[claimKey]holder)
	current := func(k claimKey) holder {
		if h, ok := after[k]; ok {
			return h
		}
		return s.claims[k]
	}
	for _, cl := range c.Claims {
		k := claimKey{cl.Part, cl.Index, cl.Value}
		if cl.Release && current(k) == (holder{cl.ID, true}) {
			after[k] = holder{}
		}
	}
	for _, cl := range c.Claims {
		if cl.Release {
			continue
		}
		k := claimKey{cl.Part, cl.Index, cl.Value}
		if h := current(k); h.held && h.id != cl.ID {
			return nil, &store.TakenError{Claim: cl, By: h.id}
		}
		after[k] = holder{cl.ID, true}
	}
	return after, nil
}
