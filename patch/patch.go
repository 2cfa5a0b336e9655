// Package patch changes one JSON document into another by description: JSON
// Patch (RFC 6902), JSON Merge Patch (RFC 7396), and the way back, [Diff] and
// [MergeDiff], which describe how two documents differ.
//
// Documents are immutable [jsonvalue.Value]s: no function here changes its
// arguments, and a patch that fails leaves nothing half done. All functions and
// methods are safe for concurrent use.
package patch

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The operations of RFC 6902 §4, as [Op.Kind] and [Change.Op] name them.
const (
	OpAdd     = "add"
	OpRemove  = "remove"
	OpReplace = "replace"
	OpMove    = "move"
	OpCopy    = "copy"
	OpTest    = "test"
)

const (
	defaultOps   = 1000
	defaultDepth = 64
)

// Limits bounds a JSON Patch and what it may make. The zero Limits has the
// defaults.
type Limits struct {
	// Ops is how many operations a patch may have; 0 means 1,000.
	Ops int
	// Size is how large, in bytes of compact JSON, the result may be, and how
	// much the copy operations of the patch may write together; 0 means no
	// limit. Set it for patches of strangers: repeated copies double.
	Size int64
	// Depth is how deeply arrays and objects of the result may nest; 0 means
	// 64, which is what [jsonvalue.Parse] reads back by default.
	Depth int
}

// JSONPatch is a checked JSON Patch (RFC 6902) with the limits it was parsed
// under. It is immutable. The zero JSONPatch has no operations.
type JSONPatch struct {
	ops []Op
	// size and depth bound the result; 0 means no bound.
	size  int64
	depth int
}

// Op is one operation of a JSON Patch.
type Op struct {
	// Kind is one of the Op constants, such as OpAdd.
	Kind string
	// Path is where the operation acts.
	Path jsonvalue.Pointer
	// From is where move and copy take the value; nil for the others.
	From jsonvalue.Pointer
	// Value is what add, replace and test give; absent for the others.
	Value jsonvalue.Value
}

// Ops returns the operations in order. The slice is the caller's; the pointers
// in it are shared and must not be written to.
func (p JSONPatch) Ops() []Op { return slices.Clone(p.ops) }

// WithOps returns a patch of other operations under the limits of p. They are not
// checked as [ParseJSONPatch] does: one that makes no sense fails in Apply. The
// slice must not be written to afterwards.
func (p JSONPatch) WithOps(ops []Op) JSONPatch {
	p.ops = ops
	return p
}

// Append appends the patch as a compact JSON text (application/json-patch+json)
// and returns the extended slice. Members that [ParseJSONPatch] ignored are not
// in it.
func (p JSONPatch) Append(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range p.ops {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.ops[i].append(dst)
	}
	return append(dst, ']')
}

func (o *Op) append(dst []byte) []byte {
	dst = append(append(append(dst, `{"op":"`...), o.Kind...), '"')
	if o.Kind == OpMove || o.Kind == OpCopy {
		dst = jsonvalue.String(o.From.String()).Append(append(dst, `,"from":`...))
	}
	dst = jsonvalue.String(o.Path.String()).Append(append(dst, `,"path":`...))
	if !o.Value.IsAbsent() {
		dst = o.Value.Append(append(dst, `,"value":`...))
	}
	return append(dst, '}')
}
