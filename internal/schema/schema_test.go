package schema

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func parse(t *testing.T, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{Depth: 8192})
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func compiled(t *testing.T, text string) *Schema {
	t.Helper()
	s, err := Compile(parse(t, text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return s
}

func lines(faults []Fault) string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%s: %s\n", f.Pointer, f.Detail)
	}
	return b.String()
}

func TestValidate(t *testing.T) {
	tests := []struct{ name, schema, value, want string }{
		{"fits", `{"type":"object","required":["a"]}`, `{"a":1}`, ""},
		{"true", `true`, `{}`, ""},
		{"empty", `{}`, `{"a":[1,null]}`, ""},
		{"false", `false`, `{}`, ": Must not be here.\n"},
		{"type", `{"properties":{"a":{"type":["string","null"]}}}`, `{"a":1}`, "/a: Must be null or string, and is number.\n"},
		{"several, ordered", `{"required":["x"],"properties":{"b":{"type":"string"},"a":{"type":"string"}}}`, `{"b":1,"a":2}`,
			": Is missing the member \"x\".\n/a: Must be string, and is number.\n/b: Must be string, and is number.\n"},
		{"missing several", `{"required":["b","a"]}`, `{}`, ": Is missing the members \"a\", \"b\".\n"},
		{"additional", `{"properties":{"a":true},"additionalProperties":false}`, `{"c":1,"b":2,"a":1}`, ": Must not have the members \"b\", \"c\".\n"},
		{"unevaluated", `{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}`, `{"a":1,"b":1}`, "/b: Must not be here.\n"},
		{"pointer is escaped", `{"properties":{"a/b~c":{"type":"string"}}}`, `{"a/b~c":1}`, "/a~1b~0c: Must be string, and is number.\n"},
		{"element", `{"properties":{"l":{"items":{"minLength":2}}}}`, `{"l":["ab","c"]}`, "/l/1: Must have at least 2 characters, and has 1.\n"},
		{"through a reference", `{"properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"maximum":3}}}`, `{"a":4}`, "/a: Must be at most 3.\n"},
		{"anyOf", `{"properties":{"a":{"anyOf":[{"type":"string"},{"required":["b"],"type":"object"}]}}}`, `{"a":{}}`,
			"/a: Fits none of the 2 alternatives: Must be string, and is object; Is missing the member \"b\".\n"},
		{"anyOf deeper", `{"anyOf":[{"properties":{"a":{"const":1}}},{"properties":{"a":{"const":2}}}]}`, `{"a":3}`,
			": Fits none of the 2 alternatives: /a: Value must be 1; /a: Value must be 2.\n"},
		{"oneOf twice", `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":1}`, ": Fits more than one of the alternatives, and must fit exactly one.\n"},
		{"not", `{"not":{"required":["a"]}}`, `{"a":1}`, ": Fits what the schema excludes.\n"},
		{"names", `{"propertyNames":{"maxLength":2}}`, `{"abc":1}`, ": The name \"abc\" is not allowed here: Must have at most 2 characters, and has 3.\n"},
		{"names, deeper", `{"additionalProperties":{"propertyNames":{"maxLength":2}}}`, `{"a":{"abc":1},"b":{},"c":{},"d":{}}`, "/a: The name \"abc\" is not allowed here: Must have at most 2 characters, and has 3.\n"},
		{"pattern", `{"properties":{"a":{"pattern":"^x+$"}}}`, `{"a":"y"}`, "/a: Does not match the pattern \"^x+$\".\n"},
		{"enum", `{"properties":{"a":{"enum":["x","y"]}}}`, `{"a":"z"}`, "/a: Value must be one of 'x', 'y'.\n"},
		{"dependent", `{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, ": Is missing the member \"b\", which must be there where \"a\" is.\n"},
		{"unique", `{"properties":{"a":{"uniqueItems":true}}}`, `{"a":[1,2,1.0]}`, "/a: Items at 0 and 2 are equal.\n"},
		{"if then", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, ": Is missing the member \"b\".\n"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if have := lines(compiled(t, c.schema).Validate(parse(t, c.value))); have != c.want {
				t.Errorf("have %q\nwant %q", have, c.want)
			}
		})
	}
}

// Numbers differ where float64 sees none.
func TestNumbersAreExact(t *testing.T) {
	tests := []struct {
		schema, value string
		fits          bool
	}{
		{`{"maximum":9007199254740992}`, `9007199254740993`, false},
		{`{"maximum":9007199254740993}`, `9007199254740993`, true},
		{`{"const":9007199254740992}`, `9007199254740993`, false},
		{`{"enum":[0.1]}`, `0.10000000000000000001`, false},
		{`{"const":1}`, `1.0`, true},
		{`{"type":"integer"}`, `1.0`, true},
		{`{"type":"integer"}`, `1e400`, true},
		{`{"type":"integer"}`, `9007199254740993.5`, false},
		{`{"multipleOf":0.01}`, `0.07`, true},
		{`{"multipleOf":0.01}`, `0.075`, false},
		{`{"minimum":1e-400}`, `0`, false},
		{`{"exclusiveMinimum":0}`, `1e-400`, true},
		{`{"exclusiveMaximum":1e309}`, `1e308`, true},
	}
	for _, c := range tests {
		t.Run(c.schema+" "+c.value, func(t *testing.T) {
			if faults := compiled(t, c.schema).Validate(parse(t, c.value)); (len(faults) == 0) != c.fits {
				t.Errorf("fits is to be %t: %v", c.fits, faults)
			}
		})
	}
	faults := compiled(t, `{"maximum":9007199254740993}`).Validate(parse(t, `9007199254740994`))
	if want := ": Must be at most 9007199254740993.\n"; lines(faults) != want {
		t.Errorf("have %q, want %q", lines(faults), want)
	}
}

func TestFormatsAreAsserted(t *testing.T) {
	tests := []struct{ format, good, bad string }{
		{"date", "2026-02-28", "2026-02-29"},
		{"time", "10:00:00Z", "25:00:00Z"},
		{"date-time", "2026-02-28T10:00:00+01:00", "2026-02-28 10:00"},
		{"duration", "P1DT2H", "1d"},
		{"email", "a@example.com", "a.example.com"},
		{"hostname", "example.com", "-a-.com"},
		{"ipv4", "127.0.0.1", "256.0.0.1"},
		{"ipv6", "::1", "1::2::3"},
		{"uri", "https://example.com/a?b", "/a"},
		{"uri-reference", "/a", "a\\b"},
		{"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"},
		{"json-pointer", "/a/b", "a/b"},
		{"regex", "^a+$", "("},
	}
	for _, c := range tests {
		t.Run(c.format, func(t *testing.T) {
			s := compiled(t, `{"format":"`+c.format+`"}`)
			if faults := s.Validate(jsonvalue.String(c.good)); faults != nil {
				t.Errorf("%q: %v", c.good, faults)
			}
			faults := s.Validate(jsonvalue.String(c.bad))
			if len(faults) != 1 || !strings.HasPrefix(faults[0].Detail, "Is not a valid "+c.format+": ") {
				t.Errorf("%q: %v", c.bad, faults)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	tests := []struct{ name, schema, pointer, detail string }{
		{"not a schema", `[]`, "", "Must be "},
		{"wrong keyword", `{"properties":{"a":{"type":"text"}}}`, "/properties/a/type", "Fits none"},
		{"wrong value", `{"properties":{"a":{"minLength":-1}}}`, "/properties/a/minLength", "Must be at least 0."},
		{"another dialect", `{"$schema":"http://json-schema.org/draft-07/schema#"}`, "/$schema", "Only JSON Schema 2020-12"},
		{"dialect is no text", `{"$schema":7}`, "/$schema", "Only JSON Schema 2020-12"},
		{"another file", `{"properties":{"a":{"$ref":"other.json#/x"}}}`, "/properties/a/$ref", `"other.json#/x" leads out of this schema`},
		{"a parent's file", `{"items":{"$ref":"../other.json"}}`, "/items/$ref", `"../other.json" leads out`},
		{"the network", `{"properties":{"a":{"$ref":"https://example.com/s.json"}}}`, "/properties/a/$ref", "are not loaded"},
		{"the file system", `{"$ref":"file:///etc/passwd"}`, "/$ref", "are not loaded"},
		{"nothing there", `{"properties":{"a":{"$ref":"#/$defs/b"}}}`, "/properties/a/$ref", `"#/$defs/b" leads to nothing`},
		{"no such anchor", `{"properties":{"a":{"$ref":"#b"}}}`, "/properties/a/$ref", `"#b" leads to nothing`},
		{"bad expression", `{"properties":{"a":{"pattern":"("}}}`, "/properties/a/pattern", "Is not a valid regex"},
		{"look-around", `{"properties":{"a":{"pattern":"(?=a)b"}}}`, "/properties/a/pattern", "Is not a valid regex"},
		{"bad name expression", `{"patternProperties":{"[":{}}}`, "/patternProperties", `The name "[" is not allowed here: Is not a valid regex`},
		{"without end", `{"$ref":"#"}`, "", "refers to itself without end"},
		{"heavy number", `{"maximum":` + strings.Repeat("9", 25_000)[:9_000] + `,"minimum":-1e9999,"const":1e9999}`, "/const", "too many digits"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(parse(t, c.schema))
			bad, ok := errors.AsType[*Error](err)
			if !ok || bad.Pointer.String() != c.pointer || !strings.Contains(bad.Detail, c.detail) {
				t.Errorf("have %v, want %q: …%s…", err, c.pointer, c.detail)
			}
		})
	}
}

// A file that is there and holds a schema is not loaded either.
func TestNothingIsLoaded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(parse(t, `{"$ref":"file://`+filepath.ToSlash(file)+`"}`)); err == nil || !strings.Contains(err.Error(), "are not loaded") {
		t.Errorf("%v", err)
	}
}

func TestCompileTakes(t *testing.T) {
	for _, schema := range []string{
		`true`, `{}`, `{"$schema":"` + Dialect + `"}`, `{"$id":"https://example.com/own.json","$ref":"#/$defs/a","$defs":{"a":{}}}`,
		`{"properties":{"next":{"$ref":"#"}}}`, `{"$ref":"` + Dialect + `"}`,
	} {
		compiled(t, schema)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	s := compiled(t, `{"items":{"type":"string"}}`)
	if n := len(s.Validate(parse(t, "["+strings.Repeat("1,", 1000)+"1]"))); n != MaxFaults {
		t.Errorf("%d faults, want %d", n, MaxFaults)
	}
	long := strings.Repeat("é", 10_000)
	for _, f := range compiled(t, `{"additionalProperties":false}`).Validate(parse(t, `{"`+long+`":1}`)) {
		if len(f.Detail) > 2*maxSentence {
			t.Errorf("a fault of %d bytes", len(f.Detail))
		}
	}
}

// A large value that does not fit is refused without a record of all of it.
func TestLargeValues(t *testing.T) {
	s := compiled(t, `{"items":{"type":"number"}}`)
	good := "[" + strings.Repeat("1,", maxRecorded) + "1]"
	if faults := s.Validate(parse(t, good)); faults != nil {
		t.Errorf("%v", faults)
	}
	faults := s.Validate(parse(t, good[:len(good)-1]+`,"x"]`))
	if len(faults) != 1 || !strings.Contains(faults[0].Detail, "too large to be told where") {
		t.Errorf("%v", faults)
	}
}

// Numbers that take long to compare are refused before they are.
func TestHeavyNumbers(t *testing.T) {
	s := compiled(t, `{"properties":{"l":{"items":{"maximum":1}}}}`)
	faults := s.Validate(parse(t, `{"l":[`+strings.Repeat("1e9999,", 100_000)+`1]}`))
	if len(faults) != 1 || faults[0].Pointer.String() != "/l/2" {
		t.Errorf("%v", faults)
	}
	if faults := s.Validate(parse(t, `{"l":[-1e9999]}`)); faults != nil {
		t.Errorf("%v", faults)
	}
}

// The two ways of validating agree, whatever the schema and the value.
func TestBothWaysAgree(t *testing.T) {
	schemas := []string{
		`{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":2},"b":{"$ref":"#"}},"additionalProperties":false}`,
		`{"anyOf":[{"type":"array","uniqueItems":true,"items":{"$ref":"#"}},{"type":["number","null"]},{"type":"object","minProperties":1}]}`,
		`{"if":{"type":"array"},"then":{"contains":{"const":1},"maxItems":3},"else":{"not":{"required":["a"]}}}`,
		`{"oneOf":[{"multipleOf":2},{"multipleOf":3}],"unevaluatedItems":false,"prefixItems":[{"type":"number"}]}`,
		`{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":{"type":"array"}}`,
	}
	rules := make([]*Schema, len(schemas))
	for i, text := range schemas {
		rules[i] = compiled(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.SampledFrom(rules).Draw(rt, "schema")
		v := drawValue(rt, 3)
		values, _ := plain(v)
		full, brief := s.rules.Validate(values) == nil, s.denied.Validate(values) != nil
		if full != brief {
			rt.Fatalf("%s: fits is %t with a record, %t without", v.Append(nil), full, brief)
		}
	})
}

func drawValue(rt *rapid.T, depth int) jsonvalue.Value {
	switch kind := rapid.IntRange(0, 5).Draw(rt, "kind"); {
	case kind == 0 && depth > 0:
		var elems []jsonvalue.Value
		for range rapid.IntRange(0, 4).Draw(rt, "elements") {
			elems = append(elems, drawValue(rt, depth-1))
		}
		return jsonvalue.Array(elems...)
	case kind <= 2 && depth > 0:
		var members []jsonvalue.Member
		for _, name := range []string{"a", "b", "c"} {
			if rapid.Bool().Draw(rt, name) {
				members = append(members, jsonvalue.Member{Name: name, Value: drawValue(rt, depth-1)})
			}
		}
		v, err := jsonvalue.Object(members...)
		if err != nil {
			rt.Fatal(err)
		}
		return v
	case kind == 3:
		return jsonvalue.Null()
	case kind == 4:
		return jsonvalue.String("x")
	}
	return jsonvalue.Int(int64(rapid.IntRange(0, 6).Draw(rt, "number")))
}
