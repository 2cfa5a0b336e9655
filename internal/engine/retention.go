package engine

import (
	"context"
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// keepsNone is the Keep under which nothing but the current version is kept.
const keepsNone = 1

// entry returns the log row of one version with its body. What the rules no
// longer keep is [store.ErrNoEntry] at once, whenever the store gets round to
// dropping it.
func (e *Engine) entry(ctx context.Context, current *store.Head, rules *Rules, version int64) (*store.Entry, error) {
	if rules.Keep > 0 && version <= current.Version-rules.Keep {
		return nil, store.ErrNoEntry
	}
	entry, err := e.store.Entry(ctx, current.Ref, version)
	if err != nil || rules.KeepFor <= 0 || version == current.Version {
		return entry, err
	}
	superseded, err := e.supersededAt(ctx, current, version)
	if err != nil {
		return nil, err
	}
	if superseded.Before(e.now().Add(-rules.KeepFor)) {
		return nil, store.ErrNoEntry
	}
	return entry, nil
}

// supersededAt tells until when a version was the current one: its age counts
// from there. A document that rested for a year can still explain the first
// conflict after that.
func (e *Engine) supersededAt(ctx context.Context, current *store.Head, version int64) (time.Time, error) {
	if version+1 >= current.Version {
		return current.At, nil
	}
	next, err := e.store.Entry(ctx, current.Ref, version+1)
	if errors.Is(err, store.ErrNoEntry) {
		return e.supersededBeyond(ctx, current, version)
	}
	if err != nil {
		return time.Time{}, err
	}
	return next.At, nil
}

// supersededBeyond is supersededAt where the store has no body of the version
// after. Bodies go oldest first: where that of this version is still there, the
// next one is not durable yet, and current is ahead of what is. Else it has gone,
// and was older than what is kept.
func (e *Engine) supersededBeyond(ctx context.Context, current *store.Head, version int64) (time.Time, error) {
	_, err := e.store.Entry(ctx, current.Ref, version)
	if errors.Is(err, store.ErrNoEntry) {
		return time.Time{}, nil
	}
	return current.At, err
}
