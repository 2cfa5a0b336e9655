package jsonvalue

import (
	"bytes"
	"strings"
	"testing"
)

func pointer(t *testing.T, s string) Pointer {
	t.Helper()
	p, err := ParsePointer(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWithout(t *testing.T) {
	for _, tt := range []struct{ doc, path, rest, was string }{
		{`{"a":1,"b":2,"c":3}`, "/b", `{"a":1,"c":3}`, `2`},
		{`{"a":1}`, "/a", `{}`, `1`},
		{`{"a":{"b":null}}`, "/a/b", `{"a":{}}`, `null`},
		{`{"a":{"b":{"x":1},"c":2},"d":3}`, "/a/b", `{"a":{"c":2},"d":3}`, `{"x":1}`},
		{`{"a":1}`, "/b", `{"a":1}`, ``},
		{`{"a":1}`, "/a/b", `{"a":1}`, ``},
		{`{"a":[{"b":1}]}`, "/a/0", `{"a":[{"b":1}]}`, ``},
		{`{"a":1}`, "", `{"a":1}`, ``},
		{`[1]`, "/0", `[1]`, ``},
		{`{"\"":1,"a/b":2}`, "/a~1b", `{"\"":1}`, `2`},
	} {
		v := mustParse(t, tt.doc)
		rest, was := v.Without(pointer(t, tt.path))
		if got := string(rest.Append(nil)); got != tt.rest || string(was.Append(nil)) != tt.was {
			t.Errorf("%s without %q: %s and %s, want %s and %s", tt.doc, tt.path, got, was.Append(nil), tt.rest, tt.was)
		}
		if string(v.Append(nil)) != tt.doc {
			t.Errorf("%s has become %s", tt.doc, v.Append(nil))
		}
	}
}

// TestWith holds both ways to set a member to each other.
func TestWith(t *testing.T) {
	for _, tt := range []struct{ doc, path, want string }{
		{`{}`, "/v", `{"v":9}`},
		{`{ }`, "/v", `{ "v":9}`},
		{" {\n} ", "/v", " {\n\"v\":9} "},
		{`{"a":1}`, "/v", `{"a":1,"v":9}`},
		{`{"a":1}`, `/q"\`, `{"a":1,"q\"\\":9}`},
		{`{"v":{"v":[1,"}"]},"a":1}`, "/v", `{"v":9,"a":1}`},
		{`{"a":{"v":1},"b":"\"v\":"}`, "/v", `{"a":{"v":1},"b":"\"v\":","v":9}`},
		{`{"a":"v","b":["v"]}`, "/v", `{"a":"v","b":["v"],"v":9}`},
		{`{"\u0076":1}`, "/v", `{"\u0076":9}`},
		{`{"v\/":1}`, "/v~1", `{"v\/":9}`},
		{`{"a\\":1,"v" : -1.5e3 , "b":true}`, "/v", `{"a\\":1,"v" : 9 , "b":true}`},
		{`{"a":1}`, "/m/v", `{"a":1,"m":{"v":9}}`},
		{`{}`, "/m/n/v", `{"m":{"n":{"v":9}}}`},
		{`{"m":{}}`, "/m/v", `{"m":{"v":9}}`},
		{`{"m":{"a":[1,2,{"b":"}"}]},"z":null}`, "/m/v", `{"m":{"a":[1,2,{"b":"}"}],"v":9},"z":null}`},
		{`{"x":"{","m":{"v":null,"a":1}}`, "/m/v", `{"x":"{","m":{"v":9,"a":1}}`},
		{`{"m":1}`, "/m/v", `{"m":1}`},
		{`{"m":[{"v":1}]}`, "/m/0/v", `{"m":[{"v":1}]}`},
		{`{"a":1}`, "", `{"a":1}`},
		{`[1]`, "/0", `[1]`},
		{`"v"`, "/v", `"v"`},
		{`{"a":1}`, "/" + strings.Repeat("n", 100), `{"a":1,"` + strings.Repeat("n", 100) + `":9}`},
	} {
		p := pointer(t, tt.path)
		got := AppendWith([]byte("before"), []byte(tt.doc), p, []byte("9"))
		if string(got) != "before"+tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.doc, tt.path, got, tt.want)
		}
		v, ok := mustParse(t, tt.doc).With(p, Int(9))
		if ok != (tt.doc != tt.want) || !Identical(v, mustParse(t, tt.want)) {
			t.Errorf("%s with %q: %s, %v, want %s", tt.doc, tt.path, v.Append(nil), ok, tt.want)
		}
	}
	if _, ok := mustParse(t, `{}`).With(Pointer{"a"}, Value{}); ok {
		t.Error("an absent value was set")
	}
}

// FuzzWith: what is set is there, nothing else has changed, and text and tree
// agree.
func FuzzWith(f *testing.F) {
	for _, doc := range []string{`{"a":{"b":[1,{"c":"\\\""}]},"v":1}`, ` { "m" : { } } `, `{"\u0076":"}","x":{"v":2}}`, `{}`} {
		for _, path := range []string{"/v", "/m/v", "/a/b", "/"} {
			f.Add([]byte(doc), path)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte, path string) {
		p, err := ParsePointer(path)
		if err != nil {
			return
		}
		v, err := Parse(doc, Limits{})
		if err != nil {
			return
		}
		want, ok := v.With(p, Int(9))
		text := AppendWith(nil, doc, p, []byte("9"))
		if !ok {
			if !bytes.Equal(text, doc) {
				t.Fatalf("%q at %q became %q", doc, path, text)
			}
			return
		}
		got, err := Parse(text, Limits{Depth: maxDepth})
		if err != nil || !Identical(got, want) {
			t.Fatalf("%q with %q: %q, want %q: %v", doc, path, text, want.Append(nil), err)
		}
		rest, was := got.Without(p)
		if was.Text() != "9" || !rest.At(p).IsAbsent() {
			t.Fatalf("%q without %q is %q", text, path, rest.Append(nil))
		}
	})
}

func BenchmarkAppendWith(b *testing.B) {
	plain := []byte(`{"title":"a note","body":"` + strings.Repeat("lorem ipsum ", 80) + `"}`)
	escaped := []byte(`{"title":"a \"note\"","body":"` + strings.Repeat("lorem ipsum ", 80) + `"}`)
	for name, bb := range map[string]struct {
		doc []byte
		at  Pointer
	}{
		"top": {plain, Pointer{"version"}}, "escaped": {escaped, Pointer{"version"}}, "nested": {plain, Pointer{"metadata", "resourceVersion"}},
	} {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 2*len(bb.doc))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendWith(dst[:0], bb.doc, bb.at, []byte("12345"))
			}
		})
	}
}
