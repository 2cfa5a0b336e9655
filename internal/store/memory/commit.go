package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Commit implements [store.Store]. Where several refusals apply, the order is:
// idempotency key, stale, lease, natural key. A cancelled context is looked at
// before the commit begins and never after.
func (s *Store) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return store.Receipt{}, err
	}
	if err := c.Validate(); err != nil {
		return store.Receipt{}, err
	}
	if err := s.probe.At(store.PointQueued); err != nil {
		return store.Receipt{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return store.Receipt{}, store.ErrClosed
	}
	if err := s.probe.At(store.PointGroup); err != nil {
		return store.Receipt{}, err
	}
	if r, ok := s.receipts[c.ID]; ok {
		return cloneReceipt(r), nil
	}
	ch, err := s.prepare(c)
	if err != nil {
		return store.Receipt{}, err
	}
	if err := s.probe.At(store.PointChecked); err != nil {
		return store.Receipt{}, err
	}
	if c.Dry {
		return ch.receipt, nil
	}
	if err := s.probe.At(store.PointBeforeCommit); err != nil {
		return store.Receipt{}, err
	}
	// From here on the commit has happened, whatever the probe says.
	unknown := s.probe.At(store.PointAfterCommit)
	s.mu.Lock()
	s.apply(c, ch)
	s.tail.Publish(store.Mark{int64(len(s.log))}, ch.changes())
	s.mu.Unlock()
	if unknown != nil {
		return store.Receipt{}, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, unknown)
	}
	return cloneReceipt(ch.receipt), nil
}

// change is what a commit will do, ready to be applied.
type change struct {
	documents []*store.Document // one for each write, in their order
	entries   []*store.Entry    // likewise
	fences    []int64           // likewise, of the newest lease ever granted
	claims    map[claimKey]holder
	indexes   map[string][]string // of collections that get their first document
	receipt   store.Receipt
}

// prepare judges c on the state as it is and returns what it will do. It
// changes nothing.
func (s *Store) prepare(c *store.Commit) (*change, error) {
	if err := s.judgeKey(c); err != nil {
		return nil, err
	}
	if err := s.judgeHeads(c); err != nil {
		return nil, err
	}
	now := s.clock()
	for _, w := range c.Writes {
		if err := w.Lease.Judge(&s.document(w.Ref).Head, now); err != nil {
			return nil, err
		}
	}
	claims, err := s.judgeClaims(c)
	if err != nil {
		return nil, err
	}
	indexes, err := s.judgeKeys(c)
	if err != nil {
		return nil, err
	}
	ch := &change{claims: claims, indexes: indexes}
	position := int64(len(s.log))
	for i := range c.Writes {
		w := &c.Writes[i]
		position++
		old := s.document(w.Ref)
		d := written(old, w, position)
		var fence int64
		if r := s.record(w.Ref); r != nil {
			fence = r.fence
		}
		if w.Lease.Op == store.LeaseGrant {
			fence = max(fence, s.floor) + 1
			ch.receipt.Fence = fence
		}
		d.Lease = w.Lease.After(old.Lease, fence, now)
		ch.documents, ch.fences = append(ch.documents, d), append(ch.fences, fence)
		ch.entries = append(ch.entries, logged(c, w, d))
		ch.receipt.Heads = append(ch.receipt.Heads, d.Head)
	}
	return ch, nil
}

// written returns old as w makes it, except for its lease.
func written(old *store.Document, w *store.Write, position int64) *store.Document {
	d := *old
	d.Head = w.After(old.Head)
	d.Position = position
	if w.Content == store.ContentTouch {
		return &d
	}
	d.Body = w.Body
	if d.Deleted {
		d.Body = nil
	}
	return &d
}

// logged returns the log row of w, which made d.
func logged(c *store.Commit, w *store.Write, d *store.Document) *store.Entry {
	e := &store.Entry{
		Log:         w.Log,
		Ref:         w.Ref,
		Position:    d.Position,
		CommitID:    c.ID,
		Correlation: c.Correlation,
		Actor:       store.Actor{Name: c.Actor.Name, Roles: slices.Clone(c.Actor.Roles)},
		Rev:         d.Rev,
		Version:     d.Version,
		Life:        d.Life,
		At:          w.At,
		Digest:      d.Digest,
	}
	if w.Content == store.ContentBody {
		e.Body = w.Body
	}
	return e
}

// apply makes ch visible. The caller holds both mutexes.
func (s *Store) apply(c *store.Commit, ch *change) {
	for i, d := range ch.documents {
		p := s.parts[d.Ref.Part]
		if p == nil {
			p = &part{floor: s.floor, documents: make(map[string]*record)}
			s.parts[d.Ref.Part] = p
		}
		r := p.documents[d.Ref.ID]
		if r == nil {
			r = &record{
				versions: make(map[int64]*store.Entry),
				rows:     make(map[rowKey]store.Row),
			}
			p.documents[d.Ref.ID] = r
		}
		e := ch.entries[i]
		p.head = e.Position
		r.doc, r.fence = d, ch.fences[i]
		r.history = append(r.history, e)
		if c.Writes[i].Content != store.ContentTouch {
			r.versions[e.Version], r.keys = e, c.Writes[i].Keys
		}
		s.log = append(s.log, e)
		s.dropBodies(r, &c.Writes[i])
	}
	for _, row := range c.Rows {
		r, k := s.record(row.Ref), rowKey{row.Kind, row.ID}
		if row.Delete {
			delete(r.rows, k)
		} else {
			r.rows[k] = row.Row
		}
	}
	for k, h := range ch.claims {
		if h.held {
			s.claims[k] = h
		} else {
			delete(s.claims, k)
		}
	}
	if c.Key != nil {
		s.answer(c)
	}
	maps.Copy(s.indexes, ch.indexes)
	if len(c.Writes) > 0 {
		s.receipts[c.ID] = ch.receipt
	}
}

// answer stores the answer of c under its key. What has expired of those that came
// first is forgotten.
func (s *Store) answer(c *store.Commit) {
	for len(s.expiring) > 0 && !c.Now.Before(s.expiring[0].at) {
		if oldest := s.expiring[0]; s.answers[oldest.key].Expires.Equal(oldest.at) {
			delete(s.answers, oldest.key)
		}
		s.expiring = s.expiring[1:]
	}
	key := answerKey{c.Key.Scope, c.Key.Key}
	s.answers[key] = c.Key.Answer
	s.expiring = append(s.expiring, expiring{key, c.Key.Expires})
}

// dropBodies drops the bodies that the document need no longer keep. Below the
// first one that is gone all are.
func (s *Store) dropBodies(r *record, w *store.Write) {
	superseded := w.At
	for i := len(r.history) - 1; i >= 0; i-- {
		e := r.history[i]
		until := superseded
		if e.Action != store.ActionTouch {
			superseded = e.At
		}
		changed := e.Action == store.ActionPut || e.Action == store.ActionPatch
		needed := (w.Keep <= 0 || e.Version > r.doc.Version-w.Keep) && !until.Before(w.KeepSince)
		if !changed || needed || e.Version == r.doc.Version {
			continue
		}
		if e.Body == nil {
			return
		}
		bare := *e // readers may hold e
		bare.Body = nil
		r.history[i], r.versions[e.Version], s.log[e.Position-1] = &bare, nil, &bare
	}
}

// cloneReceipt gives the caller a receipt whose Heads it may do with as it likes.
func cloneReceipt(r store.Receipt) store.Receipt {
	r.Heads = slices.Clone(r.Heads)
	return r
}
