package merge

import (
	"bytes"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// three is one place in the three documents; a side that has nothing there is
// absent.
type three struct {
	base, theirs, mine jsonvalue.Value
}

// same says which sides of a place are equal, and whether theirs and mine are
// even written alike. It is found on the way up, so that no subtree is compared
// again at every level above it.
type same struct {
	theirsBase, mineBase bool
	sides, alike         bool
}

func (s *same) and(child same) {
	s.theirsBase = s.theirsBase && child.theirsBase
	s.mineBase = s.mineBase && child.mineBase
	s.sides = s.sides && child.sides
	s.alike = s.alike && child.alike
}

// walker goes through the three documents at once.
type walker struct {
	policy  *Policy
	matcher *matcher
	who     Writers
	wrote   *changes // made of who, once it is asked for
	root    three

	path  jsonvalue.Pointer // of the place it is at
	steps int               // of alignments so far
	*scratch
	mixtures  []*mixture        // groups that are taken from one side
	choices   map[string]Choice // by path, of what is disputed; nil for none
	decisions []Decision
	disputes  []Dispute
}

// document merges the whole. Where a group of fields comes out as neither side's
// it is gone through once more, with one side's values in the place of the group.
func (w *walker) document() jsonvalue.Value {
	w.scratch = scratches.Get().(*scratch)
	defer w.scratch.release()
	for {
		w.decisions, w.disputes, w.steps = nil, nil, 0
		value, _ := w.node(w.matcher.document(), w.root)
		if !w.regroup(value) {
			w.noteGroups()
			return value
		}
	}
}

// node merges the values at the walker's path.
func (w *walker) node(at place, v three) (jsonvalue.Value, same) {
	typ := Untyped
	if at.field >= 0 {
		typ = w.policy.fields[at.field].typ
	}
	members := typ == Untyped && v.mergeable(jsonvalue.KindObject)
	if len(w.mixtures) > 0 {
		if side := w.claimed(members); side != "" {
			return v.of(side), same{} // what holds it is neither side's
		}
	}
	switch {
	case v.untouched(), len(w.mixtures) == 0 && v.shared():
		return v.theirs, same{theirsBase: true, mineBase: true, sides: true, alike: true}
	case members:
		return w.object(at, v)
	case typ == List && v.mergeable(jsonvalue.KindArray):
		if l, ok := newKeyed(v, w.policy.fields[at.field].key); ok {
			return w.list(at, v, l)
		}
	}
	s := compare(v)
	switch {
	case s.alike && !v.repeated(typ):
		return v.theirs, s
	case s.theirsBase && s.mineBase, s.sides && !v.repeated(typ):
		return agree(v), s
	case s.theirsBase:
		return v.mine, s
	case s.mineBase:
		return v.theirs, s
	}
	value, reason := w.combine(at, typ, v)
	if reason == "" {
		w.decide(Both, string(typ))
		s.sides, s.alike = false, false // what is above takes this value, not a side's
		return value, s
	}
	value = w.dispute(at, v, reason)
	if w.choices != nil && !jsonvalue.Identical(value, v.theirs) { // two equal changes that do not add up
		s.sides, s.alike = false, false
	}
	return value, s
}

// untouched reports whether all sides have one string, or one number written
// alike, as they have in most places.
func (v *three) untouched() bool {
	switch kind := v.base.Kind(); kind {
	case jsonvalue.KindString, jsonvalue.KindNumber:
		text := v.base.Text()
		return v.theirs.Kind() == kind && v.theirs.Text() == text && v.mine.Kind() == kind && v.mine.Text() == text
	case jsonvalue.KindAbsent, jsonvalue.KindNull, jsonvalue.KindBool, jsonvalue.KindArray, jsonvalue.KindObject:
	}
	return false
}

// shared reports whether all sides hold one array or object, so that nothing in it
// was touched. A group that is taken from one side may still have claimed a part.
func (v *three) shared() bool {
	return jsonvalue.Same(v.base, v.theirs) && jsonvalue.Same(v.base, v.mine)
}

// repeated reports whether two equal changes are two changes: both have counted,
// both have appended. Two that did something else, such as removing the field,
// agree as they would anywhere.
func (v *three) repeated(typ Type) bool {
	switch typ {
	case Counter:
		return v.theirs.Kind() == jsonvalue.KindNumber && (v.base.Kind() == jsonvalue.KindNumber || v.base.IsAbsent())
	case Append:
		return v.mergeable(jsonvalue.KindArray)
	case Untyped, Atomic, Set, List, Sequence, Text, Immutable:
	}
	return false
}

// mergeable reports whether both sides are of a kind that has parts, and base is
// too or never was.
func (v *three) mergeable(k jsonvalue.Kind) bool {
	return v.theirs.Kind() == k && v.mine.Kind() == k && (v.base.Kind() == k || v.base.IsAbsent())
}

func compare(v three) same {
	s := same{theirsBase: jsonvalue.Equal(v.theirs, v.base), mineBase: jsonvalue.Equal(v.mine, v.base)}
	switch {
	case s.theirsBase && s.mineBase:
		s.sides = true
	case s.theirsBase == s.mineBase:
		s.sides = jsonvalue.Equal(v.theirs, v.mine)
	}
	s.alike = s.sides && alike(v.theirs, v.mine)
	return s
}

// alike reports whether two equal values have one text.
func alike(a, b jsonvalue.Value) bool {
	switch a.Kind() {
	case jsonvalue.KindArray:
		return slices.EqualFunc(a.Elems(), b.Elems(), alike)
	case jsonvalue.KindObject:
		return slices.EqualFunc(a.Members(), b.Members(), func(x, y jsonvalue.Member) bool {
			return x.Name == y.Name && alike(x.Value, y.Value)
		})
	}
	return a.Text() == b.Text()
}

// agree picks one of two equal values by their texts alone, so that it does not
// matter who is called theirs: the one that changed its spelling, else the lesser.
func agree(v three) jsonvalue.Value {
	if alike(v.theirs, v.mine) {
		return v.theirs
	}
	base, theirs, mine := v.base.Append(nil), v.theirs.Append(nil), v.mine.Append(nil)
	switch {
	case bytes.Equal(theirs, base):
		return v.mine
	case bytes.Equal(mine, base) || bytes.Compare(theirs, mine) <= 0:
		return v.theirs
	}
	return v.mine
}

// combine has the field's type combine two different changes, or says why it
// does not.
func (w *walker) combine(at place, typ Type, v three) (value jsonvalue.Value, reason string) {
	switch {
	case v.removed():
		return jsonvalue.Value{}, ReasonRemoved
	case typ == Counter:
		return w.count(v, &w.policy.fields[at.field])
	case typ == Append:
		return appendBoth(v)
	case typ == Set:
		return unite(v)
	case typ == Sequence:
		return w.sequence(v)
	case typ == Text:
		return w.text(v)
	case typ == List:
		return jsonvalue.Value{}, ReasonUnfit
	case v.changedKind():
		return jsonvalue.Value{}, ReasonKind
	}
	return jsonvalue.Value{}, ReasonChanged
}

// removed reports whether one side removed what the other changed.
func (v *three) removed() bool { return v.theirs.IsAbsent() != v.mine.IsAbsent() }

// changedKind reports whether the sides differ in kind, one of them from base.
func (v *three) changedKind() bool {
	return !v.base.IsAbsent() && shape(v.theirs) != shape(v.mine)
}

// shape tells objects, arrays and scalars apart, the greater holding more.
func shape(v jsonvalue.Value) int {
	switch v.Kind() {
	case jsonvalue.KindAbsent:
		return 0
	case jsonvalue.KindArray:
		return 2
	case jsonvalue.KindObject:
		return 3
	}
	return 1
}

func (w *walker) decide(winner Winner, rule string) {
	w.decisions = append(roomy(w.decisions), Decision{Path: slices.Clone(w.path), Winner: winner, Rule: rule})
}
