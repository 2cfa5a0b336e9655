package guard

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// adapter presents a Store as the storage of an engine. A version is its own
// rev: nothing but content changes raises either. Digests are left out where no
// tag is made of them.
type adapter struct {
	store        Store
	historian    Historian
	firstVersion func() int64
	digests      bool
}

var errNotKept = errors.New("guard: a two-method store keeps no lists and no stored answers")

func (a *adapter) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	d, err := a.store.Load(ctx, ref.ID)
	if err != nil {
		return nil, err
	}
	head, err := a.headOf(ref, &d)
	if err != nil {
		return nil, err
	}
	if d.Version == 0 {
		head.Next = max(a.firstVersion(), 1)
	}
	return &store.Document{Head: head, Body: d.Body}, nil
}

func (a *adapter) headOf(ref store.Ref, d *Document) (store.Head, error) {
	h := store.Head{
		Ref: ref, Rev: d.Version, Version: d.Version, Next: d.Version + 1, Life: d.Life,
		Deleted: d.Deleted, At: d.Modified, SameSecond: d.SameSecond,
	}
	if d.Version > 0 {
		h.Life = max(d.Life, 1)
	}
	if !h.Exists() {
		return h, nil
	}
	if !a.digests && json.Valid(d.Body) { // else the parser says where it is wrong
		return h, nil
	}
	v, err := jsonvalue.Parse(d.Body, jsonvalue.Limits{Depth: storedDepth})
	if err != nil {
		return h, err
	}
	h.Digest = v.Digest()
	return h, nil
}

// storedDepth is deeper than what any handler lets in.
const storedDepth = 1 << 20

func (a *adapter) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	if a.historian == nil {
		return nil, store.ErrNoEntry
	}
	d, err := a.historian.LoadVersion(ctx, ref.ID, version)
	if err != nil {
		return nil, err
	}
	if d.Version != version {
		return nil, store.ErrNoEntry
	}
	return a.entryOf(ref, &d)
}

// entryOf makes a log row of a document as it was at a version. A deletion has
// none.
func (a *adapter) entryOf(ref store.Ref, d *Document) (*store.Entry, error) {
	if d.Deleted {
		return nil, store.ErrNoEntry
	}
	h, err := a.headOf(ref, d)
	if err != nil {
		return nil, err
	}
	return &store.Entry{
		Log: store.Log{Action: store.ActionPut}, Ref: ref, Actor: store.Actor{Name: d.By, Roles: d.Roles},
		Rev: h.Rev, Version: h.Version, Life: h.Life, At: h.At, Digest: h.Digest, Body: d.Body,
	}, nil
}

// maxHistory bounds the versions that are looked through for what a tag or a
// change came of: each is a call of the Historian.
const maxHistory = 100

// History walks back to the first version that is not known, or was a deletion.
// The current one is known by itself; a Historian may know earlier ones only.
func (a *adapter) History(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	if a.historian == nil {
		return nil, nil
	}
	current, err := a.store.Load(ctx, ref.ID)
	if err != nil {
		return nil, err
	}
	if before == 0 {
		before = current.Version + 1
	}
	var rows []store.Entry
	for version := before - 1; version > 0 && len(rows) < min(limit, maxHistory); version-- {
		var e *store.Entry
		if version == current.Version {
			e, err = a.entryOf(ref, &current)
		} else {
			e, err = a.Entry(ctx, ref, version)
		}
		if errors.Is(err, store.ErrNoEntry) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		e.Body = nil
		rows = append(rows, *e)
	}
	return rows, nil
}

func (a *adapter) List(context.Context, store.Part, store.ListQuery) (store.Page, error) {
	return store.Page{}, errNotKept
}

func (a *adapter) Answer(context.Context, string, string) (*store.Answer, error) {
	return nil, store.ErrNoEntry
}

// Commit carries out what an engine declares for one document.
func (a *adapter) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	if len(c.Writes) != 1 || len(c.Checks)+len(c.Claims)+len(c.Rows) > 0 || c.Key != nil {
		return store.Receipt{}, errNotKept
	}
	w := &c.Writes[0]
	was, err := a.store.Load(ctx, w.Ref.ID)
	if err != nil {
		return store.Receipt{}, err
	}
	if was.Version != w.Rev {
		return store.Receipt{}, &store.StaleError{}
	}
	next := Document{
		Body: w.Body, Version: w.Version, Deleted: w.Content == store.ContentTombstone, Modified: w.At,
		SameSecond: was.Version > 0 && was.Modified.Unix() == w.At.Unix(),
		Life:       w.Life, By: c.Actor.Name, Roles: c.Actor.Roles,
	}
	if !c.Dry {
		swapped, err := a.store.CompareAndSwap(ctx, w.Ref.ID, w.Rev, next)
		if err != nil {
			return store.Receipt{}, errors.Join(store.ErrOutcomeUnknown, err)
		}
		if !swapped {
			return store.Receipt{}, &store.StaleError{}
		}
	}
	head := store.Head{
		Ref: w.Ref, Rev: next.Version, Version: next.Version, Next: next.Version + 1, Life: next.Life,
		Deleted: next.Deleted, At: next.Modified, SameSecond: next.SameSecond, Digest: w.Digest,
	}
	return store.Receipt{Heads: []store.Head{head}}, nil
}

func (a *adapter) Info() store.Info { return store.Info{} }

func (a *adapter) Close() error { return nil }
