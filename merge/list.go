package merge

import (
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// keyed is the three sides of a list with their elements found by key.
type keyed struct {
	key                jsonvalue.Pointer
	base, theirs, mine *index
}

// newKeyed reports false if an element is no object, has no scalar at key, or
// shares it with another.
func newKeyed(v three, key jsonvalue.Pointer) (*keyed, bool) {
	k := &keyed{key: key}
	name := func(e jsonvalue.Value) (jsonvalue.Value, bool) {
		name := e.At(key)
		return name, e.Kind() == jsonvalue.KindObject && shape(name) == 1
	}
	for _, side := range []struct {
		elems []jsonvalue.Value
		into  **index
	}{{v.base.Elems(), &k.base}, {v.theirs.Elems(), &k.theirs}, {v.mine.Elems(), &k.mine}} {
		indexed, ok := newIndex(side.elems, name)
		if !ok {
			return nil, false
		}
		*side.into = indexed
	}
	return k, true
}

// list merges element by element.
func (w *walker) list(at place, v three, k *keyed) (jsonvalue.Value, same) {
	decisions, disputes := len(w.decisions), len(w.disputes)
	merged := make(map[string]jsonvalue.Value)
	s := w.elements(at, v, k, merged)
	switch {
	case s.sides && s.alike:
		return v.theirs, s
	case s.theirsBase && !s.sides:
		return v.mine, s
	case s.mineBase && !s.sides:
		return v.theirs, s
	}
	if s.sides { // equal as values, so that their order is not to be touched
		elems := make([]jsonvalue.Value, len(k.theirs.names))
		for i, name := range k.theirs.names {
			elems[i] = merged[name]
		}
		return jsonvalue.Array(elems...), s
	}
	elems, ok := arrange(k.base, k.theirs, k.mine, merged)
	if !ok { // what was found inside is part of this
		w.decisions, w.disputes = w.decisions[:decisions], w.disputes[:disputes]
		return w.dispute(at, v, ReasonOrder), s
	}
	w.decide(Both, string(List))
	return jsonvalue.Array(elems...), s
}

// elements merges every element that any side has, and tells what is the same.
func (w *walker) elements(at place, v three, k *keyed, merged map[string]jsonvalue.Value) same {
	s := same{
		theirsBase: !v.base.IsAbsent() && slices.Equal(k.theirs.names, k.base.names),
		mineBase:   !v.base.IsAbsent() && slices.Equal(k.mine.names, k.base.names),
		sides:      slices.Equal(k.theirs.names, k.mine.names),
		alike:      true,
	}
	beyond := len(k.theirs.names) // the number of the next element that theirs does not have
	visit := func(name string) {
		token, has := k.theirs.at[name]
		if !has {
			token = beyond
			beyond++
		}
		values := three{k.base.value(name), k.theirs.value(name), k.mine.value(name)}
		below := w.matcher.child(at, strconv.Itoa(token), true)
		below.element = &element{key: k.keyOf(values), values: values, depth: len(w.path) + 1}
		value, child := w.child(below, strconv.Itoa(token), values)
		s.and(child)
		if !value.IsAbsent() {
			merged[name] = value
		}
	}
	for _, name := range k.base.names {
		visit(name)
	}
	for _, name := range k.theirs.names {
		if !k.base.has(name) {
			visit(name)
		}
	}
	for _, name := range k.mine.names {
		if !k.base.has(name) && !k.theirs.has(name) {
			visit(name)
		}
	}
	return s
}

// keyOf returns the key as a side that has the element writes it.
func (k *keyed) keyOf(v three) jsonvalue.Value {
	for _, side := range []jsonvalue.Value{v.theirs, v.base, v.mine} {
		if !side.IsAbsent() {
			return side.At(k.key)
		}
	}
	return jsonvalue.Value{}
}
