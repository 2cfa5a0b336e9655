package engine

import (
	"encoding/hex"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

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
