package sqlite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// indexSet is what the documents of one collection are under. It is never
// changed, only replaced.
type indexSet struct {
	names   []string // ascending
	numbers []int64  // of each name, as rows have them
	whole   bool
}

// number returns the number of an index that is in the set.
func (s *indexSet) number(name string) int64 { return s.numbers[slices.Index(s.names, name)] }

// invalid is the error of who asks for what the set does not have.
func (s *indexSet) invalid(collection string, names []string) error {
	switch {
	case s == nil:
		return fmt.Errorf("%w: keys in %q of %s, which is under no indexes", store.ErrInvalid, names, collection)
	case !s.whole:
		return fmt.Errorf("%w: the documents of %s are being put under other indexes", store.ErrInvalid, collection)
	}
	return fmt.Errorf("%w: keys in %q of %s, which is under %q", store.ErrInvalid, names, collection, s.names)
}

const collectionIndexes = "SELECT number, name, whole FROM indexes WHERE collection = ? ORDER BY name"

// readIndexes returns what a collection is under, nil for nothing.
func readIndexes(c *conn, s *stmt, collection string) (set *indexSet, err error) {
	err = c.each(s, func(r row) error {
		if set == nil {
			set = &indexSet{whole: true}
		}
		set.numbers, set.names = append(set.numbers, r.int(0)), append(set.names, r.text(1))
		set.whole = set.whole && r.flag(2)
		return nil
	}, collection)
	return set, err
}

// encodeKeys is what document_keys holds: for each key the number of its index,
// its length and itself, in the order of the names.
func (s *indexSet) encodeKeys(keys []store.IndexKey) []byte {
	var column []byte
	for i := range keys {
		column = binary.AppendUvarint(column, uint64(s.number(keys[i].Index)))
		column = binary.AppendUvarint(column, uint64(len(keys[i].Key)))
		column = append(column, keys[i].Key...)
	}
	return column
}

// numberedKey is a key in document_keys.
type numberedKey struct {
	index int64
	key   []byte
}

// decodeKeys reads what encodeKeys has written. The keys share the column.
func decodeKeys(column []byte) ([]numberedKey, error) {
	var keys []numberedKey
	for len(column) > 0 {
		index, n := binary.Uvarint(column)
		length, m := binary.Uvarint(column[max(n, 0):])
		if n <= 0 || m <= 0 || length > uint64(len(column)-n-m) {
			return nil, fmt.Errorf("sqlite: the keys of a document cannot be read: %x", column)
		}
		end := n + m + int(length)
		keys, column = append(keys, numberedKey{int64(index), column[n+m : end]}), column[end:]
	}
	return keys, nil
}

// indexSet returns what a collection is under as members left it, nil for nothing.
func (g *group) indexSet(collection string) *indexSet {
	if set, changed := g.indexes[collection]; changed {
		return set
	}
	return g.w.indexes[collection]
}

// judgeIndexes refuses c when its keys are not those of the indexes that their
// collections are under, and notes those of collections that it begins.
func (g *group) judgeIndexes(c *store.Commit, j *judged) error {
	for i := range c.Writes {
		w := &c.Writes[i]
		collection := w.Ref.Part.Collection
		set := g.indexSet(collection)
		if w.Content != store.ContentBody || set == nil && len(w.Keys) == 0 && len(c.Writes) == 1 {
			continue
		}
		names := store.Names(w.Keys)
		if set != nil {
			if !set.whole || !slices.Equal(names, set.names) {
				return set.invalid(collection, names)
			}
			continue
		}
		under, begun := j.indexes[collection]
		if !begun {
			if len(names) > 0 {
				some, err := g.holdsAny(collection)
				if err != nil {
					return err
				}
				if some {
					return set.invalid(collection, names)
				}
			}
			if under = names; j.indexes == nil {
				j.indexes = make(map[string][]string)
			}
			j.indexes[collection] = names
		}
		if !slices.Equal(names, under) {
			return set.invalid(collection, names)
		}
	}
	return nil
}

// holdsAny tells whether a collection has a document or a tombstone.
func (g *group) holdsAny(collection string) (some bool, err error) {
	for _, parts := range []map[store.Part]*part{g.parts, g.w.parts} {
		for name, p := range parts {
			if name.Collection == collection && !some && err == nil {
				some, err = g.w.conn.one(g.w.st.anyDocument, func(row) {}, p.number)
			}
		}
	}
	return some, err
}

// begin puts collections that get their first documents under indexes.
func (g *group) begin(indexes map[string][]string) error {
	for collection, names := range indexes {
		if len(names) == 0 {
			continue
		}
		set := &indexSet{names: names, whole: true}
		for _, name := range names {
			g.lastIndex++
			set.numbers = append(set.numbers, g.lastIndex)
			if _, err := g.w.conn.exec(g.w.st.insertIndex, g.lastIndex, collection, name, flag(true)); err != nil {
				return err
			}
		}
		g.setIndexes(collection, set)
	}
	return nil
}

func (g *group) setIndexes(collection string, set *indexSet) {
	if g.indexes == nil {
		g.indexes = make(map[string]*indexSet)
	}
	g.indexes[collection] = set
}

// publishIndexes makes the group's indexes what is durable.
func (g *group) publishIndexes() {
	g.w.lastIndex = g.lastIndex
	maps.Copy(g.w.indexes, g.indexes)
}

// writeKeys puts a document under its keys in a set, instead of those that it is
// under. It changes the rows whose keys differ and no others.
func (g *group) writeKeys(part, doc int64, id string, set *indexSet, keys []store.IndexKey) error {
	var column []byte
	if _, err := g.w.conn.one(g.w.st.keys, func(r row) { column = r.blob(0) }, doc); err != nil {
		return err
	}
	next := set.encodeKeys(keys)
	if bytes.Equal(column, next) {
		return nil
	}
	was, err := decodeKeys(column)
	if err != nil {
		return err
	}
	is, err := decodeKeys(next)
	if err != nil {
		return err
	}
	for _, k := range was {
		if !holdsKey(is, k) {
			if _, err := g.w.conn.exec(g.w.st.deleteIndexRow, part, k.index, k.key, id); err != nil {
				return err
			}
		}
	}
	for _, k := range is {
		if !holdsKey(was, k) {
			if _, err := g.w.conn.exec(g.w.st.putIndexRow, part, k.index, k.key, id, doc); err != nil {
				return err
			}
		}
	}
	if len(next) == 0 {
		_, err = g.w.conn.exec(g.w.st.deleteKeys, doc)
	} else {
		_, err = g.w.conn.exec(g.w.st.putKeys, doc, next)
	}
	return err
}

func holdsKey(keys []numberedKey, k numberedKey) bool {
	return slices.ContainsFunc(keys, func(other numberedKey) bool {
		return other.index == k.index && bytes.Equal(other.key, k.key)
	})
}
