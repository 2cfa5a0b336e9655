package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/policy"
)

// maxUnserved bounds the names in one line of the log.
const maxUnserved = 20

// warnUnserved logs which stored collections the policy no longer serves, so that
// nobody takes documents for lost that have become unreachable: those of a name
// that is not in it, or whose path has another number of parameters by now. It
// looks at one document of each part at most.
func warnUnserved(ctx context.Context, p *policy.Policy, s store.Store, log *slog.Logger) error {
	lister, ok := s.(store.PartLister)
	if !ok || p.Default != nil {
		return nil
	}
	params := make(map[string]int) // of the paths that are served
	for _, c := range p.Collections {
		params[c.Name] = strings.Count(c.Path, "{")
	}
	parts, err := lister.Parts(ctx)
	if err != nil {
		return err
	}
	var names []string
	found := make(map[string]bool)
	for _, part := range parts {
		n, named := params[part.Collection]
		if named && n == paramsOf(part) || found[part.Collection] {
			continue
		}
		page, err := s.List(ctx, part, store.ListQuery{Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Documents) > 0 {
			found[part.Collection] = true
			names = append(names, part.Collection)
		}
	}
	if len(names) == 0 {
		return nil
	}
	shown := names[:min(len(names), maxUnserved)]
	log.Warn("stored collections are not served: their documents are kept, and no path leads to them; "+
		"name them under collections in the policy file, or add a default block, to serve them again",
		"collections", shown, "more", len(names)-len(shown))
	return nil
}

// paramsOf counts the parameters of a part.
func paramsOf(part store.Part) int {
	if part.Params == "" {
		return 0
	}
	return strings.Count(part.Params, "/") + 1
}
