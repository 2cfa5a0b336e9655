package jsonvalue

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/testdata"
)

// byTokens parses a text as the library's tokenizer alone has it.
func byTokens(data []byte, lim Limits) (Value, error) {
	p := &parser{text: string(data), limit: min(max(lim.Depth, 0), maxDepth)}
	if p.limit == 0 {
		p.limit = defaultDepth
	}
	return p.judge(data)
}

// sameTree reports whether two values are alike in all that the package keeps of
// them.
func sameTree(a, b Value) bool {
	if a.kind != b.kind || a.text != b.text || a.verbatim != b.verbatim || a.Depth() != b.Depth() || a.Len() != b.Len() {
		return false
	}
	for i, elem := range a.Elems() {
		if !sameTree(elem, b.Elem(i)) {
			return false
		}
	}
	for i, m := range a.Members() {
		if other := b.Member(i); m.Name != other.Name || !sameTree(m.Value, other.Value) {
			return false
		}
	}
	return a.kind != KindObject || a.node.verbatimNames == b.node.verbatimNames
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkParse holds that a text has the value, or the fault, that the tokenizer
// finds, whatever it is parsed like; and that what it accepts is not read twice.
func checkParse(t failer, data []byte, like Value, lim Limits) {
	t.Helper()
	want, refused := byTokens(data, lim)
	for _, like := range []Value{{}, like} {
		got, err := ParseLike(data, like, lim)
		if (err == nil) != (refused == nil) || !sameTree(got, want) {
			t.Fatalf("%q like %q: %q, %v; by tokens %q, %v", data, like.Append(nil), got.Append(nil), err, want.Append(nil), refused)
		}
		if err != nil {
			checkFault(t, err, refused)
		}
	}
	p := &parser{text: string(data), limit: maxDepth}
	if _, ok := p.whole(data, like); refused == nil && !ok {
		t.Fatalf("%q is read twice", data)
	}
}

func checkFault(t failer, err, want error) {
	t.Helper()
	var got, other *SyntaxError
	if !errors.As(err, &got) || !errors.As(want, &other) {
		t.Fatalf("%v, by tokens %v", err, want)
	}
	if got.Offset != other.Offset || got.Pointer != other.Pointer || got.Reason != other.Reason || got.Error() != other.Error() {
		t.Fatalf("%v, by tokens %v", err, want)
	}
}

// FuzzParseLike holds checkParse for any two texts.
func FuzzParseLike(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\u00e9"}],"c":{"d":null}}`), []byte(`{"c":{"d":null},"a":[1,{"b":"\u00e9"}]}`), uint16(0))
	f.Add([]byte(`{"a":{"b":[]},"a":{"b":[]}}`), []byte(`{"a":{"b":[]}}`), uint16(9))
	f.Add([]byte(`[[[1]],[[1e99999]]]`), []byte(`[[[1]],[[2]]]`), uint16(3))
	f.Fuzz(func(t *testing.T, data, other []byte, depth uint16) {
		lim := Limits{Depth: int(depth)}
		for _, like := range [][]byte{other, data} {
			old, err := Parse(like, Limits{Depth: maxDepth})
			if err != nil {
				old = Value{}
			}
			checkParse(t, data, old, lim)
		}
	})
}

// TestParseIsTheTokenizers: whole texts are what their tokens are.
func TestParseIsTheTokenizers(t *testing.T) {
	texts := [][]byte{document(), wideObject(40, true), []byte(nested(64)), []byte(nested(65))}
	for _, c := range readVectors(t).Texts {
		input, err := hex.DecodeString(c.InputHex)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, []byte(c.Input), input)
	}
	checkDamaged(t, texts)
}

// TestParseOthersTexts is TestParseIsTheTokenizers with texts of a public suite.
func TestParseOthersTexts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata.Shared(t, "third-party", "jcs", "input"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	checkDamaged(t, texts)
}

// checkDamaged holds checkParse for texts, each like the last that was JSON, and for
// what is left of them where they end early or a byte of them is lost, doubled or
// another.
func checkDamaged(t *testing.T, texts [][]byte) {
	t.Helper()
	var like Value
	for _, text := range texts {
		checkParse(t, text, like, Limits{})
		if v, err := Parse(text, Limits{}); err == nil {
			like = v
		}
		for i := range min(len(text), 400) {
			checkParse(t, text[:i], like, Limits{})
			for _, part := range []string{"", string(text[i:i+1]) + string(text[i:i+1]), `"`, `\`, "{", "]", ",", "\x00", "\xff", "0", "e", " "} {
				checkParse(t, []byte(string(text[:i])+part+string(text[i+1:])), like, Limits{})
			}
		}
	}
}

// TestParseLikeShares: what is written as before is the value from before, and
// nothing else is.
func TestParseLikeShares(t *testing.T) {
	old := mustParse(t, `{"a":{"x":[1,2]},"b":[{"y":"\u0061"},{"z":1}],"c":{},"n":1}`)
	for _, c := range []struct {
		name, text string
		shared     []string // pointers of what is shared
		own        []string
	}{
		{"all of it", `{"a":{"x":[1,2]},"b":[{"y":"\u0061"},{"z":1}],"c":{},"n":1}`, []string{"", "/a", "/b/1"}, nil},
		{"but for one member", `{"a":{"x":[1,2]},"b":[{"y":"\u0061"},{"z":2}],"c":{},"n":1}`, []string{"/a", "/b/0", "/c"}, []string{"", "/b", "/b/1"}},
		{"in another order", `{"c":{},"new":{},"b":[{"y":"a"},{"z":1}],"a":{"x":[1,2]}}`, []string{"/a", "/a/x", "/b/1", "/c"}, []string{"", "/new", "/b", "/b/0"}},
		{"with another space", `{"a":{"x":[1, 2]},"c":{} }`, []string{"/c"}, []string{"", "/a", "/a/x"}},
		{"with more behind", `{"a":{"x":[1,2],"more":1},"c":{}}`, []string{"/a/x", "/c"}, []string{"", "/a"}},
		{"with a spelling of a name", `{"\u0061":{"x":[1,2]}}`, []string{"/a"}, []string{""}},
		{"of another kind", `[{"x":[1,2]}]`, nil, []string{"", "/0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := ParseLike([]byte(c.text), old, Limits{})
			if err != nil || !sameTree(v, mustParse(t, c.text)) {
				t.Fatalf("%s, %v", v.Append(nil), err)
			}
			for want, pointers := range map[bool][]string{true: c.shared, false: c.own} {
				for _, pointer := range pointers {
					p, err := ParsePointer(pointer)
					if err != nil {
						t.Fatal(err)
					}
					if Same(v.At(p), old.At(p)) != want {
						t.Errorf("%q is shared: %v", pointer, !want)
					}
				}
			}
		})
	}
	if put := Array(old, Int(1)); !sameTree(mustLike(t, `[7]`, put), mustParse(t, `[7]`)) || Same(mustLike(t, `[[]]`, Array(Array())).Elem(0), Array()) {
		t.Error("what was put together has no text to go by")
	}
	if Same(Null(), Null()) || Same(Value{}, Value{}) || Same(old, old.Elem(0)) {
		t.Error("what is no array or object is shared")
	}
}

func mustLike(t *testing.T, text string, like Value) Value {
	t.Helper()
	v, err := ParseLike([]byte(text), like, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestParseLikeKeepsLimits: what was let in under a greater limit is not let in
// again, nor in a place that is deeper.
func TestParseLikeKeepsLimits(t *testing.T) {
	old, err := Parse([]byte(`{"a":`+nested(70)+`}`), Limits{Depth: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, depth := range []int{0, 1, 70, 71, 72} {
		checkParse(t, []byte(`{"a":`+nested(70)+`}`), old, Limits{Depth: depth})
		checkParse(t, []byte(`{"a":[`+nested(70)+`]}`), old, Limits{Depth: depth})
	}
}

// TestParseLikeDeep: texts that differ below the depth to which they are compared.
func TestParseLikeDeep(t *testing.T) {
	const levels = 8000
	deep := func(innermost string) []byte {
		return []byte(strings.Repeat(`{"some name":"some text of a usual length, or so","a":`, levels) + innermost + strings.Repeat("}", levels))
	}
	lim := Limits{Depth: maxDepth}
	old, err := Parse(deep("[1]"), lim)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseLike(deep("[2]"), old, lim)
	if err != nil || bytes.Equal(v.Append(nil), old.Append(nil)) || !bytes.Equal(v.Append(nil), deep("[2]")) {
		t.Errorf("%d bytes, %v", len(v.Append(nil)), err)
	}
}

// TestDuplicateNames: two of one name are found in objects of every size, wherever
// they are.
func TestDuplicateNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(t, "members")
		members := make([]Member, n)
		for i := range members {
			members[i].Name = strconv.Itoa(i)
		}
		want := -1
		if n > 1 && rapid.Bool().Draw(t, "duplicate") {
			want = rapid.IntRange(1, n-1).Draw(t, "second")
			members[want].Name = members[rapid.IntRange(0, want-1).Draw(t, "first")].Name
		}
		var s nameSet
		for range 2 { // the second time with what the first has left
			if got := s.duplicate(members); got != want {
				t.Fatalf("duplicate() = %d, want %d: %v", got, want, members)
			}
		}
	})
	var s nameSet // once for each slot that a name may meet the end of the table in
	for n := range 2000 {
		members := wide(n%30 + 9)
		for i := range members {
			members[i].Name += strconv.Itoa(n)
		}
		members[len(members)-1].Name = members[n%(len(members)-1)].Name
		if got := s.duplicate(members); got != len(members)-1 {
			t.Fatalf("duplicate() = %d: %v", got, members)
		}
	}
}

func wide(n int) []Member {
	members := make([]Member, n)
	for i := range members {
		members[i] = Member{Name: "member" + strconv.Itoa(i), Value: Null()}
	}
	return members
}
