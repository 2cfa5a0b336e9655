package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/policy"
)

// indexes are what lists of a collection can be filtered and sorted by.
func indexes(c *policy.Collection) ([]*index.Index, error) {
	all := make([]*index.Index, len(c.Indexes))
	for i, declared := range c.Indexes {
		x, err := index.New(declared.Path, declared.Type)
		if err != nil {
			return nil, err
		}
		all[i] = x
	}
	return index.Sorted(all), nil
}

// reindex puts the stored collections that the policy serves under the indexes
// that it declares, where they are under others. It has to be done before the
// first request.
func reindex(ctx context.Context, p *policy.Policy, s store.Store, log *slog.Logger) error {
	named := make(map[string]bool)
	for i := range p.Collections {
		c := &p.Collections[i]
		named[c.Name] = true
		if err := reindexOne(ctx, c.Name, c, s, log); err != nil {
			return err
		}
	}
	lister, ok := s.(store.PartLister)
	if !ok || p.Default == nil {
		return nil
	}
	parts, err := lister.Parts(ctx)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if named[part.Collection] {
			continue
		}
		named[part.Collection] = true
		if err := reindexOne(ctx, part.Collection, p.Default, s, log); err != nil {
			return err
		}
	}
	return nil
}

func reindexOne(ctx context.Context, name string, c *policy.Collection, s store.Store, log *slog.Logger) error {
	declared, err := indexes(c)
	if err != nil {
		return err
	}
	done, are, err := engine.Indexed(ctx, s, name, declared)
	if err != nil || done {
		return err
	}
	var paths []string
	for _, x := range declared {
		paths = append(paths, x.ID())
	}
	log = log.With("collection", name)
	log.Info("reading all documents of a collection, because the policy declares other indexes than before", "before", are, "now", paths)
	begun := time.Now()
	documents, err := engine.Reindex(ctx, s, name, declared)
	if err == nil {
		log.Info("the collection is indexed", "documents", documents, "took", time.Since(begun).Round(time.Millisecond))
	}
	return err
}
