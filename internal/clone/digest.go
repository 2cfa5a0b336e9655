package clone

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The kinds of piece that are counted apart.
const (
	ofWhole = iota
	ofPart
	ofIndexes
	ofDocument
	ofTombstone
	ofRow
	ofClaim
	ofEntry
	ofAnswer
	kinds
)

var kindNames = [kinds]string{"settings", "parts", "indexes", "documents", "tombstones", "side rows", "claims", "log rows", "stored answers"}

// Counts is how many there are of what users know.
type Counts struct {
	Documents, Tombstones, Entries int64
}

// digest stands for a set of pieces, in whatever order they come: two stores list what
// they hold in orders of their own. Of each kind it has the number, and the sum of the
// SHA-256 of each piece. It finds what went wrong, not who forges.
type digest [kinds]struct {
	n   int64
	sum [4]uint64
}

// add counts a piece, and returns its size. Positions of the feed are looked at where
// the copy keeps them.
func (d *digest) add(p *store.Piece, positions bool) (size int) {
	kind, text := encode(p, positions)
	d[kind].n++
	h := sha256.Sum256(text)
	for i := range d[kind].sum {
		d[kind].sum[i] += binary.BigEndian.Uint64(h[8*i:])
	}
	return len(text)
}

func (d *digest) pieces() (n int64) {
	for i := range d {
		n += d[i].n
	}
	return n
}

func (d *digest) counts() Counts {
	return Counts{Documents: d[ofDocument].n, Tombstones: d[ofTombstone].n, Entries: d[ofEntry].n}
}

// String names the set. Sets that differ have different names.
func (d *digest) String() string {
	h := sha256.New()
	for i := range d {
		fmt.Fprintln(h, d[i].n, d[i].sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// difference says in words how another set differs.
func (d *digest) difference(there *digest) string {
	var all []string
	for i := range d {
		switch {
		case d[i].n != there[i].n:
			all = append(all, fmt.Sprintf("%d %s instead of %d", there[i].n, kindNames[i], d[i].n))
		case d[i].sum != there[i].sum:
			all = append(all, kindNames[i]+" that are not the same")
		}
	}
	return strings.Join(all, ", ")
}

// encoder writes values one behind the other so that no two lists of them look alike.
type encoder struct {
	b         []byte
	positions bool
}

// encode writes down everything in a piece that a copy has to have as well.
func encode(p *store.Piece, positions bool) (kind int, text []byte) {
	e := &encoder{positions: positions}
	switch {
	case p.Whole != nil:
		e.int(p.Whole.Floor)
		e.mark(p.Whole.Newest)
		e.mark(p.Whole.Pruned)
		return ofWhole, e.b
	case p.Part != nil:
		e.part(p.Part.Part)
		e.int(p.Part.Floor)
		e.mark(p.Part.Pruned)
		return ofPart, e.b
	case p.Indexes != nil:
		e.text(p.Indexes.Collection)
		e.text(p.Indexes.Names...)
		return ofIndexes, e.b
	case p.Document != nil:
		e.document(p.Document)
		if p.Document.Deleted {
			return ofTombstone, e.b
		}
		return ofDocument, e.b
	case p.Row != nil:
		e.ref(p.Row.Ref)
		e.text(p.Row.Kind, p.Row.ID, string(p.Row.Value))
		return ofRow, e.b
	case p.Claim != nil:
		e.part(p.Claim.Part)
		e.text(p.Claim.Index, p.Claim.Value, p.Claim.ID)
		return ofClaim, e.b
	case p.Entry != nil:
		e.entry(p.Entry)
		return ofEntry, e.b
	}
	e.text(p.Answer.Scope, p.Answer.Key, string(p.Answer.Digest[:]), string(p.Answer.Content))
	e.time(p.Answer.Expires)
	return ofAnswer, e.b
}

func (e *encoder) document(d *store.DocumentPiece) {
	e.ref(d.Ref)
	e.int(d.Rev, d.Version, d.Next, d.Life, d.Entries, d.Fence)
	e.bool(d.Deleted, d.SameSecond)
	e.time(d.At)
	e.text(string(d.Digest[:]), string(d.Link))
	if e.positions {
		e.int(d.Position)
	}
	e.bool(d.Lease != nil)
	if l := d.Lease; l != nil {
		e.text(l.ID)
		e.int(l.Fence)
		e.time(l.Expires)
	}
	for i := range d.Keys {
		e.text(d.Keys[i].Index, string(d.Keys[i].Key))
	}
}

func (e *encoder) entry(n *store.Entry) {
	e.ref(n.Ref)
	e.int(n.Rev, n.Version, n.Life, n.Base, n.MergedFrom)
	e.bool(n.Blind, n.Body != nil)
	e.time(n.At)
	e.text(string(n.Action), n.Outcome, string(n.Decisions), string(n.Link), string(n.CommitID[:]), n.Correlation,
		string(n.Digest[:]), string(n.Body), n.Actor.Name)
	e.int(int64(len(n.Actor.Roles)))
	e.text(n.Actor.Roles...)
	if e.positions {
		e.int(int64(n.Lane), n.Position)
	}
}

func (e *encoder) ref(r store.Ref) {
	e.part(r.Part)
	e.text(r.ID)
}

func (e *encoder) part(p store.Part) { e.text(p.Collection, p.Params) }

func (e *encoder) text(all ...string) {
	for _, s := range all {
		e.b = append(binary.AppendUvarint(e.b, uint64(len(s))), s...)
	}
}

func (e *encoder) int(all ...int64) {
	for _, n := range all {
		e.b = binary.AppendVarint(e.b, n)
	}
}

func (e *encoder) bool(all ...bool) {
	for _, b := range all {
		if b {
			e.b = append(e.b, 1)
		} else {
			e.b = append(e.b, 0)
		}
	}
}

// time is exact to the microsecond, as stores are.
func (e *encoder) time(t time.Time) { e.int(t.UnixMicro()) }

// mark leaves lanes at 0 out at the end: where a mark has no number a lane is at 0.
func (e *encoder) mark(m store.Mark) {
	if !e.positions {
		return
	}
	for len(m) > 0 && m[len(m)-1] == 0 {
		m = m[:len(m)-1]
	}
	e.int(int64(len(m)))
	e.int(m...)
}
