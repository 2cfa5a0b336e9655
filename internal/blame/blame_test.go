package blame

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

func parse(t testing.TB, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// trace goes back through versions, the oldest first, as far as it has to.
func trace(versions []jsonvalue.Value, lists *merge.Policy, whole bool) *Trace {
	newest := len(versions) - 1
	t := New(versions[newest], lists)
	for i := newest; i > 0 && !t.Done(); i-- {
		t.Step(versions[i-1], i)
	}
	if whole {
		t.End(0)
	}
	return t
}

func leaves(t *Trace, under jsonvalue.Pointer) map[string]int {
	all := make(map[string]int)
	t.Leaves(under, func(path jsonvalue.Pointer, by int) bool {
		all[path.String()] = by
		return true
	})
	return all
}

func TestTrace(t *testing.T) {
	lists, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/list", Type: merge.List, Key: "/id"}, {Path: "/**/deep", Type: merge.List, Key: "/id"}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		versions []string // the oldest first
		want     string
	}{
		{"one version", []string{`{"a":1,"b":{"c":2}}`}, `/a:0 /b/c:0`},
		{"nothing in it", []string{`{"a":1}`, `{}`}, `:1`},
		{"members", []string{`{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":2,"b":1,"c":1}`}, `/a:1 /b:0 /c:2`},
		{"the order of members", []string{`{"a":1,"b":1}`, `{"b":1,"a":1}`}, `/a:0 /b:0`},
		{"there and back", []string{`{"a":1}`, `{"a":2}`, `{"a":1}`}, `/a:2`},
		{"taken away and put back", []string{`{"a":1}`, `{}`, `{"a":1}`}, `/a:2`},
		{"the spelling of a number", []string{`{"a":1}`, `{"a":1.0}`}, `/a:1`},
		{"null is a value", []string{`{"a":null}`, `{"a":null,"b":null}`}, `/a:0 /b:1`},
		{"emptied", []string{`{"a":{"b":1},"c":[1]}`, `{"a":{},"c":[]}`}, `/a:1 /c:1`},
		{"filled", []string{`{"a":{},"c":[]}`, `{"a":{"b":1},"c":[1]}`}, `/a/b:1 /c/0:1`},
		{"empty throughout", []string{`{"a":{},"c":[],"d":1}`, `{"a":{},"c":[],"d":2}`}, `/a:0 /c:0 /d:1`},
		{"another kind", []string{`{"a":[1]}`, `{"a":{"0":1}}`}, `/a/0:1`},
		{"names with slashes", []string{`{"a/b":{"~":1}}`}, `/a~1b/~0:0`},
		{"inserted in front", []string{`{"a":["x","y"]}`, `{"a":["n","x","y"]}`}, `/a/0:1 /a/1:0 /a/2:0`},
		{"removed in front", []string{`{"a":["x","y"]}`, `{"a":["y"]}`}, `/a/0:0`},
		{"inserted, then removed", []string{`{"a":["x","y"]}`, `{"a":["n","x","y"]}`, `{"a":["n","y"]}`}, `/a/0:1 /a/1:0`},
		{"moved", []string{`{"a":["x","y","z"]}`, `{"a":["z","x","y"]}`}, `/a/0:1 /a/1:0 /a/2:0`},
		{"an element changed", []string{`{"a":[{"n":1,"m":1},{"n":2,"m":2}]}`, `{"a":[{"n":1,"m":1},{"n":3,"m":2}]}`}, `/a/0/m:0 /a/0/n:0 /a/1/m:0 /a/1/n:1`},
		{"another element", []string{`{"a":[{"n":1}]}`, `{"a":[{"m":1}]}`}, `/a/0/m:1`},
		{"moved in a list", []string{`{"list":[{"id":1,"n":1},{"id":2,"n":1}]}`, `{"list":[{"id":2,"n":2},{"id":1,"n":1}]}`}, `/list/0/id:0 /list/0/n:1 /list/1/id:0 /list/1/n:0`},
		{"new in a list", []string{`{"list":[{"id":1,"n":1}]}`, `{"list":[{"id":2,"n":1},{"id":1,"n":1}]}`}, `/list/0/id:1 /list/0/n:1 /list/1/id:0 /list/1/n:0`},
		{"twice in a list", []string{`{"list":[{"id":1,"n":1},{"id":1,"n":2}]}`, `{"list":[{"id":0,"n":0},{"id":1,"n":1},{"id":1,"n":2}]}`}, `/list/0/id:1 /list/0/n:1 /list/1/id:0 /list/1/n:0 /list/2/id:0 /list/2/n:0`},
		{"a list in a list", []string{`{"list":[{"id":1,"deep":[{"id":1},{"id":2}]}]}`, `{"list":[{"id":0,"deep":[]},{"id":1,"deep":[{"id":2},{"id":1,"n":1}]}]}`},
			`/list/0/deep:1 /list/0/id:1 /list/1/deep/0/id:0 /list/1/deep/1/id:0 /list/1/deep/1/n:1 /list/1/id:0`},
		{"more arrays than are aligned", []string{`{"a":[[[[[[[[["x","y"]]]]]]]]]}`, `{"a":[[[[[[[[["n","x","y"]]]]]]]]]}`},
			`/a/0/0/0/0/0/0/0/0/0:1 /a/0/0/0/0/0/0/0/0/1:1 /a/0/0/0/0/0/0/0/0/2:1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var versions []jsonvalue.Value
			for _, text := range tt.versions {
				versions = append(versions, parse(t, text))
			}
			all := leaves(trace(versions, lists, true), nil)
			var got []string
			for _, path := range slices.Sorted(maps.Keys(all)) {
				got = append(got, fmt.Sprintf("%s:%d", path, all[path]))
			}
			if is := strings.Join(got, " "); is != tt.want {
				t.Errorf("the leaves are of\n%s\nwant\n%s", is, tt.want)
			}
		})
	}
}

// What is asked about a part is what the whole says about that part, and what no
// version is known of says so.
func TestPartsAndUnknown(t *testing.T) {
	versions := []jsonvalue.Value{parse(t, `{"a":{"b":1,"c":[1]},"d":1}`), parse(t, `{"a":{"b":2,"c":[1]},"d":1}`)}
	got := trace(versions, nil, false)
	for under, want := range map[string]map[string]int{
		"":       {"/a/b": 1, "/a/c/0": Unknown, "/d": Unknown},
		"/a":     {"/a/b": 1, "/a/c/0": Unknown},
		"/a/c":   {"/a/c/0": Unknown},
		"/a/b":   {"/a/b": 1},
		"/a/b/x": {}, "/x": {},
	} {
		p, err := jsonvalue.ParsePointer(under)
		if err != nil {
			t.Fatal(err)
		}
		if is := leaves(got, p); !maps.Equal(is, want) {
			t.Errorf("under %q: %v, want %v", under, is, want)
		}
	}
	n := 0
	got.Leaves(nil, func(jsonvalue.Pointer, int) bool { n++; return false })
	if n != 1 {
		t.Errorf("%d leaves after the first was enough", n)
	}
}

// object draws an object of few names without arrays, so that a path is a place.
func object(t *rapid.T, depth int) jsonvalue.Value {
	var members []jsonvalue.Member
	for _, name := range []string{"a", "b", "c"} {
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 1, kind == 2 && depth == 0:
			members = append(members, jsonvalue.Member{Name: name, Value: jsonvalue.Int(rapid.Int64Range(0, 1).Draw(t, "n"))})
		case kind >= 2 && depth > 0:
			members = append(members, jsonvalue.Member{Name: name, Value: object(t, depth-1)})
		}
	}
	o, err := jsonvalue.Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Without arrays a leaf's version is the first of those in which its place has held the
// same ever since.
func TestObjectsByTheirPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := make([]jsonvalue.Value, rapid.IntRange(1, 6).Draw(t, "versions"))
		for i := range versions {
			versions[i] = object(t, 2)
		}
		newest := len(versions) - 1
		trace(versions, nil, true).Leaves(nil, func(path jsonvalue.Pointer, by int) bool {
			want := newest
			for want > 0 && jsonvalue.Identical(versions[want-1].At(path), versions[newest].At(path)) {
				want--
			}
			if by != want {
				t.Fatalf("%s is of version %d, want %d of %v", path, by, want, versions)
			}
			return true
		})
	})
}

// Elements that come once and go keep the version that they came with, wherever they
// stand meanwhile.
func TestElementsKeepTheirVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var elems []int64
		came := make(map[int64]int)
		versions := make([]jsonvalue.Value, rapid.IntRange(1, 8).Draw(t, "versions"))
		for v := range versions {
			if len(elems) > 0 && rapid.Bool().Draw(t, "removes") {
				i := rapid.IntRange(0, len(elems)-1).Draw(t, "at")
				elems = slices.Delete(elems, i, i+1)
			} else {
				id := int64(len(came))
				came[id] = v
				elems = slices.Insert(elems, rapid.IntRange(0, len(elems)).Draw(t, "at"), id)
			}
			values := make([]jsonvalue.Value, len(elems))
			for i, id := range elems {
				values[i] = jsonvalue.Int(id)
			}
			versions[v] = jsonvalue.Array(values...)
		}
		trace(versions, nil, true).Leaves(nil, func(path jsonvalue.Pointer, by int) bool {
			if v := versions[len(versions)-1].At(path); len(path) > 0 {
				var id int64
				if _, err := fmt.Sscan(v.Text(), &id); err != nil || by != came[id] {
					t.Fatalf("element %s at %s is of version %d, want %d: %v", v.Text(), path, by, came[id], err)
				}
			}
			return true
		})
	})
}
