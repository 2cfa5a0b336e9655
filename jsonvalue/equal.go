package jsonvalue

// Equal reports whether a and b are the same JSON value: member order does not
// count, 1.0 equals 1, and all digits count, also beyond float64. Absent equals
// only absent. Equal holds exactly if the digests are equal. Cost is linear in
// the size of the smaller value.
func Equal(a, b Value) bool { return equal(a, b, sameNumber) }

// Identical reports whether a and b have the same members, in any order, and
// the same number spellings: 1.0 is not identical to 1. Strings are compared by
// content, not by how they were escaped. Cost is as for [Equal].
func Identical(a, b Value) bool { return equal(a, b, sameSpelling) }

// Same reports whether a and b are one array or object, held once, as [ParseLike]
// makes them: they have one text then, in every byte that [Value.Append] prints. It
// costs nothing, and false says nothing.
func Same(a, b Value) bool { return a.node != nil && a.node == b.node }

func sameSpelling(a, b string) bool { return a == b }

func equal(a, b Value, sameNumber func(a, b string) bool) bool {
	if a.kind != b.kind || a.Len() != b.Len() {
		return false
	}
	switch a.kind {
	case KindNumber:
		return sameNumber(a.text, b.text)
	case KindArray:
		return a.node == b.node || equalElems(a.node, b.node, sameNumber)
	case KindObject:
		return a.node == b.node || equalMembers(a.node, b.node, sameNumber)
	}
	return a.text == b.text
}

func equalElems(a, b *node, sameNumber func(a, b string) bool) bool {
	for i := range a.elems {
		if !equal(a.elems[i], b.elems[i], sameNumber) {
			return false
		}
	}
	return true
}

// equalMembers compares objects of equally many members. Names are unique, so
// it is enough that each name of a is in b.
func equalMembers(a, b *node, sameNumber func(a, b string) bool) bool {
	for i := range a.members {
		m := &a.members[i]
		j := i
		if b.members[i].Name != m.Name {
			if j = b.find(m.Name); j < 0 {
				return false
			}
		}
		if !equal(m.Value, b.members[j].Value, sameNumber) {
			return false
		}
	}
	return true
}
