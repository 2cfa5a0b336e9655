package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/blame"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// MaxBlamed is how many versions a blame looks at, the current one included, and
// maxBlamedRows how many log rows: what leaves the content alone leaves a row too. The
// versions before the current one that are compared have blamedGrowth times the limit
// of a body together, so that nobody has a hundred large ones parsed by asking.
const (
	MaxBlamed     = 100
	maxBlamedRows = 4 * MaxBlamed
	blamedGrowth  = 16
)

// Blame is which version gave the leaves of a document their values.
type Blame struct {
	Reading
	// Seen is the document as its reader sees it, and View what that is.
	Seen jsonvalue.Value
	View *view.View

	trace    *blame.Trace
	versions []*store.Entry // newest first, as far as they were looked at
}

// Blamed is who gave a leaf its value.
type Blamed struct {
	// Entry is the log row of the version that did. Where OrEarlier is set it is the
	// oldest version that is known: the leaf had its value there already, and who gave
	// it is not known.
	*store.Entry
	OrEarlier bool
}

// Blame finds out which version last gave each leaf of the current document its value,
// from as much of its history as is kept, up to [MaxBlamed] versions of it, and fewer of
// large ones. All of them are compared as far as the caller sees the document now, so
// that they learn nothing of what they do not. It fails with a [*Refusal], as
// [Engine.Read] does.
func (e *Engine) Blame(ctx context.Context, ref store.Ref, rules *Rules, a Authority, c ifmatch.Conditions) (*Blame, error) {
	reading, err := e.Read(ctx, ref, rules, a, c)
	if err != nil {
		return nil, err
	}
	if err := e.permit(rules, a, reading.Document, ActHistory); err != nil {
		return nil, err
	}
	b := &Blame{Reading: reading}
	newest, err := e.parseStored(reading.Document.Body)
	if err != nil {
		return nil, err
	}
	b.View = rules.View(a, newest)
	b.Seen = b.View.Value(newest)
	b.trace = blame.New(b.Seen, rules.Merge)
	if err := e.goBack(ctx, b, rules, newest); err != nil {
		return nil, e.refusalOf(err, nil)
	}
	return b, nil
}

// goBack looks at the versions before the current one until each leaf has its version.
func (e *Engine) goBack(ctx context.Context, b *Blame, rules *Rules, newest jsonvalue.Value) error {
	versions, all, err := e.versionsOfLife(ctx, &b.Document.Head)
	if err != nil {
		return err
	}
	room := e.limits.Body * blamedGrowth
	for i, row := range versions {
		if i == MaxBlamed || i > 0 && b.trace.Done() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if i > 0 {
			entry, err := e.entry(ctx, &b.Document.Head, rules, row.Version)
			if errors.Is(err, store.ErrNoEntry) {
				return nil
			}
			if err != nil {
				return err
			}
			if room -= int64(len(entry.Body)); room < 0 {
				return nil
			}
			was, err := e.parseLike(entry.Body, newest)
			if err != nil {
				return err
			}
			b.trace.Step(b.View.Value(was), i-1)
		}
		b.versions = append(b.versions, row)
	}
	if all {
		b.trace.End(len(versions) - 1)
	}
	return nil
}

// versionsOfLife returns the rows that wrote the content of a document since it was
// created, newest first, and whether that is all of them. They are few enough for a
// blame.
func (e *Engine) versionsOfLife(ctx context.Context, h *store.Head) (versions []*store.Entry, all bool, err error) {
	rows, err := e.store.History(ctx, h.Ref, h.Rev+1, maxBlamedRows)
	if err != nil {
		return nil, false, err
	}
	for i := range rows {
		row := &rows[i]
		if row.Life != h.Life || row.Action == store.ActionDelete {
			return versions, len(versions) > 0, nil
		}
		if row.Action != store.ActionTouch {
			versions = append(versions, row)
			all = row.Rev == 1
		}
	}
	return versions, all, nil
}

// Leaves calls yield for each leaf at or below a path, until it returns false: with the
// path, which is the caller's until it returns, and with who gave it its value.
func (b *Blame) Leaves(under jsonvalue.Pointer, yield func(jsonvalue.Pointer, Blamed) bool) {
	b.trace.Leaves(under, func(path jsonvalue.Pointer, by int) bool {
		if by == blame.Unknown {
			return yield(path, Blamed{Entry: b.oldest(), OrEarlier: true})
		}
		return yield(path, Blamed{Entry: b.versions[by]})
	})
}

// oldest returns the oldest version that was looked at. Where not even the row of the
// current one is kept, it is what the head knows.
func (b *Blame) oldest() *store.Entry {
	if n := len(b.versions); n > 0 {
		return b.versions[n-1]
	}
	h := &b.Document.Head
	return &store.Entry{Ref: h.Ref, Rev: h.Rev, Version: h.Version, Life: h.Life, At: h.At}
}
