package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// Reading is what a conditional read found.
type Reading struct {
	Document *store.Document
	// ETag is that of the state. Where its reader has the state already it is the one
	// which the reader has it under; that may be of an earlier signing key.
	ETag ifmatch.ETag
	// NotModified tells that the reader has this state already.
	NotModified bool
}

// Read loads one document under the preconditions of a GET. It fails with a
// [*Refusal]: not found, which may mean that the reader may not know of it, forbidden,
// or a precondition that is false.
func (e *Engine) Read(ctx context.Context, ref store.Ref, rules *Rules, a Authority, c ifmatch.Conditions) (Reading, error) {
	doc, err := e.store.Get(ctx, ref)
	if err != nil {
		return Reading{}, e.refusalOf(err, nil)
	}
	if err := e.permit(rules, a, doc); err != nil {
		return Reading{}, err
	}
	return rules.Judge(doc, c)
}

// Judge judges the preconditions of a GET on a document as it is or was. It fails with a
// [*Refusal].
func (r *Rules) Judge(doc *store.Document, c ifmatch.Conditions) (Reading, error) {
	state := stateOf(doc, &r.Contract)
	res := ifmatch.Evaluate("GET", c, state, r.Contract)
	switch res.Verdict {
	case ifmatch.Fresh, ifmatch.NotModified:
		return reading(doc, &state, &c, res), nil
	case ifmatch.Missing:
		return Reading{}, &Refusal{Reason: ReasonNotFound, Current: doc}
	}
	return Reading{}, &Refusal{Reason: FailedReason(res), By: res.By, Current: doc}
}

// reading is what a read found whose preconditions hold.
func reading(doc *store.Document, state *ifmatch.State, c *ifmatch.Conditions, res ifmatch.Result) Reading {
	if res.Verdict == ifmatch.NotModified {
		return Reading{Document: doc, ETag: state.As(&c.IfNoneMatch), NotModified: true}
	}
	return Reading{Document: doc, ETag: state.ETag}
}

// Composite returns the tag of an answer that shows the state whose head is h, and rest
// beside it, to who reads it under conditions, of which If-None-Match counts alone. Where
// its reader has that answer already, the tag is the one which they have it under.
func (r *Rules) Composite(h *store.Head, rest []byte, c *ifmatch.Conditions) (tag ifmatch.ETag, notModified bool) {
	state := stateOf(&store.Document{Head: *h}, &r.Contract)
	had := state.As(&c.IfNoneMatch).Composite(rest)
	seen := ifmatch.Conditions{IfNoneMatch: c.IfNoneMatch}
	if ifmatch.Evaluate("GET", seen, ifmatch.State{Exists: true, ETag: had}, r.Contract).Verdict == ifmatch.NotModified {
		return had, true
	}
	return state.ETag.Composite(rest), false
}

// Version returns one version of a document with its body, also of a document
// that was deleted since. It fails with a [*Refusal] that says not found where
// there never was such a version, it was a deletion, or it is no longer kept.
func (e *Engine) Version(ctx context.Context, ref store.Ref, rules *Rules, a Authority, version int64) (*store.Entry, error) {
	entry, err := e.version(ctx, ref, rules, version)
	past, barred := e.Past(ctx, ref, rules, a)
	switch {
	case barred != nil:
		return nil, barred
	case err != nil:
		return nil, err
	case !past.Shows(entry.Life):
		return nil, &Refusal{Reason: ReasonNotFound}
	}
	return entry, nil
}

func (e *Engine) version(ctx context.Context, ref store.Ref, rules *Rules, version int64) (*store.Entry, error) {
	current, err := e.store.Get(ctx, ref)
	if err != nil {
		return nil, e.refusalOf(err, nil)
	}
	entry, err := e.entry(ctx, &current.Head, rules, version)
	if errors.Is(err, store.ErrNoEntry) || err == nil && entry.Action == store.ActionDelete {
		return nil, &Refusal{Reason: ReasonNotFound}
	}
	if err != nil {
		return nil, e.refusalOf(err, nil)
	}
	return entry, nil
}

// History returns up to limit entries of a document's history with a rev below
// before, newest first, and whether older ones follow; before 0 starts at the
// newest. A document that never was is refused as not found.
func (e *Engine) History(ctx context.Context, ref store.Ref, rules *Rules, a Authority, before int64, limit int) (rows []store.Entry, more bool, err error) {
	rows, err = e.history(ctx, ref, before, limit+1)
	past, barred := e.Past(ctx, ref, rules, a)
	if barred != nil {
		return nil, false, barred
	}
	for i := range rows {
		if !past.Shows(rows[i].Life) { // nor any older one
			rows = rows[:i]
			break
		}
	}
	if len(rows) > limit {
		return rows[:limit], true, err
	}
	return rows, false, err
}

func (e *Engine) history(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	rows, err := e.store.History(ctx, ref, before, limit)
	if err != nil {
		return nil, e.refusalOf(err, nil)
	}
	if len(rows) == 0 && before != 0 {
		_, err := e.history(ctx, ref, 0, 1)
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &Refusal{Reason: ReasonNotFound}
	}
	return rows, nil
}

// Difference is what lies between two versions of a document.
type Difference struct {
	From, To jsonvalue.Value
	Changes  []patch.Change
}

// Diff compares what somebody sees of two versions of one document. It fails with a
// [*Refusal] that says not found where one of them is not kept.
func (e *Engine) Diff(ctx context.Context, ref store.Ref, rules *Rules, a Authority, from, to int64) (*Difference, error) {
	was, is, err := e.versions(ctx, ref, rules, from, to)
	past, barred := e.Past(ctx, ref, rules, a)
	switch {
	case barred != nil:
		return nil, barred
	case err != nil:
		return nil, err
	case !past.Shows(was.Life), !past.Shows(is.Life):
		return nil, &Refusal{Reason: ReasonNotFound}
	}
	var d Difference
	if d.From, err = e.parseStored(was.Body); err != nil {
		return nil, err
	}
	if d.To, err = e.parseLike(is.Body, d.From); err != nil {
		return nil, err
	}
	d.From, d.To = past.View(was.Life).Value(d.From), past.View(is.Life).Value(d.To)
	d.Changes = patch.Diff(d.From, d.To)
	return &d, nil
}

// versions loads two versions of a document.
func (e *Engine) versions(ctx context.Context, ref store.Ref, rules *Rules, from, to int64) (was, is *store.Entry, err error) {
	if was, err = e.version(ctx, ref, rules, from); err != nil {
		return nil, nil, err
	}
	is, err = e.version(ctx, ref, rules, to)
	return was, is, err
}
