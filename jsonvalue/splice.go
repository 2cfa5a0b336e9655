package jsonvalue

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendWith appends doc, the text of an object, with value as the member at p,
// and returns the extended slice: in place of the one that is there, else after
// the others of its object, in objects that it makes where they are missing. It
// is what [Value.With] does, without parsing doc and without changing any other
// byte of it. Where With would report false doc is appended as it is.
//
// doc and value must be JSON that [Parse] accepts. Cost is linear in doc, and
// little more than a copy where p has one token and no such name is in doc.
func AppendWith(dst, doc []byte, p Pointer, value []byte) []byte {
	if len(p) == 0 {
		return append(dst, doc...)
	}
	if end := len(doc) - 1; len(p) == 1 && end > 0 && doc[end] == '}' && !mayHold(doc, p[0]) {
		last := bytes.TrimRight(doc[:end], " \t\r\n")
		return appendMember(append(dst, doc[:end]...), last[len(last)-1] != '{', p, value, doc[end:])
	}
	s := splice{doc: doc}
	s.space()
	for i, token := range p {
		if s.peek() != '{' {
			break
		}
		found := s.member(token)
		switch {
		case !found: // s stands before the closing brace
			dst = append(dst, doc[:s.at]...)
			return appendMember(dst, !s.empty, p[i:], value, doc[s.at:])
		case i == len(p)-1:
			dst = append(append(dst, doc[:s.at]...), value...)
			s.value()
			return append(dst, doc[s.at:]...)
		}
	}
	return append(dst, doc...)
}

// mayHold tells whether a member of that name could be anywhere in doc. A name
// that needs no escape may be written with some: any of the form \u, or of the
// one other form that is never needed, will do.
func mayHold(doc []byte, name string) bool {
	quoted := append(make([]byte, 0, 64), '"')
	quoted = append(append(quoted, name...), '"')
	return bytes.Contains(doc, quoted) || plainPrefix(name) < len(name) ||
		bytes.Contains(doc, []byte(`\u`)) || bytes.Contains(doc, []byte(`\/`))
}

// appendMember appends a member, with the objects in which p nests it, and rest.
func appendMember(dst []byte, comma bool, p Pointer, value, rest []byte) []byte {
	if comma {
		dst = append(dst, ',')
	}
	for i, token := range p {
		if i > 0 {
			dst = append(dst, '{')
		}
		dst = append(appendString(dst, token, false), ':')
	}
	dst = append(dst, value...)
	for range p[1:] {
		dst = append(dst, '}')
	}
	return append(dst, rest...)
}

// splice walks over a JSON text that is known to be valid.
type splice struct {
	doc   []byte
	at    int
	empty bool // the object that member went through last has no members
}

// peek returns the byte at hand, 0 at the end.
func (s *splice) peek() byte {
	if s.at >= len(s.doc) {
		return 0
	}
	return s.doc[s.at]
}

func (s *splice) space() {
	for isBetweenTokens(s.peek()) {
		s.at++
	}
}

// member goes from the opening brace of an object to the value of a member, or
// to the closing brace where there is no such member.
func (s *splice) member(name string) bool {
	s.at++
	s.space()
	s.empty = s.peek() == '}'
	for s.peek() == '"' {
		start := s.at
		s.value()
		written := s.doc[start:s.at]
		s.space() // and the colon
		if isName(written, name) {
			return true
		}
		s.value()
		s.space() // and the comma
	}
	return false
}

func isName(written []byte, name string) bool {
	if bytes.IndexByte(written, '\\') < 0 {
		return string(written[1:len(written)-1]) == name
	}
	text, err := jsontext.AppendUnquote(nil, written)
	return err == nil && string(text) == name
}

// value goes behind the value at hand.
func (s *splice) value() {
	for depth := 0; s.at < len(s.doc); {
		switch c := s.doc[s.at]; c {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.at++
			continue
		case '}', ']':
			depth--
			s.at++
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
			continue
		default:
			s.word()
		}
		if depth <= 0 {
			return
		}
	}
}

// word goes behind a number or a literal.
func (s *splice) word() {
	for c := s.peek(); c != 0 && !isBetweenTokens(c) && c != '}' && c != ']'; c = s.peek() {
		s.at++
	}
}

// text goes behind a string.
func (s *splice) text() {
	for s.at++; s.at < len(s.doc); s.at++ {
		switch s.doc[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
}
