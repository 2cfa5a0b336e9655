package etcd

import (
	"context"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// plan is what one commit does, once it has been judged.
type plan struct {
	receipt store.Receipt
	ops     map[string][]byte // what is put; nil deletes
	drops   [][2]string
	changes []change
	told    int // size of changes
	bodies  []store.Document

	heads   map[store.Ref]*head
	parts   map[store.Part]*part
	indexes map[string]*indexes
	claims  map[string]*string
	answers map[string]*answer
	rows    map[string]*logRow
}

// plan returns what a commit does that has passed judge, or refuses it for its claims
// and indexes. It changes nothing.
func (st *state) plan(ctx context.Context, c *store.Commit, now time.Time) (*plan, error) {
	p := &plan{
		ops: make(map[string][]byte), heads: make(map[store.Ref]*head), parts: make(map[store.Part]*part),
		indexes: make(map[string]*indexes), claims: make(map[string]*string), answers: make(map[string]*answer), rows: make(map[string]*logRow),
	}
	if err := st.planClaims(c, p); err != nil {
		return nil, err
	}
	if err := st.planIndexes(c, p); err != nil {
		return nil, err
	}
	for i := range c.Writes {
		if err := st.planWrite(ctx, c, &c.Writes[i], p, now); err != nil {
			return nil, err
		}
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		key := st.s.keys.row(r.Ref, r.Kind, r.ID)
		if p.ops[key] = nil; !r.Delete {
			p.ops[key] = append([]byte{}, r.Value...)
		}
	}
	for name, of := range p.parts {
		if err := put(p.ops, st.s.keys.part(name), of); err != nil {
			return nil, err
		}
	}
	return p, st.planAnswer(c, p)
}

// planWrite adds one write: the head, its log row, and the body.
func (st *state) planWrite(ctx context.Context, c *store.Commit, w *store.Write, p *plan, now time.Time) error {
	keys := st.s.keys
	old := st.head(w.Ref)
	h := w.After(old)
	h.Position = st.tail.Position + int64(len(p.changes)) + 1
	var fence, granted int64
	under := w.Keys
	if was := st.heads[w.Ref]; was != nil {
		fence = was.Fence
		if w.Content == store.ContentTouch {
			under = was.keys()
		}
	}
	if w.Lease.Op == store.LeaseGrant {
		fence = max(fence, st.tail.Floor) + 1
		granted, p.receipt.Fence = fence, fence
	}
	h.Lease = w.Lease.After(old.Lease, fence, now)
	p.heads[w.Ref] = headOf(&h, fence, under)
	row := keys.log(w.Ref, h.Rev)
	p.rows[row] = rowOf(c, w, &h, granted)
	if err := put(p.ops, keys.head(w.Ref), p.heads[w.Ref]); err != nil {
		return err
	}
	if err := put(p.ops, row, p.rows[row]); err != nil {
		return err
	}
	if w.Content != store.ContentTouch {
		p.ops[keys.body(w.Ref, h.Version, h.At)] = encodeBody(h.Rev, w.Body)
		p.bodies = append(p.bodies, store.Document{Head: h, Body: w.Body})
		if err := st.planDrops(ctx, w, &h, p); err != nil {
			return err
		}
	}
	p.changes = append(p.changes, change{
		Collection: w.Ref.Part.Collection, Params: []byte(w.Ref.Part.Params), ID: []byte(w.Ref.ID), Rev: h.Rev, Touch: w.Content == store.ContentTouch,
	})
	p.told += 2*(len(w.Ref.Part.Collection)+len(w.Ref.Part.Params)+len(w.Ref.ID)) + 64
	p.receipt.Heads = append(p.receipt.Heads, h)
	of := &part{Head: h.Position}
	if was := st.parts[w.Ref.Part]; was != nil {
		of.Floor, of.Pruned = was.Floor, was.Pruned
	}
	p.parts[w.Ref.Part] = of
	return nil
}

// dropEvery is how many versions of a document come between two looks at which
// bodies of it need no longer be kept.
const dropEvery = 8

// planDrops drops the bodies that a document need no longer keep, the oldest first.
func (st *state) planDrops(ctx context.Context, w *store.Write, h *store.Head, p *plan) error {
	if h.Version%dropEvery != 0 || w.Keep <= 0 && w.KeepSince.IsZero() {
		return nil
	}
	keys := st.s.keys
	from := keys.of(kindBodies, w.Ref)
	return st.snap.read(ctx, get{
		key:  from,
		opts: []clientv3.OpOption{clientv3.WithRange(keys.version(w.Ref, h.Version)), clientv3.WithLimit(maxOps), clientv3.WithKeysOnly()},
		got: func(r *clientv3.GetResponse) error {
			last := ""
			for i, kv := range r.Kvs {
				superseded := w.At
				if i+1 < len(r.Kvs) {
					superseded = time.Unix(0, readNumber(string(r.Kvs[i+1].Key[len(from)+8:])))
				} else if r.More {
					break
				}
				version := readNumber(string(kv.Key[len(from) : len(from)+8]))
				if (w.Keep <= 0 || version > h.Version-w.Keep) && !superseded.Before(w.KeepSince) {
					break
				}
				last = string(kv.Key)
			}
			if last != "" {
				p.drops = append(p.drops, [2]string{from, last + "\x00"})
			}
			return nil
		},
	})
}

// planClaims adds who holds what after c, or refuses. Releases count before takes.
func (st *state) planClaims(c *store.Commit, p *plan) error {
	current := func(key string) *string {
		if holder, ok := p.claims[key]; ok {
			return holder
		}
		return st.claims[key]
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		key := st.s.keys.claim(cl)
		if holder := current(key); cl.Release && holder != nil && *holder == cl.ID {
			p.claims[key] = nil
		}
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		if cl.Release {
			continue
		}
		key := st.s.keys.claim(cl)
		if holder := current(key); holder != nil && *holder != cl.ID {
			return &store.TakenError{Claim: *cl, By: *holder}
		}
		p.claims[key] = &cl.ID
	}
	for key, holder := range p.claims {
		if p.ops[key] = nil; holder != nil {
			p.ops[key] = []byte(*holder)
		}
	}
	return nil
}

// planIndexes adds the indexes of collections that get their first bodies, or refuses
// keys in others than a collection is under.
func (st *state) planIndexes(c *store.Commit, p *plan) error {
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.Content != store.ContentBody {
			continue
		}
		collection, names := w.Ref.Part.Collection, store.Names(w.Keys)
		under := st.indexes[collection]
		if under == nil {
			under = p.indexes[collection]
		}
		switch {
		case under == nil:
			p.indexes[collection] = &indexes{Names: names, Whole: true}
			if err := put(p.ops, st.s.keys.indexes(collection), p.indexes[collection]); err != nil {
				return err
			}
		case !under.Whole:
			return fmt.Errorf("%w: %s is being put under other indexes", store.ErrInvalid, collection)
		case !slices.Equal(names, under.Names):
			return fmt.Errorf("%w: write %d has keys in %q, and %s is under %q", store.ErrInvalid, i, names, collection, under.Names)
		}
	}
	return nil
}

// planAnswer adds the answer that a commit stores.
func (st *state) planAnswer(c *store.Commit, p *plan) error {
	if c.Key == nil {
		return nil
	}
	keys := st.s.keys
	key := keys.answer(c.Key.Scope, c.Key.Key)
	if old := st.answers[key]; old != nil {
		p.ops[keys.expiry(old.Expires, c.Key.Scope, c.Key.Key)] = nil
	}
	a := &answer{Digest: c.Key.Digest[:], Expires: c.Key.Expires.UTC(), CommitID: c.ID[:], Content: c.Key.Content}
	value, err := encodeAnswer(a)
	if err != nil {
		return err
	}
	p.answers[key], p.ops[key] = a, value
	p.ops[keys.expiry(a.Expires, c.Key.Scope, c.Key.Key)] = []byte{}
	return nil
}
