package store

import "fmt"

// Validate refuses with [ErrInvalid] what no state could make right. Drivers call
// it before anything else.
func (c *Commit) Validate() error {
	if c.ID == (ID{}) {
		return fmt.Errorf("%w: it has no ID", ErrInvalid)
	}
	written := make(map[Ref]bool, len(c.Writes))
	for i := range c.Writes {
		w := &c.Writes[i]
		if written[w.Ref] {
			return fmt.Errorf("%w: write %d is the second one of %s/%s", ErrInvalid, i, w.Ref.Part.Collection, w.Ref.ID)
		}
		written[w.Ref] = true
		if w.Content > ContentTombstone {
			return fmt.Errorf("%w: write %d has unknown content %d", ErrInvalid, i, w.Content)
		}
		if w.Content != ContentBody && w.Rev == 0 {
			return fmt.Errorf("%w: write %d creates a document without a body", ErrInvalid, i)
		}
		if err := validateKeys(w); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		if err := validateLease(w.Lease); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
	}
	for i := range c.Rows {
		if !written[c.Rows[i].Ref] {
			return fmt.Errorf("%w: row %d belongs to %s/%s, which is not written", ErrInvalid, i, c.Rows[i].Ref.Part.Collection, c.Rows[i].Ref.ID)
		}
	}
	return nil
}

func validateKeys(w *Write) error {
	if len(w.Keys) > 0 && w.Content != ContentBody {
		return fmt.Errorf("%w: only a body has keys", ErrInvalid)
	}
	for i := range w.Keys {
		k := &w.Keys[i]
		switch {
		case k.Index == "" || i > 0 && k.Index <= w.Keys[i-1].Index:
			return fmt.Errorf("%w: index %q does not come after the one before it", ErrInvalid, k.Index)
		case len(k.Key) > MaxIndexKey:
			return fmt.Errorf("%w: a key of index %q has %d bytes, more than %d", ErrInvalid, k.Index, len(k.Key), MaxIndexKey)
		}
	}
	return nil
}

func validateLease(l LeaseChange) error {
	switch l.Op {
	case LeaseNone:
		return nil
	case LeaseHeld, LeaseRelease:
	case LeaseGrant, LeaseRenew:
		if l.TTL <= 0 {
			return fmt.Errorf("%w: a lease needs a time to live", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: unknown lease operation %d", ErrInvalid, l.Op)
	}
	if l.ID == "" {
		return fmt.Errorf("%w: a lease needs an ID", ErrInvalid)
	}
	return nil
}

// Fits tells whether a document that stands at h is what the check asserts.
func (k *Check) Fits(h *Head) bool {
	if k.Exists {
		return h.Exists()
	}
	return k.Rev == h.Rev && (k.Version == 0 || k.Version == h.Version)
}

// Fits tells whether the write was made for a document that stands at h. One
// that was purged and created again can stand at the same rev; its version
// tells.
func (w *Write) Fits(h *Head) bool {
	if w.Content == ContentTouch {
		return w.Rev == h.Rev && w.Version == h.Version && w.Life == h.Life
	}
	return w.Rev == h.Rev && w.Version >= h.Next
}
