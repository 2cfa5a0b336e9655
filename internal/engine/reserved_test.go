package engine

import (
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

func sideOf(t *testing.T, text string) jsonvalue.Value {
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

// reserving makes rules in which the fields that begin with ! are reserved.
func reserving(t *testing.T, paths ...string) Rules {
	t.Helper()
	var r Rules
	var fields []merge.Field
	for _, p := range paths {
		only := p[0] == '!'
		if only {
			p = p[1:]
		}
		fields = append(fields, merge.Field{Path: p})
		r.Reserved.Fields = append(r.Reserved.Fields, Resolvers{Only: only})
	}
	var err error
	if r.Merge, err = merge.Compile(merge.Rules{Fields: fields}); err != nil {
		t.Fatal(err)
	}
	return r
}

// Overwriting takes the authority over what somebody has changed since, and over
// nothing else.
func TestOverwritten(t *testing.T) {
	for _, tt := range []struct {
		name, base, theirs, result string
		fields                     []string
		want                       []int
	}{
		{"changed by both", `{"a":1}`, `{"a":2}`, `{"a":3}`, []string{"!/a"}, []int{0}},
		{"put back", `{"a":1}`, `{"a":2}`, `{"a":1}`, []string{"!/a"}, []int{0}},
		{"left as it is now", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":2,"b":3}`, []string{"!/a"}, nil},
		{"not changed since", `{"a":1,"b":1}`, `{"a":1,"b":2}`, `{"a":3,"b":2}`, []string{"!/a"}, nil},
		{"another field", `{"a":1}`, `{"a":2}`, `{"a":3}`, []string{"/a", "!/b"}, nil},
		{"came since, and goes", `{}`, `{"a":1}`, `{}`, []string{"!/a"}, []int{0}},
		{"went since, and comes", `{"a":1}`, `{}`, `{"a":1}`, []string{"!/a"}, []int{0}},
		{"the document goes", `{"a":1}`, `{"a":2}`, ``, []string{"!/a"}, []int{0}},
		{"the document goes, and it was not changed", `{"a":1,"b":1}`, `{"a":1,"b":2}`, ``, []string{"!/a"}, nil},
		{"below a reserved field", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{"a":{"b":3}}`, []string{"!/a"}, []int{0}},
		{"below, under an open field", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{"a":{"b":3}}`, []string{"!/a", "/a/b"}, []int{0}},
		{"below, under one of its own", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{"a":{"b":3}}`, []string{"!/a", "!/a/b"}, []int{1}},
		{"side by side in it", `{"a":{"b":1,"c":1}}`, `{"a":{"b":2,"c":1}}`, `{"a":{"b":2,"c":3}}`, []string{"!/a"}, nil},
		{"what is around goes", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{}`, []string{"!/a/b"}, []int{0}},
		{"what is around went", `{"a":{"b":1}}`, `{}`, `{"a":{"b":1}}`, []string{"!/a/b"}, []int{0}},
		{"what is around became a text", `{"a":{"b":1}}`, `{"a":""}`, `{"a":{"b":1}}`, []string{"!/a/b"}, []int{0}},
		{"what is around becomes a list", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{"a":[1]}`, []string{"!/a/b"}, []int{0}},
		{"an element", `{"l":[{"p":1}]}`, `{"l":[{"p":2}]}`, `{"l":[{"p":3}]}`, []string{"!/l/*/p"}, []int{0}},
		{"no element has a name", `{"l":[1]}`, `{"l":[2]}`, `{"l":[3]}`, []string{"!/l/0"}, nil},
		{"a member has", `{"l":{"0":1}}`, `{"l":{"0":2}}`, `{"l":{"0":3}}`, []string{"!/l/0"}, []int{0}},
		{"an element that came", `{"l":[]}`, `{"l":[{"p":2}]}`, `{"l":[]}`, []string{"!/l/*/p"}, []int{0}},
		{"a list as a whole", `{"l":[1]}`, `{"l":[1,2]}`, `{"l":[3]}`, []string{"!/l"}, []int{0}},
		{"at any depth", `{"a":{"b":{"x":1}}}`, `{"a":{"b":{"x":2}}}`, `{"a":{"b":{"x":3}}}`, []string{"!/**/x"}, []int{0}},
		{"the whole document", `{"a":1}`, `{"a":2}`, `{"a":3}`, []string{"!/**"}, []int{0}},
		{"equal numbers", `{"a":1}`, `{"a":1.0}`, `{"a":3}`, []string{"!/a"}, nil},
		{"several", `{"a":1,"b":1,"c":1}`, `{"a":2,"b":2,"c":1}`, `{"a":3,"b":3,"c":3}`, []string{"!/a", "!/b", "!/c"}, []int{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reserving(t, tt.fields...)
			got := r.overwritten(sideOf(t, tt.base), sideOf(t, tt.theirs), sideOf(t, tt.result))
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// A dispute is about the field that it lies in, and about those in it.
func TestDisputedFields(t *testing.T) {
	for _, tt := range []struct {
		name, base, theirs, mine string
		rules                    merge.Rules
		only                     []int // of its fields
		want                     []int
	}{
		{"itself", `{"a":1}`, `{"a":2}`, `{"a":3}`, merge.Rules{Fields: []merge.Field{{Path: "/a"}}}, []int{0}, []int{0}},
		{"another", `{"a":1}`, `{"a":2}`, `{"a":3}`, merge.Rules{Fields: []merge.Field{{Path: "/b"}}}, []int{0}, nil},
		{"around it", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{"a":{"b":3}}`, merge.Rules{Fields: []merge.Field{{Path: "/a"}, {Path: "/a/b"}}}, []int{0}, []int{0}},
		{"in it", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `{}`, merge.Rules{Fields: []merge.Field{{Path: "/a/b"}}}, []int{0}, []int{0}},
		{"in it, and agreed", `{"a":{"b":1,"c":1}}`, `{"a":{"b":2,"c":2}}`, `{"a":{"b":2,"c":3}}`,
			merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Atomic}, {Path: "/a/b"}}}, []int{1}, nil},
		{"in a whole", `{"a":{"b":1,"c":1}}`, `{"a":{"b":2,"c":2}}`, `{"a":{"b":1,"c":3}}`,
			merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Atomic}, {Path: "/a/b"}}}, []int{1}, []int{1}},
		{"an element of a list", `{"l":[{"k":1,"p":1}]}`, `{"l":[{"k":0},{"k":1,"p":2}]}`, `{"l":[{"k":1,"p":3}]}`,
			merge.Rules{Fields: []merge.Field{{Path: "/l", Type: merge.List, Key: "/k"}, {Path: "/l/*/p"}, {Path: "/l/1/p"}}}, []int{1}, []int{1}},
		{"a group", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":3}`,
			merge.Rules{Fields: []merge.Field{{Path: "/a"}, {Path: "/b"}}, Together: []merge.Group{{Paths: []string{"/a", "/b"}}}}, []int{0, 1}, []int{0, 1}},
		{"half a group", `{"a":1,"b":{"c":1}}`, `{"a":2,"b":{"c":1}}`, `{"a":1,"b":{"c":3}}`,
			merge.Rules{Fields: []merge.Field{{Path: "/b/c"}}, Together: []merge.Group{{Paths: []string{"/a", "/b"}}}}, []int{0}, []int{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy, err := merge.Compile(tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			r := Rules{Merge: policy, Reserved: Reserved{Fields: make([]Resolvers, len(tt.rules.Fields))}}
			for _, i := range tt.only {
				r.Reserved.Fields[i].Only = true
			}
			around := sides{sideOf(t, tt.base), sideOf(t, tt.theirs), sideOf(t, tt.mine)}
			result := merge.Three(around.base, around.theirs, around.mine, policy, merge.Writers{})
			if len(result.Disputes) != 1 {
				t.Fatalf("%+v", result.Disputes)
			}
			got := r.disputed(&result.Disputes[0], around)
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestRolesOf(t *testing.T) {
	r := Rules{Reserved: Reserved{Fields: []Resolvers{{Roles: []string{"admin", "editor"}}, {Roles: []string{"admin", "owner"}}, {Roles: []string{"owner"}}, {Only: true}}}}
	for _, tt := range []struct {
		fields []int
		want   []string
	}{
		{nil, nil}, {[]int{0}, []string{"admin", "editor"}}, {[]int{0, 1}, []string{"admin"}}, {[]int{0, 2}, nil}, {[]int{0, 3}, nil}, {[]int{3, 0}, nil},
	} {
		if got := r.rolesOf(tt.fields); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.fields, got, tt.want)
		}
	}
	if first := r.Reserved.Fields[0].Roles; !slices.Equal(first, []string{"admin", "editor"}) {
		t.Errorf("the rules were changed to %q", first)
	}
}
