package engine

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/ifmatch/ifmatch"
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
