package jsonvalue

import (
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
)

func TestKinds(t *testing.T) {
	cases := []struct {
		name, text, content string
		kind                Kind
		length, depth       int
		isTrue              bool
	}{
		{name: "null", text: `null`, kind: KindNull},
		{name: "true", text: `true`, kind: KindBool, isTrue: true},
		{name: "false", text: `false`, kind: KindBool},
		{name: "number", text: `1.50`, kind: KindNumber, content: "1.50"},
		{name: "string", text: `"a\"b"`, kind: KindString, content: `a"b`},
		{name: "the string true", text: `"true"`, kind: KindString, content: "true"},
		{name: "array", text: `[1,[2]]`, kind: KindArray, length: 2, depth: 2},
		{name: "empty array", text: `[]`, kind: KindArray, depth: 1},
		{name: "object", text: `{"a":1}`, kind: KindObject, length: 1, depth: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := mustParse(t, c.text)
			if v.Kind() != c.kind || v.IsAbsent() {
				t.Errorf("Kind = %v, IsAbsent = %v, want %v", v.Kind(), v.IsAbsent(), c.kind)
			}
			if v.Text() != c.content || v.IsTrue() != c.isTrue || v.Len() != c.length || v.Depth() != c.depth {
				t.Errorf("Text %q, IsTrue %v, Len %d, Depth %d; want %q, %v, %d, %d",
					v.Text(), v.IsTrue(), v.Len(), v.Depth(), c.content, c.isTrue, c.length, c.depth)
			}
		})
	}
}

func TestAbsentIsNotNull(t *testing.T) {
	var absent Value
	switch {
	case absent.Kind() != KindAbsent || !absent.IsAbsent():
		t.Error("the zero Value is not absent")
	case Equal(absent, Null()) || Identical(absent, Null()):
		t.Error("absent equals null")
	case !Equal(absent, Value{}) || !Identical(absent, Value{}):
		t.Error("absent does not equal absent")
	case len(absent.Append(nil)) != 0 || len(absent.AppendCanonical(nil)) != 0:
		t.Error("absent has a text")
	case absent.Digest() == Null().Digest():
		t.Error("absent and null have the same digest")
	}
}

func TestReachingOutside(t *testing.T) {
	array, object := mustParse(t, `[1]`), mustParse(t, `{"a":1}`)
	absent := map[string]Value{
		"element -1":              array.Elem(-1),
		"element 1 of 1":          array.Elem(1),
		"element of an object":    object.Elem(0),
		"member -1":               object.Member(-1).Value,
		"member 1 of 1":           object.Member(1).Value,
		"member of an array":      array.Member(0).Value,
		"another name":            object.Lookup("b"),
		"name in an array":        array.Lookup("0"),
		"name in a string":        String("a").Lookup("a"),
		"element of absent":       Value{}.Elem(0),
		"pointer into absent":     Value{}.At(Pointer{"a"}),
		"pointer through a lack":  object.At(Pointer{"b", "c"}),
		"pointer into a scalar":   object.At(Pointer{"a", "b"}),
		"pointer behind the last": array.At(Pointer{"-"}),
	}
	for name, v := range absent {
		if !v.IsAbsent() {
			t.Errorf("%s is %s, want absent", name, v.Append(nil))
		}
	}
	if array.Elem(0).Text() != "1" || object.Member(0).Name != "a" || object.Member(0).Value.Text() != "1" {
		t.Error("Elem or Member do not give what is there")
	}
	if object.Elems() != nil || array.Members() != nil || Null().Elems() != nil || Null().Members() != nil {
		t.Error("Elems or Members of another kind are not nil")
	}
}

func TestConstructors(t *testing.T) {
	number, err := Number("-1.50E+3")
	if err != nil {
		t.Fatal(err)
	}
	object, err := Object(Member{"b", Null()}, Member{"a\n", Bool(true)}, Member{"", Bool(false)})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := Object()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		want  string
		value Value
	}{
		{`-1.50E+3`, number},
		{`{"b":null,"a\n":true,"":false}`, object},
		{`{}`, empty},
		{`[]`, Array()},
		{`[1,"x",[]]`, Array(Int(1), String("x"), Array())},
		{`-9223372036854775808`, Int(math.MinInt64)},
		{`"a\"b\\\u0001é"`, String("a\"b\\\x01é")},
		{"\"a\ufffdb\"", String("a\xffb")},
	}
	for _, c := range cases {
		if got := string(c.value.Append(nil)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if back := mustParse(t, c.want); !Identical(back, c.value) {
			t.Errorf("%s is not identical to itself parsed", c.want)
		}
	}
}

func TestNumberRefuses(t *testing.T) {
	for name, spelling := range map[string]string{
		"empty": "", "leading space": " 1", "trailing space": "1 ", "string": `"1"`, "array": "[1]", "two": "1 2",
		"leading zero": "01", "plus": "+1", "hexadecimal": "0x1", "infinity": "Infinity", "exponent": "1e10001", "literal": "true",
	} {
		var refused *SyntaxError
		if v, err := Number(spelling); !errors.As(err, &refused) || !v.IsAbsent() {
			t.Errorf("%s: Number(%q) = %s, %v; want a *SyntaxError", name, spelling, v.Append(nil), err)
		}
	}
}

func TestObjectRefuses(t *testing.T) {
	wide := mustParse(t, string(wideObject(100, false))).Members()
	cases := []struct {
		name    string
		members []Member
		index   int
		reason  string
	}{
		{"duplicate name", []Member{{"a", Int(1)}, {"b", Int(1)}, {"a", Int(1)}}, 2, ReasonDuplicateName},
		{"duplicate name among many", append(wide, Member{"member7", Int(1)}), 100, ReasonDuplicateName},
		{"name that is not UTF-8", []Member{{"a", Int(1)}, {"\xff", Int(1)}}, 1, ReasonInvalidUTF8},
		{"absent value", []Member{{"a", Value{}}}, 0, ReasonAbsentValue},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := Object(c.members...)
			var refused *MemberError
			if !errors.As(err, &refused) || refused.Index != c.index || refused.Reason != c.reason || !v.IsAbsent() {
				t.Fatalf("Object = %s, %v; want member %d refused: %s", v.Append(nil), err, c.index, c.reason)
			}
		})
	}
}

func TestArrayOfAbsentPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Array(Null(), Value{})
}

func TestValuesAreImmutable(t *testing.T) {
	input := []byte(`{"a":"text","b":[1,2]}`)
	v, err := Parse(input, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	elems, members := []Value{Int(1)}, []Member{{"a", Int(1)}}
	array, object := Array(elems...), mustObject(t, members)
	before := string(v.Append(nil)) + string(array.Append(nil)) + string(object.Append(nil))

	clear(input)
	elems[0], members[0] = Null(), Member{"z", Null()}
	_ = append(v.Members(), Member{"c", Null()})
	_ = append(v.Lookup("b").Elems(), Null())
	mustParse(t, `{"x":[3,4,5],"y":"another document"}`) // with the same pooled scratch space

	if after := string(v.Append(nil)) + string(array.Append(nil)) + string(object.Append(nil)); after != before {
		t.Errorf("was %s, is %s", before, after)
	}
}

// TestConcurrentUse gives the race detector the index of a large object, which
// is built while others read it.
func TestConcurrentUse(t *testing.T) {
	v, other := mustParse(t, string(wideObject(1000, false))), mustParse(t, string(wideObject(1000, true)))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 3 * indexLookups {
				if got := v.Lookup("member999").Text(); got != "999" {
					t.Errorf("Lookup = %q", got)
				}
			}
			if !v.Lookup("member1000").IsAbsent() {
				t.Error("found a member that is not there")
			}
			if !Identical(v, other) || v.Digest() != other.Digest() {
				t.Error("member order counted")
			}
		})
	}
	group.Wait()
}

func TestKindNames(t *testing.T) {
	for kind, want := range map[Kind]string{KindAbsent: "absent", KindNull: "null", KindBool: "boolean", KindNumber: "number",
		KindString: "string", KindArray: "array", KindObject: "object", Kind(99): "Kind(99)"} {
		if got := kind.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTruncationIsUnexpectedEOF(t *testing.T) {
	if _, err := Parse([]byte(`{"a":`), Limits{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Parse = %v, want io.ErrUnexpectedEOF as its cause", err)
	}
}

func TestErrorsAreSentences(t *testing.T) {
	_, syntax := Parse([]byte(`{"a":[1,?]}`), Limits{})
	_, number := Number("1,5")
	_, notNumber := Number("[]")
	_, member := Object(Member{strings.Repeat("é", 1000), Value{}})
	_, pointer := ParsePointer("a/b")
	_, long := Parse([]byte(`{"`+strings.Repeat("n", 100_000)+`":1e99999}`), Limits{})
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"syntax":     {syntax, `jsonvalue: at byte 8, in "/a/1": invalid character '?' at start of value; correct it there to be JSON (RFC 8259)`},
		"number":     {number, `jsonvalue: at byte 1: something follows the JSON value; send exactly one value`},
		"not number": {notNumber, `jsonvalue: at byte 0: "[]" is not a JSON number; correct it there to be JSON (RFC 8259)`},
		"member":     {member, `jsonvalue: member 0 ("` + strings.Repeat("é", 50) + `…") cannot be in an object: its value is absent; leave the member out or use null`},
		"pointer":    {pointer, `jsonvalue: "a/b" is not a JSON Pointer (RFC 6901) at byte 0: begin it with "/", and write "~" as "~0" and "/" within a name as "~1"`},
		"long":       {long, `jsonvalue: at byte 100004, in "/` + strings.Repeat("n", 99) + `…": the number's exponent is beyond ±10,000; send a smaller one, or a string`},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%s: got  %v\nwant %s", name, c.err, c.want)
		}
	}
}

func TestPointerHasPrefix(t *testing.T) {
	for _, c := range []struct {
		p, prefix string
		want      bool
	}{
		{"", "", true}, {"/a", "", true}, {"/a", "/a", true}, {"/a/b", "/a", true}, {"/a/b/c", "/a/b", true},
		{"", "/a", false}, {"/a", "/a/b", false}, {"/ab", "/a", false}, {"/b/a", "/a", false}, {"/a", "/", false}, {"/a~1b", "/a", false},
	} {
		p, err := ParsePointer(c.p)
		prefix, bad := ParsePointer(c.prefix)
		if err != nil || bad != nil {
			t.Fatal(err, bad)
		}
		if got := p.HasPrefix(prefix); got != c.want {
			t.Errorf("%q begins with %q: %t", c.p, c.prefix, got)
		}
	}
	if !Pointer(nil).HasPrefix(nil) || !(Pointer{}).HasPrefix(nil) || !Pointer(nil).HasPrefix(Pointer{}) {
		t.Error("the whole document does not hold itself")
	}
}
