package patch

import (
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Change is one difference between two documents.
type Change struct {
	// Op is OpAdd, OpRemove or OpReplace.
	Op string
	// Path is where, in the document that has the changes before this one.
	Path jsonvalue.Pointer
	// From is the value before, absent for OpAdd.
	From jsonvalue.Value
	// To is the value after, absent for OpRemove.
	To jsonvalue.Value
}

// Diff returns what makes to of from, in an order in which the changes can be
// done one after the other: AsJSONPatch(Diff(from, to)) applied to from is
// [jsonvalue.Identical] to to. Identical documents have no changes; 1 and 1.0
// differ, the order of members does not count.
//
// Objects are compared member by member. Elements of arrays are aligned by a
// longest common subsequence, so that an insertion is one change; where that
// would take more than a fixed number of steps they are compared by position.
// An array of which nearly all changed is replaced whole when that is much
// shorter.
//
// An absent from or to is one change of the whole document, of which Apply can
// do the addition only. Cost is linear in the sizes of both, times the nesting
// of arrays that differ, plus at most some millions of steps for each pair of
// arrays.
func Diff(from, to jsonvalue.Value) []Change {
	var d differ
	d.value(from, to)
	return d.changes
}

// AsJSONPatch returns changes as a JSON Patch (RFC 6902) without limits.
// [JSONPatch.Apply] refuses what a change made by hand lacks.
func AsJSONPatch(changes []Change) JSONPatch {
	p := JSONPatch{ops: make([]Op, len(changes))}
	for i, c := range changes {
		p.ops[i] = Op{Kind: c.Op, Path: c.Path}
		if c.Op != OpRemove {
			p.ops[i].Value = c.To
		}
	}
	return p
}

// differ walks two documents; path is where it is.
type differ struct {
	path    jsonvalue.Pointer
	changes []Change
}

func (d *differ) emit(op string, from, to jsonvalue.Value) {
	d.changes = append(d.changes, Change{Op: op, Path: slices.Clone(d.path), From: from, To: to})
}

// under runs step one level below, at token.
func (d *differ) under(token string, step func()) {
	d.path = append(d.path, token)
	step()
	d.path = d.path[:len(d.path)-1]
}

func (d *differ) value(from, to jsonvalue.Value) {
	switch {
	case bothObjects(from, to):
		d.object(from, to)
	case bothArrays(from, to):
		d.array(from, to)
	case jsonvalue.Identical(from, to):
	case from.IsAbsent():
		d.emit(OpAdd, from, to)
	case to.IsAbsent():
		d.emit(OpRemove, from, to)
	default:
		d.emit(OpReplace, from, to)
	}
}

func (d *differ) object(from, to jsonvalue.Value) {
	for i, m := range from.Members() {
		d.under(m.Name, func() { d.value(m.Value, member(to, i, m.Name)) })
	}
	for i, m := range to.Members() {
		if member(from, i, m.Name).IsAbsent() {
			d.under(m.Name, func() { d.emit(OpAdd, jsonvalue.Value{}, m.Value) })
		}
	}
}

// member looks at position i first: documents mostly keep their order.
func member(v jsonvalue.Value, i int, name string) jsonvalue.Value {
	if m := v.Member(i); m.Name == name && !m.Value.IsAbsent() {
		return m.Value
	}
	return v.Lookup(name)
}

func (d *differ) array(from, to jsonvalue.Value) {
	a, b := from.Elems(), to.Elems()
	start, end := shared(a, b)
	a, b = a[start:len(a)-end], b[start:len(b)-end]
	if len(a) == 0 && len(b) == 0 {
		return
	}
	mark := len(d.changes)
	var i, j int
	for _, m := range append(align(a, b), match{len(a), len(b)}) {
		d.hunk(start+j, a[i:m.a], b[j:m.b])
		i, j = m.a+1, m.b+1
	}
	if rewritten(d.changes[mark:], to) {
		d.changes = d.changes[:mark]
		d.emit(OpReplace, from, to)
	}
}

// hunk turns the elements of a, which now stand at index, into those of b.
func (d *differ) hunk(index int, a, b []jsonvalue.Value) {
	paired := min(len(a), len(b))
	for k := range paired {
		d.under(strconv.Itoa(index+k), func() { d.element(a[k], b[k]) })
	}
	index += paired
	for _, old := range a[paired:] {
		d.under(strconv.Itoa(index), func() { d.emit(OpRemove, old, jsonvalue.Value{}) })
	}
	for k, added := range b[paired:] {
		d.under(strconv.Itoa(index+k), func() { d.emit(OpAdd, jsonvalue.Value{}, added) })
	}
}

// element compares two elements that only position has paired.
func (d *differ) element(a, b jsonvalue.Value) {
	if apart(a, b) {
		d.emit(OpReplace, a, b)
		return
	}
	d.value(a, b)
}

func shareName(a, b jsonvalue.Value) bool {
	for _, m := range a.Members() {
		if !b.Lookup(m.Name).IsAbsent() {
			return true
		}
	}
	return false
}

func bothArrays(a, b jsonvalue.Value) bool {
	return a.Kind() == jsonvalue.KindArray && b.Kind() == jsonvalue.KindArray
}

// rewritten reports whether the changes of an array are many and, printed, more
// than twice as long as the array they make.
func rewritten(changes []Change, to jsonvalue.Value) bool {
	const (
		few      = 32
		overhead = len(`{"op":"replace","path":"","value":},`)
	)
	if len(changes) <= few {
		return false
	}
	allowed := 2 * sizeUpTo(to, 1<<62)
	for _, c := range changes {
		allowed -= int64(overhead + len(c.Path.String()))
		if allowed < 0 {
			return true
		}
		allowed -= sizeUpTo(c.To, allowed)
	}
	return allowed < 0
}
