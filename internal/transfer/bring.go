package transfer

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// fate is what became of a line.
type fate uint8

const (
	nothing fate = iota // the line was empty
	created
	replaced
	unchanged
)

// bring writes one document, under a precondition always.
func (r *Remote) bring(ctx context.Context, i *item, update bool) (fate, error) {
	target := r.url + "/" + url.PathEscape(i.id)
	header := http.Header{"Content-Type": {"application/json"}, "Prefer": {"return=minimal"}}
	if update && i.etag != "" {
		header["If-Match"] = []string{i.etag}
	} else {
		header["If-None-Match"] = []string{"*"}
	}
	a, err := r.ask(ctx, http.MethodPut, target, header, i.data.Append(nil))
	refused, ok := errors.AsType[*Refusal](err)
	switch {
	case err == nil && a.outcome == "created":
		return created, nil
	case err == nil && a.outcome == "unchanged":
		return unchanged, nil
	case err == nil:
		return replaced, nil
	case !ok || refused.Status != http.StatusPreconditionFailed && refused.Status != http.StatusConflict:
		return nothing, err
	case refused.AlreadyApplied:
		return unchanged, nil
	}
	// A first try whose answer was lost looks like this too.
	if same, looked := r.holds(ctx, target, i.data); looked == nil && same {
		return unchanged, nil
	}
	return nothing, err
}

// holds tells whether a document is there with this content.
func (r *Remote) holds(ctx context.Context, target string, data jsonvalue.Value) (bool, error) {
	a, err := r.ask(ctx, http.MethodGet, target, nil, nil)
	if err != nil {
		return false, err
	}
	current, err := jsonvalue.Parse(a.body, jsonvalue.Limits{Depth: maxDepth})
	return err == nil && jsonvalue.Equal(current, data), err
}
