package patch

import (
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ParseJSONPatch reads a JSON Patch document (RFC 6902 §3): an array of
// operations. Members that an operation does not define are ignored, as §4
// asks; a value of null is a value.
//
// It fails with a [*FormatError] if v is not an array of objects, an "op" is
// unknown, a needed member is missing or not of its kind, a path is not a JSON
// Pointer, or a move goes into its own child (§4.4); and with a
// [*TooLargeError] if there are more than lim.Ops operations.
func ParseJSONPatch(v jsonvalue.Value, lim Limits) (JSONPatch, error) {
	if lim.Ops == 0 {
		lim.Ops = defaultOps
	}
	if lim.Depth == 0 {
		lim.Depth = defaultDepth
	}
	if v.Kind() != jsonvalue.KindArray {
		return JSONPatch{}, &FormatError{Index: -1, Reason: ReasonNotArray}
	}
	if v.Len() > lim.Ops {
		return JSONPatch{}, &TooLargeError{Index: lim.Ops, Measure: MeasureOps, Limit: int64(lim.Ops)}
	}
	p := JSONPatch{ops: make([]Op, v.Len()), size: lim.Size, depth: lim.Depth}
	for i, elem := range v.Elems() {
		op, err := parseOp(i, elem)
		if err != nil {
			return JSONPatch{}, err
		}
		p.ops[i] = op
	}
	return p, nil
}

func parseOp(index int, v jsonvalue.Value) (Op, error) {
	if v.Kind() != jsonvalue.KindObject {
		return Op{}, &FormatError{Index: index, Pointer: jsonvalue.Pointer{strconv.Itoa(index)}, Reason: ReasonNotObject}
	}
	kind, err := stringMember(index, v, "op")
	if err != nil {
		return Op{}, err
	}
	op := Op{Kind: kind}
	var needsFrom, needsValue bool
	switch kind {
	case OpAdd, OpReplace, OpTest:
		needsValue = true
	case OpMove, OpCopy:
		needsFrom = true
	case OpRemove:
	default:
		return Op{}, fault(index, "op", ReasonUnknownOp, nil)
	}
	if op.Path, err = pointerMember(index, v, "path"); err != nil {
		return Op{}, err
	}
	if needsValue {
		if op.Value = v.Lookup("value"); op.Value.IsAbsent() {
			return Op{}, fault(index, "value", ReasonMissingMember, nil)
		}
	}
	if needsFrom {
		if op.From, err = pointerMember(index, v, "from"); err != nil {
			return Op{}, err
		}
	}
	if kind == OpMove && len(op.From) < len(op.Path) && op.Path.HasPrefix(op.From) {
		return Op{}, fault(index, "path", ReasonIntoItself, nil)
	}
	return op, nil
}

func stringMember(index int, op jsonvalue.Value, name string) (string, error) {
	v := op.Lookup(name)
	switch v.Kind() {
	case jsonvalue.KindString:
		return v.Text(), nil
	case jsonvalue.KindAbsent:
		return "", fault(index, name, ReasonMissingMember, nil)
	}
	return "", fault(index, name, ReasonNotString, nil)
}

func pointerMember(index int, op jsonvalue.Value, name string) (jsonvalue.Pointer, error) {
	text, err := stringMember(index, op, name)
	if err != nil {
		return nil, err
	}
	p, err := jsonvalue.ParsePointer(text)
	if err != nil {
		return nil, fault(index, name, ReasonBadPointer, err)
	}
	return p, nil
}

func fault(index int, member, reason string, cause error) *FormatError {
	return &FormatError{Index: index, Pointer: jsonvalue.Pointer{strconv.Itoa(index), member}, Reason: reason, cause: cause}
}
