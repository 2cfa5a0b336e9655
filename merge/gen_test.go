package merge_test

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// names are what members are called: empty, like an index, escaped in pointers,
// beyond the basic plane, and like a wildcard.
var names = []string{"", "a", "b", "c", "0", "-", "~1", "a/b", "*", "𝄞", "id"}

// scalars hold numbers that float64 takes for one, spellings of one number, texts
// that merge and texts that do not, characters beyond the basic plane, and times.
var scalars = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `1.0`, `10e-1`, `2`, `9007199254740992`, `9007199254740993`,
	`1234567890123456789012345678901234567890`, `1234567890123456789012345678901234567891`, `0.1`, `1e400`, `1e401`,
	`""`, `"a"`, `"b"`, `"__proto__"`, `"one two\nthree four\n"`, `"one 2\nthree four\n"`, `"one two\nthree 4\n"`, `"one one\none\none\n"`,
	`"𝄞"`, `"\u0000"`, `"2026-11-20T18:00:00Z"`, `"2026-11-20T19:00:00+00:00"`, `"2026-11-20T19:00:00+01:00"`,
}

// respelt are other spellings of scalars.
var respelt = map[string]string{`0`: `-0`, `-0`: `0.0`, `1`: `1.0`, `1.0`: `10e-1`, `10e-1`: `1`, `2`: `2e0`, `0.1`: `1e-1`}

func parse(t testing.TB, text string) jsonvalue.Value {
	t.Helper()
	return parseFor(t, text)
}

func parseFor(t interface{ Fatal(...any) }, text string) jsonvalue.Value {
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(v jsonvalue.Value) string {
	if v.IsAbsent() {
		return "(absent)"
	}
	return string(v.Append(nil))
}

func genScalar() *rapid.Generator[jsonvalue.Value] {
	return rapid.Custom(func(t *rapid.T) jsonvalue.Value {
		return parseFor(t, rapid.SampledFrom(scalars).Draw(t, "scalar"))
	})
}

func genValue(depth int) *rapid.Generator[jsonvalue.Value] {
	return rapid.Custom(func(t *rapid.T) jsonvalue.Value {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch {
		case depth == 0 || kind < 2:
			return genScalar().Draw(t, "leaf")
		case kind < 4:
			return object(t, rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID[string]).Draw(t, "names"), func(string) jsonvalue.Value {
				return genValue(depth-1).Draw(t, "member")
			})
		case kind == 4:
			return genRows(depth).Draw(t, "rows")
		case rapid.IntRange(0, 19).Draw(t, "deep") == 0:
			return nest(t, genValue(0).Draw(t, "innermost"))
		}
		return jsonvalue.Array(rapid.SliceOfN(genValue(depth-1), 0, 4).Draw(t, "elems")...)
	})
}

// nest puts a value at the bottom of many objects and arrays.
func nest(t *rapid.T, v jsonvalue.Value) jsonvalue.Value {
	for range rapid.IntRange(5, 30).Draw(t, "levels") {
		if rapid.Bool().Draw(t, "in an array") {
			v = jsonvalue.Array(v)
		} else {
			v = object(t, []string{rapid.SampledFrom(names).Draw(t, "name")}, func(string) jsonvalue.Value { return v })
		}
	}
	return v
}

// genRows draws arrays of objects with keys, some of them twice, some of the rows
// with rows of their own.
func genRows(depth int) *rapid.Generator[jsonvalue.Value] {
	return rapid.Custom(func(t *rapid.T) jsonvalue.Value {
		var rows []jsonvalue.Value
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			rows = append(rows, object(t, []string{"id", "a"}, func(name string) jsonvalue.Value {
				switch {
				case name == "id":
					return jsonvalue.Int(int64(rapid.IntRange(1, 6).Draw(t, "id")))
				case depth > 1 && rapid.Bool().Draw(t, "list in list"):
					return genRows(depth-1).Draw(t, "inner rows")
				}
				return genValue(depth-1).Draw(t, "cell")
			}))
		}
		return jsonvalue.Array(rows...)
	})
}

func object(t *rapid.T, names []string, value func(string) jsonvalue.Value) jsonvalue.Value {
	members := make([]jsonvalue.Member, len(names))
	for i, name := range names {
		members[i] = jsonvalue.Member{Name: name, Value: value(name)}
	}
	v, err := jsonvalue.Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// edit draws what a writer makes of v: mostly v with a few places changed,
// renamed, moved, removed or turned into something else.
func edit(t *rapid.T, v jsonvalue.Value, depth int) jsonvalue.Value {
	switch {
	case rapid.IntRange(0, 9).Draw(t, "whole") == 0:
		return genValue(max(depth, 0)).Draw(t, "other")
	case v.Kind() == jsonvalue.KindObject:
		return editObject(t, v, depth)
	case v.Kind() == jsonvalue.KindArray:
		return editArray(t, v, depth)
	case respelt[text(v)] != "" && rapid.Bool().Draw(t, "respell"):
		return parseFor(t, respelt[text(v)])
	case rapid.Bool().Draw(t, "keep"):
		return v
	}
	return genScalar().Draw(t, "scalar")
}

// respell draws a value that is equal and written otherwise, its members in
// another order.
func respell(t *rapid.T, v jsonvalue.Value) jsonvalue.Value {
	switch v.Kind() {
	case jsonvalue.KindObject:
		members := rapid.Permutation(v.Members()).Draw(t, "members")
		return object(t, memberNames(members), func(name string) jsonvalue.Value { return respell(t, v.Lookup(name)) })
	case jsonvalue.KindArray:
		elems := make([]jsonvalue.Value, v.Len())
		for i, e := range v.Elems() {
			elems[i] = respell(t, e)
		}
		return jsonvalue.Array(elems...)
	}
	if other := respelt[text(v)]; other != "" && rapid.Bool().Draw(t, "respell") {
		return parseFor(t, other)
	}
	return v
}

func memberNames(members []jsonvalue.Member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return names
}

func editObject(t *rapid.T, v jsonvalue.Value, depth int) jsonvalue.Value {
	var members []jsonvalue.Member
	used := make(map[string]bool)
	add := func(name string, value jsonvalue.Value) {
		if !used[name] {
			used[name] = true
			members = append(members, jsonvalue.Member{Name: name, Value: value})
		}
	}
	for _, m := range v.Members() {
		switch rapid.IntRange(0, 7).Draw(t, "what") {
		case 0: // removed
		case 1: // renamed
			add(rapid.SampledFrom(names).Draw(t, "new name"), m.Value)
		case 2, 3:
			add(m.Name, edit(t, m.Value, depth-1))
		default:
			add(m.Name, m.Value)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "add") == 0 {
		add(rapid.SampledFrom(names).Draw(t, "name"), genValue(max(depth-1, 0)).Draw(t, "value"))
	}
	if rapid.IntRange(0, 5).Draw(t, "shuffle") == 0 {
		members = rapid.Permutation(members).Draw(t, "order")
	}
	out, err := jsonvalue.Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func editArray(t *rapid.T, v jsonvalue.Value, depth int) jsonvalue.Value {
	var elems []jsonvalue.Value
	for _, e := range v.Elems() {
		switch rapid.IntRange(0, 7).Draw(t, "what") {
		case 0: // removed
		case 1: // doubled
			elems = append(elems, e, e)
		case 2: // moved to the front
			elems = append([]jsonvalue.Value{e}, elems...)
		case 3:
			elems = append(elems, edit(t, e, depth-1))
		default:
			elems = append(elems, e)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "grow") == 0 {
		elems = append(elems, genValue(max(depth-1, 0)).Draw(t, "elem"))
	}
	if rapid.IntRange(0, 7).Draw(t, "shuffle") == 0 {
		elems = rapid.Permutation(elems).Draw(t, "order")
	}
	return jsonvalue.Array(elems...)
}

// triple is a base and what two writers made of it.
type triple struct{ base, theirs, mine jsonvalue.Value }

func genTriple(t *rapid.T) triple {
	base := object(t, rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 5, rapid.ID[string]).Draw(t, "names"), func(string) jsonvalue.Value {
		return genValue(3).Draw(t, "value")
	})
	common := base // of what both did alike
	if rapid.IntRange(0, 2).Draw(t, "alike") == 0 {
		common = editObject(t, base, 3)
	}
	return triple{base, editObject(t, common, 3), editObject(t, common, 3)}
}

var patterns = []string{
	"/a", "/b", "/c", "/*", "/**", "/a/*", "/a/**", "/**/a", "/*/a", "/a/b", "/", "/0", "/a~1b", "/~01", "/**/id", "/*/*/a", "/a/**/b", "",
	"/a/*/a", "/*/*", "/**/a/*", "/**/b/**", "/b/*/a/*/a", "/id",
}

// groups lie beside each other, one in what the other's fields hold, and in
// arrays.
var groups = [][][]string{
	nil, nil, nil, {{"/a", "/b"}}, {{"/a/b", "/c"}}, {{"/a/a", "/a/b", "/id"}}, {{"/a/0", "/b"}}, {{"/a/0/id", "/a/1/a"}},
	{{"/a", "/b"}, {"/c", "/id"}}, {{"/a/a", "/b"}, {"/a/b", "/c"}}, {{"/a/a", "/c/a"}, {"/a/b", "/c/b"}, {"/a/", "/c/"}}, {{"/", "/a~1b"}},
}

// choice says which rules a drawn policy may have.
type choice struct {
	types []merge.Type
	rules []merge.Rule
	// ignoreValues draws policies that do not detect differences of values.
	ignoreValues bool
}

func genRules(t *rapid.T, c choice) merge.Rules {
	var r merge.Rules
	for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(patterns), 0, 6, rapid.ID[string]).Draw(t, "patterns") {
		f := merge.Field{Path: p, Type: rapid.SampledFrom(c.types).Draw(t, "type")}
		if f.Type == merge.List {
			f.Key = rapid.SampledFrom([]string{"/id", "/a"}).Draw(t, "key")
		}
		if f.Type == merge.Counter && rapid.Bool().Draw(t, "bounded") {
			f.Max = strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "max"))
		}
		f.OnConflict = genRule(t, c.rules)
		r.Fields = append(r.Fields, f)
	}
	for _, paths := range rapid.SampledFrom(groups).Draw(t, "groups") {
		r.Together = append(r.Together, merge.Group{Paths: paths, OnConflict: genRule(t, c.rules)})
	}
	r.IgnoreValues = c.ignoreValues && rapid.IntRange(0, 3).Draw(t, "no values") == 0
	r.IgnoreStructure = rapid.IntRange(0, 3).Draw(t, "no structure") == 0
	return r
}

func genRule(t *rapid.T, rules []merge.Rule) merge.OnConflict {
	o := merge.OnConflict{Rule: rapid.SampledFrom(rules).Draw(t, "rule")}
	switch o.Rule {
	case merge.RuleNewest:
		o.By = rapid.SampledFrom([]string{"/a", "/c"}).Draw(t, "by")
	case merge.RuleHighest, merge.RuleLowest:
		o.By = rapid.SampledFrom([]string{"", "/a", "/c"}).Draw(t, "by")
	case merge.RuleAuthority:
		o.Authority = []string{"admin", "editor"}
	case merge.RuleReject, merge.RuleTheirs, merge.RuleMine, "":
	}
	return o
}

func genWriters(t *rapid.T) merge.Writers {
	roles := rapid.SampledFrom([][]string{nil, {"admin"}, {"editor"}, {"bot"}, {"editor", "admin"}})
	return merge.Writers{Mine: roles.Draw(t, "my roles"), Theirs: []merge.Authorship{{Roles: roles.Draw(t, "their roles")}}}
}

func compile(t *rapid.T, r merge.Rules) *merge.Policy {
	p, err := merge.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (v triple) String() string {
	return fmt.Sprintf("base   %s\ntheirs %s\nmine   %s", text(v.base), text(v.theirs), text(v.mine))
}

// outcome shows a result in one line.
func outcome(r merge.Result) string {
	out := text(r.Value)
	for _, d := range r.Decisions {
		out += fmt.Sprintf(" [%q %s by %s]", d.Path.String(), d.Winner, d.Rule)
	}
	for _, d := range r.Disputes {
		out += fmt.Sprintf(" (%q %v: %s, %s)", d.Path.String(), d.Together, d.Reason, d.Rule)
	}
	return out
}
