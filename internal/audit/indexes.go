package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
)

// indexCheck compares the rows of indexes with what the bodies of documents say.
// The names of indexes say how their keys are made, so that no policy is needed.
type indexCheck struct {
	ctx    context.Context
	store  store.Indexer
	report *Report
	under  map[string]*indexSet // by collection
	want   map[rowID]bool       // rows that are still to come
}

// indexSet is what a collection's documents are under. They are not checked where
// a reindexing did not come to its end: the next start sees to it.
type indexSet struct {
	indexes []*index.Index
	whole   bool
}

// rowID stands for a row of an index.
type rowID [16]byte

func idOf(ref *store.Ref, k *store.IndexKey) rowID {
	h := sha256.New()
	for _, piece := range []string{ref.Part.Collection, ref.Part.Params, ref.ID, k.Index, string(k.Key)} {
		h.Write(binary.AppendUvarint(nil, uint64(len(piece))))
		h.Write([]byte(piece))
	}
	return rowID(h.Sum(nil)[:len(rowID{})])
}

func (c *indexCheck) of(collection string) (*indexSet, error) {
	if set := c.under[collection]; set != nil {
		return set, nil
	}
	names, whole, err := c.store.Indexes(c.ctx, collection)
	if err != nil {
		return nil, err
	}
	set := &indexSet{whole: whole}
	for _, name := range names {
		x, err := index.Parse(name)
		if err != nil {
			c.report.add(store.Ref{Part: store.Part{Collection: collection}}, 0, "is under an index of another version, %q, which is not checked", name)
			set.whole = false
			continue
		}
		set.indexes = append(set.indexes, x)
	}
	c.under[collection] = set
	return set, nil
}

// document remembers the rows that a document should have.
func (c *indexCheck) document(d *store.Document) error {
	keys, err := c.keysOf(d)
	for i := range keys {
		c.want[idOf(&d.Ref, &keys[i])] = true
	}
	return err
}

// keysOf returns the keys that a document should have, nil where it should have
// none or that cannot be told.
func (c *indexCheck) keysOf(d *store.Document) ([]store.IndexKey, error) {
	set, err := c.of(d.Ref.Part.Collection)
	if err != nil || !set.whole || d.Deleted {
		return nil, err
	}
	body, ok := readable(d.Body)
	if !ok { // a finding by itself
		return nil, nil
	}
	keys := make([]store.IndexKey, len(set.indexes))
	for i, x := range set.indexes {
		keys[i] = store.IndexKey{Index: x.ID(), Key: x.Key(body)}
	}
	return keys, nil
}

func (c *indexCheck) row(row *store.IndexRow) error {
	c.report.IndexRows++
	set, err := c.of(row.Ref.Part.Collection)
	if err != nil || !set.whole {
		return err
	}
	id := idOf(&row.Ref, &row.IndexKey)
	if !c.want[id] {
		c.report.add(row.Ref, 0, "has a row in the index %q that its body does not have", row.Index)
	}
	delete(c.want, id)
	return nil
}

// missing names the documents whose rows have not come.
func (c *indexCheck) missing(d *store.Document) error {
	keys, err := c.keysOf(d)
	for i := range keys {
		if c.want[idOf(&d.Ref, &keys[i])] {
			c.report.add(d.Ref, 0, "has no row in the index %q", keys[i].Index)
		}
	}
	return err
}

// verifyIndexes checks the rows of indexes, once all documents were looked at.
func (v *verification) verifyIndexes(ctx context.Context, s store.Scanner) error {
	if v.indexes == nil {
		return nil
	}
	if err := v.indexes.store.ScanIndexes(ctx, v.indexes.row); err != nil || len(v.indexes.want) == 0 {
		return err
	}
	return s.ScanDocuments(ctx, v.indexes.missing)
}
