package store

import "time"

// Judge refuses a write of the document at h that asks for l, as leases stand at now: with
// [ErrLeaseExpired] where the lease that it names is not alive, and with a [*LockedError]
// where somebody else's is.
func (l *LeaseChange) Judge(h *Head, now time.Time) error {
	alive := h.Lease != nil && now.Before(h.Lease.Expires)
	mine := alive && h.Lease.ID == l.ID
	switch l.Op {
	case LeaseNone:
		mine = false
	case LeaseHeld, LeaseRenew, LeaseRelease:
		if !mine {
			return ErrLeaseExpired
		}
	case LeaseGrant:
	}
	if alive && !mine {
		return &LockedError{Ref: h.Ref, Until: h.Lease.Expires}
	}
	return nil
}

// After returns the lease of a document that had old, once l has been judged and carried
// out at now. Fence is that of a grant.
func (l *LeaseChange) After(old *Lease, fence int64, now time.Time) *Lease {
	switch l.Op {
	case LeaseGrant:
		return &Lease{ID: l.ID, Fence: fence, Expires: now.Add(l.TTL)}
	case LeaseRenew:
		return &Lease{ID: old.ID, Fence: old.Fence, Expires: now.Add(l.TTL)}
	case LeaseRelease:
		return nil
	case LeaseNone, LeaseHeld:
	}
	return old
}
