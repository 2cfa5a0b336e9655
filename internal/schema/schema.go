// Package schema checks JSON values against a JSON Schema 2020-12. Formats are
// asserted, numbers are compared exactly, and nothing is ever loaded: a schema
// refers to itself and to the metaschemas only.
package schema

import (
	"encoding/json"
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	rules *jsonschema.Schema
	// denied is the schema {"not": rules}. Under it the library stops at the first
	// fault and keeps no record of faults.
	denied *jsonschema.Schema
}

// Fault is one thing that is wrong with a value, or with a schema.
type Fault struct {
	Pointer jsonvalue.Pointer
	Detail  string // a sentence
}

// MaxFaults is how many faults are told at most.
const MaxFaults = 20

// Validate says what is wrong with a value, nil for nothing: at most [MaxFaults],
// ordered by pointer. Cost is that of the schema times the size of the value. A
// large value is told only that it does not fit, since a record of all that is
// wrong with it could take a thousand times its memory.
func (s *Schema) Validate(v jsonvalue.Value) []Fault {
	if at, heavy := overweight(v); heavy {
		return []Fault{{Pointer: at, Detail: "The numbers up to here have too many digits, or too large exponents, to be compared. Send them as strings."}}
	}
	values, size := plain(v)
	if size*max(v.Depth(), 1) > maxRecorded {
		if s.denied.Validate(values) != nil {
			return nil
		}
		return []Fault{{Detail: "The document does not fit its schema. It is too large to be told where; check it against the schema before it is sent."}}
	}
	bad, wrong := errors.AsType[*jsonschema.ValidationError](s.rules.Validate(values))
	if !wrong {
		return nil
	}
	return faultsOf(v, bad)
}

// maxRecorded bounds values times depth of what is told all of its faults.
const maxRecorded = 100_000

// plain makes of a value what the library validates, numbers in their own
// spelling, and counts the values in it.
func plain(v jsonvalue.Value) (any, int) {
	switch v.Kind() {
	case jsonvalue.KindObject:
		object, size := make(map[string]any, v.Len()), 1
		for _, m := range v.Members() {
			member, n := plain(m.Value)
			object[m.Name] = member
			size += n
		}
		return object, size
	case jsonvalue.KindArray:
		array, size := make([]any, v.Len()), 1
		for i, e := range v.Elems() {
			element, n := plain(e)
			array[i] = element
			size += n
		}
		return array, size
	case jsonvalue.KindString:
		return v.Text(), 1
	case jsonvalue.KindNumber:
		return json.Number(v.Text()), 1
	case jsonvalue.KindBool:
		return v.IsTrue(), 1
	}
	return nil, 1
}

// refersToItself tells whether a schema leads back to itself without having
// looked any deeper into the value, so that nothing could ever fit it.
func (s *Schema) refersToItself() bool {
	bad, wrong := errors.AsType[*jsonschema.ValidationError](s.rules.Validate(map[string]any{}))
	return wrong && anyCause(bad, func(k jsonschema.ErrorKind) bool {
		_, cycle := k.(*kind.RefCycle)
		return cycle
	})
}
