package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
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

// reindex puts the collections that the policy serves under the indexes that it
// declares, where they are under others. It has to be done before the first
// request. What it reads documents for is logged.
func reindex(ctx context.Context, p *policy.Policy, s store.Store, log *slog.Logger) error {
	stored := make(map[string]bool)
	if lister, ok := s.(store.PartLister); ok {
		parts, err := lister.Parts(ctx)
		if err != nil {
			return err
		}
		for _, part := range parts {
			stored[part.Collection] = true
		}
	}
	served := make(map[string]*policy.Collection, len(p.Collections))
	if p.Default != nil {
		for name := range stored {
			served[name] = p.Default
		}
	}
	for i := range p.Collections {
		served[p.Collections[i].Name] = &p.Collections[i]
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		to := log.With("collection", name)
		if !stored[name] {
			to = slog.New(slog.DiscardHandler) // there is nothing to read
		}
		if err := reindexOne(ctx, name, served[name], s, to); err != nil {
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
	var now []string
	for _, x := range declared {
		now = append(now, x.ID())
	}
	log.Info("reading every document of the collection, for the policy declares other indexes than before", "before", are, "now", now)
	begun := time.Now()
	documents, err := engine.Reindex(ctx, s, name, declared)
	if err == nil {
		log.Info("the collection is indexed", "documents", documents, "took", time.Since(begun).Round(time.Millisecond))
	}
	return err
}
