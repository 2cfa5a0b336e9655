package merge

import (
	"bytes"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// arrays returns the elements of the three sides, a base that never was having
// none, and whether all are arrays.
func (v *three) arrays() (base, theirs, mine []jsonvalue.Value, ok bool) {
	if !v.mergeable(jsonvalue.KindArray) {
		return nil, nil, nil, false
	}
	return v.base.Elems(), v.theirs.Elems(), v.mine.Elems(), true
}

// appendBoth puts what mine added to base behind theirs.
func appendBoth(v three) (jsonvalue.Value, string) {
	base, theirs, mine, ok := v.arrays()
	if !ok || !grown(base, theirs) || !grown(base, mine) {
		return jsonvalue.Value{}, ReasonUnfit
	}
	return jsonvalue.Array(slices.Concat(theirs, mine[len(base):])...), ""
}

// grown reports whether elems is base with nothing but more behind it.
func grown(base, elems []jsonvalue.Value) bool {
	return len(base) <= len(elems) && slices.EqualFunc(base, elems[:len(base)], jsonvalue.Equal)
}

// unite merges arrays whose order means nothing.
func unite(v three) (jsonvalue.Value, string) {
	var sides [3]*index
	for i, side := range []jsonvalue.Value{v.base, v.theirs, v.mine} {
		if side.Kind() != jsonvalue.KindArray && (i > 0 || !side.IsAbsent()) {
			return jsonvalue.Value{}, ReasonUnfit
		}
		indexed, ok := newIndex(side.Elems(), func(e jsonvalue.Value) (jsonvalue.Value, bool) { return e, true })
		if !ok {
			return jsonvalue.Value{}, ReasonUnfit
		}
		sides[i] = indexed
	}
	base, theirs, mine := sides[0], sides[1], sides[2]
	merged := make(map[string]jsonvalue.Value)
	for _, name := range base.names {
		if theirs.has(name) && mine.has(name) {
			merged[name] = agree(three{base.value(name), theirs.value(name), mine.value(name)})
		}
	}
	for _, side := range []*index{theirs, mine} {
		for _, name := range side.names {
			if !base.has(name) {
				merged[name] = agree(three{theirs: theirs.orElse(mine, name), mine: mine.orElse(theirs, name)})
			}
		}
	}
	elems, ok := arrange(base, theirs, mine, merged)
	if !ok {
		return jsonvalue.Value{}, ReasonOrder
	}
	return jsonvalue.Array(elems...), ""
}

// index finds the elements of an array by name: the canonical form of what tells
// them apart.
type index struct {
	names []string // in order
	at    map[string]int
	elems []jsonvalue.Value
}

// newIndex reports false if an element has no name, or two have one name.
func newIndex(elems []jsonvalue.Value, name func(jsonvalue.Value) (jsonvalue.Value, bool)) (*index, bool) {
	x := &index{at: make(map[string]int, len(elems)), elems: elems}
	var text []byte
	for i, e := range elems {
		key, ok := name(e)
		if !ok {
			return nil, false
		}
		text = key.AppendCanonical(text[:0])
		if _, twice := x.at[string(text)]; twice {
			return nil, false
		}
		x.names = append(x.names, string(text))
		x.at[x.names[i]] = i
	}
	return x, true
}

func (x *index) has(name string) bool { _, ok := x.at[name]; return ok }

// value returns the element of a name, absent if there is none.
func (x *index) value(name string) jsonvalue.Value {
	if i, ok := x.at[name]; ok {
		return x.elems[i]
	}
	return jsonvalue.Value{}
}

func (x *index) orElse(other *index, name string) jsonvalue.Value {
	if x.has(name) {
		return x.value(name)
	}
	return other.value(name)
}

// arrange puts the merged elements in order: those of base first, as the side
// that moved them has them, then the new ones by their canonical bytes. It
// reports false if both sides moved them, differently.
func arrange(base, theirs, mine *index, merged map[string]jsonvalue.Value) ([]jsonvalue.Value, bool) {
	everywhere := func(x *index) []string {
		var names []string
		for _, name := range x.names {
			if _, ok := merged[name]; ok && base.has(name) && theirs.has(name) && mine.has(name) {
				names = append(names, name)
			}
		}
		return names
	}
	order, theirOrder, myOrder := everywhere(base), everywhere(theirs), everywhere(mine)
	switch {
	case slices.Equal(order, myOrder):
		order = theirOrder
	case slices.Equal(order, theirOrder), slices.Equal(myOrder, theirOrder):
		order = myOrder
	default:
		return nil, false
	}
	elems := make([]jsonvalue.Value, 0, len(merged))
	stay := onesided(order, base, merged)
	for _, name := range append(stay[""], order...) {
		elems = append(elems, merged[name])
		for _, behind := range stay[name] {
			elems = append(elems, merged[behind])
		}
	}
	return append(elems, added(base, merged)...), true
}

// onesided returns the elements of base that stay though one side has removed
// them, under the name of the one in order that they follow in base, or under no
// name.
func onesided(order []string, base *index, merged map[string]jsonvalue.Value) map[string][]string {
	placed := make(map[string]bool, len(order))
	for _, name := range order {
		placed[name] = true
	}
	stay := make(map[string][]string)
	before := ""
	for _, name := range base.names {
		switch _, stays := merged[name]; {
		case placed[name]:
			before = name
		case stays:
			stay[before] = append(stay[before], name)
		}
	}
	return stay
}

// added returns what base does not have, ordered by canonical bytes.
func added(base *index, merged map[string]jsonvalue.Value) []jsonvalue.Value {
	type bytewise struct {
		text  []byte
		value jsonvalue.Value
	}
	var fresh []bytewise
	for name, value := range merged {
		if !base.has(name) {
			fresh = append(fresh, bytewise{value.AppendCanonical(nil), value})
		}
	}
	slices.SortFunc(fresh, func(a, b bytewise) int { return bytes.Compare(a.text, b.text) })
	values := make([]jsonvalue.Value, len(fresh))
	for i, f := range fresh {
		values[i] = f.value
	}
	return values
}
