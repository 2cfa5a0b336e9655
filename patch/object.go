package patch

import (
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// object is an object under edit: what it was, and by name what differs. It is
// immutable; set and remove return another.
type object struct {
	base    jsonvalue.Value
	changed *tree[entry]
	// last is the highest place given to a member that base does not hold.
	last int
}

// entry is what became of one member.
type entry struct {
	name string
	// node is nil for a removed member.
	node *node
	// place orders the members that stand after those of base; 0 means that the
	// member stands where base has it.
	place int
}

func (o *object) find(name string) *entry {
	for t := o.changed; t != nil; {
		switch c := strings.Compare(name, t.item.name); {
		case c < 0:
			t = t.left
		case c > 0:
			t = t.right
		default:
			return &t.item
		}
	}
	return nil
}

func (o *object) get(name string) *node {
	if e := o.find(name); e != nil {
		return e.node
	}
	return plain(o.base.Lookup(name))
}

// set puts n where the member of that name stands, or after all others.
func (o *object) set(name string, n *node) *object {
	next := entry{name: name, node: n}
	last := o.last
	switch e := o.find(name); {
	case e != nil && e.node != nil:
		next.place = e.place
	case e != nil || o.base.Lookup(name).IsAbsent():
		last++
		next.place = last
	}
	return &object{base: o.base, changed: o.put(next), last: last}
}

// remove takes out a member that is there.
func (o *object) remove(name string) *object {
	return &object{base: o.base, changed: o.put(entry{name: name}), last: o.last}
}

func (o *object) put(e entry) *tree[entry] {
	before, after := splitByName(o.changed, e.name)
	return join(join(before, newTree(e, 1)), after)
}

// splitByName returns the entries before name and those after it.
func splitByName(t *tree[entry], name string) (before, after *tree[entry]) {
	if t == nil {
		return nil, nil
	}
	switch c := strings.Compare(t.item.name, name); {
	case c < 0:
		before, after = splitByName(t.right, name)
		return t.with(t.left, before), after
	case c > 0:
		before, after = splitByName(t.left, name)
		return before, t.with(after, t.right)
	}
	return t.left, t.right
}

// freeze returns the object as a value: the members of base in their order, then
// the new ones in the order of their addition.
func (o *object) freeze() jsonvalue.Value {
	members := make([]jsonvalue.Member, 0, o.base.Len()+o.changed.size())
	for _, m := range o.base.Members() {
		e := o.find(m.Name)
		switch {
		case e == nil:
			members = append(members, m)
		case e.node != nil && e.place == 0:
			members = append(members, jsonvalue.Member{Name: m.Name, Value: e.node.freeze()})
		}
	}
	var added []*entry
	o.changed.each(func(e *entry) {
		if e.place > 0 {
			added = append(added, e)
		}
	})
	slices.SortFunc(added, func(a, b *entry) int { return a.place - b.place })
	for _, e := range added {
		members = append(members, jsonvalue.Member{Name: e.name, Value: e.node.freeze()})
	}
	return mustObject(members)
}
