package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// What a probe has forced: a failure that left nothing, or one after the commit.
var (
	errForced        = errors.New("postgres: a probe failed the commit")
	errForcedUnknown = errors.New("postgres: a probe hid the outcome")
)

// inSteps is call, in a transaction that stops at the points of package store.
func (w *writer) inSteps(ctx context.Context, t *statement) (*outcome, error) {
	probe := w.store.opts.Probe
	// A test may hold it for as long as it likes.
	ctx = context.WithoutCancel(ctx)
	tx, err := w.store.pools.write.Begin(ctx)
	if err != nil {
		return nil, err
	}
	o, err := w.upTo(ctx, tx, t)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback(ctx))
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	if !t.dry {
		if err := probe.At(store.PointAfterCommit); err != nil {
			return nil, fmt.Errorf("%w: %w", errForcedUnknown, err)
		}
	}
	return o, nil
}

// upTo does everything but the commit.
func (w *writer) upTo(ctx context.Context, tx caller, t *statement) (*outcome, error) {
	judging := *t
	judging.dry = true
	o, err := call(ctx, tx, &judging)
	if err != nil {
		return nil, err
	}
	for _, passed := range o.passed {
		if !passed {
			continue
		}
		if err := w.store.opts.Probe.At(store.PointChecked); err != nil {
			return nil, fmt.Errorf("%w: %w", errForced, err)
		}
	}
	if t.dry {
		return o, nil
	}
	if o, err = call(ctx, tx, t); err != nil {
		return nil, err
	}
	if err := w.store.opts.Probe.At(store.PointBeforeCommit); err != nil {
		return nil, fmt.Errorf("%w: %w", errForced, err)
	}
	return o, nil
}
