package openapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// examples returns a document as an example, none where none can be made up that keeps
// to the schema. It is made of the schema alone.
func (d *describer) examples() []example {
	document := parse(`{"title":"A"}`)
	if !d.c.Schema.IsAbsent() {
		schema := d.c.Schema
		if len(d.c.Hidden) > 0 {
			schema = hidden(without(schema, "$schema"), d.c.Hidden)
		}
		var ok bool
		if document, ok = (sampler{schema}).of(schema, 0); !ok || document.Kind() != jsonvalue.KindObject {
			return nil
		}
	}
	if d.c.Valid != nil && !d.c.Valid(document) {
		return nil
	}
	body := document.Append(nil)
	if d.c.takesVersion() {
		version := "5"
		if d.c.Dialect.VersionAsString {
			version = `"5"`
		}
		body = jsonvalue.AppendWith(nil, body, pointer(d.c.versionField()), []byte(version))
	}
	return []example{{name: "document", value: string(body)}}
}

// sampler makes values up that a schema might take. Whether it does is for others to
// say.
type sampler struct{ root jsonvalue.Value }

const sampleDepth = 8

func (s sampler) of(schema jsonvalue.Value, depth int) (v jsonvalue.Value, ok bool) {
	if depth > sampleDepth {
		return v, false
	}
	if at, here := strings.CutPrefix(schema.Lookup("$ref").Text(), "#"); here {
		p, err := jsonvalue.ParsePointer(at)
		if err != nil {
			return v, false
		}
		return s.of(s.root.At(p), depth+1)
	}
	if given := schema.Lookup("examples"); given.Len() > 0 && given.Kind() == jsonvalue.KindArray {
		return given.Elems()[0], true
	}
	for _, name := range []string{"default", "const"} {
		if given := schema.Lookup(name); !given.IsAbsent() {
			return given, true
		}
	}
	if choice := schema.Lookup("enum"); choice.Len() > 0 {
		return choice.Elems()[0], true
	}
	for _, name := range []string{"allOf", "anyOf", "oneOf"} {
		if branches := schema.Lookup(name).Elems(); len(branches) > 0 {
			return s.of(branches[0], depth+1)
		}
	}
	return s.ofType(schema, depth)
}

func (s sampler) ofType(schema jsonvalue.Value, depth int) (v jsonvalue.Value, ok bool) {
	kind := schema.Lookup("type")
	if kind.Kind() == jsonvalue.KindArray && kind.Len() > 0 {
		kind = kind.Elems()[0]
	}
	switch text := kind.Text(); {
	case text == "object", text == "" && !schema.Lookup("properties").IsAbsent():
		return s.object(schema, depth)
	case text == "array":
		if one, ok := s.of(schema.Lookup("items"), depth+1); ok && !schema.Lookup("items").IsAbsent() {
			return jsonvalue.Array(one), true
		}
		return jsonvalue.Array(), true
	case text == "integer", text == "number":
		if least := schema.Lookup("minimum"); !least.IsAbsent() {
			return least, true
		}
		return jsonvalue.Int(1), true
	case text == "boolean":
		return jsonvalue.Bool(true), true
	case text == "null":
		return jsonvalue.Null(), true
	}
	return sampleText(schema), true
}

func (s sampler) object(schema jsonvalue.Value, depth int) (v jsonvalue.Value, ok bool) {
	var members []jsonvalue.Member
	for _, m := range schema.Lookup("properties").Members() {
		required := slices.ContainsFunc(schema.Lookup("required").Elems(), func(name jsonvalue.Value) bool { return name.Text() == m.Name })
		one, ok := s.of(m.Value, depth+1)
		if ok {
			members = append(members, jsonvalue.Member{Name: m.Name, Value: one})
		} else if required {
			return v, false
		}
	}
	return object(members), true
}

// sampleText is a text of a format, or of a length.
func sampleText(schema jsonvalue.Value) jsonvalue.Value {
	switch schema.Lookup("format").Text() {
	case "date-time":
		return jsonvalue.String("2026-11-20T18:00:00Z")
	case "date":
		return jsonvalue.String("2026-11-20")
	case "time":
		return jsonvalue.String("18:00:00Z")
	case "email":
		return jsonvalue.String("ann@example.org")
	case "uri":
		return jsonvalue.String("https://example.org/")
	case "uuid":
		return jsonvalue.String("0199a4c1-7e00-7000-8000-000000000000")
	}
	word := "A"
	if least, err := strconv.Atoi(schema.Lookup("minLength").Text()); err == nil && least > 1 && least < 100 {
		word = strings.Repeat("A", least)
	}
	return jsonvalue.String(word)
}
