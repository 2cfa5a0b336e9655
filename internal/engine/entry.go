package engine

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Row returns the log row that wrote the version which h is the head of. Where
// that is no longer kept, it returns what the head knows: neither who wrote the
// version nor how. It fails with a [*Refusal].
func (e *Engine) Row(ctx context.Context, h *store.Head) (*store.Entry, error) {
	row, err := e.store.Entry(ctx, h.Ref, h.Version)
	if errors.Is(err, store.ErrNoEntry) {
		return &store.Entry{Ref: h.Ref, Rev: h.Rev, Version: h.Version, Life: h.Life, At: h.At, Digest: h.Digest}, nil
	}
	if err != nil {
		return nil, e.refusalOf(err, nil)
	}
	return row, nil
}

// Tag returns the current entity tag of a document, zero where there is none, or none
// that the reader may read. It fails with a [*Refusal].
func (e *Engine) Tag(ctx context.Context, ref store.Ref, rules *Rules, a Authority) (ifmatch.ETag, error) {
	get := e.store.Get
	if heads, ok := e.store.(store.HeadReader); ok && !rules.Reserved.Documents {
		get = heads.Head
	}
	doc, err := get(ctx, ref)
	if err != nil {
		return ifmatch.ETag{}, e.refusalOf(err, nil)
	}
	err = e.permit(rules, a, doc)
	if r, ok := errors.AsType[*Refusal](err); ok && (r.Reason == ReasonForbidden || r.Reason == ReasonNotFound) {
		return ifmatch.ETag{}, nil
	}
	return stateOf(doc, &rules.Contract).ETag, err
}

// ListHead returns the feed position of a part's newest commit, which the tag of
// its list is made of. It fails with a [*Refusal].
func (e *Engine) ListHead(ctx context.Context, part store.Part) (int64, error) {
	page, err := e.store.List(ctx, part, store.ListQuery{Limit: 1})
	if err != nil {
		return 0, e.refusalOf(err, nil)
	}
	return page.Head, nil
}

// AppendEntry appends a log row as its readers see it, without its body: an item
// of a history, and the value of _meta. Whole tells that they see all of the document,
// of which the digest is.
func (r *Rules) AppendEntry(dst []byte, e *store.Entry, whole bool) []byte {
	w := jsonvalue.NewWriter(dst).Open('{')
	r.writeEntry(w, e, entryParts{tag: true, digest: whole})
	return w.Close('}').Bytes()
}

// entryParts are what not everybody is told of a log row.
type entryParts struct{ tag, digest bool }

// writeEntry writes the members of a log row.
func (r *Rules) writeEntry(w *jsonvalue.Writer, e *store.Entry, told entryParts) {
	w.Name("version").Int(e.Version)
	deleted := e.Action == store.ActionDelete
	if !deleted && told.tag {
		w.NonEmpty("etag", ETagOfEntry(e, &r.Contract).String())
	}
	w.NonEmpty("action", string(e.Action)).NonEmpty("outcome", e.Outcome)
	w.Name("at").Time(e.At)
	w.NonEmpty("by", e.Actor.Name)
	if !deleted && told.digest {
		w.Name("sha256").String(hex.EncodeToString(e.Digest[:]))
	}
	w.NonEmpty("correlationId", e.Correlation).NonZero("yourVersion", e.Base)
	if e.Blind {
		w.Name("blind").Bool(true)
	}
	observed := observedIn(e.Decisions)
	w.NonEmpty("unconditional", string(observed.Unconditional)).NonZero("readVersion", observed.Read)
	w.NonZero("mergedFrom", e.MergedFrom).NonEmpty("conflict", conflictOf(e.Decisions))
}
