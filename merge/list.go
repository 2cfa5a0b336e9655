package merge

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// newKeyed finds the elements of a list by their key. It reports false if an
// element is no object, has no scalar at key, or shares it with another.
func newKeyed(v three, key jsonvalue.Pointer) (*named, bool) {
	return newNamed(v, func(e jsonvalue.Value) (jsonvalue.Value, bool) {
		name := e.At(key)
		return name, e.Kind() == jsonvalue.KindObject && shape(name) == 1
	})
}

// list merges element by element.
func (w *walker) list(at place, v three, n *named) (jsonvalue.Value, same) {
	decisions, disputes := len(w.decisions), len(w.disputes)
	merged := make([]jsonvalue.Value, len(n.texts))
	s := w.elements(at, v, n, merged)
	switch {
	case s.sides && s.alike:
		return v.theirs, s
	case s.theirsBase && !s.sides:
		return v.mine, s
	case s.mineBase && !s.sides:
		return v.theirs, s
	case s.sides: // equal as values, so that their order is not to be touched
		return arrayOf(merged, n.theirs.names), s
	}
	value, reason := w.arrange(n, merged)
	if reason != "" { // what was found inside is part of this
		w.decisions, w.disputes = w.decisions[:decisions], w.disputes[:disputes]
		return w.dispute(at, v, reason), s
	}
	w.decide(Both, string(List))
	return value, s
}

// elements merges every element that any side has, and tells what is the same.
func (w *walker) elements(at place, v three, n *named, merged []jsonvalue.Value) same {
	s := same{
		theirsBase: !v.base.IsAbsent() && slices.Equal(n.theirs.names, n.base.names),
		mineBase:   !v.base.IsAbsent() && slices.Equal(n.mine.names, n.base.names),
		sides:      slices.Equal(n.theirs.names, n.mine.names),
		alike:      true,
	}
	key := w.policy.fields[at.field].key
	beyond := len(n.theirs.names) // the number of the next element that theirs does not have
	for name := range merged {
		index := n.theirs.at[name]
		if index < 0 {
			index = beyond
			beyond++
		}
		values := three{n.base.element(name), n.theirs.element(name), n.mine.element(name)}
		token := strconv.Itoa(index)
		below := w.matcher.child(at, token, true)
		below.element = &element{key: values.keyAt(key), values: values, depth: len(w.path) + 1}
		value, child := w.child(below, token, values)
		s.and(child)
		merged[name] = value
	}
	return s
}

// keyAt returns the key of an element as a side that has it writes it.
func (v *three) keyAt(key jsonvalue.Pointer) jsonvalue.Value {
	for _, side := range []jsonvalue.Value{v.theirs, v.base, v.mine} {
		if !side.IsAbsent() {
			return side.At(key)
		}
	}
	return jsonvalue.Value{}
}

// arrange puts the elements of a list in order: those of base, then the new ones
// by their canonical bytes. Those bytes count as steps: what lies in lists in lists
// is written once for each.
func (w *walker) arrange(n *named, merged []jsonvalue.Value) (value jsonvalue.Value, reason string) {
	order, ok := n.survivors(merged)
	if !ok {
		return jsonvalue.Value{}, ReasonOrder
	}
	added := n.added(merged)
	if len(added) > 1 {
		if w.steps > maxSteps {
			return jsonvalue.Value{}, ReasonLimit
		}
		texts := make(map[int][]byte, len(added))
		for _, name := range added {
			texts[name] = merged[name].AppendCanonical(nil)
			w.steps += len(texts[name])
		}
		if w.steps > maxSteps {
			return jsonvalue.Value{}, ReasonLimit
		}
		slices.SortFunc(added, func(a, b int) int { return bytes.Compare(texts[a], texts[b]) })
	}
	return arrayOf(merged, order, added), ""
}
