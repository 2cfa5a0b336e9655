package view

import (
	"fmt"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// AmbiguousError says that elements of an array hold what is hidden, and that it
// cannot be told which of them came back.
type AmbiguousError struct{ Path jsonvalue.Pointer }

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("view: it cannot be told which elements of %q came back", e.Path.String())
}

// Brings reports whether a document has a value in a hidden place.
func (v *View) Brings(document jsonvalue.Value) bool {
	return v != nil && !jsonvalue.Identical(v.Value(document), document)
}

// BringsAt reports whether a value at a path has one.
func (v *View) BringsAt(path jsonvalue.Pointer, value jsonvalue.Value) bool {
	return v != nil && !jsonvalue.Identical(v.At(path, value), value)
}

// Keep returns the document that a caller means who has seen what is stored and wants
// it to be written: with the hidden values of stored in the places in which written
// has none. What the caller sees and takes away goes with all that is in it; what
// they do not see can be replaced, not taken away.
//
// Elements of an array are known by the key of their list, else by what is seen of
// them, else by their order, where as many went as came. It fails with an
// [*AmbiguousError] where that does not tell.
func (v *View) Keep(stored, written jsonvalue.Value) (jsonvalue.Value, error) {
	if v == nil || stored.Kind() != jsonvalue.KindObject || written.Kind() != jsonvalue.KindObject {
		return written, nil
	}
	return v.keepMembers(v.top(), stored, written, nil)
}

// KeepAt is Keep for the values at a path of a document.
func (v *View) KeepAt(path jsonvalue.Pointer, stored, written jsonvalue.Value) (jsonvalue.Value, error) {
	for _, s := range v.spots(path) {
		var err error
		if written, err = v.keep(s, stored, written, path); err != nil {
			return written, err
		}
	}
	return written, nil
}

func (v *View) keep(s spot, stored, written jsonvalue.Value, at jsonvalue.Pointer) (jsonvalue.Value, error) {
	switch kind := stored.Kind(); {
	case written.IsAbsent():
		return v.unseen(s, stored), nil
	case kind != written.Kind(), !s.hidden && s.ends():
		return written, nil
	case kind == jsonvalue.KindObject:
		return v.keepMembers(s, stored, written, at)
	case kind == jsonvalue.KindArray && !s.hidden:
		return v.keepElems(s, stored, written, at)
	}
	return written, nil
}

func (v *View) keepMembers(s spot, stored, written jsonvalue.Value, at jsonvalue.Pointer) (jsonvalue.Value, error) {
	members := make([]jsonvalue.Member, 0, stored.Len()+written.Len())
	for _, m := range written.Members() {
		if was := stored.Lookup(m.Name); !was.IsAbsent() {
			var err error
			if m.Value, err = v.keep(v.below(s, m.Name, false), was, m.Value, append(at[:len(at):len(at)], m.Name)); err != nil {
				return written, err
			}
		}
		members = append(members, m)
	}
	for _, m := range stored.Members() {
		if written.Lookup(m.Name).IsAbsent() {
			if m.Value = v.unseen(v.below(s, m.Name, false), m.Value); !m.Value.IsAbsent() {
				members = append(members, m)
			}
		}
	}
	return object(members), nil
}

// unseen returns what stays of a stored value that is not in what was written.
func (v *View) unseen(s spot, stored jsonvalue.Value) jsonvalue.Value {
	if !s.hidden {
		return jsonvalue.Value{}
	}
	if s.ends() || stored.Kind() != jsonvalue.KindObject || stored.Len() == 0 {
		return stored
	}
	var members []jsonvalue.Member
	for _, m := range stored.Members() {
		if m.Value = v.unseen(v.below(s, m.Name, false), m.Value); !m.Value.IsAbsent() {
			members = append(members, m)
		}
	}
	if members == nil {
		return jsonvalue.Value{}
	}
	return object(members)
}

func (v *View) keepElems(s spot, stored, written jsonvalue.Value, at jsonvalue.Pointer) (jsonvalue.Value, error) {
	element := v.below(s, "", true)
	if element.hidden {
		return jsonvalue.Array(append(stored.Elems(), written.Elems()...)...), nil
	}
	if element.ends() {
		return written, nil
	}
	from, ok := v.aligned(s, element, stored, written)
	if !ok {
		return written, &AmbiguousError{Path: at}
	}
	elems := make([]jsonvalue.Value, written.Len())
	for i, e := range written.Elems() {
		if elems[i] = e; from[i] != none {
			var err error
			if elems[i], err = v.keep(element, stored.Elem(from[i]), e, append(at[:len(at):len(at)], fmt.Sprint(i))); err != nil {
				return written, err
			}
		}
	}
	return jsonvalue.Array(elems...), nil
}

// aligned returns which elements of an array at a spot have come back, as of
// [alignment.run].
func (v *View) aligned(s, element spot, stored, written jsonvalue.Value) (from []int, ok bool) {
	a := alignment{was: v.shown(element, stored), is: v.shown(element, written)}
	if f := s.list.Field(); f >= 0 {
		a.key = v.fields.keys[f]
	}
	return a.run()
}

// shown returns what is seen of the elements of an array.
func (v *View) shown(element spot, array jsonvalue.Value) []jsonvalue.Value {
	elems := make([]jsonvalue.Value, array.Len())
	for i, e := range array.Elems() {
		elems[i] = v.seen(element, e)
	}
	return elems
}
