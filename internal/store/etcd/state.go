package etcd

import (
	"context"
	"encoding/json"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// state is what commits are judged on: the store at one revision, and over it what
// those before them in their group will change.
type state struct {
	s       *Store
	snap    snapshot
	tail    tail
	tailRev int64 // revision that wrote the tail

	parts   map[store.Part]*part // nil where the part was never written
	heads   map[store.Ref]*head  // nil where there is no document
	indexes map[string]*indexes  // by collection; nil where it has had no body
	claims  map[string]*string   // by key; nil where nobody holds it
	answers map[string]*answer   // by key; nil where there is none
	expired []string             // keys of kindExpiry that are due
	rows    map[string]*logRow   // that the group writes, by key

	ops     map[string][]byte // what is put; nil deletes
	drops   [][2]string       // ranges of bodies that are no longer kept
	size    int               // of ops
	changes []change          // what the feed will tell
	bodies  []store.Document  // what was written, for the cache
}

func (s *Store) newState() *state {
	return &state{
		s: s, snap: snapshot{client: s.client},
		parts: make(map[store.Part]*part), heads: make(map[store.Ref]*head), indexes: make(map[string]*indexes),
		claims: make(map[string]*string), answers: make(map[string]*answer), rows: make(map[string]*logRow),
		ops: make(map[string][]byte),
	}
}

// load reads what a group is judged on, and what others have committed since this
// process last looked.
func (s *Store) load(ctx context.Context, group []*member) (*state, error) {
	st := s.newState()
	gets := []get{st.getTail(), s.news(ctx)}
	seen := make(map[string]bool)
	want := func(g get) {
		if !seen[g.key] {
			seen[g.key] = true
			gets = append(gets, g)
		}
	}
	for _, m := range group {
		st.wanted(m.commit, want)
	}
	err := st.snap.read(ctx, gets...)
	return st, err
}

func (st *state) getTail() get {
	return get{key: st.s.keys.tail(), got: func(r *clientv3.GetResponse) error {
		if len(r.Kvs) == 0 {
			return errGone
		}
		st.tailRev = r.Kvs[0].ModRevision
		return decode(r.Kvs[0].Value, &st.tail)
	}}
}

// wanted names what a commit is judged on.
func (st *state) wanted(c *store.Commit, want func(get)) {
	keys := st.s.keys
	for i := range c.Checks {
		want(st.getPart(c.Checks[i].Ref.Part))
		want(st.getHead(c.Checks[i].Ref))
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		want(st.getPart(w.Ref.Part))
		want(st.getHead(w.Ref))
		if w.Content == store.ContentBody {
			want(st.getIndexes(w.Ref.Part.Collection))
		}
	}
	for i := range c.Claims {
		key := keys.claim(&c.Claims[i])
		want(one(key, func(value []byte) error {
			id := string(value)
			st.claims[key] = &id
			return nil
		}))
	}
	if c.Key != nil {
		key := keys.answer(c.Key.Scope, c.Key.Key)
		want(one(key, func(value []byte) (err error) {
			st.answers[key], err = decodeAnswer(value)
			return err
		}))
		want(st.getExpired(c))
	}
}

func (st *state) getPart(name store.Part) get {
	return one(st.s.keys.part(name), func(value []byte) error {
		st.parts[name] = &part{}
		return decode(value, st.parts[name])
	})
}

func (st *state) getHead(ref store.Ref) get {
	return one(st.s.keys.head(ref), func(value []byte) error {
		st.heads[ref] = &head{}
		return decode(value, st.heads[ref])
	})
}

func (st *state) getIndexes(collection string) get {
	return one(st.s.keys.indexes(collection), func(value []byte) error {
		st.indexes[collection] = &indexes{}
		return decode(value, st.indexes[collection])
	})
}

// forgotten is how many answers that have expired a commit with a key takes along.
const forgotten = 2

// getExpired reads which answers have expired, once for a group.
func (st *state) getExpired(c *store.Commit) get {
	first := st.s.keys.key(kindExpiry)
	return get{
		key:  first,
		opts: []clientv3.OpOption{clientv3.WithRange(first + number(c.Now.UnixNano()+1)), clientv3.WithLimit(8 * forgotten), clientv3.WithKeysOnly()},
		got: func(r *clientv3.GetResponse) error {
			for _, kv := range r.Kvs {
				st.expired = append(st.expired, string(kv.Key))
			}
			return nil
		},
	}
}

// floor returns what every new version of a part is above.
func (st *state) floor(p store.Part) int64 {
	if p := st.parts[p]; p != nil {
		return max(p.Floor, st.tail.Floor)
	}
	return st.tail.Floor
}

// head returns where a document stands.
func (st *state) head(ref store.Ref) store.Head {
	if h := st.heads[ref]; h != nil {
		return h.of(ref, st.floor(ref.Part))
	}
	return store.Head{Ref: ref, Next: st.floor(ref.Part) + 1}
}

// put notes that a key gets a value. The encoding of our own records does not fail
// but for times that no calendar has.
func put(ops map[string][]byte, key string, record any) error {
	value, err := json.Marshal(record)
	ops[key] = value
	return err
}

// txn returns what the group does, all of it.
func (st *state) txn() ([]clientv3.Op, error) {
	keys := st.s.keys
	if len(st.changes) > 0 {
		if err := put(st.ops, keys.feed(st.tail.Position), st.changes); err != nil {
			return nil, err
		}
	}
	if err := put(st.ops, keys.tail(), &st.tail); err != nil {
		return nil, err
	}
	st.forget()
	ops := opsOf(st.ops)
	for _, d := range st.drops[:min(len(st.drops), maxOps-len(ops))] { // what has no room goes another time
		ops = append(ops, clientv3.OpDelete(d[0], clientv3.WithRange(d[1])))
	}
	return ops, nil
}

// opsOf returns what puts values, and deletes the keys that have none.
func opsOf(values map[string][]byte) []clientv3.Op {
	ops := make([]clientv3.Op, 0, len(values)+1)
	for key, value := range values {
		if value == nil {
			ops = append(ops, clientv3.OpDelete(key))
		} else {
			ops = append(ops, clientv3.OpPut(key, string(value)))
		}
	}
	return ops
}

// forget drops answers that have expired, as far as there is room.
func (st *state) forget() {
	keys := st.s.keys
	for _, key := range st.expired {
		scope, rest, err := unescape(key[len(keys.key(kindExpiry))+8:])
		if err != nil {
			continue // not ours to delete
		}
		name, _, err := unescape(rest)
		if err != nil {
			continue
		}
		answer := keys.answer(scope, name)
		_, again := st.ops[answer]
		if _, kept := st.ops[key]; again || kept || len(st.ops)+2 > maxOps {
			continue
		}
		st.ops[key], st.ops[answer] = nil, nil
	}
}

// sizeOf is what an operation counts toward the size of a transaction.
func sizeOf(key string, value []byte) int { return len(key) + len(value) + 32 }

// room tells whether a plan fits into the transaction beside what is there.
func (st *state) room(p *plan) bool {
	ops, size := len(st.ops)+2, st.size+p.told // the tail, the feed
	for key, value := range p.ops {
		if old, ok := st.ops[key]; ok {
			size -= sizeOf(key, old)
		} else {
			ops++
		}
		size += sizeOf(key, value)
	}
	return ops <= maxOps && size <= maxBytes
}

// add makes a plan part of what the group does, and of what those behind it are
// judged on.
func (st *state) add(p *plan) {
	for key, value := range p.ops {
		if old, ok := st.ops[key]; ok {
			st.size -= sizeOf(key, old)
		}
		st.ops[key] = value
		st.size += sizeOf(key, value)
	}
	st.size += p.told
	for ref, h := range p.heads {
		st.heads[ref] = h
	}
	for name, of := range p.parts {
		st.parts[name] = of
	}
	for collection, under := range p.indexes {
		st.indexes[collection] = under
	}
	for key, holder := range p.claims {
		st.claims[key] = holder
	}
	for key, row := range p.rows {
		st.rows[key] = row
	}
	for key, a := range p.answers {
		st.answers[key] = a
	}
	st.tail.Position += int64(len(p.changes))
	st.changes = slices.Concat(st.changes, p.changes)
	st.drops = append(st.drops, p.drops...)
	st.bodies = append(st.bodies, p.bodies...)
}
