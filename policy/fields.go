package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/schema"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// maxFields bounds the fields of a collection: each costs every merge.
const maxFields = 1000

var fieldKeys = slices.Concat([]*key{
	{name: "path", kind: kindText, required: true, check: checkPointer, doc: "JSON Pointer to the member, as in `/address/city`. The segment `*` stands for any one segment, `**` for any number of them. Of several paths that match, the most exact holds: from left to right a name goes before `*`, and `*` before `**`. Elements of arrays are matched by `*` and `**` alone."},
	{name: "type", kind: kindWord, optional: true, defDoc: "none: objects are merged member by member, nothing else combines", words: []word{
		{name: string(merge.Atomic), doc: "not at all, whatever it holds is one value"},
		{name: string(merge.Set), doc: "an array without order, by what both added and removed"},
		{name: string(merge.List), doc: "an array of objects that `key` tells apart; elements are merged like objects, and what both added and removed counts"},
		{name: string(merge.Sequence), doc: "an array whose order matters, by elements, where edits do not overlap"},
		{name: string(merge.Append), doc: "an array that only grows, by what both appended, the stored elements first"},
		{name: string(merge.Counter), doc: "a number, by adding what both added"},
		{name: string(merge.Text), doc: "a string, by lines, and by words within a line, where edits do not overlap"},
		{name: string(merge.Immutable), doc: "not at all; a write that changes or removes it, once a document has it, is refused with 422, merged or not. Elements of a `list` are followed by their key and those of a `set` by what they are, others by their position; where one goes, so does what is in it"},
	}, doc: "How two changes of the field combine. A write that is sent again because its answer was lost is merged again: `counter` and `append` count it twice, and so do `sequence` and `text` where elements or lines repeat."},
	{name: "key", kind: kindText, optional: true, defDoc: "none; a `list` needs it", check: checkPointer, doc: "JSON Pointer, within an element of a `list`, to the value that tells it from the others, as in `/id`."},
	{name: "min", kind: kindNumber, optional: true, defDoc: "none", doc: "The least that a `counter` may be merged to. What is less is left to `on_conflict`."},
	{name: "max", kind: kindNumber, optional: true, defDoc: "none", doc: "The most that a `counter` may be merged to."},
}, settleKeys("", "that of the field around it, else `reject`", "What settles two changes that do not combine, of the field and of all below it that has no `on_conflict` of its own."),
	[]*key{mayResolveKey, readKey})

// fields returns a collection's fields, and reports those that cannot be.
func (d *decoder) fields(v *value, c *Collection) []merge.Field {
	if len(v.list) > maxFields {
		d.fail(v.at, v.path, fault("must not have more than "+strconv.Itoa(maxFields)+" fields; each costs every merge"))
		return nil
	}
	var fields []merge.Field
	places := make(map[string]*value, len(v.list))
	for _, f := range v.list {
		path, typ := f.get("path"), f.get("type")
		field := merge.Field{
			Path: path.text, Type: merge.Type(typ.text), Key: f.get("key").text,
			Min: f.get("min").text, Max: f.get("max").text, OnConflict: d.onConflict(f),
		}
		fields = append(fields, field)
		if checkPointer(path.text) != "" {
			continue // reported by itself
		}
		d.samePlaces(path, places)
		d.fitsSchema(&field, typ, c.Schema)
	}
	return fields
}

// samePlaces reports a path that matches the same places as one before it.
func (d *decoder) samePlaces(path *value, places map[string]*value) {
	pattern := canonicalPattern(path.text)
	first := places[pattern]
	switch {
	case first == nil:
		places[pattern] = path
	case first.text == path.text:
		d.fail(path.at, path.path, fault(path.text+" stands twice; the first is on line "+strconv.Itoa(first.at.line)))
	default:
		d.fail(path.at, path.path, fault(path.text+" matches the same as "+first.text+" on line "+strconv.Itoa(first.at.line)+"; put the two into one field"))
	}
}

// canonicalPattern returns the one spelling of all paths that match the same:
// of wildcards in a row it matters how many stand for one segment each, and
// whether one among them stands for any number.
func canonicalPattern(path string) string {
	var b strings.Builder
	many := false
	end := func() {
		if many {
			b.WriteString("/**")
		}
		many = false
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		switch segment {
		case "**":
			many = true
		case "*":
			b.WriteString("/*")
		default:
			end()
			b.WriteString("/" + segment)
		}
	}
	end()
	return b.String()
}

// fitting are the types of JSON Schema that a field of a type may have.
var fitting = map[merge.Type][]string{
	merge.Set: {"array"}, merge.List: {"array"}, merge.Sequence: {"array"}, merge.Append: {"array"},
	merge.Counter: {"number", "integer"}, merge.Text: {"string"},
}

// fitsSchema reports a field whose type no value has that the schema lets stand
// there.
func (d *decoder) fitsSchema(field *merge.Field, typ *value, s *Schema) {
	member, err := jsonvalue.ParsePointer(field.Path)
	want, typed := fitting[field.Type]
	if err != nil || !typed || s == nil || slices.Contains(member, "*") || slices.Contains(member, "**") {
		return
	}
	have := schema.TypesAt(s.source, member)
	if have == nil || slices.ContainsFunc(have, func(t string) bool { return slices.Contains(want, t) }) {
		return
	}
	d.fail(typ.at, typ.path, fault(string(field.Type)+" is for a value of type "+want[0]+", and the schema says that "+field.Path+" is of type "+
		strings.Join(have, " or ")+"; change one of the two"))
}

// fieldMembers returns a field as it stands in a policy file.
func fieldMembers(f *merge.Field, mayResolve, read string) yaml.MapSlice {
	members := yaml.MapSlice{{Key: "path", Value: f.Path}}
	for _, m := range []struct{ name, text string }{{"type", string(f.Type)}, {"key", f.Key}} {
		if m.text != "" {
			members = append(members, yaml.MapItem{Key: m.name, Value: m.text})
		}
	}
	for _, m := range []struct{ name, number string }{{"min", f.Min}, {"max", f.Max}} {
		if m.number != "" {
			members = append(members, yaml.MapItem{Key: m.name, Value: jsonText(m.number)})
		}
	}
	members = append(members, settleMembers(&f.OnConflict)...)
	if mayResolve != "" {
		members = append(members, yaml.MapItem{Key: mayResolveKey.name, Value: mayResolve})
	}
	if read != "" {
		members = append(members, yaml.MapItem{Key: readKey.name, Value: read})
	}
	return members
}
