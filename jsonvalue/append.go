package jsonvalue

import "strconv"

// Append appends v as compact JSON and returns the extended slice. Member order
// and number spellings are kept; strings have no escapes but those that
// RFC 8259 §7 requires. An absent value appends nothing. Cost is linear in the
// size of the output.
func (v Value) Append(dst []byte) []byte {
	switch v.kind {
	case KindNumber:
		return append(dst, v.text...)
	case KindString:
		return appendString(dst, v.text, v.verbatim)
	case KindArray:
		dst = append(dst, '[')
		for i := range v.node.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.node.elems[i].Append(dst)
		}
		return append(dst, ']')
	case KindObject:
		dst = append(dst, '{')
		for i := range v.node.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			m := &v.node.members[i]
			dst = append(appendString(dst, m.Name, v.node.verbatimNames), ':')
			dst = m.Value.Append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, v.literal()...)
}

// literal returns the text of null, true and false, and nothing for absent.
func (v Value) literal() string {
	switch {
	case v.kind == KindNull:
		return "null"
	case v.kind == KindBool:
		return strconv.FormatBool(v.IsTrue())
	}
	return ""
}

// appendString appends s between quotes. verbatim says that nothing in it needs
// an escape.
func appendString(dst []byte, s string, verbatim bool) []byte {
	dst = append(dst, '"')
	for !verbatim {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		s = s[n:]
		if s == "" {
			break
		}
		dst = appendEscape(dst, s[0])
		s = s[1:]
	}
	return append(append(dst, s...), '"')
}

// plainPrefix returns how many bytes of s come before the first that must be
// escaped.
func plainPrefix(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// appendEscape appends the shortest escape of c, in the spelling that RFC 8785
// §3.2.2.2 wants.
func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
