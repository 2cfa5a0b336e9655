package contribution

import (
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Written is what a write of the whole document comes to.
type Written struct {
	// All are the contributions as they are after it.
	All []Contribution
	// Value is what they make together.
	Value jsonvalue.Value
	// Outranked are the fields that the write changes and does not win.
	Outranked []jsonvalue.Pointer
}

// Write takes a write that makes want of a document which is have, absent where
// there is none, for a contribution of its source: of says everything about it but
// the data. That is the fields which the write changes, as want has them; of a
// counter it is what the write adds, and of an array that is appended to, what it
// appends. What other writes of that source have contributed to the same fields is
// taken back, so that of each field the newest write counts; contributions that
// nothing is left of are gone.
//
// Have need not be what the contributions make: the rules may have changed since
// it was made. Cost is that of Materialise.
func (r *Rules) Write(all []Contribution, of Contribution, have, want jsonvalue.Value) Written {
	if r == nil {
		r = &Rules{}
	}
	d := &difference{rules: r, places: r.places.Places(), others: r.Materialise(except(all, of.Source))}
	creates := have.IsAbsent()
	if creates {
		have, _ = jsonvalue.Object()
	}
	top := d.between(d.places.Top(), have, want, d.others)
	var w Written
	for _, c := range all {
		if c.Source == of.Source {
			if c.Data = top.takenFrom(c.Data); c.Data.IsAbsent() {
				continue
			}
		}
		w.All = append(w.All, c)
	}
	if of.Data = top.claim(); !of.Data.IsAbsent() || creates {
		if of.Data.IsAbsent() {
			of.Data = have
		}
		w.All = append(w.All, of)
	}
	w.Value = r.Materialise(w.All)
	w.Outranked = top.lost(nil, nil, w.Value)
	return w
}

func except(all []Contribution, source string) []Contribution {
	return slices.DeleteFunc(slices.Clone(all), func(c Contribution) bool { return c.Source == source })
}

// difference finds the fields that a write changes.
type difference struct {
	rules  *Rules
	places *merge.Places
	others jsonvalue.Value // what all other sources make together
}

// node is a place that a write changes, or one above such places.
type node struct {
	members []member // in the order of the document that is wanted
	emptied bool     // it is to be an object without members
	// Of a field: it changes as a whole.
	field bool
	typ   merge.Type
	want  jsonvalue.Value // absent where the write removes it
	// data is what the write contributes to the field, absent for nothing, and adds
	// tells that it does so beside what its source has contributed before.
	data jsonvalue.Value
	adds bool
}

type member struct {
	name string
	node *node
}

// between returns what differs at a place, nil for nothing.
func (d *difference) between(at merge.Place, have, want, others jsonvalue.Value) *node {
	typ := merge.Untyped
	if i := at.Field(); i >= 0 {
		typ = d.rules.fields[i].typ
	}
	if typ == merge.Untyped && have.Kind() == jsonvalue.KindObject && want.Kind() == jsonvalue.KindObject {
		return d.within(at, have, want, others)
	}
	if jsonvalue.Identical(have, want) {
		return nil
	}
	n := &node{field: true, typ: typ, want: want, data: want}
	switch {
	case typ == merge.Counter && others.Kind() == jsonvalue.KindNumber && want.Kind() == jsonvalue.KindNumber:
		if added, ok := merge.Sum(want, negative(others)); ok {
			n.data = added
		}
	case typ == merge.Append && grown(have, want) && !others.IsAbsent():
		n.data, n.adds = jsonvalue.Array(want.Elems()[have.Len():]...), true
	}
	return n
}

// within returns what differs between two objects.
func (d *difference) within(at merge.Place, have, want, others jsonvalue.Value) *node {
	n := &node{emptied: want.Len() == 0}
	visit := func(name string, have, want jsonvalue.Value) {
		if child := d.between(d.places.Below(at, name, false), have, want, others.Lookup(name)); child != nil {
			n.members = append(n.members, member{name, child})
		}
	}
	for _, m := range want.Members() {
		visit(m.Name, have.Lookup(m.Name), m.Value)
	}
	for _, m := range have.Members() {
		if want.Lookup(m.Name).IsAbsent() {
			visit(m.Name, m.Value, jsonvalue.Value{})
		}
	}
	if n.members == nil {
		return nil
	}
	return n
}

// grown tells whether an array is another one with nothing but more behind it.
func grown(have, want jsonvalue.Value) bool {
	both := have.Kind() == jsonvalue.KindArray && want.Kind() == jsonvalue.KindArray
	return both && want.Len() >= have.Len() && slices.EqualFunc(have.Elems(), want.Elems()[:have.Len()], jsonvalue.Equal)
}

// negative returns a number with the other sign.
func negative(n jsonvalue.Value) jsonvalue.Value {
	text, below := strings.CutPrefix(n.Text(), "-")
	if !below {
		text = "-" + text
	}
	v, err := jsonvalue.Number(text)
	if err != nil { // a number is one with either sign
		panic(err)
	}
	return v
}

// claim returns what the write contributes, absent for nothing.
func (n *node) claim() jsonvalue.Value {
	switch {
	case n == nil:
		return jsonvalue.Value{}
	case n.field:
		return n.data
	}
	var members []jsonvalue.Member
	for _, m := range n.members {
		if v := m.node.claim(); !v.IsAbsent() {
			members = append(members, jsonvalue.Member{Name: m.name, Value: v})
		}
	}
	if members == nil && !n.emptied {
		return jsonvalue.Value{}
	}
	return object(members)
}

// takenFrom returns what is left of an earlier contribution of the same source,
// absent for nothing.
func (n *node) takenFrom(data jsonvalue.Value) jsonvalue.Value {
	switch {
	case n == nil || n.adds:
		return data
	case n.field:
		return jsonvalue.Value{}
	}
	changed := make(map[string]*node, len(n.members))
	for _, m := range n.members {
		changed[m.name] = m.node
	}
	var left []jsonvalue.Member
	for _, m := range data.Members() {
		if m.Value = changed[m.Name].takenFrom(m.Value); !m.Value.IsAbsent() {
			left = append(left, m)
		}
	}
	if left == nil {
		return jsonvalue.Value{}
	}
	return object(left)
}

// lost appends the fields below a place, where is stands now, that are not as the
// write wants them.
func (n *node) lost(paths []jsonvalue.Pointer, at jsonvalue.Pointer, is jsonvalue.Value) []jsonvalue.Pointer {
	if n == nil {
		return paths
	}
	if n.field && !n.won(is) || !n.field && is.Kind() != jsonvalue.KindObject {
		return append(paths, slices.Clone(at))
	}
	for _, m := range n.members {
		paths = m.node.lost(paths, append(at, m.name), is.Lookup(m.name))
	}
	return paths
}

// won tells whether a field is as the write wants it. Where several contributions
// are combined, their order is not the write's to say.
func (n *node) won(is jsonvalue.Value) bool {
	if jsonvalue.Equal(is, n.want) {
		return true
	}
	if is.Kind() != jsonvalue.KindArray || n.want.Kind() != jsonvalue.KindArray {
		return false
	}
	have, want := sorted(is), sorted(n.want)
	switch n.typ {
	case merge.Set:
		return slices.Equal(slices.Compact(have), slices.Compact(want))
	case merge.List, merge.Append:
		return slices.Equal(have, want)
	}
	return false
}

// sorted returns the canonical forms of an array's elements in order.
func sorted(v jsonvalue.Value) []string {
	var names []string
	for _, e := range v.Elems() {
		names = append(names, string(e.AppendCanonical(nil)))
	}
	slices.Sort(names)
	return names
}

// object makes an object of members whose names are known to differ.
func object(members []jsonvalue.Member) jsonvalue.Value {
	v, err := jsonvalue.Object(members...)
	if err != nil {
		panic(err)
	}
	return v
}
