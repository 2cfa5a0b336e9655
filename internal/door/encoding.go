package door

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
)

// Coding is one content coding that answers may have (RFC 9110 §8.4.1).
type Coding struct {
	Name string // as in Accept-Encoding, in lower case
	// Encode appends src in this coding to dst. It must be safe for concurrent use.
	Encode func(dst, src []byte) []byte
}

// minEncoded is the size from which answers are compressed: smaller ones fit a
// packet anyway.
const minEncoded = 1 << 10

// Representation is what a read of one state answers with.
type Representation struct {
	ETag   ifmatch.ETag
	coding *Coding // nil where the body goes out as it is
}

// Represent returns the representation of a state that answers a read (RFC 9110
// §12.5.3): in the coding that the reader prefers, if size, the bytes of its body,
// is large enough. A reader who has the state already, and is told so, is told
// the tag of the coding that it has, as long as it accepts that. A weak tag is
// that of all codings.
func (d *Door) Represent(r *http.Request, state ifmatch.ETag, size int, c *ifmatch.Conditions, notModified bool) Representation {
	lines := r.Header["Accept-Encoding"]
	if lines == nil || size < minEncoded || len(d.Codings) == 0 {
		return Representation{ETag: state}
	}
	best := d.preferred(lines)
	chosen := representationIn(best, state)
	if !notModified || lists(c, chosen.ETag) {
		return chosen
	}
	if plain := (Representation{ETag: state}); lists(c, state) && weight(lines, identity) != 0 {
		return plain
	}
	for i := range d.Codings {
		coding := &d.Codings[i]
		if other := representationIn(coding, state); lists(c, other.ETag) && weight(lines, coding.Name) > 0 {
			return other
		}
	}
	return chosen
}

func representationIn(coding *Coding, state ifmatch.ETag) Representation {
	if coding == nil {
		return Representation{ETag: state}
	}
	return Representation{ETag: state.WithCoding(coding.Name), coding: coding}
}

// lists tells whether If-None-Match has a tag.
func lists(c *ifmatch.Conditions, tag ifmatch.ETag) bool {
	for listed := range c.IfNoneMatch.All() {
		if listed.WeakMatch(tag) {
			return true
		}
	}
	return false
}

// Send answers 200 with a body of JSON in its representation.
func (as Representation) Send(w http.ResponseWriter, r *http.Request, body []byte) {
	as.send(w, r, typeJSON, body)
}

// SendAs is Send with a body of another media type.
func (as Representation) SendAs(w http.ResponseWriter, r *http.Request, media string, body []byte) {
	as.send(w, r, []string{media}, body)
}

func (as Representation) send(w http.ResponseWriter, r *http.Request, media []string, body []byte) {
	h := w.Header()
	if as.coding != nil {
		body = as.coding.encoded(r.URL.Path, body)
		h["Content-Encoding"] = []string{as.coding.Name}
	}
	SetReprDigest(h, r, body)
	setBody(h, media, len(body))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}

// identity is the coding of what goes out as it is.
const identity = "identity"

// preferred returns the coding with the greatest weight, of equal ones the first
// of Codings, nil for identity.
func (d *Door) preferred(lines []string) *Coding {
	var best *Coding
	most := max(weight(lines, identity), 1) // what has no weight is not accepted
	for i := range d.Codings {
		w := weight(lines, d.Codings[i].Name)
		if w > most || best == nil && w == most {
			best, most = &d.Codings[i], w
		}
	}
	return best
}

// notNamed is the weight of a coding that Accept-Encoding says nothing about.
const notNamed = -1

// weight returns what Accept-Encoding says about a coding, in thousandths (RFC
// 9110 §12.5.3); "*" speaks for those that it does not name. Members that cannot
// be read say nothing.
func weight(lines []string, coding string) int {
	rest := notNamed
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(member, ";")
			name = strings.TrimSpace(name)
			w, ok := quality(params)
			switch {
			case !ok:
			case strings.EqualFold(name, coding), coding == "gzip" && strings.EqualFold(name, "x-gzip"):
				return w
			case name == "*":
				rest = w
			}
		}
	}
	return rest
}

// quality reads ";q=0.5", without the semicolon, in thousandths; nothing is 1.
func quality(params string) (int, bool) {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1000, true
	}
	name, value, ok := strings.Cut(params, "=")
	if !ok || !strings.EqualFold(name, "q") || len(value) > len("0.123") {
		return 0, false
	}
	q, err := strconv.ParseFloat(value, 64)
	return int(q*1000 + 0.5), err == nil && q >= 0 && q <= 1
}
