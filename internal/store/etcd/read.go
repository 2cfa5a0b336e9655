package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Get implements [store.Store]. It asks the cluster where the document stands, and for
// its body where that is not in the cache.
func (s *Store) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.read(ctx, ref, true)
}

// Head implements [store.HeadReader]. It is Get without asking for a body.
func (s *Store) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.read(ctx, ref, false)
}

func (s *Store) read(ctx context.Context, ref store.Ref, body bool) (*store.Document, error) {
	d := &store.Document{}
	err := s.reading(ctx, func(v *snapshot) error {
		st := s.newState()
		if err := v.read(ctx, st.getTail(), st.getPart(ref.Part), st.getHead(ref)); err != nil {
			return err
		}
		d.Head = st.head(ref)
		if !body {
			d.Body, _ = s.bodies.get(&d.Head)
			return nil
		}
		return s.addBodies(ctx, v, []*store.Document{d})
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// addBodies completes documents that were read in a snapshot.
func (s *Store) addBodies(ctx context.Context, v *snapshot, documents []*store.Document) error {
	var gets []get
	for _, d := range documents {
		if !d.Exists() {
			continue
		}
		body, cached := s.bodies.get(&d.Head)
		if cached {
			d.Body = body
			continue
		}
		gets = append(gets, one(s.keys.body(d.Ref, d.Version, d.At), func(value []byte) (err error) {
			if _, d.Body, err = decodeBody(value); err != nil {
				return err
			}
			if err := s.opts.Probe.At(store.PointFill); err != nil {
				return err
			}
			s.bodies.put(&d.Head, d.Body)
			return nil
		}))
	}
	return v.read(ctx, gets...)
}

// Entry implements [store.Store].
func (s *Store) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	e := store.Entry{}
	err := s.reading(ctx, func(v *snapshot) error {
		var rev int64
		var body []byte
		at := s.keys.version(ref, version)
		if err := v.read(ctx, get{key: at, opts: []clientv3.OpOption{clientv3.WithPrefix()}, got: func(r *clientv3.GetResponse) (err error) {
			if len(r.Kvs) == 0 {
				return store.ErrNoEntry
			}
			rev, body, err = decodeBody(r.Kvs[0].Value)
			return err
		}}); err != nil {
			return err
		}
		return v.read(ctx, one(s.keys.log(ref, rev), func(value []byte) error {
			row := logRow{}
			err := decode(value, &row)
			if e = row.entry(ref); row.hasBody() {
				e.Body = body
			}
			return err
		}))
	})
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// History implements [store.Store]. It costs its page.
func (s *Store) History(ctx context.Context, ref store.Ref, before int64, limit int) (page []store.Entry, err error) {
	from := s.keys.of(kindLog, ref)
	to := end(from)
	if before > 0 {
		from = s.keys.log(ref, before-1)
	}
	if limit < 1 {
		return nil, nil
	}
	err = s.reading(ctx, func(v *snapshot) error {
		page = nil
		return v.walk(ctx, from, to, int64(min(limit, chunk)), func(_, value []byte) (bool, error) {
			row := logRow{}
			err := decode(value, &row)
			page = append(page, row.entry(ref))
			return len(page) < limit, err
		})
	})
	return page, err
}

// Answer implements [store.Store]. An expired answer is still returned until a commit
// with a key forgets it.
func (s *Store) Answer(ctx context.Context, scope, key string) (*store.Answer, error) {
	var found *store.Answer
	err := s.reading(ctx, func(v *snapshot) error {
		return v.read(ctx, one(s.keys.answer(scope, key), func(value []byte) error {
			a, err := decodeAnswer(value)
			if err == nil {
				found = new(a.of())
			}
			return err
		}))
	})
	if err == nil && found == nil {
		err = store.ErrNoEntry
	}
	return found, err
}

// Rows implements [store.RowReader].
func (s *Store) Rows(ctx context.Context, ref store.Ref, kind string) (rows []store.Row, err error) {
	from := s.keys.of(kindRows, ref) + escape(kind)
	err = s.reading(ctx, func(v *snapshot) error {
		rows = nil
		return v.walk(ctx, from, end(from), chunk, func(key, value []byte) (bool, error) {
			id, _, err := unescape(string(key[len(from):]))
			rows = append(rows, store.Row{Ref: ref, Kind: kind, ID: id, Value: value})
			return true, err
		})
	})
	return rows, err
}

// Floor implements [store.FloorReader].
func (s *Store) Floor(ctx context.Context, name store.Part) (floor int64, err error) {
	err = s.reading(ctx, func(v *snapshot) error {
		st := s.newState()
		err := v.read(ctx, st.getTail(), st.getPart(name))
		floor = st.floor(name)
		return err
	})
	return floor, err
}

// Parts implements [store.PartLister].
func (s *Store) Parts(ctx context.Context) (names []store.Part, err error) {
	err = s.reading(ctx, func(v *snapshot) error {
		all, err := s.newState().allParts(ctx, v)
		names = nil
		for _, p := range all {
			names = append(names, p.name)
		}
		return err
	})
	return names, err
}

// namedPart is a part and the floor that holds in it.
type namedPart struct {
	name  store.Part
	floor int64
}

// allParts returns all parts of a snapshot, by collection and parameters.
func (st *state) allParts(ctx context.Context, v *snapshot) (all []namedPart, err error) {
	if err := v.read(ctx, st.getTail()); err != nil {
		return nil, err
	}
	from := st.s.keys.key(kindParts)
	err = v.walk(ctx, from, end(from), chunk, func(key, value []byte) (bool, error) {
		name, err := st.s.keys.partOf(key)
		if err != nil {
			return false, err
		}
		p := part{}
		err = decode(value, &p)
		all = append(all, namedPart{name, max(p.Floor, st.tail.Floor)})
		return true, err
	})
	return all, err
}
