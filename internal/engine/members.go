package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Members are what a contract adds to the bodies of documents: the version, the
// digest, links, the log row of the version. They are shown and taken away again,
// never stored. A nil *Members adds nothing. It is safe for concurrent use.
type Members struct {
	version, digest, links, meta, provenance member
	text                                     bool // the version is a string
	room                                     int64
}

// Added is what bodies show beside a dialect's members, to whom asks for it.
type Added struct {
	// Links is how long the value of _links is at most, in bytes; 0 for no such
	// member.
	Links int
	// Meta has the log row of the version that is shown under _meta.
	Meta bool
	// Provenance has what each place comes of under _provenance.
	Provenance bool
}

// member is one member that a contract adds.
type member struct {
	at     jsonvalue.Pointer // nil for none
	always bool              // in every body, not only to whom asks
}

const defaultVersionField = "version"

// maxMeta is more than the value of _meta takes, in bytes: a name of up to 256, and
// what has a length of its own.
const maxMeta = 2 << 10

// roomForProvenance is how much of the value of _provenance comes back with a
// document at the limit, in bytes. It may be longer, and then is too much to send
// back with such a document.
const roomForProvenance = 1 << 20

// NewMembers returns what a contract adds to bodies, nil for nothing. It fails
// where a field that begins with "/" is no JSON Pointer (RFC 6901), and where one
// member lies within another.
func NewMembers(d ifmatch.Dialect, a Added) (*Members, error) {
	m := &Members{text: d.VersionAsString}
	var err error
	if d.BodyVersion != ifmatch.BodyVersionNone {
		field := d.VersionField
		if field == "" {
			field = defaultVersionField
		}
		if m.version.at, err = fieldAt(field); err != nil {
			return nil, err
		}
		m.version.always = d.BodyVersion == ifmatch.BodyVersionAlways
	}
	if d.DigestField != "" {
		if m.digest.at, err = fieldAt(d.DigestField); err != nil {
			return nil, err
		}
		m.digest.always = true
	}
	m.room = roomOf(m.version.at, len(`"9007199254740991"`)) + roomOf(m.digest.at, sha256.Size*2+len(`""`))
	if a.Links > 0 {
		m.links.at = jsonvalue.Pointer{"_links"}
		m.room += roomOf(m.links.at, a.Links)
	}
	if a.Meta {
		m.meta.at = jsonvalue.Pointer{"_meta"}
		m.room += roomOf(m.meta.at, maxMeta)
	}
	if a.Provenance {
		m.provenance.at = jsonvalue.Pointer{"_provenance"}
		m.room += roomOf(m.provenance.at, roomForProvenance)
	}
	if m.room == 0 {
		return nil, nil
	}
	if err := m.apart(); err != nil {
		return nil, err
	}
	return m, nil
}

// all are the places that the contract takes, nil ones included.
func (m *Members) all() [5]*member {
	return [...]*member{&m.version, &m.digest, &m.links, &m.meta, &m.provenance}
}

// apart says which two members would stand in one place.
func (m *Members) apart() error {
	for i, one := range m.all() {
		for j, other := range m.all() {
			if i != j && other.at != nil && one.at.HasPrefix(other.at) {
				return fmt.Errorf("engine: what a contract adds to bodies cannot stand at %q and at %q", one.at.String(), other.at.String())
			}
		}
	}
	return nil
}

// roomOf returns how long a value at a place is, with the objects around it.
func roomOf(at jsonvalue.Pointer, value int) int64 {
	if at == nil {
		return 0
	}
	var room int64
	for _, token := range at {
		room += int64(len(`,{}:`) + len(jsonvalue.String(token).Append(nil)))
	}
	return room + int64(value)
}

func fieldAt(field string) (jsonvalue.Pointer, error) {
	if !strings.HasPrefix(field, "/") {
		return jsonvalue.Pointer{field}, nil
	}
	p, err := jsonvalue.ParsePointer(field)
	if err != nil {
		return nil, fmt.Errorf("engine: a contract's member: %w", err)
	}
	return p, nil
}

// VersionField returns where a client may put the version that it has read, ""
// where nothing but If-Match tells.
func (m *Members) VersionField() string {
	switch {
	case m == nil || !m.version.always:
		return ""
	case len(m.version.at) == 1:
		return m.version.at[0]
	}
	return m.version.at.String()
}

// Room is how many bytes the members add to a body at most, objects around them
// included: a document at the limit must come back with them.
func (m *Members) Room() int64 {
	if m == nil {
		return 0
	}
	return m.room
}

// HasLinks tells whether bodies can show links.
func (m *Members) HasLinks() bool { return m != nil && m.links.at != nil }

// HasMeta tells whether bodies can show the log row of their version.
func (m *Members) HasMeta() bool { return m != nil && m.meta.at != nil }

// HasProvenance tells whether bodies can show what their places come of.
func (m *Members) HasProvenance() bool { return m != nil && m.provenance.at != nil }

// Fits tells whether content is within a body's limit, less what the contract has
// added to it. A JSON Patch brings nothing of that, and what cannot be parsed counts
// as it is.
func (m *Members) Fits(content []byte, limits Limits) bool {
	if int64(len(content)) <= limits.Body {
		return true
	}
	if m == nil {
		return false
	}
	v, err := jsonvalue.Parse(content, jsonvalue.Limits{Depth: limits.Depth})
	if err != nil {
		return false
	}
	rest, _ := m.strip(v)
	return int64(len(content)-len(v.Append(nil))+len(rest.Append(nil))) <= limits.Body
}

// Show returns what is seen of a stored body with what the contract adds for the
// state h. Asked tells that the caller has asked for the version. The digest is that of
// the whole document, so that only who sees that is told. It does not write to body,
// and returns it where there is nothing to add.
func (m *Members) Show(body []byte, h *store.Head, asked, whole bool) []byte {
	if m == nil {
		return body
	}
	var scratch [72]byte
	stored := body
	if m.version.at != nil && (asked || m.version.always) {
		value := m.appendVersion(scratch[:0], h.Version)
		body = jsonvalue.AppendWith(make([]byte, 0, int64(len(body))+m.room), body, m.version.at, value)
	}
	if m.digest.at != nil && whole {
		value := appendDigest(scratch[:0], shownDigest(stored, h))
		body = jsonvalue.AppendWith(make([]byte, 0, int64(len(body))+m.room), body, m.digest.at, value)
	}
	return body
}

// With returns a body with the values of _links, _meta and _provenance, each nil
// for none. It does not write to body.
func (m *Members) With(body, links, meta, provenance []byte) []byte {
	if m == nil {
		return body
	}
	body = m.links.with(body, links)
	body = m.meta.with(body, meta)
	return m.provenance.with(body, provenance)
}

// with returns a body with a value of a member at its top, nil for none.
func (m *member) with(body, value []byte) []byte {
	if value == nil {
		return body
	}
	return jsonvalue.AppendWith(make([]byte, 0, len(body)+len(value)+len(m.at[0])+len(`,"":`)), body, m.at, value)
}

func (m *Members) appendVersion(dst []byte, version int64) []byte {
	if !m.text {
		return strconv.AppendInt(dst, version, 10)
	}
	return append(strconv.AppendInt(append(dst, '"'), version, 10), '"')
}

func appendDigest(dst []byte, digest [32]byte) []byte {
	return append(hex.AppendEncode(append(dst, '"'), digest[:]), '"')
}

// shownDigest returns the digest of a state. Not every store keeps it.
func shownDigest(body []byte, h *store.Head) [32]byte {
	if h.Digest != [32]byte{} {
		return h.Digest
	}
	v, err := jsonvalue.Parse(body, jsonvalue.Limits{Depth: storedDepth})
	if err != nil { // as a store of somebody else's may hold it
		return h.Digest
	}
	return v.Digest()
}

// strip returns a value without the members, and what stood there for a version.
// Objects that held nothing but them go with them; so do empty ones in their
// place, where every body shows the members and nobody can tell.
func (m *Members) strip(v jsonvalue.Value) (rest, version jsonvalue.Value) {
	rest, version = m.version.strip(v)
	for _, one := range []*member{&m.digest, &m.links, &m.meta, &m.provenance} {
		rest, _ = one.strip(rest)
	}
	return rest, version
}

func (m *member) strip(v jsonvalue.Value) (rest, was jsonvalue.Value) {
	rest, was = v.Without(m.at)
	if was.IsAbsent() && !m.always {
		return rest, was
	}
	for n := len(m.at) - 1; n > 0; n-- {
		if holder := rest.At(m.at[:n]); holder.Kind() == jsonvalue.KindObject && holder.Len() == 0 {
			rest, _ = rest.Without(m.at[:n])
		}
	}
	return rest, was
}

// obstacle returns what in a document is no object and would have to be one to
// show the members in it.
func (m *Members) obstacle(v jsonvalue.Value) (jsonvalue.Pointer, bool) {
	for _, one := range m.all() {
		for n := 1; n < len(one.at); n++ {
			kind := v.At(one.at[:n]).Kind()
			if kind == jsonvalue.KindAbsent {
				break
			}
			if kind != jsonvalue.KindObject {
				return one.at[:n], true
			}
		}
	}
	return nil, false
}

// readVersion reads what a client has put in the version's place. It reports
// false for anything but a positive integer, in the form that the contract
// writes. One beyond int64 is the greatest: no version is.
func (m *Members) readVersion(v jsonvalue.Value) (int64, bool) {
	want := jsonvalue.KindNumber
	if m.text {
		want = jsonvalue.KindString
	}
	text := v.Text()
	if v.Kind() != want || text == "" || text[0] < '1' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && n == 0 { // no digits; out of range it is the greatest
		return 0, false
	}
	return n, true
}
