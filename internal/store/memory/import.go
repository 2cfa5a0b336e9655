package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// KeepsPositions implements [store.Importer].
func (*Store) KeepsPositions(lanes int) bool { return lanes == 1 }

// Importing implements [store.Importer].
func (s *Store) Importing(ctx context.Context) (state []byte, err error) {
	err = s.read(ctx, func() error {
		state = s.importing
		return nil
	})
	return state, err
}

// Import implements [store.Importer]. A piece that belongs to one which has not come is
// [store.ErrInvalid], and leaves a store that is of no more use.
func (s *Store) Import(ctx context.Context, i *store.Import) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return store.ErrClosed
	case s.importing == nil && (len(s.parts)+len(s.log)+len(s.answers)+len(s.indexes) > 0 || s.floor > 0):
		return store.ErrNotEmpty
	}
	s.importing = bytes.Clone(i.State)
	for n := range i.Pieces {
		if err := s.put(&i.Pieces[n]); err != nil {
			return err
		}
	}
	if i.Done {
		s.importing, s.info.ID, s.info.Epoch = nil, i.ID, i.Epoch
		s.tail.Publish(store.Mark{int64(len(s.log))}, nil)
	}
	return nil
}

// put takes over one piece. The caller holds both mutexes.
func (s *Store) put(p *store.Piece) error {
	switch {
	case p.Whole != nil:
		s.floor = p.Whole.Floor
		if s.keeps = p.Whole.Lanes == 1; s.keeps {
			s.log, s.pruned = make([]*store.Entry, p.Whole.Newest.At(0)), p.Whole.Pruned.At(0)
		}
	case p.Part != nil:
		into := &part{floor: p.Part.Floor, documents: make(map[string]*record)}
		if s.keeps {
			into.pruned, into.head = p.Part.Pruned.At(0), int64(len(s.log)) // rows above those that are kept may have been purged
		}
		s.parts[p.Part.Part] = into
	case p.Indexes != nil:
		s.indexes[p.Indexes.Collection] = slices.Clone(p.Indexes.Names)
	case p.Document != nil:
		d := p.Document
		into := s.parts[d.Ref.Part]
		if into == nil {
			return fmt.Errorf("%w: a document of part %v, which has not come", store.ErrInvalid, d.Ref.Part)
		}
		into.documents[d.Ref.ID] = &record{
			doc: &store.Document{Head: d.Head}, keys: d.Keys, fence: d.Fence,
			versions: make(map[int64]*store.Entry), rows: make(map[rowKey]store.Row),
		}
	case p.Claim != nil:
		s.claims[claimKey{p.Claim.Part, p.Claim.Index, p.Claim.Value}] = holder{id: p.Claim.ID, held: true}
	case p.Answer != nil:
		key := answerKey{p.Answer.Scope, p.Answer.Key}
		s.answers[key] = p.Answer.Answer
		s.expiring = append(s.expiring, expiring{key, p.Answer.Expires})
	case p.Row != nil:
		r := s.record(p.Row.Ref)
		if r == nil {
			return fmt.Errorf("%w: a row of %v, which has not come", store.ErrInvalid, p.Row.Ref)
		}
		r.rows[rowKey{p.Row.Kind, p.Row.ID}] = *p.Row
	case p.Entry != nil:
		return s.putEntry(*p.Entry)
	}
	return nil
}

// putEntry appends a log row behind those of its document that have come.
func (s *Store) putEntry(e store.Entry) error {
	r := s.record(e.Ref)
	if r == nil || s.keeps && (e.Position < 1 || e.Position > int64(len(s.log))) {
		return fmt.Errorf("%w: a log row of %v, which has not come, or at position %d", store.ErrInvalid, e.Ref, e.Position)
	}
	e.Lane = 0
	if !s.keeps {
		s.log = append(s.log, nil)
		e.Position = int64(len(s.log))
	}
	s.log[e.Position-1] = &e
	r.history = append(r.history, &e)
	r.doc.Position = e.Position
	s.parts[e.Ref.Part].head = int64(len(s.log))
	if e.Action == store.ActionTouch {
		return nil
	}
	r.versions[e.Version], r.doc.Body = &e, e.Body
	if e.Body == nil && e.Action != store.ActionDelete {
		r.versions[e.Version] = nil // its body is no longer kept
	}
	return nil
}
