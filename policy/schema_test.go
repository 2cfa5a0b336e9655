package policy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// write makes files in a folder of their own and returns the path of the first.
func write(t *testing.T, namesAndTexts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(namesAndTexts); i += 2 {
		name := filepath.Join(dir, namesAndTexts[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(namesAndTexts[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, namesAndTexts[0])
}

const (
	schemaFile   = "collections:\n  - name: notes\n    schema: schemas/note.json\n"
	schemaInline = "collections:\n  - name: notes\n    schema:\n      required: [title]\n      properties:\n        n: {maximum: 9007199254740993, default: null}\n        'yes': {enum: [true, 1.50, \"a\"]}\n"
)

func TestSchema(t *testing.T) {
	for name, c := range map[string]struct {
		path      string
		file      string
		json      string
		bad, good string
	}{
		"file": {write(t, "p.yaml", schemaFile, "schemas/note.json", `{"required":["title"]}`), "schemas/note.json",
			`{"required":["title"]}`, `{}`, `{"title":1}`},
		"YAML file": {write(t, "p.yaml", strings.ReplaceAll(schemaFile, ".json", ".yaml"), "schemas/note.yaml", "required:\n  - title\n"), "schemas/note.yaml",
			`{"required":["title"]}`, `{}`, `{"title":1}`},
		"inline": {write(t, "p.yaml", schemaInline), "",
			`{"required":["title"],"properties":{"n":{"maximum":9007199254740993,"default":null},"yes":{"enum":[true,1.50,"a"]}}}`,
			`{"title":1,"n":9007199254740994}`, `{"title":1,"n":9007199254740993}`},
		"inline JSON": {write(t, "p.yaml", "collections: [{name: notes, schema: {\"required\":[\"title\"]}}]"), "",
			`{"required":["title"]}`, `{}`, `{"title":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Load(c.path)
			if err != nil {
				t.Fatal(err)
			}
			s := p.Collections[0].Schema
			if s == nil || s.File != c.file || string(s.JSON()) != c.json {
				t.Fatalf("%+v", s)
			}
			for text, fits := range map[string]bool{c.bad: false, c.good: true} {
				document, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if faults := s.Validate(document); (faults == nil) != fits {
					t.Errorf("%s: %v", text, faults)
				}
			}
			var printed bytes.Buffer
			if err := p.Print(&printed); err != nil {
				t.Fatal(err)
			}
			again, err := Parse(c.path, printed.Bytes())
			if err != nil || string(again.Collections[0].Schema.JSON()) != c.json || again.Collections[0].Schema.File != c.file {
				t.Errorf("%v:\n%s", err, printed.String())
			}
		})
	}
	p, err := Load(write(t, "p.yaml", "default: {schema: {minProperties: 1}}"))
	if err != nil || p.Default.Schema == nil {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestSchemaErrors(t *testing.T) {
	const inline = "collections:\n  - name: notes\n    schema:\n      "
	const notUsable = "collections[0].schema: not a schema that can be used, "
	for name, c := range map[string]struct {
		files []string // the name of the policy file first
		want  string   // after the folder's name
	}{
		"no such file":     {[]string{"p.yaml", schemaFile}, "p.yaml:3:13: collections[0].schema: cannot be read: stat DIR/schemas/note.json: no such file or directory"},
		"a folder":         {[]string{"p.yaml", schemaFile, "schemas/note.json/x", ""}, "p.yaml:3:13: collections[0].schema: DIR/schemas/note.json is not a file"},
		"not a text":       {[]string{"p.yaml", "default: {schema: 7}"}, `p.yaml:1:19: default.schema: must be a text; write "7" in quotes`},
		"a list":           {[]string{"p.yaml", "default: {schema: [a]}"}, "p.yaml:1:19: default.schema: must be a text"},
		"no value":         {[]string{"p.yaml", "default:\n  schema:\n"}, "p.yaml:2:3: default.schema: has no value; give it one, or remove the key to have the default"},
		"an alias":         {[]string{"p.yaml", inline + "a: &x {}\n"}, "p.yaml:4:10: collections[0].schema: at /a: anchors and aliases are not supported; write the value out"},
		"stands twice":     {[]string{"p.yaml", inline + "type: object\n      type: array\n"}, "p.yaml:5:7: collections[0].schema: at /type: stands twice"},
		"a number of YAML": {[]string{"p.yaml", inline + "maximum: 0x10\n"}, "p.yaml:4:16: collections[0].schema: at /maximum: 0x10 is not a number of JSON; write it in plain digits, or in quotes for a text"},
		"inline": {[]string{"p.yaml", inline + "properties:\n        a: {minLength: -1}\n"},
			"p.yaml:5:13: " + notUsable + "at /properties/a/minLength: Must be at least 0."},
		"inline reference": {[]string{"p.yaml", inline + "properties:\n        a:\n          $ref: other.json\n"},
			"p.yaml:6:11: " + notUsable + `at /properties/a/$ref: The reference "other.json" leads out of this schema, and other files and addresses are not loaded. Put it under $defs and refer to it as #/$defs/NAME.`},
		"not JSON": {[]string{"p.yaml", schemaFile, "schemas/note.json", "{\n \"a\": 1,\n}"},
			"schemas/note.json:2:8: collections[0].schema: not valid JSON: jsonvalue: at byte 9: "},
		"not YAML": {[]string{"p.yaml", strings.ReplaceAll(schemaFile, ".json", ".yml"), "schemas/note.yml", "a: [\n"},
			"schemas/note.yml:1:4: not valid YAML: "},
		"nothing in YAML": {[]string{"p.yaml", strings.ReplaceAll(schemaFile, ".json", ".yml"), "schemas/note.yml", "# nothing\n"},
			"schemas/note.yml:1:1: collections[0].schema: the file holds no schema"},
		"in a file": {[]string{"p.yaml", schemaFile, "schemas/note.json", "{\n  \"properties\": {\n    \"ü\": {\"pattern\": \"(\"}\n  }\n}"},
			"schemas/note.json:3:11: " + notUsable + "at /properties/ü/pattern: Is not a valid regex: "},
		"reference in a file": {[]string{"p.yaml", schemaFile, "schemas/note.json", "{\n  \"$ref\": \"https://example.com/s.json\"\n}"},
			"schemas/note.json:2:3: " + notUsable + `at /$ref: The reference "https://example.com/s.json" leads out`},
		"not a schema in a file": {[]string{"p.yaml", schemaFile, "schemas/note.json", "[]"},
			"schemas/note.json:1:1: " + notUsable + "Must be "},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.files...)
			dir := filepath.Dir(path)
			_, err := Load(path)
			if err == nil {
				t.Fatal("no error")
			}
			have := strings.ReplaceAll(strings.TrimPrefix(err.Error(), dir+"/"), dir, "DIR")
			if !strings.HasPrefix(have, c.want) {
				t.Errorf("have %s\nwant %s", have, c.want)
			}
		})
	}
}
