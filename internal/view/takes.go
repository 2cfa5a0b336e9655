package view

import "github.com/ifmatch/ifmatch/jsonvalue"

// Takes reports whether hidden values can be lost where a document that is seen as was
// comes to be written as is, which brings none: with something that is taken away or
// replaced, whoever has read it. It depends on what is seen alone, so that it does not
// tell whether there are any.
func (v *View) Takes(was, is jsonvalue.Value) bool { return v != nil && v.takes(v.top(), was, is) }

func (v *View) takes(s spot, was, is jsonvalue.Value) bool {
	switch kind := was.Kind(); {
	case !s.hidden && s.ends():
		return false
	case was.IsAbsent():
		return s.hidden && !is.IsAbsent() // for a hidden value of another kind may stand there
	case kind == jsonvalue.KindObject && kind == is.Kind():
		return v.takesMembers(s, was, is)
	case kind == jsonvalue.KindObject && s.hidden: // what is not seen of it stays
		return !is.IsAbsent() || v.takesMembers(s, was, is)
	case kind == jsonvalue.KindArray:
		return v.takesElems(s, was, is)
	}
	return was.Kind() == jsonvalue.KindObject
}

func (v *View) takesMembers(s spot, was, is jsonvalue.Value) bool {
	for _, m := range was.Members() {
		if v.takes(v.below(s, m.Name, false), m.Value, is.Lookup(m.Name)) {
			return true
		}
	}
	for _, m := range is.Members() {
		if was.Lookup(m.Name).IsAbsent() && v.takes(v.below(s, m.Name, false), jsonvalue.Value{}, m.Value) {
			return true
		}
	}
	return false
}

func (v *View) takesElems(s spot, was, is jsonvalue.Value) bool {
	element, stays := v.below(s, "", true), is.Kind() == jsonvalue.KindArray
	switch {
	case element.hidden:
		return !stays
	case element.ends():
		return false
	case !stays:
		is = jsonvalue.Array()
	}
	from, ok := v.aligned(s, element, was, is)
	if !ok { // which is refused where it is written
		return false
	}
	left := make([]jsonvalue.Value, was.Len())
	for i, j := range from {
		if j != none {
			left[j] = is.Elem(i)
		}
	}
	for j, e := range was.Elems() {
		if v.takes(element, e, left[j]) {
			return true
		}
	}
	return false
}
