package merge_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// TestDisjointChanges: changes do not dispute where neither's path is a prefix of
// the other's, their lowest common ancestor is an untyped object or they lie under
// different keys of a list, and they are not in one group. The result is then both
// changes, and nothing had to be decided but that lists were joined.
func TestDisjointChanges(t *testing.T) {
	byName := slices.DeleteFunc(slices.Clone(groups), func(g [][]string) bool { // not by an index, which a list may move
		return slices.ContainsFunc(g, func(paths []string) bool { return slices.Contains(paths, "/a/0") || slices.Contains(paths, "/a/0/id") })
	})
	rapid.Check(t, func(t *rapid.T) {
		c := everything
		c.types = append(slices.Clone(c.types), merge.Untyped, merge.Untyped, merge.List, merge.List)
		rules := genRules(t, c)
		s := splitter{t: t}
		rules.Together = nil
		for _, paths := range rapid.SampledFrom(byName).Draw(t, "groups") {
			rules.Together = append(rules.Together, merge.Group{Paths: paths})
			s.bound = append(s.bound, bound{paths, drawOwner(t)})
		}
		s.rules, s.policy = rules, compile(t, rules)
		d := s.split(nil, genTriple(t).base)
		r := merge.Three(d.base, d.theirs, d.mine, s.policy, genWriters(t))
		joinedOnly := !slices.ContainsFunc(r.Decisions, func(d merge.Decision) bool { return d.Rule != string(merge.List) })
		if !r.Clean() || !joinedOnly || !jsonvalue.Equal(unordered(r.Value), unordered(d.both)) {
			t.Fatalf("%s, want %s\n%s\n%+v", outcome(r), text(d.both), d.triple, rules)
		}
	})
}

// unordered sorts the elements of all arrays.
func unordered(v jsonvalue.Value) jsonvalue.Value {
	switch v.Kind() {
	case jsonvalue.KindObject:
		members := slices.Clone(v.Members())
		for i := range members {
			members[i].Value = unordered(members[i].Value)
		}
		out, err := jsonvalue.Object(members...)
		if err != nil {
			panic(err)
		}
		return out
	case jsonvalue.KindArray:
		elems := make([]jsonvalue.Value, v.Len())
		for i, e := range v.Elems() {
			elems[i] = unordered(e)
		}
		slices.SortFunc(elems, func(a, b jsonvalue.Value) int { return bytes.Compare(a.AppendCanonical(nil), b.AppendCanonical(nil)) })
		return jsonvalue.Array(elems...)
	}
	return v
}

// divided is a base, what two writers made of it who stayed apart, and both
// changes.
type divided struct {
	triple
	both jsonvalue.Value
}

// owner is who may change a place as a whole.
type owner string

func drawOwner(t *rapid.T) owner {
	return rapid.SampledFrom([]owner{"nobody", "theirs", "mine"}).Draw(t, "owner")
}

// bound is a group of fields that one writer has alone.
type bound struct {
	paths []string
	owner owner
}

// splitter deals out the places of a document to two writers.
type splitter struct {
	t      *rapid.T
	rules  merge.Rules
	policy *merge.Policy
	bound  []bound
	frozen []jsonvalue.Pointer // keys of elements
}

// split changes a value so that no two changes meet.
func (s *splitter) split(path jsonvalue.Pointer, v jsonvalue.Value) divided {
	field, _ := s.policy.Match(path)
	typ, key := merge.Untyped, jsonvalue.Pointer(nil)
	if field >= 0 {
		typ = s.rules.Fields[field].Type
		if typ == merge.List {
			key = jsonvalue.Pointer{s.rules.Fields[field].Key[1:]}
		}
	}
	whole := len(path) > 0 && rapid.IntRange(0, 3).Draw(s.t, "whole") == 0
	switch {
	case whole || s.isBound(path):
	case typ == merge.Untyped && v.Kind() == jsonvalue.KindObject:
		return s.members(path, v)
	case typ == merge.List && hasKeys(v, key):
		return s.elements(path, v, key)
	}
	return s.owned(path, v, s.owner(path))
}

// isBound reports whether a path is a field of a group, which is not divided.
func (s *splitter) isBound(path jsonvalue.Pointer) bool {
	return slices.ContainsFunc(s.bound, func(b bound) bool { return slices.Contains(b.paths, path.String()) })
}

// owner draws who changes a place as a whole. Who has to do with a group is the
// one who has the group; the key of an element nobody changes.
func (s *splitter) owner(path jsonvalue.Pointer) owner {
	who := drawOwner(s.t)
	for _, b := range s.bound {
		for _, p := range b.paths {
			if q, err := jsonvalue.ParsePointer(p); err != nil || meet(q, path) && who != b.owner {
				return "nobody"
			}
		}
	}
	if slices.ContainsFunc(s.frozen, func(p jsonvalue.Pointer) bool { return meet(p, path) }) {
		return "nobody"
	}
	return who
}

// meet reports whether one of two pointers leads to the other.
func meet(p, q jsonvalue.Pointer) bool {
	n := min(len(p), len(q))
	return slices.Equal(p[:n], q[:n])
}

// owned has one writer change or remove a value, or put one where there is none.
func (s *splitter) owned(path jsonvalue.Pointer, v jsonvalue.Value, who owner) divided {
	d := divided{triple{v, v, v}, v}
	if who == "nobody" {
		return d
	}
	switch {
	case v.IsAbsent():
		d.both = genValue(2).Draw(s.t, "added")
	case len(path) > 0 && rapid.IntRange(0, 4).Draw(s.t, "remove") == 0:
		d.both = jsonvalue.Value{}
	default:
		d.both = edit(s.t, v, 2)
	}
	d.take(who)
	return d
}

// take gives both changes to the one writer who made them.
func (d *divided) take(who owner) {
	if who == "theirs" {
		d.theirs = d.both
	} else {
		d.mine = d.both
	}
}

func (s *splitter) members(path jsonvalue.Pointer, v jsonvalue.Value) divided {
	var base, theirs, mine, both []jsonvalue.Member
	add := func(name string, d divided) {
		for _, side := range []struct {
			of    *[]jsonvalue.Member
			value jsonvalue.Value
		}{{&base, d.base}, {&theirs, d.theirs}, {&mine, d.mine}, {&both, d.both}} {
			if !side.value.IsAbsent() {
				*side.of = append(*side.of, jsonvalue.Member{Name: name, Value: side.value})
			}
		}
	}
	for _, m := range v.Members() {
		add(m.Name, s.split(append(slices.Clone(path), m.Name), m.Value))
	}
	for _, name := range names {
		if at := append(slices.Clone(path), name); v.Lookup(name).IsAbsent() && rapid.IntRange(0, 7).Draw(s.t, "add") == 0 {
			add(name, s.owned(at, jsonvalue.Value{}, s.owner(at)))
		}
	}
	build := func(members []jsonvalue.Member) jsonvalue.Value {
		return object(s.t, memberNames(members), func(name string) jsonvalue.Value {
			return members[slices.IndexFunc(members, func(m jsonvalue.Member) bool { return m.Name == name })].Value
		})
	}
	return divided{triple{build(base), build(theirs), build(mine)}, build(both)}
}

// hasKeys reports whether an array is a list whose elements a key tells apart.
func hasKeys(v jsonvalue.Value, key jsonvalue.Pointer) bool {
	seen := make(map[string]bool)
	for _, e := range v.Elems() {
		k := e.At(key)
		if name := digest(k); e.Kind() != jsonvalue.KindObject || k.IsAbsent() || k.Depth() > 0 || seen[name] {
			return false
		}
		seen[digest(k)] = true
	}
	return v.Kind() == jsonvalue.KindArray
}

func (s *splitter) elements(path jsonvalue.Pointer, v jsonvalue.Value, key jsonvalue.Pointer) divided {
	var base, theirs, mine, both []jsonvalue.Value
	add := func(d divided) {
		for _, side := range []struct {
			of    *[]jsonvalue.Value
			value jsonvalue.Value
		}{{&base, d.base}, {&theirs, d.theirs}, {&mine, d.mine}, {&both, d.both}} {
			if !side.value.IsAbsent() {
				*side.of = append(*side.of, side.value)
			}
		}
	}
	for i, e := range v.Elems() {
		at := append(slices.Clone(path), strconv.Itoa(i))
		who := s.owner(at)
		if who != "nobody" && rapid.Bool().Draw(s.t, "one writer's") {
			add(s.rewritten(e, key, who))
			continue
		}
		s.frozen = append(s.frozen, slices.Concat(at, key))
		add(s.split(at, e))
	}
	for n := range rapid.IntRange(0, 2).Draw(s.t, "new elements") {
		d := divided{both: object(s.t, key, func(string) jsonvalue.Value { return jsonvalue.Int(int64(100 + n)) })}
		if who := s.owner(append(slices.Clone(path), strconv.Itoa(v.Len()+n))); who != "nobody" {
			d.take(who)
			add(d)
		}
	}
	return divided{triple{jsonvalue.Array(base...), jsonvalue.Array(theirs...), jsonvalue.Array(mine...)}, jsonvalue.Array(both...)}
}

// rewritten has one writer remove an element, or make another of it with the same
// key.
func (s *splitter) rewritten(e jsonvalue.Value, key jsonvalue.Pointer, who owner) divided {
	d := divided{triple: triple{e, e, e}}
	if rapid.Bool().Draw(s.t, "keep") {
		var ok bool
		if d.both, ok = edit(s.t, e, 2).With(key, e.At(key)); !ok {
			d.both = e
		}
	}
	d.take(who)
	return d
}
