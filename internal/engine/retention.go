package engine

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// entry returns the log row of one version with its body. What the rules no
// longer keep is [store.ErrNoEntry] at once, whenever the store gets round to
// dropping it.
func (e *Engine) entry(ctx context.Context, current *store.Head, rules *Rules, version int64) (*store.Entry, error) {
	if rules.Keep > 0 && version <= current.Version-rules.Keep {
		return nil, store.ErrNoEntry
	}
	entry, err := e.store.Entry(ctx, current.Ref, version)
	if err != nil {
		return nil, err
	}
	if rules.KeepFor > 0 && version != current.Version && entry.At.Before(e.now().Add(-rules.KeepFor)) {
		return nil, store.ErrNoEntry
	}
	return entry, nil
}
