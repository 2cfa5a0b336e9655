package schema

import (
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func TestTypesAt(t *testing.T) {
	schema := parse(t, `{
		"type": "object",
		"$defs": {"count": {"type": "integer"}},
		"properties": {
			"n": {"type": "string"},
			"either": {"type": ["array", "null"]},
			"a/b": {"type": "object", "properties": {"c": {"type": "boolean"}}},
			"ref": {"$ref": "#/$defs/count"},
			"both": {"type": "number", "$ref": "#/$defs/count"},
			"any": {"anyOf": [{"type": "string"}, {"type": "array"}]},
			"all": {"allOf": [{"type": "string"}]},
			"yes": true, "no": false, "open": {},
			"items": {"type": "array", "items": {"type": "string"}}
		},
		"patternProperties": {"^x": {"type": "string"}},
		"additionalProperties": {"type": "string"}
	}`)
	for pointer, want := range map[string][]string{
		"":            {"object"},
		"/n":          {"string"},
		"/either":     {"array", "null"},
		"/a~1b/c":     {"boolean"},
		"/both":       {"number"},
		"/ref":        nil,
		"/any":        nil,
		"/all":        nil,
		"/yes":        nil,
		"/no":         nil,
		"/no/deeper":  nil,
		"/open":       nil,
		"/items/0":    nil,
		"/items/type": nil,
		"/xs":         nil,
		"/other":      nil,
	} {
		p, err := jsonvalue.ParsePointer(pointer)
		if err != nil {
			t.Fatal(err)
		}
		if got := TypesAt(schema, p); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", pointer, got, want)
		}
	}
	if got := TypesAt(jsonvalue.Bool(true), jsonvalue.Pointer{"a"}); got != nil {
		t.Errorf("a schema that is true: %q", got)
	}
}
