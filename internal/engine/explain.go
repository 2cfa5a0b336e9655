package engine

import (
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// explain says what happened between the version that a writer had read, whose
// content is from, and the current one, whose content is to: for each change that is
// seen the latest version that touched its path.
func (e *Engine) explain(ctx context.Context, current *store.Document, base *store.Entry, from, to jsonvalue.Value, v *view.View) (*Conflict, error) {
	from, to = v.Value(from), v.Value(to)
	c := &Conflict{Base: base}
	for _, change := range patch.Diff(from, to) {
		c.Changes = append(c.Changes, Change{Change: change})
	}
	newest, err := e.trace(ctx, current, base, from, to, v, func(s step) bool {
		c.credit(s.changes, s.by)
		return !c.attributed()
	})
	if newest != nil {
		c.ChangedBy = newest.Actor.Name
	}
	return c, err
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
