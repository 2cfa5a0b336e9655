package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// maxAttributed bounds how many versions a conflict is traced through to say
// who changed what. Beyond it changes are listed without that.
const maxAttributed = 32

// maxTraced bounds the log rows that are read for it. It is more, because what
// leaves the content alone leaves a row too.
const maxTraced = 2 * maxAttributed

// explain says what happened between the version that a writer had read and
// the current one.
func (e *Engine) explain(ctx context.Context, current *store.Document, base *store.Entry) (*Conflict, error) {
	c := &Conflict{Base: base}
	from, err := e.parseStored(base.Body)
	if err != nil {
		return nil, err
	}
	to, err := e.parseStored(current.Body)
	if err != nil {
		return nil, err
	}
	for _, change := range patch.Diff(from, to) {
		c.Changes = append(c.Changes, Change{Change: change})
	}
	return c, e.attribute(ctx, current, from, to, c)
}

// attribute names the writer of the current version, and for each change the
// latest version that touched its path. One range read tells who wrote what;
// bodies are loaded from the newest version back, until nothing is left to
// attribute. All versions after the base are kept if the base is.
func (e *Engine) attribute(ctx context.Context, current *store.Document, from, to jsonvalue.Value, c *Conflict) error {
	behind := current.Rev - c.Base.Rev
	versions, err := e.versionsUpTo(ctx, current, min(behind, maxTraced))
	if err != nil || len(versions) == 0 {
		return err
	}
	c.ChangedBy = versions[0].Actor.Name
	if current.Version-c.Base.Version > maxAttributed {
		return nil
	}
	var step *store.Entry // what led to the content in is
	var is jsonvalue.Value
	for _, version := range versions {
		if c.attributed() {
			return nil
		}
		was := to
		if version.Version != current.Version {
			was, err = e.contentOf(ctx, version)
			if errors.Is(err, store.ErrNoEntry) { // what it did is put down to the next one that is known
				continue
			}
			if err != nil {
				return err
			}
		}
		if step != nil {
			c.credit(patch.Diff(was, is), step)
		}
		step, is = version, was
	}
	if step != nil && behind <= maxTraced { // else versions that were not read lie between
		c.credit(patch.Diff(from, is), step)
	}
	return nil
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

func (e *Engine) contentOf(ctx context.Context, row *store.Entry) (jsonvalue.Value, error) {
	entry, err := e.store.Entry(ctx, row.Ref, row.Version)
	if err != nil {
		return jsonvalue.Value{}, err
	}
	return e.parseStored(entry.Body)
}

// attributed tells whether every change has its version.
func (c *Conflict) attributed() bool {
	return !slices.ContainsFunc(c.Changes, func(ch Change) bool { return ch.Version == 0 })
}

// credit marks the changes that one version's step touches, and no later one
// has, as its own. It looks steps up by path, at every depth, so that many
// changes stay linear.
func (c *Conflict) credit(step []patch.Change, entry *store.Entry) {
	touched := make(map[string]bool, len(step)) // path → exactly here, or false: somewhere below
	for _, s := range step {
		for depth := range s.Path {
			prefix := s.Path[:depth].String()
			if _, known := touched[prefix]; !known {
				touched[prefix] = false
			}
		}
		touched[s.Path.String()] = true
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		if change.Version != 0 {
			continue
		}
		_, hit := touched[change.Path.String()]
		for depth := 0; depth < len(change.Path) && !hit; depth++ {
			hit = touched[change.Path[:depth].String()]
		}
		if hit {
			change.Version, change.By = entry.Version, entry.Actor.Name
		}
	}
}
