package openapi

import (
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// describeBody names the schema of a collection's documents as they are shown: what
// the policy says of them, and what the contract adds.
func (d *describer) describeBody() {
	base, nested := portable(d.c)
	if base.IsAbsent() {
		base = parse(`{"type":"object","additionalProperties":true}`)
	}
	d.body = d.schema(d.noun, "")
	at := len(d.doc.schemas) - 1
	if !nested {
		d.doc.schemas[at].text = string(base.Append(nil))
		return
	}
	shown := relocate(base, d.body)
	for _, m := range d.added() {
		var ok bool
		if shown, ok = withProperty(shown, m.at, parse(m.schema)); !ok {
			shown = d.apart(base)
			break
		}
	}
	d.doc.schemas[at].text = string(shown.Append(nil))
}

// member is what a contract adds to bodies.
type member struct {
	at     jsonvalue.Pointer
	schema string
}

// versionField is where bodies show the version.
func (c *Collection) versionField() string {
	if c.Dialect.VersionField == "" {
		return "version"
	}
	return c.Dialect.VersionField
}

// added are the members of d's collection.
func (d *describer) added() []member {
	k := d.c.Dialect
	var all []member
	if d.c.Meta {
		all = append(all, member{jsonvalue.Pointer{"_meta"}, ref("HistoryEntry")})
	}
	if k.BodyVersion != ifmatch.BodyVersionNone {
		schema := ref("Version")
		if k.VersionAsString {
			schema = `{"type":"string","pattern":"^[1-9][0-9]{0,15}$"}`
		}
		all = append(all, member{pointer(d.c.versionField()), schema})
	}
	if k.DigestField != "" {
		all = append(all, member{pointer(k.DigestField), ref("Digest")})
	}
	if d.c.Links {
		all = append(all, member{jsonvalue.Pointer{"_links"}, ref("Related")})
	}
	if d.c.Contributions {
		all = append(all, member{jsonvalue.Pointer{"_provenance"}, ref("Provenance")})
	}
	return all
}

// pointer reads the name of a member, or a JSON Pointer to one.
func pointer(field string) jsonvalue.Pointer {
	if !strings.HasPrefix(field, "/") {
		return jsonvalue.Pointer{field}
	}
	p, err := jsonvalue.ParsePointer(field)
	if err != nil {
		return jsonvalue.Pointer{field}
	}
	return p
}

// apart returns the schema of what documents are shown as that keep to a schema which
// cannot be added to. That one stands by itself.
func (d *describer) apart(base jsonvalue.Value) jsonvalue.Value {
	stored := d.schema(d.noun+"Stored", "")
	d.doc.schemas[len(d.doc.schemas)-1].text = string(relocate(base, stored).Append(nil))
	return parse(`{"type":"object","description":"A ` + stored + `, with what is shown beside it.","anyOf":[` + ref(stored) + `,{"type":"object"}]}`)
}

// portable returns a collection's schema as it can stand within a description, without
// what could tell of hidden members, and whether references lead from its own place. A
// schema that names its parts in another way than by JSON Pointers stands by itself.
func portable(c *Collection) (schema jsonvalue.Value, nested bool) {
	if c.Schema.IsAbsent() {
		return c.Schema, true
	}
	schema = without(c.Schema, "$schema")
	if len(c.Hidden) > 0 {
		schema = hidden(schema, c.Hidden)
	}
	named := false
	rewrite(schema, func(s jsonvalue.Value) jsonvalue.Value {
		for _, m := range s.Members() {
			named = named || slices.Contains([]string{"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"}, m.Name)
		}
		return s
	})
	if named {
		return set(parse(`{"type":"object","description":"It keeps to a JSON Schema of its own."}`), "x-schema", schema), false
	}
	return schema, true
}

// hidden returns a schema that says nothing of the values of hidden members: they may
// be anything, or missing, and no value of any member is given away as a default or as
// an example. Where a member cannot be told from others, nothing is said at all.
func hidden(schema jsonvalue.Value, places []string) jsonvalue.Value {
	for _, place := range places {
		var ok bool
		if schema, ok = withProperty(schema, pointer(place), parse(`{"description":"Shown to some callers alone."}`)); !ok {
			return parse(`{"type":"object"}`)
		}
	}
	return rewrite(schema, func(s jsonvalue.Value) jsonvalue.Value { return without(s, "default", "examples", "example") })
}

// withProperty returns a schema of objects that have a schema at a place, whether or not
// they need it. It reports false, and returns the schema, where what the schema says of
// that place cannot be told from what it says of others.
func withProperty(schema jsonvalue.Value, at jsonvalue.Pointer, of jsonvalue.Value) (jsonvalue.Value, bool) {
	if len(at) == 0 {
		return of, true
	}
	if schema.Kind() != jsonvalue.KindObject || slices.ContainsFunc(schema.Members(), func(m jsonvalue.Member) bool { return slices.Contains(elsewhere, m.Name) }) {
		return schema, false
	}
	if at[0] == "*" { // of every element of a list
		inner, ok := withProperty(schema.Lookup("items"), at[1:], of)
		return set(schema, "items", inner), ok && schema.Lookup("prefixItems").IsAbsent()
	}
	if kind := schema.Lookup("type"); !kind.IsAbsent() && kind.Text() != "object" {
		return schema, false
	}
	properties := schema.Lookup("properties")
	if properties.IsAbsent() {
		properties = parse(`{}`)
	}
	below := properties.Lookup(at[0])
	if below.IsAbsent() {
		below = parse(`{"type":"object"}`)
	}
	inner, ok := withProperty(below, at[1:], of)
	if !ok {
		return schema, false
	}
	schema = set(schema, "properties", set(properties, at[0], inner))
	if required := schema.Lookup("required"); len(at) == 1 && required.Kind() == jsonvalue.KindArray {
		rest := slices.DeleteFunc(slices.Clone(required.Elems()), func(v jsonvalue.Value) bool { return v.Text() == at[0] })
		schema = set(schema, "required", jsonvalue.Array(rest...))
	}
	return schema, true
}

// elsewhere are the keywords that say something of members without naming them.
var elsewhere = []string{"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "const", "enum", "maxProperties", "minProperties",
	"patternProperties", "propertyNames", "dependentSchemas", "dependentRequired"}

// relocate returns a schema whose references to itself lead on where it stands under a
// name.
func relocate(schema jsonvalue.Value, name string) jsonvalue.Value {
	return rewrite(schema, func(s jsonvalue.Value) jsonvalue.Value {
		if rest, ok := strings.CutPrefix(s.Lookup("$ref").Text(), "#"); ok {
			return set(s, "$ref", jsonvalue.String("#/components/schemas/"+name+rest))
		}
		return s
	})
}

// rewrite applies a function to every schema within a schema, the innermost first.
func rewrite(s jsonvalue.Value, each func(jsonvalue.Value) jsonvalue.Value) jsonvalue.Value {
	if s.Kind() != jsonvalue.KindObject {
		return s
	}
	members := slices.Clone(s.Members())
	for i := range members {
		m := &members[i]
		switch {
		case slices.Contains([]string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}, m.Name) && m.Value.Kind() == jsonvalue.KindObject:
			inner := slices.Clone(m.Value.Members())
			for j := range inner {
				inner[j].Value = rewrite(inner[j].Value, each)
			}
			m.Value = object(inner)
		case slices.Contains([]string{"items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames", "not", "if", "then", "else", "contentSchema"}, m.Name):
			m.Value = rewrite(m.Value, each)
		case slices.Contains([]string{"allOf", "anyOf", "oneOf", "prefixItems"}, m.Name):
			inner := slices.Clone(m.Value.Elems())
			for j := range inner {
				inner[j] = rewrite(inner[j], each)
			}
			m.Value = jsonvalue.Array(inner...)
		}
	}
	return each(object(members))
}

// set returns an object with a member.
func set(v jsonvalue.Value, name string, to jsonvalue.Value) jsonvalue.Value {
	members := slices.Clone(v.Members())
	for i := range members {
		if members[i].Name == name {
			members[i].Value = to
			return object(members)
		}
	}
	return object(append(members, jsonvalue.Member{Name: name, Value: to}))
}

// without returns an object without some members.
func without(v jsonvalue.Value, names ...string) jsonvalue.Value {
	return object(slices.DeleteFunc(slices.Clone(v.Members()), func(m jsonvalue.Member) bool { return slices.Contains(names, m.Name) }))
}

// object makes an object of members whose names are known to differ.
func object(members []jsonvalue.Member) jsonvalue.Value {
	v, err := jsonvalue.Object(members...)
	if err != nil {
		panic("openapi: " + err.Error())
	}
	return v
}

// parse reads JSON of our own.
func parse(text string) jsonvalue.Value {
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{Depth: 1000})
	if err != nil {
		panic("openapi: " + text + ": " + err.Error())
	}
	return v
}
