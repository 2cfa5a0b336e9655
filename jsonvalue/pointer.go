package jsonvalue

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON Pointer (RFC 6901) as its decoded reference tokens. The
// empty Pointer means the whole document.
type Pointer []string

// PointerError says why a text is not a JSON Pointer.
type PointerError struct {
	// Text is the refused text.
	Text string
	// Offset is the position of the fault in bytes.
	Offset int
	// Reason is ReasonSyntax or ReasonInvalidUTF8.
	Reason string
}

// Error returns a sentence that says where the fault is and what to do.
func (e *PointerError) Error() string {
	what := `begin it with "/", and write "~" as "~0" and "/" within a name as "~1"`
	if e.Reason == ReasonInvalidUTF8 {
		what = "encode it as UTF-8"
	}
	return fmt.Sprintf("jsonvalue: %q is not a JSON Pointer (RFC 6901) at byte %d: %s", shorten(e.Text), e.Offset, what)
}

// ParsePointer reads a JSON Pointer in its string form (RFC 6901 §3). It fails
// with a [*PointerError] if s is neither empty nor begins with "/", holds a "~"
// that neither 0 nor 1 follows, or is not valid UTF-8. The URI fragment form
// (RFC 6901 §6) is not read.
func ParsePointer(s string) (Pointer, error) {
	if s == "" {
		return Pointer{}, nil
	}
	if s[0] != '/' {
		return nil, &PointerError{Text: s, Reason: ReasonSyntax}
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, &PointerError{Text: s, Offset: i, Reason: ReasonInvalidUTF8}
		case r == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1'):
			return nil, &PointerError{Text: s, Offset: i, Reason: ReasonSyntax}
		}
		i += size
	}
	p := Pointer(strings.Split(s[1:], "/"))
	for i, token := range p {
		if strings.IndexByte(token, '~') >= 0 {
			// In this order (RFC 6901 §4): ~01 is "~1", not "/".
			p[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		}
	}
	return p, nil
}

// String returns the string form, which [ParsePointer] reads back.
func (p Pointer) String() string { return string(p.Append(nil)) }

// Append appends the string form and returns the extended slice.
func (p Pointer) Append(dst []byte) []byte {
	for _, token := range p {
		dst = append(dst, '/')
		for i := 0; i < len(token); i++ {
			switch token[i] {
			case '~':
				dst = append(dst, "~0"...)
			case '/':
				dst = append(dst, "~1"...)
			default:
				dst = append(dst, token[i])
			}
		}
	}
	return dst
}

// HasPrefix reports whether prefix leads to where p points, or to something that
// holds it: whether p is prefix, or prefix with more tokens behind.
func (p Pointer) HasPrefix(prefix Pointer) bool {
	return len(p) >= len(prefix) && slices.Equal(p[:len(prefix)], prefix)
}

// At returns the value that p points to in v. It is absent when nothing is
// there: no such member, an index out of range or with a leading zero, "-", or
// a token that goes into a scalar.
func (v Value) At(p Pointer) Value {
	for _, token := range p {
		switch v.kind {
		case KindObject:
			v = v.Lookup(token)
		case KindArray:
			i, ok := ArrayIndex(token, v.Len())
			if !ok {
				return Value{}
			}
			v = v.node.elems[i]
		default:
			return Value{}
		}
	}
	return v
}

// ArrayIndex reads a reference token as the index of an element in an array of
// that length (RFC 6901 §4): digits without a leading zero, below length. "-",
// which names the place after the last element, is not an index of one.
func ArrayIndex(token string, length int) (int, bool) {
	if token == "" || len(token) > 1 && token[0] == '0' {
		return 0, false
	}
	index := 0
	for i := 0; i < len(token); i++ {
		if token[i] < '0' || token[i] > '9' {
			return 0, false
		}
		if index = 10*index + int(token[i]-'0'); index >= length {
			return 0, false
		}
	}
	return index, true
}
