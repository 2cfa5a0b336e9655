package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// baseLookup tells Evaluate which earlier version a tag names, and keeps the
// newest one that was named.
type baseLookup struct {
	engine   *Engine
	recently func(version int64) (version, bool)
	current  *store.Document
	rules    *Rules

	base *store.Entry
	gone bool // an earlier version was named that is no longer kept
	err  error
}

// state is the current document as preconditions see it. Earlier versions are
// looked up under ctx.
func (b *baseLookup) state(ctx context.Context) ifmatch.State {
	s := stateOf(b.current, &b.rules.Contract)
	s.Earlier = func(tag ifmatch.ETag) int64 { return b.earlier(ctx, tag) }
	return s
}

func stateOf(d *store.Document, c *ifmatch.Contract) ifmatch.State {
	if !d.Exists() {
		return ifmatch.State{Verify: c.Verifier(subjectOf(&d.Ref), 0)}
	}
	return ifmatch.State{
		Exists: true, Version: d.Version, ETag: ETagOf(&d.Head, c), LastModified: d.At, SameSecond: d.SameSecond,
		Verify: c.Verifier(subjectOf(&d.Ref), d.Version),
	}
}

// ETagOf returns the entity tag of a document's state under a contract: the one
// function behind every tag that is published or checked.
func ETagOf(h *store.Head, c *ifmatch.Contract) ifmatch.ETag {
	of := subjectOf(&h.Ref)
	return c.ETag(&of, h.Version, h.Life, &h.Digest)
}

// ETagOfEntry returns the entity tag of the state that a log row has left, which is no
// deletion. It is the one of [ETagOf].
func ETagOfEntry(e *store.Entry, c *ifmatch.Contract) ifmatch.ETag {
	return ETagOf(&store.Head{Ref: e.Ref, Version: e.Version, Life: e.Life, Digest: e.Digest}, c)
}

func subjectOf(ref *store.Ref) ifmatch.Subject {
	return ifmatch.Subject{Collection: ref.Part.Collection, Params: ref.Part.Params, ID: ref.ID}
}

func (b *baseLookup) earlier(ctx context.Context, tag ifmatch.ETag) int64 {
	var version int64
	switch b.rules.Contract.Token {
	case ifmatch.TokenVersion:
		version, _ = tag.Version()
	case ifmatch.TokenSigned:
		version = b.rules.Contract.Verifier(subjectOf(&b.current.Ref), b.current.Version)(tag).Version
	default:
		version = b.versionOfHash(ctx, tag)
	}
	if entry := b.find(ctx, version); entry != nil {
		return entry.Version
	}
	return 0
}

// find returns an earlier version of this life, nil where it is not known, and
// keeps it if it is the newest that was asked for.
func (b *baseLookup) find(ctx context.Context, version int64) *store.Entry {
	if version <= 0 || version >= b.current.Version || b.err != nil {
		return nil
	}
	if v, ok := b.recently(version); ok && b.rules.Keep != keepsNone && v.entry.Life == b.current.Life {
		b.newer(v.entry)
		return v.entry
	}
	entry, err := b.engine.entry(ctx, &b.current.Head, b.rules, version)
	switch {
	case errors.Is(err, store.ErrNoEntry):
		b.gone = true
		return nil
	case err != nil:
		b.err = err
		return nil
	case entry.Life != b.current.Life || entry.Action == store.ActionDelete:
		return nil
	}
	b.newer(entry)
	return entry
}

// newer keeps the newest version that was asked for.
func (b *baseLookup) newer(entry *store.Entry) {
	if b.base == nil || entry.Version > b.base.Version {
		b.base = entry
	}
}

// tagOf returns the entity tag that an earlier version had.
func (b *baseLookup) tagOf(ctx context.Context, version int64) (ifmatch.ETag, bool) {
	entry := b.find(ctx, version)
	if entry == nil {
		return ifmatch.ETag{}, false
	}
	return ETagOfEntry(entry, &b.rules.Contract), true
}

// maxHashScan bounds how far back a hash tag is looked for. A tag older than
// that is refused without an explanation; nothing is lost by it.
const maxHashScan = 1000

// versionOfHash finds the newest version of this life that had a hash tag. Tags
// hold too little of the digest to look it up by, so the history is walked.
func (b *baseLookup) versionOfHash(ctx context.Context, tag ifmatch.ETag) int64 {
	rows, err := b.engine.store.History(ctx, b.current.Ref, 0, maxHashScan)
	if err != nil {
		b.err = err
		return 0
	}
	for i := range rows {
		e := &rows[i]
		if e.Life != b.current.Life {
			break
		}
		if e.Action != store.ActionDelete && e.Version < b.current.Version &&
			ETagOfEntry(e, &b.rules.Contract).WeakMatch(tag) {
			return e.Version
		}
	}
	return 0
}
