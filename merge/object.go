package merge

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// object merges member by member.
func (w *walker) object(at place, v three) (jsonvalue.Value, same) {
	first := len(w.members)
	s, survivors := w.visitMembers(at, v)
	merged := w.pop(first)
	switch {
	case s.alike && s.sides && sameNames(v.theirs, v.mine):
		return v.theirs, s
	case s.theirsBase && !s.sides:
		return v.mine, s
	case s.mineBase && !s.sides:
		return v.theirs, s
	}
	if v.base.IsAbsent() && !s.sides {
		w.decide(Both, RuleAdded)
	}
	s.alike = false
	sortNames(merged[survivors:])
	return mustObject(merged), s
}

// visitMembers merges each member and leaves what there is of them on top of the
// walker's members, new ones behind the survivors of base.
func (w *walker) visitMembers(at place, v three) (s same, survivors int) {
	s = same{theirsBase: !v.base.IsAbsent(), mineBase: !v.base.IsAbsent(), sides: true, alike: true}
	visit := func(name string, values three) {
		value, child := w.child(w.matcher.child(at, name, false), name, values)
		s.and(child)
		if !value.IsAbsent() {
			w.members = append(w.members, jsonvalue.Member{Name: name, Value: value})
		}
	}
	first := len(w.members)
	w.members = slices.Grow(w.members, max(v.theirs.Len(), v.mine.Len()))
	theirs, mine := finder{object: v.theirs}, finder{object: v.mine}
	for _, m := range v.base.Members() {
		visit(m.Name, three{m.Value, theirs.find(m.Name), mine.find(m.Name)})
	}
	survivors = len(w.members) - first
	if theirs.found < v.theirs.Len() {
		for _, m := range v.theirs.Members() {
			if v.base.Lookup(m.Name).IsAbsent() {
				visit(m.Name, three{theirs: m.Value, mine: mine.find(m.Name)})
			}
		}
	}
	if mine.found < v.mine.Len() {
		for _, m := range v.mine.Members() {
			if v.base.Lookup(m.Name).IsAbsent() && v.theirs.Lookup(m.Name).IsAbsent() {
				visit(m.Name, three{mine: m.Value})
			}
		}
	}
	return s, survivors
}

// finder looks members up, first where they stand if the names come in the order
// of the object but for one here and there.
type finder struct {
	object jsonvalue.Value
	next   int
	found  int
}

func (f *finder) find(name string) jsonvalue.Value {
	for i := f.next; i < f.next+2; i++ {
		if m := f.object.Member(i); m.Name == name && !m.Value.IsAbsent() {
			f.next = i + 1
			f.found++
			return m.Value
		}
	}
	v := f.object.Lookup(name)
	if !v.IsAbsent() {
		f.found++
	}
	return v
}

// child merges one step below the walker's path.
func (w *walker) child(at place, token string, v three) (jsonvalue.Value, same) {
	w.path = append(w.path, token)
	value, s := w.node(at, v)
	w.path = w.path[:len(w.path)-1]
	return value, s
}

// sameNames reports whether two objects that have the same members have them in
// the same order.
func sameNames(a, b jsonvalue.Value) bool {
	return slices.EqualFunc(a.Members(), b.Members(), func(x, y jsonvalue.Member) bool { return x.Name == y.Name })
}

// mustObject makes an object of members whose names are known to differ.
func mustObject(members []jsonvalue.Member) jsonvalue.Value {
	v, err := jsonvalue.Object(members...)
	if err != nil {
		panic(err)
	}
	return v
}
