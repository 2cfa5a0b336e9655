package jsonvalue

import "slices"

// Without returns v less the member that p points to, and that member's value.
// Only members of objects are looked for: where p is empty, nothing is there, or
// an array or a scalar is on the way, v itself is returned with an absent value.
// What holds the member stays, even if it is empty then.
func (v Value) Without(p Pointer) (rest, was Value) {
	if len(p) == 0 || v.kind != KindObject {
		return v, Value{}
	}
	i := v.node.find(p[0])
	if i < 0 {
		return v, Value{}
	}
	if len(p) == 1 {
		members := slices.Concat(v.node.members[:i], v.node.members[i+1:])
		return newObject(members, v.node.verbatimNames), v.node.members[i].Value
	}
	below, was := v.node.members[i].Value.Without(p[1:])
	if was.IsAbsent() {
		return v, was
	}
	return v.replaced(i, below), was
}

// With returns v with m as the value at p: in place of the member that is there,
// else after the others of its object. Objects that are missing on the way are
// made. It reports false where p is empty, m is absent, or something on the way
// is no object.
func (v Value) With(p Pointer, m Value) (Value, bool) {
	if len(p) == 0 || m.IsAbsent() || v.kind != KindObject {
		return v, false
	}
	i := v.node.find(p[0])
	if len(p) > 1 {
		below := newObject(nil, true)
		if i >= 0 {
			below = v.node.members[i].Value
		}
		var ok bool
		if m, ok = below.With(p[1:], m); !ok {
			return v, false
		}
	}
	if i >= 0 {
		return v.replaced(i, m), true
	}
	verbatim := v.node.verbatimNames && plainPrefix(p[0]) == len(p[0])
	return newObject(append(slices.Clone(v.node.members), Member{Name: p[0], Value: m}), verbatim), true
}

// replaced returns an object with another value for member i.
func (v Value) replaced(i int, m Value) Value {
	members := slices.Clone(v.node.members)
	members[i].Value = m
	return newObject(members, v.node.verbatimNames)
}
