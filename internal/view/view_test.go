package view

import (
	"errors"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func valueOf(t *testing.T, text string) jsonvalue.Value {
	t.Helper()
	if text == "" {
		return jsonvalue.Value{}
	}
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func pointerOf(t *testing.T, text string) jsonvalue.Pointer {
	t.Helper()
	p, err := jsonvalue.ParsePointer(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// viewOf makes a view under paths, of which those that begin with ! are hidden.
func viewOf(t *testing.T, paths []string, lists ...List) *View {
	t.Helper()
	var plain []string
	var sees []bool
	for _, p := range paths {
		sees = append(sees, p[0] != '!')
		if p[0] == '!' {
			p = p[1:]
		}
		plain = append(plain, p)
	}
	f, err := Compile(plain, lists)
	if err != nil {
		t.Fatal(err)
	}
	return f.View(func(i int) bool { return sees[i] })
}

func TestValue(t *testing.T) {
	for _, tt := range []struct {
		name     string
		paths    []string
		is, want string
	}{
		{"a member", []string{"!/a"}, `{"a":1,"b":2}`, `{"b":2}`},
		{"with all in it", []string{"!/a"}, `{"a":{"x":{"y":1}},"b":2}`, `{"b":2}`},
		{"in a member", []string{"!/a/x"}, `{"a":{"x":1,"y":2}}`, `{"a":{"y":2}}`},
		{"all of a member, which stays", []string{"!/a/x"}, `{"a":{"x":1}}`, `{"a":{}}`},
		{"nothing there", []string{"!/a/x"}, `{"a":1}`, `{"a":1}`},
		{"null", []string{"!/a"}, `{"a":null,"b":null}`, `{"b":null}`},
		{"seen by a rule", []string{"/a", "!/b"}, `{"a":1,"b":1}`, `{"a":1}`},
		{"a member of what is hidden", []string{"!/a", "/a/x"}, `{"a":{"x":1,"y":2}}`, `{"a":{"x":1}}`},
		{"what is hidden, without the member", []string{"!/a", "/a/x"}, `{"a":{"y":2}}`, `{}`},
		{"what is hidden and empty", []string{"!/a", "/a/x"}, `{"a":{}}`, `{}`},
		{"hidden in seen in hidden", []string{"!/a", "/a/x", "!/a/x/y"}, `{"a":{"x":{"y":1,"z":2},"w":3}}`, `{"a":{"x":{"z":2}}}`},
		{"every member", []string{"!/a/*"}, `{"a":{"x":1,"y":{"z":2}}}`, `{"a":{}}`},
		{"every member but one", []string{"!/a/*", "/a/x"}, `{"a":{"x":1,"y":2}}`, `{"a":{"x":1}}`},
		{"at any depth", []string{"!/**/s"}, `{"s":1,"a":{"s":2,"l":[{"s":3,"t":4}]}}`, `{"a":{"l":[{"t":4}]}}`},
		{"everything", []string{"!/**"}, `{"a":1}`, `{}`},
		{"everything but", []string{"!/**", "/a/**"}, `{"a":{"x":[1]},"b":2}`, `{"a":{"x":[1]}}`},
		{"everything at any depth, and no more than a name", []string{"!/**", "/a"}, `{"a":{"x":1},"b":2}`, `{"a":{}}`},
		{"in elements", []string{"!/l/*/s"}, `{"l":[{"s":1,"t":2},3,{"s":1}]}`, `{"l":[{"t":2},3,{}]}`},
		{"elements", []string{"!/l/*"}, `{"l":[1,{"a":2}]}`, `{"l":[]}`},
		{"elements, though a path leads into them", []string{"!/l/*", "/l/*/a"}, `{"l":[{"a":2}]}`, `{"l":[]}`},
		{"an array, though a path leads into it", []string{"!/l", "/l/*", "/l/*/a"}, `{"l":[{"a":2}]}`, `{}`},
		{"no element has a name", []string{"!/l/0"}, `{"l":[1]}`, `{"l":[1]}`},
		{"a member has", []string{"!/l/0"}, `{"l":{"0":1}}`, `{"l":{}}`},
		{"digits stay", []string{"!/a"}, `{"a":1,"b":1.0,"c":12345678901234567890}`, `{"b":1.0,"c":12345678901234567890}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := viewOf(t, tt.paths)
			if got := v.Value(valueOf(t, tt.is)); !jsonvalue.Identical(got, valueOf(t, tt.want)) {
				t.Errorf("%s, want %s", got.Append(nil), tt.want)
			}
		})
	}
	if v := viewOf(t, []string{"/a"}); v != nil || v.Value(valueOf(t, `{"a":1}`)).Len() != 1 || v.Hides(jsonvalue.Pointer{"a"}) || v.MayHide(nil) || v.Tag() != nil {
		t.Errorf("who sees everything has %v", v)
	}
}

func TestCompile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		paths []string
		lists []List
	}{
		{"no pointer", []string{"a"}, nil},
		{"twice", []string{"/a", "/a"}, nil},
		{"no key", []string{"/a"}, []List{{"/l", "id"}}},
		{"no list", []string{"/a"}, []List{{"l", "/id"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Compile(tt.paths, tt.lists); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTag(t *testing.T) {
	a, b, both := viewOf(t, []string{"!/a", "/b"}), viewOf(t, []string{"/a", "!/b"}), viewOf(t, []string{"!/a", "!/b"})
	if string(a.Tag()) == string(b.Tag()) || string(a.Tag()) == string(both.Tag()) || string(a.Tag()) != string(viewOf(t, []string{"!/a", "/b"}).Tag()) {
		t.Errorf("%q, %q, %q", a.Tag(), b.Tag(), both.Tag())
	}
}

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		name, path  string
		paths       []string
		is, want    string
		hides, may  bool
		withoutKeys bool
	}{
		{"a member", "/a", []string{"!/a"}, `1`, ``, true, true, false},
		{"in it", "/a/x", []string{"!/a"}, `1`, ``, true, true, false},
		{"around it", "", []string{"!/a"}, `{"a":1,"b":2}`, `{"b":2}`, false, true, false},
		{"beside it", "/b", []string{"!/a"}, `1`, `1`, false, false, false},
		{"an element", "/l/3", []string{"!/l/*/s"}, `{"s":1,"t":2}`, `{"t":2}`, false, true, false},
		{"behind the last element", "/l/-", []string{"!/l/*/s"}, `{"s":1,"t":2}`, `{"t":2}`, false, true, false},
		{"in an element", "/l/3/s", []string{"!/l/*/s"}, `1`, ``, true, true, false},
		{"a name or an index: the name is hidden", "/l/0", []string{"!/l/0"}, `1`, ``, true, true, false},
		{"a name or an index: the index is hidden", "/l/0", []string{"!/l/*", "/l/0"}, `1`, ``, true, true, false},
		{"in a hidden element", "/l/0/a", []string{"!/l/*", "/l/*/a"}, `1`, ``, true, true, false},
		{"many numbers", "/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/s", []string{"!/**/s"}, `1`, ``, true, true, false},
		{"an element whose key is hidden", "/k/0/t", []string{"!/k/*/id"}, `1`, `1`, false, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, at := viewOf(t, tt.paths, List{"/k", "/id"}), pointerOf(t, tt.path)
			if got := v.At(at, valueOf(t, tt.is)); !jsonvalue.Identical(got, valueOf(t, tt.want)) {
				t.Errorf("%s, want %s", got.Append(nil), tt.want)
			}
			if v.Hides(at) != tt.hides || v.MayHide(at) != tt.may || v.Key(at) == tt.withoutKeys {
				t.Errorf("hides %t, may hide %t, shows the key %t", v.Hides(at), v.MayHide(at), v.Key(at))
			}
		})
	}
}

func TestKeep(t *testing.T) {
	secret, ofElements := []string{"!/**/s"}, []string{"!/l/*/s"}
	byID := List{"/l", "/id"}
	for _, tt := range []struct {
		name                  string
		paths                 []string
		lists                 []List
		stored, written, want string // "" for what cannot be told
	}{
		{"what was read", secret, nil, `{"a":1,"s":2}`, `{"a":1}`, `{"a":1,"s":2}`},
		{"a change beside it", secret, nil, `{"a":1,"s":2}`, `{"a":3}`, `{"a":3,"s":2}`},
		{"another value for it", secret, nil, `{"a":1,"s":2}`, `{"a":1,"s":3}`, `{"a":1,"s":3}`},
		{"deeper", secret, nil, `{"a":{"x":1,"s":2}}`, `{"a":{"x":3}}`, `{"a":{"x":3,"s":2}}`},
		{"what is around it goes", secret, nil, `{"a":{"x":1,"s":2},"b":1}`, `{"b":1}`, `{"b":1}`},
		{"what is around it becomes another thing", secret, nil, `{"a":{"s":2}}`, `{"a":[]}`, `{"a":[]}`},
		{"nothing stored", secret, nil, ``, `{"s":1}`, `{"s":1}`},
		{"in what is hidden", []string{"!/a"}, nil, `{"a":{"x":1,"y":[2]}}`, `{"a":{"x":3}}`, `{"a":{"x":3,"y":[2]}}`},
		{"an array that is hidden", []string{"!/a"}, nil, `{"a":[1]}`, `{"a":[2]}`, `{"a":[2]}`},
		{"the part that is seen goes", []string{"!/a", "/a/x"}, nil, `{"a":{"x":1,"y":2}}`, `{}`, `{"a":{"y":2}}`},
		{"all that is seen goes", []string{"!/a", "/a/x"}, nil, `{"a":{"x":1}}`, `{}`, `{}`},
		{"hidden and empty", []string{"!/a", "/a/x"}, nil, `{"a":{}}`, `{}`, `{"a":{}}`},
		{"elements as they were", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":1},{"i":2}]}`, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`},
		{"the first element goes", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":2}]}`, `{"l":[{"i":2,"s":2}]}`},
		{"an element comes in front", ofElements, nil, `{"l":[{"i":1,"s":1}]}`, `{"l":[{"i":0},{"i":1}]}`, `{"l":[{"i":0},{"i":1,"s":1}]}`},
		{"elements in another order", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":2},{"i":1}]}`, `{"l":[{"i":2,"s":2},{"i":1,"s":1}]}`},
		{"an element changes", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":1},{"i":3}]}`, `{"l":[{"i":1,"s":1},{"i":3,"s":2}]}`},
		{"an element gets another hidden value", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":2,"s":5},{"i":1}]}`, `{"l":[{"i":2,"s":5},{"i":1,"s":1}]}`},
		{"one of two changes, the other goes", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":2,"s":2}]}`, `{"l":[{"i":3}]}`, ``},
		{"the same, known by keys", ofElements, []List{byID}, `{"l":[{"id":1,"n":1,"s":1},{"id":2,"n":1,"s":2}]}`, `{"l":[{"id":2,"n":3}]}`, `{"l":[{"id":2,"n":3,"s":2}]}`},
		{"one goes and a new one comes, known by keys", ofElements, []List{byID}, `{"l":[{"id":1,"s":1}]}`, `{"l":[{"id":2}]}`, `{"l":[{"id":2}]}`},
		{"a key twice among what comes", ofElements, []List{byID}, `{"l":[{"id":1,"s":1}]}`, `{"l":[{"id":1},{"id":1}]}`, `{"l":[{"id":1,"s":1},{"id":1}]}`},
		{"a key twice among what is stored", ofElements, []List{byID}, `{"l":[{"id":1,"s":1},{"id":1,"s":2}]}`, `{"l":[{"id":1},{"id":1}]}`, `{"l":[{"id":1,"s":1},{"id":1,"s":2}]}`},
		{"keys that are hidden", []string{"!/l/*/id", "!/l/*/s"}, []List{byID}, `{"l":[{"id":1,"n":1,"s":1},{"id":2,"n":2,"s":2}]}`, `{"l":[{"n":2},{"n":1}]}`, `{"l":[{"n":2,"id":2,"s":2},{"n":1,"id":1,"s":1}]}`},
		{"one of two that look the same goes", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":1,"s":2}]}`, `{"l":[{"i":1}]}`, ``},
		{"and hold the same: that is not told", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":1,"s":1}]}`, `{"l":[{"i":1}]}`, ``},
		{"all go", ofElements, nil, `{"l":[{"i":1,"s":1},{"i":1,"s":2}]}`, `{"l":[]}`, `{"l":[]}`},
		{"hidden elements", []string{"!/l/*"}, nil, `{"l":[1,{"a":2}]}`, `{"l":[]}`, `{"l":[1,{"a":2}]}`},
		{"more of them", []string{"!/l/*"}, nil, `{"l":[1]}`, `{"l":[1]}`, `{"l":[1,1]}`},
		{"arrays in arrays", []string{"!/l/*/*/s"}, nil, `{"l":[[{"s":1}],[{"i":1,"s":2}]]}`, `{"l":[[{"i":1}],[{}]]}`, `{"l":[[{"i":1,"s":2}],[{"s":1}]]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := viewOf(t, tt.paths, tt.lists...)
			got, err := v.Keep(valueOf(t, tt.stored), valueOf(t, tt.written))
			if tt.want == "" {
				if ambiguous, ok := errors.AsType[*AmbiguousError](err); !ok || ambiguous.Path.String() != "/l" {
					t.Errorf("%s, %v", got.Append(nil), err)
				}
				return
			}
			if err != nil || !jsonvalue.Identical(got, valueOf(t, tt.want)) {
				t.Errorf("%s, %v, want %s", got.Append(nil), err, tt.want)
			}
			below, err := v.KeepAt(nil, valueOf(t, tt.stored), valueOf(t, tt.written))
			if err != nil || !jsonvalue.Identical(below, got) {
				t.Errorf("at its top %s, %v", below.Append(nil), err)
			}
		})
	}
}

func TestTakes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		paths   []string
		was, is string
		want    bool
	}{
		{"nothing", []string{"!/a/x"}, `{"a":{"y":1},"b":1}`, `{"a":{"y":2}}`, false},
		{"what could hold it", []string{"!/a/x"}, `{"a":{"y":1}}`, `{}`, true},
		{"what could hold it, and is seen empty", []string{"!/a/x"}, `{"a":{}}`, `{}`, true},
		{"for another kind", []string{"!/a/x"}, `{"a":{"y":1}}`, `{"a":1}`, true},
		{"for an array", []string{"!/a/x"}, `{"a":{"y":1}}`, `{"a":[]}`, true},
		{"what cannot hold it", []string{"!/a/x"}, `{"a":{"y":{"x":1}}}`, `{"a":{}}`, false},
		{"a value that could have been an object", []string{"!/a/x"}, `{"a":1}`, `{"a":{"y":1}}`, false},
		{"another kind in an array", []string{"!/a/*/x"}, `{"a":[{"y":1}]}`, `{"a":[1]}`, true},
		{"an element", []string{"!/a/*/x"}, `{"a":[{"y":1},{"y":2}]}`, `{"a":[{"y":2}]}`, true},
		{"an element that holds nothing", []string{"!/a/*/x"}, `{"a":[1,{"y":2}]}`, `{"a":[{"y":2}]}`, false},
		{"an array of hidden elements", []string{"!/a/*"}, `{"a":[]}`, `{}`, true},
		{"an array of hidden elements that stays", []string{"!/a/*"}, `{"a":[]}`, `{"a":[]}`, false},
		{"what is seen in what is hidden", []string{"!/a", "/a/b"}, `{"a":{"b":1}}`, `{}`, false},
		{"more in what is hidden", []string{"!/a", "/a/b", "/a/c"}, `{"a":{"b":1}}`, `{"a":{"b":1,"c":2}}`, false},
		{"in the place of what may be hidden", []string{"!/a", "/a/b"}, `{}`, `{"a":{"b":1}}`, true},
		{"in what is hidden, what could hold it", []string{"!/a", "/a/b", "!/a/b/x"}, `{"a":{"b":{"y":1}}}`, `{}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := viewOf(t, tt.paths)
			if got := v.Takes(valueOf(t, tt.was), valueOf(t, tt.is)); got != tt.want {
				t.Errorf("takes: %v, want %v", got, tt.want)
			}
		})
	}
	var all *View
	if all.Takes(valueOf(t, `{"a":{}}`), valueOf(t, `{}`)) {
		t.Error("who sees everything takes nothing unseen")
	}
}
