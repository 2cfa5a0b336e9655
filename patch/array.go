package patch

import "github.com/ifmatch/ifmatch/jsonvalue"

// array is an array under edit: runs of untouched elements and single edited
// ones between them, so that an insertion costs by the number of edits, not of
// elements. It is immutable; its methods return another.
type array struct {
	runs *tree[run]
}

// run is a stretch of untouched elements, or one edited element.
type run struct {
	elems []jsonvalue.Value
	node  *node
}

func newArray(elems []jsonvalue.Value) *array {
	if len(elems) == 0 {
		return &array{}
	}
	return &array{runs: newTree(run{elems: elems}, len(elems))}
}

func (a *array) len() int { return a.runs.size() }

// get returns element i, which is there.
func (a *array) get(i int) *node {
	t := a.runs
	for {
		start := t.left.size()
		switch {
		case i < start:
			t = t.left
		case i >= start+t.weight:
			i -= start + t.weight
			t = t.right
		case t.item.node != nil:
			return t.item.node
		default:
			return plain(t.item.elems[i-start])
		}
	}
}

// splice returns the array with n, or nothing if that is nil, in place of the
// elements from i up to but not including end.
func (a *array) splice(i, end int, n *node) *array {
	before, rest := splitAt(a.runs, i)
	_, after := splitAt(rest, end-i)
	if n != nil {
		before = join(before, newTree(run{node: n}, 1))
	}
	return &array{runs: join(before, after)}
}

// splitAt returns the first i elements and the others.
func splitAt(t *tree[run], i int) (before, after *tree[run]) {
	if t == nil {
		return nil, nil
	}
	start := t.left.size()
	switch {
	case i <= start:
		before, after = splitAt(t.left, i)
		return before, t.with(after, t.right)
	case i >= start+t.weight:
		before, after = splitAt(t.right, i-start-t.weight)
		return t.with(t.left, before), after
	}
	head, tail := t.item.elems[:i-start], t.item.elems[i-start:]
	before = join(t.left, newTree(run{elems: head}, len(head)))
	after = join(newTree(run{elems: tail}, len(tail)), t.right)
	return before, after
}

func (a *array) freeze() jsonvalue.Value {
	elems := make([]jsonvalue.Value, 0, a.len())
	a.runs.each(func(r *run) {
		if r.node != nil {
			elems = append(elems, r.node.freeze())
		} else {
			elems = append(elems, r.elems...)
		}
	})
	return jsonvalue.Array(elems...)
}
