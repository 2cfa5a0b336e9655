package etcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// importing is what is noted while another store is being taken over. It is there
// before the first state is.
type importing struct {
	State    []byte `json:"state"`
	Keeps    bool   `json:"keeps"`    // log rows keep their positions
	Position int64  `json:"position"` // of the feed, where the state was noted
}

// KeepsPositions implements [store.Importer].
func (*Store) KeepsPositions(lanes int) bool { return lanes == 1 }

// Importing implements [store.Importer].
func (s *Store) Importing(ctx context.Context) (state []byte, err error) {
	err = s.reading(ctx, func(v *snapshot) error {
		return v.read(ctx, one(s.keys.importing(), func(value []byte) error {
			noted := importing{}
			err := decode(value, &noted)
			state = noted.State
			return err
		}))
	})
	return state, err
}

// Import implements [store.Importer]. What does not fit into one transaction goes into
// several, of which the last one notes the state: who goes on where a state was noted
// brings what came behind it again, and it takes the same keys.
func (s *Store) Import(ctx context.Context, i *store.Import) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	in := &intake{s: s, st: s.newState(), ops: make(map[string][]byte), heads: make(map[store.Ref]*head)}
	begun, err := in.look(ctx)
	if err != nil {
		return err
	}
	if !begun {
		// From here on the store is nobody else's to fill.
		if err := in.send(ctx, nil); err != nil {
			return err
		}
	}
	for n := range i.Pieces {
		if !in.room(&i.Pieces[n]) {
			if err := in.send(ctx, nil); err != nil {
				return err
			}
		}
		if err := in.take(ctx, &i.Pieces[n]); err != nil {
			return err
		}
	}
	if !i.Done {
		in.noted.State, in.noted.Position = bytes.Clone(i.State), in.st.tail.Position
		return in.send(ctx, nil)
	}
	if err := in.placeParts(ctx); err != nil {
		return err
	}
	return in.send(ctx, &meta{Layout: layout, ID: i.ID, Epoch: i.Epoch})
}

// intake is one step of an import.
type intake struct {
	s     *Store
	st    *state // the tail, as it stands
	noted importing
	ops   map[string][]byte
	size  int
	heads map[store.Ref]*head // of documents whose rows get new positions
}

// look reads how far the import is. A store that holds anything else is refused.
func (in *intake) look(ctx context.Context) (begun bool, err error) {
	keys, others := in.s.keys, 0
	err = in.st.snap.read(ctx, in.st.getTail(),
		one(keys.importing(), func(value []byte) error { begun = true; return decode(value, &in.noted) }),
		get{key: string(keys), opts: []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithLimit(3), clientv3.WithKeysOnly()}, got: func(r *clientv3.GetResponse) error {
			others = len(r.Kvs) - 2 // what the store is, and its tail
			return nil
		}},
	)
	if err == nil && !begun && (others > 0 || in.st.tail != tail{}) {
		err = store.ErrNotEmpty
	}
	if begun && !in.noted.Keeps {
		in.st.tail.Position = in.noted.Position // what came behind it comes again, and takes the same ones
	}
	return begun, err
}

// room tells whether a piece can go into the transaction beside what is there. It makes
// five operations at most, and the end of the transaction three.
func (in *intake) room(p *store.Piece) bool {
	size := 0
	switch {
	case p == nil:
	case p.Entry != nil:
		size = len(p.Entry.Body) + len(p.Entry.Decisions)
	case p.Row != nil:
		size = len(p.Row.Value)
	case p.Answer != nil:
		size = len(p.Answer.Content)
	}
	return len(in.ops)+8 <= maxOps && in.size+size <= maxBytes-64<<10
}

// put notes what a key gets.
func (in *intake) put(key string, value []byte) {
	in.ops[key] = value
	in.size += sizeOf(key, value)
}

func (in *intake) record(key string, record any) error {
	err := put(in.ops, key, record)
	in.size += sizeOf(key, in.ops[key])
	return err
}

// send makes what was put happen. With a meta it ends the import.
func (in *intake) send(ctx context.Context, done *meta) error {
	keys := in.s.keys
	err := in.record(keys.tail(), &in.st.tail)
	if done == nil {
		err = errors.Join(err, in.record(keys.importing(), &in.noted))
	} else {
		err = errors.Join(err, in.record(keys.meta(), done))
		in.put(keys.importing(), nil)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	made, err := in.s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(keys.tail()), "=", in.st.tailRev)).
		Then(opsOf(in.ops)...).Commit()
	if err != nil {
		return classify(context.Background(), err)
	}
	if !made.Succeeded {
		return fmt.Errorf("%w: somebody else writes to the store that is being copied to", store.ErrContended)
	}
	in.st.tailRev = made.Header.Revision
	in.ops, in.size = make(map[string][]byte), 0
	return nil
}

// placeParts says of all parts that their newest commit is the newest of the store.
func (in *intake) placeParts(ctx context.Context) error {
	from := in.s.keys.key(kindParts)
	v := snapshot{client: in.s.client}
	if err := in.send(ctx, nil); err != nil { // so that all of them are there
		return err
	}
	return v.walk(ctx, from, end(from), chunk, func(key, value []byte) (bool, error) {
		p := part{}
		err := decode(value, &p)
		p.Head = in.st.tail.Position
		if err == nil {
			err = in.record(string(key), &p)
		}
		if err == nil && !in.room(nil) {
			err = in.send(ctx, nil)
		}
		return true, err
	})
}

// take puts one piece.
func (in *intake) take(ctx context.Context, p *store.Piece) error {
	keys := in.s.keys
	switch {
	case p.Whole != nil:
		in.st.tail.Floor = p.Whole.Floor
		if in.noted.Keeps = p.Whole.Lanes == 1; in.noted.Keeps {
			in.st.tail.Position, in.st.tail.Pruned = p.Whole.Newest.At(0), p.Whole.Pruned.At(0)
		}
	case p.Part != nil:
		into := &part{Floor: p.Part.Floor}
		if in.noted.Keeps {
			into.Pruned = p.Part.Pruned.At(0)
		}
		return errors.Join(in.record(keys.part(p.Part.Part), into), in.record(keys.indexes(p.Part.Part.Collection), &indexes{Whole: true}))
	case p.Indexes != nil:
		return in.record(keys.indexes(p.Indexes.Collection), &indexes{Names: p.Indexes.Names, Whole: true})
	case p.Document != nil:
		return in.record(keys.head(p.Document.Ref), headOf(&p.Document.Head, p.Document.Fence, p.Document.Keys))
	case p.Row != nil:
		in.put(keys.row(p.Row.Ref, p.Row.Kind, p.Row.ID), append([]byte{}, p.Row.Value...))
	case p.Claim != nil:
		in.put(keys.claim(p.Claim), []byte(p.Claim.ID))
	case p.Entry != nil:
		return in.takeEntry(ctx, p.Entry)
	case p.Answer != nil:
		a := &answer{Digest: p.Answer.Digest[:], Expires: p.Answer.Expires.UTC(), Content: p.Answer.Content}
		value, err := encodeAnswer(a)
		in.put(keys.answer(p.Answer.Scope, p.Answer.Key), value)
		in.put(keys.expiry(a.Expires, p.Answer.Scope, p.Answer.Key), []byte{})
		return err
	}
	return nil
}

// takeEntry puts a log row, its body, and its place in the feed.
func (in *intake) takeEntry(ctx context.Context, e *store.Entry) error {
	keys, position := in.s.keys, e.Position
	if !in.noted.Keeps {
		in.st.tail.Position++
		position = in.st.tail.Position
		if err := in.place(ctx, e.Ref, position); err != nil {
			return err
		}
	}
	touch := e.Action == store.ActionTouch
	row := &logRow{
		Position: position, Rev: e.Rev, Version: e.Version, Life: e.Life, At: e.At.UTC(), CommitID: e.CommitID[:],
		Correlation: e.Correlation, Actor: e.Actor.Name, Roles: e.Actor.Roles, Action: string(e.Action), Outcome: e.Outcome,
		Base: e.Base, Blind: e.Blind, MergedFrom: e.MergedFrom, Decisions: e.Decisions, Link: e.Link, Digest: digestBytes(e.Digest),
		Next: e.Version + 1, ContentAt: e.At.UTC(), Deleted: e.Action == store.ActionDelete,
	}
	if !touch && (e.Body != nil || row.Deleted) {
		in.put(keys.body(e.Ref, e.Version, e.At), encodeBody(e.Rev, e.Body))
	}
	told := []change{{Collection: e.Ref.Part.Collection, Params: []byte(e.Ref.Part.Params), ID: []byte(e.Ref.ID), Rev: e.Rev, Touch: touch}}
	return errors.Join(in.record(keys.log(e.Ref, e.Rev), row), in.record(keys.feed(position), told))
}

// place notes that the newest row of a document is at a position.
func (in *intake) place(ctx context.Context, ref store.Ref, position int64) error {
	h, key := in.heads[ref], in.s.keys.head(ref)
	if value := in.ops[key]; h == nil && value != nil { // it is on its way
		h = &head{}
		if err := decode(value, h); err != nil {
			return err
		}
	}
	if h == nil {
		st := in.s.newState()
		if err := st.snap.read(ctx, st.getHead(ref)); err != nil {
			return err
		}
		if h = st.heads[ref]; h == nil {
			return fmt.Errorf("%w: a log row of %s/%s, which has not come", store.ErrInvalid, ref.Part.Collection, ref.ID)
		}
	}
	in.heads[ref] = h
	h.Position = position
	return in.record(key, h)
}
