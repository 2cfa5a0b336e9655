package patch

import "github.com/ifmatch/ifmatch/jsonvalue"

// sizeUpTo returns the length of v as compact JSON, or some number above limit
// as soon as it is known to be longer.
func sizeUpTo(v jsonvalue.Value, limit int64) int64 {
	const brackets, null = 2, 4
	switch v.Kind() {
	case jsonvalue.KindAbsent:
		return 0
	case jsonvalue.KindNull:
		return null
	case jsonvalue.KindBool:
		if v.IsTrue() {
			return int64(len("true"))
		}
		return int64(len("false"))
	case jsonvalue.KindNumber:
		return int64(len(v.Text()))
	case jsonvalue.KindString:
		return quotedSize(v.Text())
	}
	// Each element or member but the first has a comma before it.
	size := int64(brackets + max(v.Len()-1, 0))
	for _, elem := range v.Elems() {
		if size > limit {
			return size
		}
		size += sizeUpTo(elem, limit-size)
	}
	for _, m := range v.Members() {
		if size > limit {
			return size
		}
		size += quotedSize(m.Name) + 1
		size += sizeUpTo(m.Value, limit-size)
	}
	return size
}

// quotedSize returns the length of s as a JSON string with no escapes but those
// that RFC 8259 §7 requires, each in its shortest form.
func quotedSize(s string) int64 {
	size := len(s) + len(`""`)
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c != '"' && c != '\\':
		case c >= ' ', c == '\b', c == '\t', c == '\n', c == '\f', c == '\r':
			size++
		default:
			size += len(`\u0000`) - 1
		}
	}
	return int64(size)
}
