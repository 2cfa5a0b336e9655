package patch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

func TestDiffIsShort(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"nothing", `{"a":[1,{"b":2}]}`, `{"a":[1,{"b":2}]}`, `[]`},
		{"order of members", `{"a":1,"b":2}`, `{"b":2,"a":1}`, `[]`},
		{"a leaf", `{"a":{"b":{"c":1,"d":2}}}`, `{"a":{"b":{"c":3,"d":2}}}`, `[{"op":"replace","path":"/a/b/c","value":3}]`},
		{"number spelling", `{"a":1}`, `{"a":1.0}`, `[{"op":"replace","path":"/a","value":1.0}]`},
		{"null and absent", `{"a":null,"b":1}`, `{"b":null}`, `[{"op":"remove","path":"/a"},{"op":"replace","path":"/b","value":null}]`},
		{"a name to escape", `{}`, `{"a/b~c":1}`, `[{"op":"add","path":"/a~1b~0c","value":1}]`},
		{"the empty name", `{"a":1}`, `{"a":1,"":2}`, `[{"op":"add","path":"/","value":2}]`},
		{"the empty name stands elsewhere", `{"":1,"a":2,"b":3}`, `{"b":3,"":1}`, `[{"op":"remove","path":"/a"}]`},
		{"the empty name is last in the longer", `{"":1}`, `{"a":2,"b":3,"":1}`, `[{"op":"add","path":"/a","value":2},{"op":"add","path":"/b","value":3}]`},
		{"kind of the whole", `{"a":1}`, `[1]`, `[{"op":"replace","path":"","value":[1]}]`},
		{"insert in front", `[1,2,3]`, `[0,1,2,3]`, `[{"op":"add","path":"/0","value":0}]`},
		{"insert between", `[1,2,3]`, `[1,2,9,3]`, `[{"op":"add","path":"/2","value":9}]`},
		{"append", `[1,2]`, `[1,2,3]`, `[{"op":"add","path":"/2","value":3}]`},
		{"remove between", `[1,2,3]`, `[1,3]`, `[{"op":"remove","path":"/1"}]`},
		{"remove two apart", `[1,2,3,4,5]`, `[1,3,5]`, `[{"op":"remove","path":"/1"},{"op":"remove","path":"/2"}]`},
		{"one of many that are alike", `[0,0,0,0]`, `[0,0,0]`, `[{"op":"remove","path":"/3"}]`},
		{"move to the front", `[1,2,3,4]`, `[4,1,2,3]`, `[{"op":"add","path":"/0","value":4},{"op":"remove","path":"/4"}]`},
		{"a longest common subsequence", `[1,2,3,1,2,2,1]`, `[3,2,1,2,1,3]`,
			`[{"op":"remove","path":"/0"},{"op":"remove","path":"/0"},{"op":"add","path":"/1","value":2},{"op":"remove","path":"/4"},{"op":"add","path":"/5","value":3}]`},
		{"null elements", `[null,1,null]`, `[1,null,null]`, `[{"op":"remove","path":"/0"},{"op":"add","path":"/1","value":null}]`},
		{"a member of an element", `[{"id":1,"n":"a"},{"id":2,"n":"b"}]`, `[{"id":1,"n":"a"},{"id":2,"n":"c"}]`, `[{"op":"replace","path":"/1/n","value":"c"}]`},
		{"an insert beside a changed element", `[{"id":1},{"id":2,"n":"b"},{"id":3}]`, `[{"id":0},{"id":1},{"id":2,"n":"c"},{"id":3}]`,
			`[{"op":"add","path":"/0","value":{"id":0}},{"op":"replace","path":"/2/n","value":"c"}]`},
		{"another thing in the place of an element", `[{"a":1}]`, `[{"b":1}]`, `[{"op":"replace","path":"/0","value":{"b":1}}]`},
		{"order of members in elements", `[{"a":1,"b":2}]`, `[0,{"b":2,"a":1},0]`, `[{"op":"add","path":"/0","value":0},{"op":"add","path":"/2","value":0}]`},
		{"arrays in arrays", `[[1,2],[3,4]]`, `[[1,2],[3,5,4]]`, `[{"op":"add","path":"/1/1","value":5}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := parse(t, c.from), parse(t, c.to)
			p := patch.AsJSONPatch(patch.Diff(from, to))
			if got := string(p.Append(nil)); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if got, err := p.Apply(from); err != nil || !jsonvalue.Identical(got, to) {
				t.Errorf("applied: %s, %v", text(got), err)
			}
		})
	}
}

func TestDiffOfAbsent(t *testing.T) {
	one := jsonvalue.Int(1)
	got := patch.Diff(jsonvalue.Value{}, one)
	if len(got) != 1 || got[0].Op != patch.OpAdd || len(got[0].Path) != 0 || !got[0].From.IsAbsent() {
		t.Errorf("from absent: %+v", got)
	}
	got = patch.Diff(one, jsonvalue.Value{})
	if len(got) != 1 || got[0].Op != patch.OpRemove || !got[0].To.IsAbsent() {
		t.Errorf("to absent: %+v", got)
	}
	if got := patch.Diff(jsonvalue.Value{}, jsonvalue.Value{}); len(got) != 0 {
		t.Errorf("both absent: %+v", got)
	}
	if _, ok := patch.MergeDiff(one, jsonvalue.Value{}); ok {
		t.Error("a merge patch to absent")
	}
}

// objects returns n elements such as {"id":7,"name":"item 7"}.
func objects(t testing.TB, n int) []jsonvalue.Value {
	out := make([]jsonvalue.Value, n)
	for i := range out {
		out[i] = parse(t, fmt.Sprintf(`{"id":%d,"name":"item %d"}`, i, i))
	}
	return out
}

func TestDiffOfLargeArrays(t *testing.T) {
	base := objects(t, 10_000)
	one := jsonvalue.Int(-1)
	everyTenth := make([]jsonvalue.Value, 0, len(base)+1000)
	for i, v := range base {
		if everyTenth = append(everyTenth, v); i%10 == 0 {
			everyTenth = append(everyTenth, jsonvalue.Int(int64(i)))
		}
	}
	odd := make([]jsonvalue.Value, 0, len(base)/2)
	for i := 1; i < len(base); i += 2 {
		odd = append(odd, base[i])
	}
	reversed := slices.Clone(base)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name string
		to   []jsonvalue.Value
		want int
	}{
		{"one inserted", slices.Insert(slices.Clone(base), 5000, one), 1},
		{"one removed", slices.Delete(slices.Clone(base), 5000, 5001), 1},
		{"first to last", append(slices.Clone(base[1:]), base[0]), 2},
		{"one inserted at either end", slices.Insert(append(slices.Clone(base), one), 0, one), 2},
		{"an insert after every tenth", everyTenth, 1000},
		{"half of them removed", odd, 5000},
		{"reversed, beyond the bound on steps", reversed, 1},
		{"all removed", nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := jsonvalue.Array(base...), jsonvalue.Array(c.to...)
			changes := patch.Diff(from, to)
			if len(changes) != c.want {
				t.Errorf("%d changes, want %d", len(changes), c.want)
			}
			if got, err := patch.AsJSONPatch(changes).Apply(from); err != nil || !jsonvalue.Identical(got, to) {
				t.Errorf("applied it does not give the other: %v", err)
			}
		})
	}
}

// TestDiffOfRepeatingArrays has few distinct elements, which is where many
// alignments compete and the bound on steps is met.
func TestDiffOfRepeatingArrays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]jsonvalue.Value{jsonvalue.Null(), jsonvalue.Int(1), jsonvalue.String("x")}), 0, 60)
		a, b := letters.Draw(t, "a"), letters.Draw(t, "b")
		changes := patch.Diff(jsonvalue.Array(a...), jsonvalue.Array(b...))
		got, err := patch.AsJSONPatch(changes).Apply(jsonvalue.Array(a...))
		if err != nil || !jsonvalue.Identical(got, jsonvalue.Array(b...)) {
			t.Fatalf("got %s, %v", text(got), err)
		}
		// A pair of one removed and one added element is one replacement.
		if edits := len(a) + len(b) - 2*longestCommon(a, b); len(changes) > edits {
			t.Fatalf("%d changes, a longest common subsequence needs %d", len(changes), edits)
		}
	})
}

func longestCommon(a, b []jsonvalue.Value) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			above := row[j+1]
			if jsonvalue.Identical(a[i], b[j]) {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

func TestDiffBeyondTheStepBound(t *testing.T) {
	// Two letters in different rhythms: nothing is unique and very much differs.
	var a, b []jsonvalue.Value
	for i := range 200_000 {
		a = append(a, jsonvalue.Int(int64(i%2)))
		b = append(b, jsonvalue.Int(int64(i/2%2)))
	}
	from, to := jsonvalue.Array(a...), jsonvalue.Array(b...)
	got, err := patch.AsJSONPatch(patch.Diff(from, to)).Apply(from)
	if err != nil || !jsonvalue.Identical(got, to) {
		t.Errorf("applied it does not give the other: %v", err)
	}
}

func TestSizeOfResultIsItsPrintedLength(t *testing.T) {
	odd := "\x00\x1f\b\t\n\f\r \"\\/é\u2028\U0001F600\x7f"
	values := []string{`{"a":[null,true,false,-1.50e+3,"",{}],"b":[]}`, string(jsonvalue.String(odd).Append(nil)), `[[],[[]],{"x":{}}]`, `0`}
	for _, v := range values {
		named, err := jsonvalue.Object(jsonvalue.Member{Name: odd, Value: parse(t, v)}, jsonvalue.Member{Name: "", Value: jsonvalue.Null()})
		if err != nil {
			t.Fatal(err)
		}
		ops := `[{"op":"replace","path":"","value":` + text(named) + `}]`
		size := int64(len(text(named)))
		if _, err := applyText(t, `0`, ops, patch.Limits{Size: size}); err != nil {
			t.Errorf("%s at a limit of its size: %v", v, err)
		}
		if _, err := applyText(t, `0`, ops, patch.Limits{Size: size - 1}); err == nil {
			t.Errorf("%s passes a limit of one byte less", v)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name, doc, ops string
		lim            patch.Limits
		want           []string
	}{
		{"pointer fault", `{}`, `[{"op":"remove","path":"x"}]`, patch.Limits{}, []string{`"/0/path"`, "JSON Pointer", `begin it with "/"`}},
		{"missing member", `{}`, `[{"op":"add","path":"/a"}]`, patch.Limits{}, []string{`"/0/value"`, "add it"}},
		{"test", `{"secret":"hunter2"}`, `[{"op":"test","path":"/secret","value":"guess"}]`, patch.Limits{}, []string{"operation 0", `"/secret"`, "read the document again"}},
		{"inapplicable", `{}`, `[{"op":"add","path":"/a/b","value":1}]`, patch.Limits{}, []string{"operation 0", `cannot add "/a/b"`, "add the parent first"}},
		{"too many", `{}`, `[{},{}]`, patch.Limits{Ops: 1}, []string{"the patch has more than 1 operations"}},
		{"too large", `{}`, `[{"op":"add","path":"/a","value":1}]`, patch.Limits{Size: 3}, []string{"result", "more than 3 bytes"}},
		{"copies", `[1]`, `[{"op":"copy","from":"","path":"/0"}]`, patch.Limits{Size: 2}, []string{"operation 0", "write more than 2 bytes together"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := applyText(t, c.doc, c.ops, c.lim)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "guess") {
				t.Errorf("%q shows content", err)
			}
		})
	}
}
