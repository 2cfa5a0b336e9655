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
	if barred := e.permitNow(ctx, ref, rules, a, ActHistory); barred != nil {
		return nil, barred
	}
	return entry, err
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
	rows, more, err = e.history(ctx, ref, before, limit)
	if barred := e.permitNow(ctx, ref, rules, a, ActHistory); barred != nil {
		return nil, false, barred
	}
	return rows, more, err
}

func (e *Engine) history(ctx context.Context, ref store.Ref, before int64, limit int) (rows []store.Entry, more bool, err error) {
	rows, err = e.store.History(ctx, ref, before, limit+1)
	if err != nil {
		return nil, false, e.refusalOf(err, nil)
	}
	if len(rows) == 0 && before != 0 {
		_, _, err := e.history(ctx, ref, 0, 1)
		return nil, false, err
	}
	if len(rows) == 0 {
		return nil, false, &Refusal{Reason: ReasonNotFound}
	}
	if len(rows) > limit {
		return rows[:limit], true, nil
	}
	return rows, false, nil
}

// Difference is what lies between two versions of a document.
type Difference struct {
	From, To jsonvalue.Value
	Changes  []patch.Change
}

// Diff compares what somebody sees of two versions of one document. It fails with a
// [*Refusal] that says not found where one of them is not kept.
func (e *Engine) Diff(ctx context.Context, ref store.Ref, rules *Rules, a Authority, from, to int64) (*Difference, error) {
	d, err := e.diff(ctx, ref, rules, from, to)
	if barred := e.permitNow(ctx, ref, rules, a, ActHistory); barred != nil {
		return nil, barred
	}
	if err != nil {
		return nil, err
	}
	v, err := e.ViewNow(ctx, ref, rules, a)
	if err != nil {
		return nil, err
	}
	d.From, d.To = v.Value(d.From), v.Value(d.To)
	d.Changes = patch.Diff(d.From, d.To)
	return d, nil
}

// diff loads two versions of a document.
func (e *Engine) diff(ctx context.Context, ref store.Ref, rules *Rules, from, to int64) (*Difference, error) {
	var d Difference
	var err error
	if d.From, err = e.versionValue(ctx, ref, rules, from, jsonvalue.Value{}); err != nil {
		return nil, err
	}
	if d.To, err = e.versionValue(ctx, ref, rules, to, d.From); err != nil {
		return nil, err
	}
	return &d, nil
}

func (e *Engine) versionValue(ctx context.Context, ref store.Ref, rules *Rules, version int64, like jsonvalue.Value) (jsonvalue.Value, error) {
	entry, err := e.version(ctx, ref, rules, version)
	if err != nil {
		return jsonvalue.Value{}, err
	}
	return e.parseLike(entry.Body, like)
}
