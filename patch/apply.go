package patch

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Apply returns doc with all operations done in order, or an error and no result
// (RFC 6902 §5). It fails with a [*TestFailedError] if a test does not hold, an
// [*InapplicableError] if an operation cannot be done on doc, and a
// [*TooLargeError] if the result, or what is copied on the way, is beyond the
// limits the patch was parsed under.
//
// Replaced members keep their place, new ones stand at the end. Tests compare
// with [jsonvalue.Equal]. Cost is linear in the sizes of doc and patch and in
// the size limit, however often the patch copies, moves or tests; untouched
// parts are shared with doc.
func (p JSONPatch) Apply(doc jsonvalue.Value) (jsonvalue.Value, error) {
	if len(p.ops) == 0 {
		return doc, nil
	}
	e := editor{root: plain(doc), limit: p.size}
	for i := range p.ops {
		if err := e.do(i, &p.ops[i]); err != nil {
			return jsonvalue.Value{}, err
		}
	}
	result := e.root.freeze()
	if p.depth > 0 && result.Depth() > p.depth {
		return jsonvalue.Value{}, &TooLargeError{Index: -1, Measure: MeasureDepth, Limit: int64(p.depth)}
	}
	if p.size > 0 && sizeUpTo(result, p.size) > p.size {
		return jsonvalue.Value{}, &TooLargeError{Index: -1, Measure: MeasureSize, Limit: p.size}
	}
	return result, nil
}

// editor is one document while a patch is applied to it.
type editor struct {
	root *node
	// limit bounds copied, the bytes that copy operations have written; 0 is no
	// bound.
	limit, copied int64
}

func (e *editor) do(index int, op *Op) error {
	path, reason := op.Path, ReasonUnusable
	switch op.Kind {
	case OpTest:
		if got := e.root.at(path).freeze(); !jsonvalue.Equal(got, op.Value) {
			return &TestFailedError{Index: index, Path: path, Want: op.Value, Got: got}
		}
		return nil
	case OpAdd:
		reason = e.put(insert, path, plain(op.Value))
	case OpReplace:
		reason = e.put(replace, path, plain(op.Value))
	case OpRemove:
		reason = e.remove(path)
	case OpMove, OpCopy:
		from := e.root.at(op.From)
		if from == nil {
			return &InapplicableError{Index: index, Kind: op.Kind, Path: op.From, Reason: ReasonMissing}
		}
		if op.Kind == OpMove {
			reason = e.move(op.From, path, from)
			break
		}
		if !e.charge(from) {
			return &TooLargeError{Index: index, Measure: MeasureCopied, Limit: e.limit}
		}
		reason = e.put(insert, path, from)
	}
	if reason != "" {
		return &InapplicableError{Index: index, Kind: op.Kind, Path: path, Reason: reason}
	}
	return nil
}

func (e *editor) put(what edit, path jsonvalue.Pointer, n *node) (reason string) {
	switch {
	case n == nil:
		return ReasonUnusable
	case len(path) > 0:
		n, reason = e.root.apply(what, path, n)
	case what == replace && e.root == nil:
		return ReasonMissing
	}
	if reason == "" {
		e.root = n
	}
	return reason
}

func (e *editor) remove(path jsonvalue.Pointer) string {
	if len(path) == 0 {
		return ReasonWholeDocument
	}
	root, reason := e.root.apply(remove, path, nil)
	if reason == "" {
		e.root = root
	}
	return reason
}

// move is remove and then add (RFC 6902 §4.4), save that what stays where it is
// keeps its place among the members.
func (e *editor) move(from, path jsonvalue.Pointer, n *node) string {
	if slices.Equal(from, path) {
		return ""
	}
	// The whole document is a prefix of every other path: what ParseJSONPatch
	// refuses, remove refuses here.
	if reason := e.remove(from); reason != "" {
		return reason
	}
	return e.put(insert, path, n)
}

// charge counts what copying n writes. It counts before anything is built and
// stops at the limit, so that neither memory nor time grow with the number of
// copies.
func (e *editor) charge(n *node) bool {
	if e.limit == 0 {
		return true
	}
	e.copied += sizeUpTo(n.freeze(), e.limit-e.copied)
	return e.copied <= e.limit
}
