package jsonvalue

import "sync/atomic"

// A map costs about as much to build as this many scans of the members, and a
// small object is searched faster without one.
const (
	indexAbove   = 32
	indexLookups = 16
)

// node is what an array or object holds. It is not written to once a Value
// points to it, save for the index, which is derived.
type node struct {
	elems   []Value
	members []Member
	depth   int
	// source is the text that it was parsed from; it is empty where it was put
	// together.
	source string
	// verbatimNames says that all names stand between quotes as they are.
	verbatimNames bool

	lookups atomic.Uint32
	index   atomic.Pointer[map[string]int]
}

func newArray(elems []Value) Value {
	n := &node{elems: elems[:len(elems):len(elems)], depth: 1}
	for i := range elems {
		n.depth = max(n.depth, elems[i].Depth()+1)
	}
	return Value{kind: KindArray, node: n}
}

func newObject(members []Member, verbatimNames bool) Value {
	n := &node{members: members[:len(members):len(members)], depth: 1, verbatimNames: verbatimNames}
	for i := range members {
		n.depth = max(n.depth, members[i].Value.Depth()+1)
	}
	return Value{kind: KindObject, node: n}
}

// find returns the position of the member of that name, or -1.
func (n *node) find(name string) int {
	if len(n.members) > indexAbove {
		if index := n.index.Load(); index != nil {
			return lookupIn(*index, name)
		}
		if n.lookups.Add(1) > indexLookups {
			return lookupIn(n.buildIndex(), name)
		}
	}
	for i := range n.members {
		if n.members[i].Name == name {
			return i
		}
	}
	return -1
}

// buildIndex may run twice at once; both results are equal and either may stay.
func (n *node) buildIndex() map[string]int {
	index := make(map[string]int, len(n.members))
	for i := range n.members {
		index[n.members[i].Name] = i
	}
	n.index.Store(&index)
	return index
}

func lookupIn(index map[string]int, name string) int {
	if i, ok := index[name]; ok {
		return i
	}
	return -1
}
