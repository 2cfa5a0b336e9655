package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/policy.md and policy.schema.json anew")

func TestReferenceIsUpToDate(t *testing.T) {
	var schema bytes.Buffer
	e := json.NewEncoder(&schema)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schemaOf(&rootKey, true)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"policy.md": referencePage(), "policy.schema.json": schema.Bytes()} {
		path := filepath.Join("..", "docs", "reference", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what the table of keys says (%v); run go test ./policy -run Reference -update", path, err)
		}
	}
}

// The example of the page is a policy, so that nobody copies an error.
func TestReferenceExample(t *testing.T) {
	p, err := Parse("example", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Collections) != 2 || !p.Collections[1].History.Off {
		t.Errorf("%+v", p)
	}
}

const example = `# yaml-language-server: $schema=policy.schema.json
listen: 127.0.0.1:8080
store: sqlite:notes.db
limits:
  body: 256KiB
collections:
  - name: notes
    contract:
      precondition: {put: required, patch: optional, delete: tag}
    history: {keep: 20, for: 30d}
    on_stale: {default: reject, allow: [reject, overwrite, merge, park]}
    fields:
      - {path: /tags, type: set}
      - {path: /views, type: counter, min: 0}
      - {path: /status, on_conflict: {authority: [admin, editor]}}
    together: [[/startsAt, /endsAt]]
  - name: settings
    path: /api/settings
    contract: {token: hash}
    history: off
`

func referencePage() []byte {
	var b bytes.Buffer
	b.WriteString(`<!-- Made of the table of keys in policy/keys.go: go test ./policy -run Reference -update -->

# The policy file

One YAML file says which collections are served and what each of them promises.
` + "`ifmatch check FILE`" + ` prints it with every default filled in. An unknown key is an
error that names file, line and column; so is a key of a later version. The
[schema](policy.schema.json) makes editors complete and check it.

Sizes are bytes, or take KiB or MiB. Times are Go durations that may begin with
days: 90d, 1d12h, 30m. Anchors, aliases and tags of YAML are not supported.

` + "```yaml\n" + example + "```\n")
	page(&b, "Keys", "", &rootKey)
	b.WriteString("\n## Refused by this version\n\nThese names are reserved. This version refuses them rather than ignore them.\n\n")
	reserved(&b, "", &rootKey)
	return b.Bytes()
}

func page(b *bytes.Buffer, title, path string, k *key) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if path != "" {
		fmt.Fprintf(b, "%s\n\n", k.doc)
	}
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	for _, m := range k.keys {
		if !m.later {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", m.name, form(m), defaultOf(m), meaning(m))
		}
	}
	for _, m := range k.keys {
		// The keys of a default are those of a collection, and stand there.
		if len(m.keys) > 0 && m.name != "default" {
			p := join(path, m.name)
			if m.kind == kindBlocks {
				p += "[]"
			}
			page(b, "`"+p+"`", p, m)
		}
	}
}

func form(k *key) string {
	limits := ""
	if k.max != 0 {
		limits = ", " + k.format(k.min) + " to " + k.format(k.max)
	}
	switch k.kind {
	case kindBool:
		return "`true`, `false`"
	case kindCount:
		return "number" + limits
	case kindNumber:
		return "number"
	case kindSize:
		return "size" + limits
	case kindDuration:
		return "time"
	case kindWord:
		return codes(k.supportedWords())
	case kindWords:
		return "list of " + codes(k.supportedWords())
	case kindTexts:
		return "list of texts"
	case kindClaims:
		return "block of names of your own"
	case kindBlock:
		return "block"
	case kindChoice:
		return codes(k.supportedWords()) + ", or a block"
	case kindRule:
		return "expression"
	case kindRules:
		return "expression, or a block"
	case kindBlocks:
		switch short := k.shortKey(); {
		case short == nil:
		case short.kind == kindTexts:
			return "list of lists and blocks"
		default:
			return "list of texts and blocks"
		}
		return "list of blocks"
	case kindSchema:
		return "file name, or a schema"
	}
	return "text"
}

func codes(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

func defaultOf(k *key) string {
	switch {
	case k.required:
		return "required"
	case k.defDoc != "":
		return k.defDoc
	case k.def != "":
		return "`" + k.def + "`"
	}
	return "its keys'"
}

func meaning(k *key) string {
	s := k.doc
	for i, w := range k.words {
		if w.doc == "" {
			continue
		}
		if i == 0 {
			s += " "
		} else {
			s += "; "
		}
		s += "`" + w.name + "`: " + w.doc
	}
	if len(k.words) > 0 {
		s += "."
	}
	return s
}

func reserved(b *bytes.Buffer, path string, k *key) {
	var names []string
	for _, m := range k.keys {
		if m.later {
			names = append(names, m.name)
			continue
		}
		for _, w := range m.words {
			if w.later {
				names = append(names, m.name+": "+w.name)
			}
		}
	}
	if len(names) > 0 {
		where := "At the top"
		if path != "" {
			where = "Under `" + path + "`"
		}
		fmt.Fprintf(b, "- %s: %s.\n", where, codes(names))
	}
	for _, m := range k.keys {
		if m.name != "default" {
			reserved(b, join(path, m.name), m)
		}
	}
}

// expressions are the forms of an expression.
var expressions = []any{map[string]any{"type": "string", "minLength": 1}, map[string]any{"type": "boolean"}}

// schemaOf returns the JSON Schema (2020-12) of a key's value.
func schemaOf(k *key, root bool) map[string]any {
	s := map[string]any{"description": strings.ReplaceAll(meaning(k), "`", "")}
	if root {
		s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		s["title"] = "ifmatch policy file"
	}
	switch k.kind {
	case kindText:
		s["type"], s["minLength"] = "string", 1
	case kindBool:
		s["type"] = "boolean"
	case kindCount:
		s["type"], s["minimum"], s["maximum"] = "integer", k.min, k.max
	case kindNumber:
		s["type"] = "number"
	case kindSize:
		s["anyOf"] = []any{
			map[string]any{"type": "integer", "minimum": k.min, "maximum": k.max},
			map[string]any{"type": "string", "pattern": "^[1-9][0-9]* ?([KM]iB)?$"},
		}
	case kindDuration:
		s["type"], s["pattern"] = "string", `^([0-9]+d)?([0-9]+(\.[0-9]+)?(h|m|s|ms|us|µs|ns))*$`
	case kindWord:
		s["enum"] = enumOf(k)
	case kindWords:
		s["type"], s["items"] = "array", map[string]any{"enum": k.supportedWords()}
		if !k.none {
			s["minItems"] = 1
		}
	case kindTexts:
		s["type"], s["items"] = "array", map[string]any{"type": "string", "minLength": 1}
	case kindClaims:
		s["type"], s["minProperties"] = "object", 1
		simple := map[string]any{"type": []string{"string", "integer", "boolean"}}
		s["additionalProperties"] = map[string]any{"anyOf": []any{simple, map[string]any{"type": "array", "items": simple}}}
	case kindBlock:
		membersSchema(k, s)
	case kindChoice:
		block := map[string]any{}
		membersSchema(k, block)
		s["anyOf"] = []any{map[string]any{"enum": k.supportedWords()}, block}
	case kindRule:
		s["anyOf"] = expressions
	case kindRules:
		block := map[string]any{}
		membersSchema(k, block)
		s["anyOf"] = append(slices.Clone(expressions), block)
	case kindSchema:
		s["anyOf"] = []any{map[string]any{"type": "string", "minLength": 1}, map[string]any{"$ref": "https://json-schema.org/draft/2020-12/schema"}}
	case kindBlocks:
		item := map[string]any{}
		membersSchema(k, item)
		if short := k.shortKey(); short != nil {
			alone := schemaOf(short, false)
			delete(alone, "description")
			item = map[string]any{"anyOf": []any{alone, item}}
		}
		s["type"], s["minItems"], s["items"] = "array", 1, item
	}
	if k.def != "" {
		s["default"] = defaultJSON(k)
	}
	return s
}

// shortKey returns the key that an element stands for alone, nil for none.
func (k *key) shortKey() *key {
	for _, m := range k.keys {
		if m.name == k.short {
			return m
		}
	}
	return nil
}

// enumOf returns the words of a key as a YAML reader takes them: those of digits
// are numbers.
func enumOf(k *key) []any {
	var enum []any
	for _, w := range k.supportedWords() {
		if n, err := strconv.Atoi(w); err == nil {
			enum = append(enum, n)
			continue
		}
		enum = append(enum, w)
	}
	return enum
}

func membersSchema(k *key, s map[string]any) {
	properties, required := map[string]any{}, []string{}
	for _, m := range k.keys {
		if m.later {
			continue
		}
		properties[m.name] = schemaOf(m, false)
		if m.required {
			required = append(required, m.name)
		}
	}
	s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
	if len(required) > 0 {
		s["required"] = required
	}
}

func defaultJSON(k *key) any {
	switch v, _ := k.parse(k.def, false); k.kind {
	case kindBool:
		return v.bool
	case kindCount:
		return v.number
	case kindNumber:
		return json.Number(v.text)
	}
	return k.def
}
