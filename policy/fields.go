package policy

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Field is what holds for one member of a collection's documents.
type Field struct {
	// Path is a JSON Pointer in which * stands for every member or element.
	Path string
	Type FieldType
}

// FieldType says what a field is.
type FieldType string

// Immutable is a field that does not change, and is not removed, once a document
// has it.
const Immutable FieldType = "immutable"

var fieldKeys = append([]*key{
	{name: "path", kind: kindText, required: true, check: checkFieldPath, doc: "JSON Pointer to the member, as in `/address/city`. The segment `*` stands for every member or element."},
	{name: "type", kind: kindWord, required: true, words: []word{
		{name: string(Immutable), doc: "a write that changes or removes it, once a document has it, is refused with 422"},
		{name: "atomic", later: true}, {name: "set", later: true}, {name: "list", later: true}, {name: "sequence", later: true},
		{name: "append", later: true}, {name: "counter", later: true}, {name: "text", later: true},
	}, doc: "What the field is."},
}, later("key", "min", "max", "on_conflict", "by", "may_resolve", "read")...)

func checkFieldPath(s string) fault {
	if bad := checkPointer(s); bad != "" {
		return bad
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "**" {
			return "** is not supported by this version; write * for one segment"
		}
	}
	return ""
}

// fields reads a collection's fields and reports paths that stand twice.
func (d *decoder) fields(v *value) []Field {
	var fields []Field
	lines := map[string]int{}
	for _, f := range v.list {
		path := f.get("path")
		if line, twice := lines[path.text]; twice && path.text != "" {
			d.fail(path.at, path.path, fault(path.text+" stands twice; the first is on line "+strconv.Itoa(line)))
		}
		lines[path.text] = path.at.line
		fields = append(fields, Field{Path: path.text, Type: FieldType(f.get("type").text)})
	}
	return fields
}

func (f *Field) members() yaml.MapSlice {
	return yaml.MapSlice{{Key: "path", Value: f.Path}, {Key: "type", Value: string(f.Type)}}
}

// fieldsMember returns the collection's fields as they stand in a policy file.
func (c *Collection) fieldsMember() yaml.MapSlice {
	if len(c.Fields) == 0 {
		return nil
	}
	list := make([]yaml.MapSlice, len(c.Fields))
	for i := range c.Fields {
		list[i] = c.Fields[i].members()
	}
	return yaml.MapSlice{{Key: "fields", Value: list}}
}
