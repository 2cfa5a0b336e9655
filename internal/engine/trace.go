package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/patch"
)

// maxAttributed bounds how many versions a conflict is traced through to say
// who changed what. Beyond it changes are listed without that.
const maxAttributed = 32

// maxTraced bounds the log rows that are read for it. It is more, because what
// leaves the content alone leaves a row too.
const maxTraced = 2 * maxAttributed

// step is what one version changed.
type step struct {
	by      *store.Entry
	changes []patch.Change
}

// trace goes from the current document, whose content is to, back to a base,
// whose content is from, and yields the steps between them, newest first, until
// that returns false. It returns the row of the current version, nil where it is
// not known. One range read tells who wrote what; bodies are loaded one by one, as
// far as is asked for, and compared as far as v sees them. All versions after the
// base are kept if the base is.
func (e *Engine) trace(ctx context.Context, current *store.Document, base *store.Entry, from, to jsonvalue.Value, v *view.View, yield func(step) bool) (newest *store.Entry, err error) {
	behind := current.Rev - base.Rev
	versions, err := e.versionsUpTo(ctx, current, min(behind, maxTraced))
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	newest = versions[0]
	if current.Version-base.Version > maxAttributed {
		return newest, nil
	}
	by, is := newest, to // by led to the content in is
	for _, version := range versions[1:] {
		was, err := e.contentOf(ctx, version, to)
		if errors.Is(err, store.ErrNoEntry) { // what it did is put down to the next one that is known
			continue
		}
		if was = v.Value(was); err != nil || !yield(step{by, patch.Diff(was, is)}) {
			return newest, err
		}
		by, is = version, was
	}
	if behind <= maxTraced { // else versions that were not read lie between
		yield(step{by, patch.Diff(from, is)})
	}
	return newest, nil
}

// versionsUpTo returns those of the newest rows up to a document's state that
// wrote content, newest first.
func (e *Engine) versionsUpTo(ctx context.Context, current *store.Document, rows int64) ([]*store.Entry, error) {
	page, err := e.store.History(ctx, current.Ref, current.Rev+1, int(rows))
	if err != nil {
		return nil, err
	}
	var versions []*store.Entry
	for i := range page {
		if row := &page[i]; row.Action != store.ActionTouch && row.Action != store.ActionDelete {
			versions = append(versions, row)
		}
	}
	return versions, nil
}

func (e *Engine) contentOf(ctx context.Context, row *store.Entry, like jsonvalue.Value) (jsonvalue.Value, error) {
	entry, err := e.store.Entry(ctx, row.Ref, row.Version)
	if err != nil {
		return jsonvalue.Value{}, err
	}
	return e.parseLike(entry.Body, like)
}

// authors tells who changed which place since a base, oldest first. An index of
// an array names another element in every version, so that a change inside an
// array counts as one of all of it.
func (e *Engine) authors(ctx context.Context, current *store.Document, base *store.Entry, from, to jsonvalue.Value, v *view.View) ([]merge.Authorship, error) {
	var authors []merge.Authorship
	_, err := e.trace(ctx, current, base, from, to, v, func(s step) bool {
		for _, c := range slices.Backward(s.changes) {
			authors = append(authors, merge.Authorship{Path: upToArray(from, c.Path), Roles: s.by.Actor.Roles})
		}
		return true
	})
	slices.Reverse(authors)
	return authors, err
}

// upToArray cuts a path where it goes into an array.
func upToArray(v jsonvalue.Value, path jsonvalue.Pointer) jsonvalue.Pointer {
	for i, token := range path {
		if v.Kind() == jsonvalue.KindArray {
			return path[:i]
		}
		v = v.Lookup(token)
	}
	return path
}
