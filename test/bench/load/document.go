package load

import (
	"bytes"
	"fmt"
	"strings"
)

// DocumentSize is the length in bytes of every document that is written.
const DocumentSize = 1024

// A document is made once for each client and then only stamped in place: the
// places of its digits are fixed so that a request costs a copy, no encoding.
type document struct {
	body   []byte
	stamps []int // where the ten-digit stamp stands
}

// firstStamp keeps stamps at ten digits without a leading zero, which JSON
// numbers must not have.
const firstStamp = 1_000_000_000

const stampMark = "##########"

func newDocument() document {
	const members = `{"number":"INV-##########","revision":##########,"status":"open","currency":"EUR",` +
		`"customer":{"name":"Example Trading Company","email":"accounts@example.com","vat":"DE123456789"},` +
		`"billing":{"street":"12 Long Street","city":"Hamburg","zip":"20095","country":"DE"},` +
		`"issuedOn":"2026-03-14","dueOn":"2026-04-13","paid":false,"discount":2.5,"taxRate":0.19,` +
		`"lines":[{"sku":"A-100","text":"Consulting, per hour","quantity":12,"price":95.00},` +
		`{"sku":"B-220","text":"Travel, lump sum","quantity":1,"price":180.50}],` +
		`"net":1320.50,"tax":250.90,"total":1571.40,"reference":"PO-##########",` +
		`"tags":["priority","export"],"assignee":"ann","reviewer":null,"reminders":0,` +
		`"editedBy":"session-##########","note":"`
	// The note fills the document up to its size.
	fill := strings.Repeat("Please quote the number of the invoice. ", 32)
	fill = fill[:DocumentSize-len(members)-len(`"}`)]
	d := document{body: []byte(members + fill + `"}`)}
	for at := 0; ; {
		i := bytes.Index(d.body[at:], []byte(stampMark))
		if i < 0 {
			break
		}
		d.stamps = append(d.stamps, at+i)
		at += i + len(stampMark)
	}
	d.stamp(firstStamp)
	return d
}

// stamp changes four members, so that no two writes have the same content.
func (d *document) stamp(n uint64) {
	var digits [len(stampMark)]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	for _, at := range d.stamps {
		copy(d.body[at:], digits[:])
	}
}

const versionMember = `,"version":`

// appendWithVersion appends the document with its version as its last member,
// where a client that writes back what it has read would send it.
func (d *document) appendWithVersion(dst, version []byte) []byte {
	dst = append(dst, d.body[:len(d.body)-1]...)
	dst = append(dst, versionMember...)
	return append(append(dst, version...), '}')
}

// Path is the request target of document i.
func Path(i int) string { return fmt.Sprintf("/v1/docs/doc-%08d", i) }

// appendPath is Path without an allocation.
func appendPath(dst []byte, i int) []byte {
	dst = append(dst, "/v1/docs/doc-00000000"...)
	for at := len(dst) - 1; i > 0; at-- {
		dst[at] = byte('0' + i%10)
		i /= 10
	}
	return dst
}

// tag is an entity tag kept inline: a million of them are one allocation.
type tag struct {
	size  uint8
	bytes [47]byte
}

func (t *tag) set(b []byte) error {
	if len(b) == 0 || len(b) > len(t.bytes) {
		return fmt.Errorf("%w: entity tag %q (1 to %d bytes are expected)", ErrResponse, b, len(t.bytes))
	}
	t.size = uint8(copy(t.bytes[:], b))
	return nil
}

func (t *tag) get() []byte { return t.bytes[:t.size] }

// version is what stands between the quotes of "5".
func (t *tag) version() []byte { return bytes.Trim(t.get(), `"`) }

// Corpus is a set of documents on one server and the entity tag that each had
// last. A Run writes to the tags, so two runs on one Corpus must not overlap.
type Corpus struct {
	tags   []tag
	writes uint64 // stamps used so far
}

// NewCorpus describes n documents (at most 10^8) that do not exist yet; a Run
// that creates makes them.
func NewCorpus(n int) *Corpus { return &Corpus{tags: make([]tag, n)} }

// Len is the number of documents.
func (c *Corpus) Len() int { return len(c.tags) }

// SetTag says which entity tag every document has, for a server whose tag is a
// constant.
func (c *Corpus) SetTag(b string) error {
	for i := range c.tags {
		if err := c.tags[i].set([]byte(b)); err != nil {
			return err
		}
	}
	return nil
}
