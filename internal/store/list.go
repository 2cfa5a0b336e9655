package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxIndexKey is the length of the longest key, in bytes.
const MaxIndexKey = 512

// MaxScan is how many rows a page passes over at most, where its query does not
// say.
const MaxScan = 10_000

// IndexKey is where one document stands in one index. Keys compare by their bytes.
// The empty one is that of a document which has no value there: it orders before
// all others, and no condition holds for it.
type IndexKey struct {
	Index string
	Key   []byte
}

// IndexRow is one row of an index.
type IndexRow struct {
	Ref Ref
	IndexKey
}

// ListQuery selects a page of a part.
type ListQuery struct {
	// Sort names the index whose keys order the list, and ids those that share one.
	// "" orders by ids alone; ids compare by their bytes.
	Sort string
	// Descending turns the order by Sort round, that of ids within a key included.
	Descending bool
	// Where holds for every document of the list, all of it.
	Where []Condition
	// After is the place behind which the page begins; the zero Place is the start.
	After Place
	Limit int // at least 1
	// Scan bounds the rows that the page passes over because a condition does not
	// hold for them; 0 means MaxScan. Then it ends short, or empty, with More set.
	Scan int
}

// Place is a place in the order of a list: of a document, whether it is still
// there or not.
type Place struct {
	Key []byte // in the index of Sort; empty without one
	ID  string
}

// Condition asks something of a document's key in one index: that it is one of
// In, or, without In, that it lies in a range.
type Condition struct {
	Index string
	In    [][]byte
	From  []byte // the least key; nil for none
	To    []byte // above the greatest key; nil for none
}

// Page is one page of a list.
type Page struct {
	// Head tells the states of the part apart, and was read no later than the page: any
	// change inside the part makes it greater. Where the feed has one lane it is the
	// position of the part's newest commit.
	Head      int64
	Documents []*Document
	// More tells that documents may follow; where nothing was passed over, that
	// they do.
	More bool
	// Last is where a next page goes on: the place of the last row that was looked
	// at, in the page or passed over. It is zero where there was none.
	Last Place
}

// Compare orders places as an ascending list does.
func (p Place) Compare(q Place) int {
	return cmp.Or(bytes.Compare(p.Key, q.Key), strings.Compare(p.ID, q.ID))
}

// Above returns the least key that is greater than key.
func Above(key []byte) []byte { return append(slices.Clone(key), 0) }

// Holds tells whether the condition holds for a document's key in its index.
func (c *Condition) Holds(key []byte) bool {
	switch {
	case len(key) == 0:
		return false
	case c.In != nil:
		return slices.ContainsFunc(c.In, func(k []byte) bool { return bytes.Equal(k, key) })
	}
	return bytes.Compare(key, c.From) >= 0 && (c.To == nil || bytes.Compare(key, c.To) < 0)
}

// Hold tells whether all conditions hold for a document's keys.
func (q *ListQuery) Hold(keys []IndexKey) bool {
	for i := range q.Where {
		c := &q.Where[i]
		if !c.Holds(KeyIn(keys, c.Index)) {
			return false
		}
	}
	return true
}

// KeyIn returns the key that keys have in an index, nil for none.
func KeyIn(keys []IndexKey, index string) []byte {
	for i := range keys {
		if keys[i].Index == index {
			return keys[i].Key
		}
	}
	return nil
}

// Bounds returns the range of keys in the index of Sort that the conditions on it
// leave, of which a driver walks no others: from the least key to above the
// greatest, nil for none.
func (q *ListQuery) Bounds() (from, to []byte) {
	for i := range q.Where {
		c := &q.Where[i]
		if c.Index != q.Sort {
			continue
		}
		low, high := c.From, c.To
		if c.In != nil {
			low, high = slices.MinFunc(c.In, bytes.Compare), Above(slices.MaxFunc(c.In, bytes.Compare))
		}
		if from == nil || bytes.Compare(low, from) > 0 {
			from = low
		}
		if len(from) == 0 {
			from = []byte{0} // no condition holds for the empty key
		}
		if high != nil && (to == nil || bytes.Compare(high, to) < 0) {
			to = high
		}
	}
	return from, to
}

// Lead returns the condition that a list by ids is driven by: the one with the
// fewest keys to look under, nil where there is none and all ids are walked.
func (q *ListQuery) Lead() *Condition {
	var lead *Condition
	for i := range q.Where {
		if c := &q.Where[i]; c.In != nil && (lead == nil || len(c.In) < len(lead.In)) {
			lead = c
		}
	}
	return lead
}

// MaxPassed returns how many rows the page may pass over.
func (q *ListQuery) MaxPassed() int { return cmp.Or(q.Scan, MaxScan) }

// Indexes returns the names of the indexes that the query needs, ascending.
func (q *ListQuery) Indexes() []string {
	var names []string
	if q.Sort != "" {
		names = append(names, q.Sort)
	}
	for i := range q.Where {
		names = append(names, q.Where[i].Index)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Under refuses with [ErrInvalid] a query that needs an index which is not one of
// those names.
func (q *ListQuery) Under(names []string) error {
	for _, name := range q.Indexes() {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%w: the collection's documents are not under the index %q", ErrInvalid, name)
		}
	}
	return nil
}

// Validate refuses with [ErrInvalid] what no state could make right. Drivers call
// it before anything else.
func (q *ListQuery) Validate() error {
	if q.Limit < 1 {
		return fmt.Errorf("%w: a page of %d documents", ErrInvalid, q.Limit)
	}
	if q.Sort == "" && (q.Descending || len(q.After.Key) > 0) {
		return fmt.Errorf("%w: an order by ids alone has no keys and one direction", ErrInvalid)
	}
	for i := range q.Where {
		c := &q.Where[i]
		if c.Index == "" || c.In != nil && (len(c.In) == 0 || c.From != nil || c.To != nil) {
			return fmt.Errorf("%w: condition %d asks for nothing, or for a range of single keys", ErrInvalid, i)
		}
	}
	return nil
}

// Follows tells whether a place comes behind where the page begins.
func (q *ListQuery) Follows(p Place) bool {
	switch {
	case q.After.ID == "" && len(q.After.Key) == 0:
		return true // a singleton's id is empty and comes after nothing, not after ""
	case q.Descending:
		return p.Compare(q.After) < 0
	}
	return p.Compare(q.After) > 0
}

// Names returns the names of the indexes that keys are of.
func Names(keys []IndexKey) []string {
	var names []string
	for i := range keys {
		names = append(names, keys[i].Index)
	}
	return names
}
