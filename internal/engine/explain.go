package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// maxAttributed bounds how many versions a conflict is traced through to say
// who changed what. Beyond it changes are listed without that.
const maxAttributed = 32

// explain says what happened between the version that a writer had read and
// the current one.
func (e *Engine) explain(ctx context.Context, current *store.Document, base *store.Entry, rules *Rules) (*Conflict, error) {
	c := &Conflict{Base: base, Strategies: rules.Strategies()}
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
	if current.Version-base.Version > maxAttributed {
		return c, e.changedBy(ctx, current, rules, c)
	}
	return c, e.attribute(ctx, current, rules, from, c)
}

// changedBy names the writer of the current version.
func (e *Engine) changedBy(ctx context.Context, current *store.Document, rules *Rules, c *Conflict) error {
	entry, err := e.entry(ctx, &current.Head, rules, current.Version)
	if errors.Is(err, store.ErrNoEntry) {
		return nil
	}
	if err != nil {
		return err
	}
	c.ChangedBy = entry.Actor.Name
	return nil
}

// attribute finds for each change the latest version that touched its path.
// Versions that are no longer kept are passed over.
func (e *Engine) attribute(ctx context.Context, current *store.Document, rules *Rules, was jsonvalue.Value, c *Conflict) error {
	for version := c.Base.Version + 1; version <= current.Version; version++ {
		entry, err := e.entry(ctx, &current.Head, rules, version)
		if errors.Is(err, store.ErrNoEntry) {
			continue
		}
		if err != nil {
			return err
		}
		if entry.Action == store.ActionDelete {
			continue
		}
		is, err := e.parseStored(entry.Body)
		if err != nil {
			return err
		}
		c.credit(patch.Diff(was, is), entry)
		was, c.ChangedBy = is, entry.Actor.Name
	}
	return nil
}

// credit marks the changes that one version's step touches as its own. It looks
// steps up by path, at every depth, so that many changes stay linear.
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
		_, hit := touched[change.Path.String()]
		for depth := 0; depth < len(change.Path) && !hit; depth++ {
			hit = touched[change.Path[:depth].String()]
		}
		if hit {
			change.Version, change.By = entry.Version, entry.Actor.Name
		}
	}
}
