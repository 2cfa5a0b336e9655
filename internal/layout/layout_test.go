package layout_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/layout"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

func parse(t testing.TB, text string) layout.Text {
	t.Helper()
	parsed, err := layout.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return parsed
}

// merged merges three texts, a base of "" being none, and prints the result.
func merged(t testing.TB, base, theirs, mine string, p *merge.Policy) string {
	t.Helper()
	var b layout.Text
	if base != "" {
		b = parse(t, base)
	}
	x, y := parse(t, theirs), parse(t, mine)
	r := merge.Three(b.Value(), x.Value(), y.Value(), p, merge.Writers{})
	return string(layout.Append(nil, r.Value, &b, &x, &y))
}

func TestAppend(t *testing.T) {
	const jackson = "{\n  \"a\" : [ 1, 2 ],\n  \"b\" : { \"x\" : 1, \"y\" : 2 }\n}"
	for _, tt := range []struct{ name, base, theirs, mine, want string }{
		{"two spaces", "{\n  \"a\": 1,\n  \"b\": 1\n}\n", "{\n  \"a\": 2,\n  \"b\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"a\": 2,\n  \"b\": 2\n}\n"},
		{"tabs, without a final newline", "{\n\t\"a\": 1,\n\t\"b\": 1\n}", "{\n\t\"a\": 2,\n\t\"b\": 1\n}", "{\n\t\"a\": 1,\n\t\"b\": 2\n}", "{\n\t\"a\": 2,\n\t\"b\": 2\n}"},
		{"compact", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":2}`, `{"a":2,"b":2}`},
		{"one line with spaces", `{"a": 1, "b": 1}`, `{"a": 2, "b": 1}`, `{"a": 1, "b": 2}`, `{"a": 2, "b": 2}`},
		{"lines without indentation", "{\n\"a\": {\n\"x\": 1\n},\n\"b\": 1\n}", "{\n\"a\": {\n\"x\": 2\n},\n\"b\": 1\n}", "{\n\"a\": {\n\"x\": 1,\n\"y\": 1\n},\n\"b\": 1\n}", "{\n\"a\": {\n\"x\": 2,\n\"y\": 1\n},\n\"b\": 1\n}"},
		{"carriage returns", "{\r\n  \"a\": 1,\r\n  \"b\": 1\r\n}\r\n", "{\r\n  \"a\": 2,\r\n  \"b\": 1\r\n}\r\n", "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n", "{\r\n  \"a\": 2,\r\n  \"b\": 2\r\n}\r\n"},
		{"padded brackets", jackson, strings.Replace(jackson, `"x" : 1`, `"x" : 3`, 1), strings.Replace(jackson, `"y" : 2`, `"y" : 4`, 1), strings.NewReplacer(`"x" : 1`, `"x" : 3`, `"y" : 2`, `"y" : 4`).Replace(jackson)},
		{"short arrays stay on their line", "{\n  \"a\": [1, 2],\n  \"b\": 1\n}\n", "{\n  \"a\": [1, 2],\n  \"b\": 2\n}\n", "{\n  \"a\": [1, 2],\n  \"b\": 1,\n  \"c\": [\n    3\n  ]\n}\n", "{\n  \"a\": [1, 2],\n  \"b\": 2,\n  \"c\": [\n    3\n  ]\n}\n"},
		{"odd spaces stay where nothing is put together", "{\n  \"a\": 1,\n  \"b\":  [1 ,2]\n}", "{\n  \"a\": 2,\n  \"b\":  [1 ,2]\n}", "{\n  \"a\": 1,\n  \"b\":  [1 ,2],\n  \"c\": 1\n}", "{\n  \"a\": 2,\n  \"b\": [1 ,2],\n  \"c\": 1\n}"},
		{"escapes of names and strings", `{"\u00e9":"\u00e9\/","b":1,"c":1}`, `{"\u00e9":"\u00e9\/","b":2,"c":1}`, `{"\u00e9":"\u00e9\/","b":1,"c":"\u003c"}`, `{"\u00e9":"\u00e9\/","b":2,"c":"\u003c"}`},
		{"digits", `{"a":1.50,"b":1e400,"c":1}`, `{"a":1.50,"b":1e400,"c":2}`, `{"a":12345678901234567890.10,"b":1e400,"c":1}`, `{"a":12345678901234567890.10,"b":1e400,"c":2}`},
		{"order of members", `{"z":1,"a":1}`, `{"z":2,"a":1}`, `{"z":1,"a":2}`, `{"z":2,"a":2}`},
		{"only they laid it out anew", `{"a":1,"b":{"x":1}}`, "{\n \"a\": 1,\n \"b\": {\n  \"x\": 1\n }\n}\n", `{"a":1,"b":{"x":2}}`, "{\n \"a\": 1,\n \"b\": {\n  \"x\": 2\n }\n}\n"},
		{"only I laid it out anew", "{\n  \"a\": 1,\n  \"b\": {\n    \"x\": 1\n  }\n}\n", "{\n  \"a\": 2,\n  \"b\": {\n    \"x\": 1\n  }\n}\n", `{"a":1,"b":{"x":1}}`, `{"a":2,"b":{"x":1}}`},
		{"both laid it out anew", `{"a":1,"b":1}`, "{\n  \"a\": 2,\n  \"b\": 1\n}", "{\n\t\"a\": 1,\n\t\"b\": 2\n}", "{\n\t\"a\": 2,\n\t\"b\": 2\n}"},
		{"only they broke a line, elsewhere", `{"a":[1,2],"b":{"x":1},"c":1}`, "{\"a\":[1,\n2],\"b\":{\"x\":1},\"c\":1}", `{"a":[1,2],"b":{"x":1},"c":2}`, "{\"a\":[1,\n2],\"b\":{\"x\":1},\"c\":2}"},
		{"only I broke a line, elsewhere", `{"a":[1,2],"b":{"x":1},"c":1}`, `{"a":[1,2],"b":{"x":1},"c":2}`, "{\"a\":[1,\n2],\"b\":{\"x\":1},\"c\":1}", "{\"a\":[1,\n2],\"b\":{\"x\":1},\"c\":2}"},
		{"each broke a line", `{"a":[1,2],"b":[1,2]}`, "{\"a\":[1,\n2],\"b\":[1,2]}", "{\"a\":[1,2],\"b\":[1,\n2]}", "{\"a\":[1,\n2],\"b\":[1,\n2]}"},
		{"only they ended the last line", "{\n  \"a\": 1,\n  \"b\": 1\n}", "{\n  \"a\": 2,\n  \"b\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 2,\n  \"b\": 2\n}\n"},
		{"only I ended the last line", "{\n  \"a\": 1,\n  \"b\": 1\n}", "{\n  \"a\": 2,\n  \"b\": 1\n}", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"a\": 2,\n  \"b\": 2\n}\n"},
		{"no base", "", "{\n  \"a\": 1\n}\n", "{\n    \"b\": {\"x\": 1}\n}\n", "{\n    \"a\": 1,\n    \"b\": {\"x\": 1}\n}\n"},
		{"an empty base", "{}", "{\n \"a\": 1\n}", "{\n \"b\": 1\n}", "{\n \"a\": 1,\n \"b\": 1\n}"},
		{"emptied", "{\n  \"a\": 1,\n  \"b\": 1\n}", "{\n  \"b\": 1\n}", "{\n  \"a\": 1\n}", "{}"},
		{"scalars", "1\n", "2\n", "1\n", "2\n"},
		{"white space before", "\n {\"a\":1,\"b\":1}", "\n {\"a\":2,\"b\":1}", "\n {\"a\":1,\"b\":2}", "\n {\"a\":2,\"b\":2}"},
		{"an escaped name that only one side has", `{"b":{},"c":1}`, `{"b":{"\u00e9":1},"c":1}`, `{"b":{"\u00e8":1},"c":2}`, `{"b":{"\u00e8":1,"\u00e9":1},"c":2}`},
		{"quotation marks in names", `{"\" : ":1,"b":1,"c":1}`, `{"\" : ":1,"b":2,"c":1}`, `{"\" : ":1,"b":1,"c":2}`, `{"\" : ":1,"b":2,"c":2}`},
		{"the first line begins two levels down", "{\"x\": {\n    \"a\": 1,\n    \"b\": 1\n}}", "{\"x\": {\n    \"a\": 2,\n    \"b\": 1\n}}", "{\"x\": {\n    \"a\": 1,\n    \"b\": 2\n}}", "{\n  \"x\": {\n    \"a\": 2,\n    \"b\": 2\n  }\n}"},
		{"commas and brackets in strings", `{"a,[":"{: ,","b":1,"c":1}`, `{"a,[":"{: ,","b":2,"c":1}`, `{"a,[":"{: ,","b":1,"c":"\"{ \n"}`, `{"a,[":"{: ,","b":2,"c":"\"{ \n"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := merged(t, tt.base, tt.theirs, tt.mine, nil); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestAppendCombined: arrays whose elements moved keep how each was written, and
// what is new to all texts is laid out like its neighbours.
func TestAppendCombined(t *testing.T) {
	p, err := merge.Compile(merge.Rules{Fields: []merge.Field{
		{Path: "/tags", Type: merge.Set}, {Path: "/phones", Type: merge.List, Key: "/id"},
		{Path: "/n", Type: merge.Counter}, {Path: "/text", Type: merge.Text},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, base, theirs, mine, want string }{
		{"a set on one line", "{\n  \"tags\": [\"a\", \"b\"]\n}\n", "{\n  \"tags\": [\"b\", \"\\u0063\"]\n}\n", "{\n  \"tags\": [\"a\", \"b\", \"d\"]\n}\n", "{\n  \"tags\": [\"b\", \"\\u0063\", \"d\"]\n}\n"},
		{"elements that have moved", `{"tags":["a","x","\u0062"]}`, `{"tags":["x","\u0062"]}`, `{"tags":["a","\u0062"]}`, `{"tags":["\u0062"]}`},
		{"a list of objects, each on a line", "{\n  \"phones\": [\n    {\"id\": 1, \"x\": 1, \"y\": 1},\n    {\"id\": 2}\n  ]\n}",
			"{\n  \"phones\": [\n    {\"id\": 1, \"x\": 2, \"y\": 1},\n    {\"id\": 3}\n  ]\n}", "{\n  \"phones\": [\n    {\"id\": 1, \"x\": 1, \"y\": 2},\n    {\"id\": 2},\n    {\"id\":4}\n  ]\n}",
			"{\n  \"phones\": [\n    {\"id\": 1, \"x\": 2, \"y\": 2},\n    {\"id\": 3},\n    {\"id\":4}\n  ]\n}"},
		{"a sum", "{\n  \"n\": 1\n}", "{\n  \"n\": 2\n}", "{\n  \"n\": 5\n}", "{\n  \"n\": 6\n}"},
		{"a text", `{ "text": "a\nb\n" }`, `{ "text": "a\nc\n" }`, `{ "text": "\u0061a\nb\n" }`, `{ "text": "aa\nc\n" }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := merged(t, tt.base, tt.theirs, tt.mine, p); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", " ", "{", `{"a":1,"a":2}`, "1 2", "\xef\xbb\xbf{}", strings.Repeat("[", 65) + strings.Repeat("]", 65)} {
		if _, err := layout.Parse([]byte(text), jsonvalue.Limits{}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// failing is what a test of any kind can do.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

// holds checks what is true of any three texts, base being none where it is nil.
func holds(t failing, base, theirs, mine []byte) {
	t.Helper()
	var b layout.Text
	var err error
	if base != nil {
		if b, err = layout.Parse(base, jsonvalue.Limits{}); err != nil {
			return
		}
	}
	x, err := layout.Parse(theirs, jsonvalue.Limits{})
	if err != nil {
		return
	}
	y, err := layout.Parse(mine, jsonvalue.Limits{})
	if err != nil {
		return
	}
	same := func(what string, value jsonvalue.Value, b, x, y *layout.Text, want []byte) {
		t.Helper()
		out := layout.Append(nil, value, b, x, y)
		if printed, err := jsonvalue.Parse(out, jsonvalue.Limits{Depth: 128}); err != nil || !bytes.Equal(printed.Append(nil), value.Append(nil)) {
			t.Fatalf("%s: %q of %q, %q, %q is printed as %q: %v", what, value.Append(nil), base, theirs, mine, out, err)
		}
		if want != nil && !bytes.Equal(out, want) {
			t.Fatalf("%s: got %q, want %q", what, out, want)
		}
	}
	same("merged", merge.Three(b.Value(), x.Value(), y.Value(), nil, merge.Writers{}).Value, &b, &x, &y, nil)
	same("of other texts", x.Value(), &x, &y, &y, nil)
	same("only theirs", x.Value(), &y, &x, &y, theirs)
	same("only mine", y.Value(), &x, &x, &y, mine)
	same("both alike", y.Value(), &b, &y, &y, mine)
}

// TestAnyText lays out values in any way, and merges what became of them.
func TestAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"a", "b", "é", "a/b", "x\n"})
		var value *rapid.Generator[any]
		value = rapid.Deferred(func() *rapid.Generator[any] {
			return rapid.OneOf(
				rapid.Just[any](nil), rapid.Map(rapid.IntRange(-2, 9), func(i int) any { return i }), rapid.Map(names, func(s string) any { return s }),
				rapid.Map(rapid.SliceOfN(value, 0, 3), func(s []any) any { return s }),
				rapid.Map(rapid.MapOfN(names, value, 0, 3), func(m map[string]any) any { return m }),
			)
		})
		text := func(label string) []byte {
			v := value.Draw(t, label)
			compact, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			indent := rapid.SampledFrom([]string{"", " ", "  ", "\t"}).Draw(t, label+" indent")
			if rapid.Bool().Draw(t, label+" compact") {
				return compact
			}
			var out bytes.Buffer
			if err := json.Indent(&out, compact, "", indent); err != nil {
				t.Fatal(err)
			}
			return append(out.Bytes(), rapid.SampledFrom([]string{"", "\n", "\r\n"}).Draw(t, label+" end")...)
		}
		base := text("base")
		if rapid.Bool().Draw(t, "no base") {
			base = nil
		}
		holds(t, base, text("theirs"), text("mine"))
	})
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte("{\n \"a\" : [ 1,2 ]\n}\n"), []byte("{\r\n\t\"\\u0061\":1,\"b\":{}\r\n}"))
	f.Add([]byte(`{"a":1}`), []byte("{\n \"a\" : [ 1,2 ]\n}\n"), []byte("{ }"))
	f.Add([]byte(nil), []byte("[[],{},\"\\\"\", 1e5]"), []byte("[\n[],{\n}]"))
	f.Fuzz(func(t *testing.T, base, theirs, mine []byte) { holds(t, base, theirs, mine) })
}
