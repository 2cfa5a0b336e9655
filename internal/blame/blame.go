// Package blame says of each leaf of a document which of its versions last gave it its
// value.
//
// A leaf is what holds nothing: a scalar, or an empty object or array. It keeps its
// version for as long as its place holds the same in every later one: other members
// around it, and their order, do not count. A place in an array is that of its element,
// which is found again in the version before: by its key where the array is a list of
// the merge policy and every element has a key of its own, else as patch.Diff aligns
// the two arrays. So an element that is inserted or removed changes no other; one that
// is moved keeps its versions in a list with a key, and is a new one elsewhere.
//
// The package is pure.
package blame

import (
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/patch"
)

// Unknown stands for the version of a leaf that is older than all that were looked at.
const Unknown = -1

// maxAligned is how many arrays within each other are aligned. Aligning one costs all
// that it holds, so that more of them would cost that as often. Below, elements count as
// the same where they have the same index.
const maxAligned = 8

// Trace goes back from the newest version of a document, one version at a time. It is
// not safe for concurrent use.
type Trace struct {
	lists  *merge.Policy
	places *merge.Places
	root   *node
	by     int // of the step that is being made
}

// node is a place of the newest version.
type node struct {
	token string
	now   jsonvalue.Value // in the newest version
	was   jsonvalue.Value // in the oldest version that was looked at; where the node is open
	index int             // of was in its array
	// children is nil while all below is as it is now. Then by holds for all of it.
	children []*node
	open     int // children that are
	by       int // who gave the value, plus 2; 0 is open, 1 is Unknown
}

// New returns a trace of the newest version. Lists may be nil.
func New(newest jsonvalue.Value, lists *merge.Policy) *Trace {
	return &Trace{lists: lists, places: lists.Places(), root: &node{now: newest, was: newest}}
}

// Done reports whether each leaf has its version, so that older ones need not be
// looked at.
func (t *Trace) Done() bool { return t.root.done() }

// Step looks at the version before the last one that was looked at. By, 0 or greater,
// stands for that last one: what it has and before has not is its.
func (t *Trace) Step(before jsonvalue.Value, by int) {
	t.by = by + 2
	t.step(t.root, t.places.Top(), before, 0)
}

// End says who gave the leaves that are open: the first version of all, or Unknown.
func (t *Trace) End(by int) {
	t.by = by + 2
	t.blame(t.root)
}

func (n *node) done() bool { return n.by != 0 || n.children != nil && n.open == 0 }

// step compares an open place with what the version before has there, within a number
// of arrays that were aligned.
func (t *Trace) step(n *node, at merge.Place, before jsonvalue.Value, aligned int) {
	kind := n.was.Kind()
	switch {
	case kind != before.Kind():
		t.blame(n)
	case jsonvalue.Same(n.was, before):
	case n.now.Len() == 0 || kind != jsonvalue.KindObject && kind != jsonvalue.KindArray:
		if before.Len() > 0 || !jsonvalue.Identical(n.was, before) {
			t.blame(n)
		}
	case kind == jsonvalue.KindObject:
		t.stepObject(n, at, before, aligned)
	default:
		t.stepArray(n, at, before, aligned)
	}
	n.was = before
}

func (t *Trace) stepObject(n *node, at merge.Place, before jsonvalue.Value, aligned int) {
	n.expand()
	for _, child := range n.children {
		if child.done() {
			continue
		}
		t.step(child, t.places.Below(at, child.token, false), before.Lookup(child.token), aligned)
		n.closed(child)
	}
}

func (t *Trace) stepArray(n *node, at merge.Place, before jsonvalue.Value, aligned int) {
	n.expand()
	origins := t.origins(at, n.was.Elems(), before.Elems(), aligned)
	element := t.places.Below(at, "", true)
	for _, child := range n.children {
		if child.done() {
			continue
		}
		if from := origins[child.index]; from < 0 {
			t.blame(child)
		} else {
			t.step(child, element, before.Elem(from), aligned+1)
			child.index = from
		}
		n.closed(child)
	}
}

// origins returns which element of before each of is has come of, -1 for a new one.
func (t *Trace) origins(at merge.Place, is, before []jsonvalue.Value, aligned int) []int {
	if key, ok := t.lists.ListKey(at.Field()); ok {
		if origins, ok := byKey(is, before, key); ok {
			return origins
		}
	}
	if aligned < maxAligned {
		return patch.Origins(before, is)
	}
	origins := make([]int, len(is))
	for i := range origins {
		if origins[i] = i; i >= len(before) {
			origins[i] = -1
		}
	}
	return origins
}

// byKey pairs elements of the same key. It reports false where one has none, or
// another one's.
func byKey(is, before []jsonvalue.Value, key jsonvalue.Pointer) ([]int, bool) {
	was, ok := keysOf(before, key)
	if !ok {
		return nil, false
	}
	now, ok := keysOf(is, key)
	if !ok {
		return nil, false
	}
	origins := make([]int, len(is))
	for name, i := range now {
		origins[i] = -1
		if j, there := was[name]; there {
			origins[i] = j
		}
	}
	return origins, true
}

func keysOf(elems []jsonvalue.Value, key jsonvalue.Pointer) (map[string]int, bool) {
	at := make(map[string]int, len(elems))
	for i, e := range elems {
		k := e.At(key)
		if k.IsAbsent() {
			return nil, false
		}
		name := string(k.AppendCanonical(nil))
		if _, twice := at[name]; twice {
			return nil, false
		}
		at[name] = i
	}
	return at, true
}

// expand gives an open place that holds something a node for each of that.
func (n *node) expand() {
	if n.children != nil {
		return
	}
	n.open = n.now.Len()
	n.children = make([]*node, 0, n.open)
	for _, m := range n.now.Members() {
		n.children = append(n.children, &node{token: m.Name, now: m.Value, was: n.was.Lookup(m.Name)})
	}
	for i, e := range n.now.Elems() {
		n.children = append(n.children, &node{token: strconv.Itoa(i), now: e, was: n.was.Elem(i), index: i})
	}
}

// closed notes that a child may be done.
func (n *node) closed(child *node) {
	if child.done() {
		n.open--
		child.was = jsonvalue.Value{}
	}
}

// blame gives everything that is open in a place to the version of this step.
func (t *Trace) blame(n *node) {
	switch {
	case n.done():
	case n.children == nil:
		n.by = t.by
	default:
		for _, child := range n.children {
			t.blame(child)
		}
		n.open = 0
	}
}

// Leaves calls yield for each leaf at or below a path, in the order of the document,
// until it returns false: with the path of the leaf, which is the caller's until it
// returns, and with who gave it its value, Unknown where that is open.
func (t *Trace) Leaves(under jsonvalue.Pointer, yield func(path jsonvalue.Pointer, by int) bool) {
	w := walk{under: under, yield: yield}
	w.node(t.root)
}

type walk struct {
	under, path jsonvalue.Pointer
	yield       func(jsonvalue.Pointer, int) bool
}

func (w *walk) node(n *node) bool {
	if n.children == nil {
		return w.value(n.now, max(n.by, 1)-2)
	}
	for _, child := range n.children {
		if !w.below(child.token, func() bool { return w.node(child) }) {
			return false
		}
	}
	return true
}

// value walks what has one version as a whole.
func (w *walk) value(v jsonvalue.Value, by int) bool {
	if v.Len() == 0 {
		return len(w.path) < len(w.under) || w.yield(w.path, by)
	}
	for _, m := range v.Members() {
		if !w.below(m.Name, func() bool { return w.value(m.Value, by) }) {
			return false
		}
	}
	for i, e := range v.Elems() {
		if !w.below(strconv.Itoa(i), func() bool { return w.value(e, by) }) {
			return false
		}
	}
	return true
}

// below goes on one level deeper, unless that leads away from what is asked for.
func (w *walk) below(token string, visit func() bool) bool {
	if depth := len(w.path); depth < len(w.under) && w.under[depth] != token {
		return true
	}
	w.path = append(w.path, token)
	more := visit()
	w.path = w.path[:len(w.path)-1]
	return more
}
