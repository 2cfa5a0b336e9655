// Package jsonvalue holds one JSON text as an immutable tree: members in their
// order, numbers in their spelling, names unique.
//
// A document is parsed once ([Parse]), looked into ([Value.At]), compared
// ([Equal], [Identical]), hashed over its canonical form ([Value.Digest],
// RFC 8785) and printed ([Value.Append]). Numbers never pass through float64
// where that would change them.
//
// All functions and methods are safe for concurrent use.
package jsonvalue

import "strconv"

// Kind says what a [Value] is.
type Kind uint8

// The kinds. KindAbsent is the kind of the zero Value and differs from
// KindNull: it stands for "no value here" and has no JSON text.
const (
	KindAbsent Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

var kindNames = [...]string{"absent", "null", "boolean", "number", "string", "array", "object"}

// String returns the JSON name of the kind, such as "object".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one JSON value. It is immutable, cheap to copy and safe for
// concurrent use. The zero Value is absent. Do not compare Values with ==; use
// [Equal] or [Identical].
//
// Values made by [Parse] share one copy of the input, so a small part keeps the
// whole text in memory.
type Value struct {
	// text is the content of a string, the spelling of a number, or "true".
	text string
	node *node
	kind Kind
	// verbatim says that text stands between quotes as it is, without escapes.
	verbatim bool
}

// Member is one member of an object. In the objects of this package Name is
// valid UTF-8 and Value is not absent.
type Member struct {
	Name  string
	Value Value
}

const trueText = "true"

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsAbsent reports whether v is absent, which null is not.
func (v Value) IsAbsent() bool { return v.kind == KindAbsent }

// IsTrue reports whether v is the literal true.
func (v Value) IsTrue() bool { return v.kind == KindBool && v.text == trueText }

// Text returns the content of a string, unescaped, or the spelling of a number
// as it was parsed. It is empty for every other kind.
func (v Value) Text() string {
	if v.kind == KindString || v.kind == KindNumber {
		return v.text
	}
	return ""
}

// Len returns the number of elements of an array or members of an object, and
// 0 for every other kind.
func (v Value) Len() int {
	if v.node == nil {
		return 0
	}
	return len(v.node.elems) + len(v.node.members)
}

// Depth returns how deeply arrays and objects nest in v: 0 for a scalar, 1 for
// an empty array. A value that was put together may be deeper than
// [Limits.Depth] lets [Parse] read back.
func (v Value) Depth() int {
	if v.node == nil {
		return 0
	}
	return v.node.depth
}

// Elem returns element i of an array. It is absent when v is not an array or i
// is out of range.
func (v Value) Elem(i int) Value {
	if v.kind != KindArray || i < 0 || i >= len(v.node.elems) {
		return Value{}
	}
	return v.node.elems[i]
}

// Member returns member i of an object, in document order. It is the zero
// Member when v is not an object or i is out of range.
func (v Value) Member(i int) Member {
	if v.kind != KindObject || i < 0 || i >= len(v.node.members) {
		return Member{}
	}
	return v.node.members[i]
}

// Elems returns the elements of an array, and nil for every other kind. The
// slice is shared: it must not be written to. Appending to it copies it.
func (v Value) Elems() []Value {
	if v.kind != KindArray {
		return nil
	}
	return v.node.elems
}

// Members returns the members of an object in document order, and nil for every
// other kind. The slice is shared: it must not be written to. Appending to it
// copies it.
func (v Value) Members() []Member {
	if v.kind != KindObject {
		return nil
	}
	return v.node.members
}

// Lookup returns the value of the member of that name. It is absent when there
// is none or v is not an object. Many lookups in one large object cost O(1)
// each.
func (v Value) Lookup(name string) Value {
	if v.kind != KindObject {
		return Value{}
	}
	if i := v.node.find(name); i >= 0 {
		return v.node.members[i].Value
	}
	return Value{}
}
