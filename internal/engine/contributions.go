package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Contributions say how the documents of a collection are materialised from what
// several sources say about them. It is safe for concurrent use.
type Contributions struct {
	Rules *contribution.Rules
	// Confidence is that of writes of the document itself, a number from 0 to 1.
	Confidence jsonvalue.Value
}

// kindContribution is the kind of the side rows of contributions. The row with the
// empty id is none: it holds the version that was last materialised from them.
const kindContribution = "contribution"

// errNoRows is the error of a store that keeps nothing beside documents.
var errNoRows = errors.New("engine: the store keeps no contributions")

// contributed is what a document is made of.
type contributed struct {
	ref  store.Ref
	rows []store.Row // as they are stored
	all  []contribution.Contribution
}

// contributedTo loads what a document is made of, of a head only its rows. It returns
// errLostRace where the document does not stand there any more.
//
// What was stored while the collection took no contributions counts as one of a
// direct write, and what was contributed before that no longer counts: whoever
// wrote the document has replaced it.
func (e *Engine) contributedTo(ctx context.Context, doc *store.Document, rules *Rules) (contributed, error) {
	c := contributed{ref: doc.Ref}
	reader, ok := e.store.(store.RowReader)
	if !ok {
		return c, errNoRows
	}
	var err error
	if c.rows, err = reader.Rows(ctx, doc.Ref, kindContribution); err != nil {
		return c, err
	}
	// The rows are those of the document only if it still stood there after they
	// were read.
	now, err := e.head(ctx, doc.Ref)
	if err != nil {
		return c, err
	}
	if now.Rev != doc.Rev || now.Version != doc.Version {
		return c, errLostRace
	}
	switch {
	case !doc.Exists(), doc.Body == nil: // a deletion asks for no more than the rows
	case len(c.rows) > 0 && c.rows[0].ID == "" && string(c.rows[0].Value) == stateOfRows(doc.Version):
		err = c.parse(e)
	default:
		err = c.adopt(e, doc, rules)
	}
	return c, err
}

// stateOfRows is the value of the row that is no contribution.
func stateOfRows(version int64) string { return strconv.FormatInt(version, 10) }

// head returns where a document stands, without its body where that costs less.
func (e *Engine) head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	if heads, ok := e.store.(store.HeadReader); ok {
		return heads.Head(ctx, ref)
	}
	return e.store.Get(ctx, ref)
}

func (c *contributed) parse(e *Engine) error {
	for _, row := range c.rows[1:] {
		v, err := e.parseStored(row.Value)
		if err != nil {
			return err
		}
		one, err := contributionOf(row.ID, v)
		if err != nil {
			return err
		}
		c.all = append(c.all, one)
	}
	slices.SortFunc(c.all, func(a, b contribution.Contribution) int { return int(a.Arrival - b.Arrival) })
	return nil
}

// adopt takes what is stored for a contribution of a direct write.
func (c *contributed) adopt(e *Engine, doc *store.Document, rules *Rules) error {
	v, err := e.parseStored(doc.Body)
	c.all = []contribution.Contribution{{
		ID: adoptedID(&doc.Head), Source: contribution.Direct, Confidence: rules.Contributions.Confidence,
		ObservedAt: contribution.TimeOf(doc.At), Arrival: doc.Rev, Data: v, At: doc.At,
	}}
	return err
}

// adoptedID makes the id of what was stored before, the same whenever it is asked
// for: a UUID of version 8 (RFC 9562 §5.8).
func adoptedID(h *store.Head) string {
	var name []byte
	for _, piece := range []string{h.Ref.Part.Collection, h.Ref.Part.Params, h.Ref.ID, strconv.FormatInt(h.Version, 10)} {
		name = append(binary.AppendUvarint(name, uint64(len(piece))), piece...)
	}
	sum := sha256.Sum256(name)
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id.String()
}

// contributionOf reads the row of a contribution.
func contributionOf(id string, v jsonvalue.Value) (contribution.Contribution, error) {
	c := contribution.Contribution{
		ID: id, Source: v.Lookup("source").Text(), Confidence: v.Lookup("confidence"), Data: v.Lookup("data"), By: v.Lookup("by").Text(),
	}
	var known bool
	c.ObservedAt, known = contribution.ParseTime(v.Lookup("observedAt").Text())
	arrival, err := strconv.ParseInt(v.Lookup("arrival").Text(), 10, 64)
	at, bad := time.Parse(time.RFC3339Nano, v.Lookup("at").Text())
	c.Arrival, c.At = arrival, at
	if err = errors.Join(err, bad); err == nil && !known {
		err = errors.New("its observedAt is no time")
	}
	return c, err
}

// appendStored appends what a contribution is stored as.
func appendStored(dst []byte, c *contribution.Contribution) []byte {
	w := writeOrigin(jsonvalue.NewWriter(dst).Open('{'), c).Name("arrival").Int(c.Arrival)
	w.Name("at").String(c.At.UTC().Format(time.RFC3339Nano)).Name("by").String(c.By)
	return w.Name("data").Value(c.Data).Close('}').Bytes()
}

// changes returns what makes the rows those of all, at a version of the document,
// and how many bytes they take then.
func (c *contributed) changes(all []contribution.Contribution, version int64) (changes []store.RowChange, size int64) {
	stored := make(map[string][]byte, len(c.rows))
	for _, row := range c.rows {
		stored[row.ID] = row.Value
	}
	put := func(id string, value []byte) {
		was, there := stored[id]
		delete(stored, id)
		if !there || !bytes.Equal(was, value) {
			changes = append(changes, store.RowChange{Row: c.row(id, value)})
		}
	}
	put("", []byte(stateOfRows(version)))
	for i := range all {
		value := appendStored(nil, &all[i])
		size += int64(len(value))
		put(all[i].ID, value)
	}
	for _, row := range c.rows {
		if _, gone := stored[row.ID]; gone {
			changes = append(changes, store.RowChange{Row: c.row(row.ID, nil), Delete: true})
		}
	}
	return changes, size
}

func (c *contributed) row(id string, value []byte) store.Row {
	return store.Row{Ref: c.ref, Kind: kindContribution, ID: id, Value: value}
}

// withdrawn returns what removes all rows, as a deletion does.
func (c *contributed) withdrawn() []store.RowChange {
	var changes []store.RowChange
	for _, row := range c.rows {
		changes = append(changes, store.RowChange{Row: c.row(row.ID, nil), Delete: true})
	}
	return changes
}
