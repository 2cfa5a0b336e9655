package merge

import (
	"iter"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Breach is a value of an Immutable field that a change would not leave as it is.
type Breach struct {
	// Path leads to the value in the changed document or, where it is Removed, in the
	// document before.
	Path    jsonvalue.Pointer
	Removed bool
}

// Breaches yields what a change from was to now does to the Immutable fields, in
// the order in which was has them. A field that was does not have may be set. As
// everywhere, the most exact pattern says what a place is.
//
// Elements of a List are followed by their key and those of a Set by what they are,
// wherever they stand; of other arrays, and of these where an element has no name
// of its own, by their position. Where an element goes, so does what is in it.
//
// A nil policy has no such fields. Cost is linear in both documents; what lies in
// sets in sets is read once for each.
func (p *Policy) Breaches(was, now jsonvalue.Value) iter.Seq[Breach] {
	return func(yield func(Breach) bool) {
		if !p.HasImmutable() {
			return
		}
		f := follower{policy: p, matcher: newMatcher(p), yield: yield}
		f.node(f.matcher.top(), was, now)
	}
}

// follower goes through a document and what a change makes of it.
type follower struct {
	policy   *Policy
	matcher  *matcher
	was, now jsonvalue.Pointer // paths of the place it is at, in each
	yield    func(Breach) bool
}

// node judges a place and all below it. It reports false where nobody wants more.
func (f *follower) node(at *standing, was, now jsonvalue.Value) bool {
	switch {
	case was.IsAbsent() || !at.fixed:
		return true
	case at.field < 0 || f.policy.fields[at.field].typ != Immutable:
		return f.members(at, was, now) && f.elements(at, was, now)
	case now.IsAbsent():
		return f.yield(Breach{Path: slices.Clone(f.was), Removed: true})
	case !jsonvalue.Equal(was, now):
		return f.yield(Breach{Path: slices.Clone(f.now)})
	}
	return true
}

func (f *follower) members(at *standing, was, now jsonvalue.Value) bool {
	for _, m := range was.Members() {
		if !f.child(f.matcher.below(at, m.Name, false), m.Name, m.Name, m.Value, now.Lookup(m.Name)) {
			return false
		}
	}
	return true
}

func (f *follower) elements(at *standing, was, now jsonvalue.Value) bool {
	elems := now.Elems()
	moved := f.moved(at, was, now)
	for i, e := range was.Elems() {
		j := i
		if moved != nil {
			j = moved[i]
		}
		var is jsonvalue.Value
		if j >= 0 && j < len(elems) {
			is = elems[j]
		}
		token := strconv.Itoa(i)
		if !f.child(f.matcher.below(at, token, true), token, strconv.Itoa(j), e, is) {
			return false
		}
	}
	return true
}

// child judges what lies under one token of was and one of now.
func (f *follower) child(at *standing, wasToken, nowToken string, was, now jsonvalue.Value) bool {
	f.was, f.now = append(f.was, wasToken), append(f.now, nowToken)
	more := f.node(at, was, now)
	f.was, f.now = f.was[:len(f.was)-1], f.now[:len(f.now)-1]
	return more
}

// moved returns where each element of was stands in now, -1 for nowhere; nil where
// elements have no names, and their position is what tells them apart.
func (f *follower) moved(at *standing, was, now jsonvalue.Value) []int {
	if at.field < 0 || was.Kind() != jsonvalue.KindArray || now.Kind() != jsonvalue.KindArray {
		return nil
	}
	var n *named
	var ok bool
	sides := three{base: was, mine: now}
	switch field := &f.policy.fields[at.field]; field.typ {
	case List:
		n, ok = newKeyed(sides, field.key)
	case Set:
		n, ok = newMembers(sides)
	}
	if !ok {
		return nil
	}
	positions := make([]int, len(n.base.names))
	for i, name := range n.base.names {
		positions[i] = n.mine.at[name]
	}
	return positions
}
