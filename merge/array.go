package merge

import (
	"slices"
	"strings"

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
	if _, _, _, ok := v.arrays(); !ok {
		return jsonvalue.Value{}, ReasonUnfit
	}
	n, ok := newMembers(v)
	if !ok {
		return jsonvalue.Value{}, ReasonUnfit
	}
	merged := make([]jsonvalue.Value, len(n.texts))
	for name := range merged {
		base, theirs, mine := n.base.element(name), n.theirs.element(name), n.mine.element(name)
		switch {
		case base.IsAbsent() && theirs.IsAbsent():
			merged[name] = mine
		case base.IsAbsent() && mine.IsAbsent():
			merged[name] = theirs
		case !theirs.IsAbsent() && !mine.IsAbsent():
			merged[name] = agree(three{base, theirs, mine})
		}
	}
	order, ok := n.survivors(merged)
	if !ok {
		return jsonvalue.Value{}, ReasonOrder
	}
	added := n.added(merged)
	slices.SortFunc(added, func(a, b int) int { return strings.Compare(n.texts[a], n.texts[b]) })
	return arrayOf(merged, order, added), ""
}

// named is the three sides of an array whose elements are told apart by a name:
// what they are, or their key. Names are numbers, in the order in which base, then
// theirs, then mine has them.
type named struct {
	texts              []string // by name: its canonical form
	base, theirs, mine listing
}

// listing is one side.
type listing struct {
	elems []jsonvalue.Value
	names []int // of the elements, in order
	at    []int // by name: the position of the element, -1 where there is none
}

// newMembers tells the elements of a set apart by what they are. It reports false
// if a side has two that are equal.
func newMembers(v three) (*named, bool) {
	return newNamed(v, func(e jsonvalue.Value) (jsonvalue.Value, bool) { return e, true })
}

// newNamed reports false if an element has no name, or two of one side have one
// name.
func newNamed(v three, name func(jsonvalue.Value) (jsonvalue.Value, bool)) (*named, bool) {
	n := &named{
		base: listing{elems: v.base.Elems()}, theirs: listing{elems: v.theirs.Elems()}, mine: listing{elems: v.mine.Elems()},
	}
	sides := [...]*listing{&n.base, &n.theirs, &n.mine}
	numbers := newNumbering()
	var text []byte
	for _, side := range sides {
		side.names = make([]int, len(side.elems))
		for i, e := range side.elems {
			key, ok := name(e)
			if !ok {
				return nil, false
			}
			text = key.AppendCanonical(text[:0])
			side.names[i] = numbers.number(text)
		}
	}
	n.texts = numbers.texts
	for _, side := range sides {
		if !side.locate(len(n.texts)) {
			return nil, false
		}
	}
	return n, true
}

// locate notes where the elements are, and reports false if two have one name.
func (l *listing) locate(names int) bool {
	l.at = slices.Repeat([]int{-1}, names)
	for i, name := range l.names {
		if l.at[name] >= 0 {
			return false
		}
		l.at[name] = i
	}
	return true
}

func (l *listing) has(name int) bool { return l.at[name] >= 0 }

// element returns the element of a name, absent if there is none.
func (l *listing) element(name int) jsonvalue.Value {
	if i := l.at[name]; i >= 0 {
		return l.elems[i]
	}
	return jsonvalue.Value{}
}

// survivors puts the merged elements that base has in order, as the side that
// moved them has them. It reports false if both sides moved them, differently.
func (n *named) survivors(merged []jsonvalue.Value) (order []int, ok bool) {
	everywhere := func(l *listing) []int {
		names := make([]int, 0, len(l.names))
		for _, name := range l.names {
			if !merged[name].IsAbsent() && n.base.has(name) && n.theirs.has(name) && n.mine.has(name) {
				names = append(names, name)
			}
		}
		return names
	}
	order, theirOrder, myOrder := everywhere(&n.base), everywhere(&n.theirs), everywhere(&n.mine)
	switch {
	case slices.Equal(order, myOrder):
		order = theirOrder
	case slices.Equal(order, theirOrder), slices.Equal(myOrder, theirOrder):
		order = myOrder
	default:
		return nil, false
	}
	return n.withKept(order, merged), true
}

// withKept puts the elements of base that stay though one side has removed them
// behind the ones that they follow in base.
func (n *named) withKept(order []int, merged []jsonvalue.Value) []int {
	const front = -1
	kept := make(map[int][]int) // by the name that they follow
	before := front
	for _, name := range n.base.names {
		switch {
		case merged[name].IsAbsent():
		case n.theirs.has(name) && n.mine.has(name):
			before = name
		default:
			kept[before] = append(kept[before], name)
		}
	}
	if len(kept) == 0 {
		return order
	}
	all := slices.Clone(kept[front])
	for _, name := range order {
		all = append(append(all, name), kept[name]...)
	}
	return all
}

// added returns what base does not have.
func (n *named) added(merged []jsonvalue.Value) []int {
	var names []int
	for name, v := range merged {
		if !v.IsAbsent() && !n.base.has(name) {
			names = append(names, name)
		}
	}
	return names
}

// arrayOf returns an array of merged elements by their names.
func arrayOf(merged []jsonvalue.Value, names ...[]int) jsonvalue.Value {
	var elems []jsonvalue.Value
	for _, some := range names {
		elems = slices.Grow(elems, len(some))
		for _, name := range some {
			elems = append(elems, merged[name])
		}
	}
	return jsonvalue.Array(elems...)
}
