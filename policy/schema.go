package policy

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/ifmatch/ifmatch/internal/schema"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Schema is a JSON Schema 2020-12 that every document of a collection keeps to.
// It is immutable and safe for concurrent use.
type Schema struct {
	// File is where it stands, as the policy file names it; "" is in the policy
	// file itself.
	File string

	source jsonvalue.Value
	rules  *schema.Schema
}

// Fault is one thing that is wrong with a document.
type Fault struct {
	Pointer string // JSON Pointer, "" for all of it
	Detail  string // a sentence
}

// JSON returns the schema as JSON text.
func (s *Schema) JSON() []byte { return s.source.Append(nil) }

// Value returns the schema as a value, absent for a nil schema.
func (s *Schema) Value() jsonvalue.Value {
	if s == nil {
		return jsonvalue.Value{}
	}
	return s.source
}

// Validate says what is wrong with a document, nil for nothing: at most 20
// faults, ordered by pointer.
func (s *Schema) Validate(document jsonvalue.Value) []Fault {
	var faults []Fault
	for _, f := range s.rules.Validate(document) {
		faults = append(faults, Fault{Pointer: f.Pointer.String(), Detail: f.Detail})
	}
	return faults
}

// printed returns what stands under schema in a policy file.
func (s *Schema) printed() any {
	if s.File != "" {
		return s.File
	}
	return jsonText(s.JSON())
}

// jsonText is JSON that goes into YAML as it is.
type jsonText []byte

// MarshalYAML implements yaml.BytesMarshaler: JSON is YAML.
func (j jsonText) MarshalYAML() ([]byte, error) { return j, nil }

var _ yaml.BytesMarshaler = jsonText(nil)

// schema reads a collection's schema: a block, or the name of a file relative to
// the policy file.
func (d *decoder) schema(n ast.Node, path string, at position) *value {
	v := &value{at: at, path: path, set: true}
	if _, inline := n.(*ast.MappingNode); inline {
		v.schema = d.inlineSchema(n, path)
		return v
	}
	name := d.scalar(n, &key{kind: kindText}, path, at)
	if name.text == "" {
		return v
	}
	file := d.beside(name.text)
	data, bad := readFile(file)
	if bad != "" {
		d.fail(at, path, bad)
		return v
	}
	inFile := &decoder{file: file}
	if ext := filepath.Ext(file); ext == ".yaml" || ext == ".yml" {
		if root := inFile.parse(data); root != nil {
			v.schema = inFile.inlineSchema(root, path)
		} else if len(inFile.errs) == 0 {
			inFile.fail(position{1, 1}, path, "the file holds no schema")
		}
	} else {
		v.schema = inFile.jsonSchema(data, path)
	}
	if v.schema != nil {
		v.schema.File = name.text
	}
	d.errs = append(d.errs, inFile.errs...)
	return v
}

// readFile reads a file that the policy file names.
func readFile(file string) ([]byte, fault) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fault("cannot be read: " + err.Error())
	case !info.Mode().IsRegular():
		return nil, fault(file + " is not a file")
	case info.Size() > maxFile:
		return nil, fault(file + " is larger than " + formatSize(maxFile))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault("cannot be read: " + err.Error())
	}
	return data, ""
}

// schemaDepth bounds the nesting of schemas.
const schemaDepth = 200

// jsonSchema reads a schema of JSON text.
func (d *decoder) jsonSchema(data []byte, path string) *Schema {
	source, err := jsonvalue.Parse(data, jsonvalue.Limits{Depth: schemaDepth})
	if syntax, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok {
		d.fail(lineOf(data, syntax.Offset), path, fault("not valid JSON: "+syntax.Error()))
		return nil
	}
	return d.compile(source, path, func(p jsonvalue.Pointer) position { return lineOf(data, schema.Locate(data, p)) })
}

// lineOf turns an offset into a place.
func lineOf(data []byte, offset int64) position {
	before := string(data[:min(offset, int64(len(data)))])
	start := strings.LastIndexByte(before, '\n') + 1
	return position{strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1}
}

// inlineSchema reads a schema of YAML.
func (d *decoder) inlineSchema(n ast.Node, path string) *Schema {
	t := tree{decoder: d, path: path, places: map[string]position{}}
	source := t.value(n, nil)
	if t.bad {
		return nil
	}
	return d.compile(source, path, t.place)
}

func (d *decoder) compile(source jsonvalue.Value, path string, place func(jsonvalue.Pointer) position) *Schema {
	rules, err := schema.Compile(source)
	if bad, ok := errors.AsType[*schema.Error](err); ok {
		message := bad.Detail
		if len(bad.Pointer) > 0 {
			message = "at " + bad.Pointer.String() + ": " + message
		}
		d.fail(place(bad.Pointer), path, fault("not a schema that can be used, "+message))
		return nil
	}
	return &Schema{source: source, rules: rules}
}

// tree makes JSON of YAML and keeps where everything stands.
type tree struct {
	*decoder
	path   string
	places map[string]position
	bad    bool
}

func (t *tree) refuse(n ast.Node, at jsonvalue.Pointer, what fault) jsonvalue.Value {
	t.bad = true
	message := what
	if len(at) > 0 {
		message = fault("at "+at.String()+": ") + what
	}
	t.fail(where(n), t.path, message)
	return jsonvalue.Null()
}

// place returns where a value stands, or what is around it.
func (t *tree) place(p jsonvalue.Pointer) position {
	for ; ; p = p[:len(p)-1] {
		if at, ok := t.places[p.String()]; ok || len(p) == 0 {
			return at
		}
	}
}

// value returns the JSON of a node. Numbers keep their digits.
func (t *tree) value(n ast.Node, at jsonvalue.Pointer) jsonvalue.Value {
	if _, named := t.places[at.String()]; !named {
		t.places[at.String()] = where(n)
	}
	if len(at) > schemaDepth {
		return t.refuse(n, at[:1], "nests too deeply")
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return jsonvalue.Null()
	case *ast.BoolNode:
		return jsonvalue.Bool(n.Value)
	case *ast.StringNode:
		return jsonvalue.String(n.Value)
	case *ast.LiteralNode:
		return jsonvalue.String(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		number, err := jsonvalue.Number(n.GetToken().Value)
		if err != nil {
			return t.refuse(n, at, fault(n.GetToken().Value+" is not a number of JSON; write it in plain digits, or in quotes for a text"))
		}
		return number
	case *ast.SequenceNode:
		elems := make([]jsonvalue.Value, len(n.Values))
		for i, element := range n.Values {
			elems[i] = t.value(element, append(slices.Clip(at), strconv.Itoa(i)))
		}
		return jsonvalue.Array(elems...)
	case *ast.MappingNode:
		return t.object(n, at)
	}
	if bad := foreign(n); bad != "" {
		return t.refuse(n, at, bad)
	}
	return t.refuse(n, at, "is nothing that JSON has")
}

func (t *tree) object(n *ast.MappingNode, at jsonvalue.Pointer) jsonvalue.Value {
	members := make([]jsonvalue.Member, len(n.Values))
	for i, m := range n.Values {
		name, place := nameOf(m.Key)
		below := append(slices.Clip(at), name)
		if _, twice := t.places[below.String()]; twice {
			t.refuse(m.Key, below, "stands twice")
		}
		t.places[below.String()] = place
		members[i] = jsonvalue.Member{Name: name, Value: t.value(m.Value, below)}
	}
	v, err := jsonvalue.Object(members...)
	if err != nil && !t.bad {
		return t.refuse(n, at, fault(err.Error()))
	}
	return v
}
