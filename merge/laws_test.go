package merge_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

var (
	allTypes = append([]merge.Type{merge.Untyped}, merge.Types()...)
	allRules = append([]merge.Rule{""}, merge.RuleNames()...)
	// everything is every rule there is.
	everything = choice{types: allTypes, rules: allRules, ignoreValues: true}
	// onceOnly leaves out what counts two equal changes as two.
	onceOnly = choice{types: without(allTypes, merge.Counter, merge.Append), rules: allRules, ignoreValues: true}
	// sideless leaves out what names a side.
	sideless = choice{types: without(allTypes, merge.Append), rules: without(allRules, merge.RuleTheirs, merge.RuleMine)}
)

func without[T comparable](all []T, out ...T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return slices.Contains(out, x) })
}

// TestOneSideChanged: what only one side changed is that side's, under every
// policy.
func TestOneSideChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, p, who := genTriple(t), compile(t, genRules(t, everything)), genWriters(t)
		checkOneSide(t, v.base, v.mine, p, who)
	})
}

// failer is a *testing.T or a *rapid.T.
type failer interface{ Fatalf(string, ...any) }

func checkOneSide(t failer, base, changed jsonvalue.Value, p *merge.Policy, who merge.Writers) {
	for _, r := range []merge.Result{
		merge.Three(base, base, changed, p, who),
		merge.Three(base, changed, base, p, who),
	} {
		if text(r.Value) != text(changed) && !jsonvalue.Equal(base, changed) || !jsonvalue.Equal(r.Value, changed) {
			t.Fatalf("got %s, want %s", text(r.Value), text(changed))
		}
		if len(r.Decisions) > 0 || !r.Clean() {
			t.Fatalf("there was nothing to decide: %v %v", r.Decisions, r.Disputes)
		}
	}
}

// TestEqualChanges: what both changed alike is agreed, however they wrote it, but
// for counters and appended elements.
func TestEqualChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, p, who := genTriple(t), compile(t, genRules(t, onceOnly)), genWriters(t)
		r := merge.Three(v.base, v.mine, v.mine, p, who)
		if text(r.Value) != text(v.mine) || len(r.Decisions) > 0 || !r.Clean() {
			t.Fatalf("got %s, want %s; %v %v", text(r.Value), text(v.mine), r.Decisions, r.Disputes)
		}
		other := respell(t, v.mine)
		r = merge.Three(v.base, other, v.mine, p, who)
		swapped := merge.Three(v.base, v.mine, other, p, who)
		if !jsonvalue.Equal(r.Value, v.mine) || len(r.Decisions) > 0 || !r.Clean() || text(swapped.Value) != text(r.Value) {
			t.Fatalf("%s and %s: %s, and swapped %s", text(other), text(v.mine), outcome(r), outcome(swapped))
		}
	})
}

// TestNothingIsLost: every place that a side changed holds that side's value, or
// is named.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, rules, who := genTriple(t), genRules(t, everything), genWriters(t)
		checkNothingIsLost(t, v, merge.Three(v.base, v.theirs, v.mine, compile(t, rules), who), rules)
	})
}

func checkNothingIsLost(t failer, v triple, r merge.Result, rules merge.Rules) {
	for _, side := range []jsonvalue.Value{v.theirs, v.mine} {
		for _, path := range changed(nil, v.base, side) {
			if !jsonvalue.Equal(r.Value.At(path), side.At(path)) && !named(&r, path) {
				t.Fatalf("%q of %s is lost in %s\n%s\n%+v", path.String(), text(side), outcome(r), v, rules)
			}
		}
	}
}

// changed returns the smallest places at which two values differ: members of
// objects, and arrays and scalars as a whole.
func changed(at jsonvalue.Pointer, from, to jsonvalue.Value) []jsonvalue.Pointer {
	if jsonvalue.Equal(from, to) {
		return nil
	}
	if from.Kind() != jsonvalue.KindObject || to.Kind() != jsonvalue.KindObject {
		return []jsonvalue.Pointer{slices.Clone(at)}
	}
	var paths []jsonvalue.Pointer
	for _, m := range from.Members() {
		paths = append(paths, changed(append(slices.Clone(at), m.Name), m.Value, to.Lookup(m.Name))...)
	}
	for _, m := range to.Members() {
		if from.Lookup(m.Name).IsAbsent() {
			paths = append(paths, append(slices.Clone(at), m.Name))
		}
	}
	return paths
}

// named reports whether a decision or a dispute is about a place, what holds it
// or what it holds.
func named(r *merge.Result, path jsonvalue.Pointer) bool {
	touches := func(p jsonvalue.Pointer) bool {
		n := min(len(p), len(path))
		return slices.Equal(p[:n], path[:n])
	}
	for _, d := range r.Decisions {
		if touches(d.Path) {
			return true
		}
	}
	for _, d := range r.Disputes {
		if touches(d.Path) || slices.ContainsFunc(d.Together, touches) {
			return true
		}
	}
	return false
}

// TestSidesSwapped: who is called theirs makes no difference to the value, the
// order of members and elements included; decisions and disputes are the same but
// for the names of the sides.
func TestSidesSwapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, rules := genTriple(t), genRules(t, sideless)
		checkSwapped(t, v, compile(t, rules), rules)
	})
}

// TestGroupsSwapped is the same for documents that are little but groups, which
// share values.
func TestGroupsSwapped(t *testing.T) {
	inner := []string{"a", "b", ""}
	rapid.Check(t, func(t *rapid.T) {
		rules := genRules(t, choice{types: []merge.Type{merge.Untyped, merge.Atomic, merge.Counter, merge.Set}, rules: sideless.rules})
		rules.Together = nil
		for _, paths := range rapid.SampledFrom(groups).Filter(func(g [][]string) bool { return len(g) > 1 }).Draw(t, "groups") {
			rules.Together = append(rules.Together, merge.Group{Paths: paths, OnConflict: genRule(t, sideless.rules)})
		}
		base := object(t, []string{"a", "b", "c", "id"}, func(string) jsonvalue.Value {
			if rapid.Bool().Draw(t, "scalar") {
				return genScalar().Draw(t, "value")
			}
			return object(t, inner, func(string) jsonvalue.Value { return genScalar().Draw(t, "inner") })
		})
		base = editObject(t, base, 1)
		checkSwapped(t, triple{base, editObject(t, base, 1), editObject(t, base, 1)}, compile(t, rules), rules)
	})
}

func checkSwapped(t failer, v triple, p *merge.Policy, rules merge.Rules) {
	mine, theirs := []string{"admin"}, []string{"editor"}
	a := merge.Three(v.base, v.theirs, v.mine, p, merge.Writers{Mine: mine, Theirs: []merge.Authorship{{Roles: theirs}}})
	b := merge.Three(v.base, v.mine, v.theirs, p, merge.Writers{Mine: theirs, Theirs: []merge.Authorship{{Roles: mine}}})
	if !slices.Equal(settled(a, false), settled(b, true)) || text(undisputed(a)) != text(undisputed(b)) {
		t.Fatalf("%s, and swapped %s\n%s\n%+v", outcome(a), outcome(b), v, rules)
	}
}

// settled lists decisions and disputes, without paths: those name elements by
// their index in theirs.
func settled(r merge.Result, swapped bool) []string {
	var all []string
	for _, d := range r.Decisions {
		if swapped && d.Winner != merge.Both {
			d.Winner = map[merge.Winner]merge.Winner{merge.Theirs: merge.Mine, merge.Mine: merge.Theirs}[d.Winner]
		}
		all = append(all, fmt.Sprintf("%d %s %s", len(d.Path), d.Winner, d.Rule))
	}
	for _, d := range r.Disputes {
		if swapped {
			d.Theirs, d.Mine = d.Mine, d.Theirs
		}
		all = append(all, fmt.Sprintf("%d %s %v %s %s %s %s %s", len(d.Path), digest(d.Key), d.Together, digest(d.Base), digest(d.Theirs), digest(d.Mine), d.Rule, d.Reason))
	}
	slices.Sort(all)
	return all
}

func digest(v jsonvalue.Value) string { return string(v.AppendCanonical(nil)) }

// undisputed returns the value without what is in dispute; it is absent where
// that is the whole or lies in an array.
func undisputed(r merge.Result) jsonvalue.Value {
	rest := r.Value
	for _, d := range r.Disputes {
		for _, p := range append(d.Together, d.Path) {
			if len(p) == 0 || !d.Key.IsAbsent() {
				return jsonvalue.Value{}
			}
			rest, _ = rest.Without(p)
		}
	}
	return rest
}

// TestMergedAgain: merging a result with what it was made of changes nothing, so
// that a retry is safe. It disputes nothing either, unless rules compare by
// something that a side has made lower, which then ties with itself.
func TestMergedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onceOnly
		c.types = without(c.types, merge.Sequence, merge.Text) // theirs have a law of their own, where nothing repeats
		v, rules, who := genTriple(t), genRules(t, c), genWriters(t)
		p := compile(t, rules)
		checkMergedAgain(t, v, p, rules, who)
	})
}

func checkMergedAgain(t failer, v triple, p *merge.Policy, rules merge.Rules, who merge.Writers) {
	once := merge.Three(v.base, v.theirs, v.mine, p, who)
	if !once.Clean() {
		return
	}
	again := merge.Three(v.base, once.Value, v.mine, p, who)
	if !jsonvalue.Equal(again.Value, once.Value) || !again.Clean() && !compares(rules) {
		t.Fatalf("%s, and again %s\n%s\n%+v", outcome(once), outcome(again), v, rules)
	}
}

// compares reports whether any rule compares by another field.
func compares(rules merge.Rules) bool {
	return slices.ContainsFunc(rules.Fields, func(f merge.Field) bool { return f.OnConflict.By != "" }) ||
		slices.ContainsFunc(rules.Together, func(g merge.Group) bool { return g.OnConflict.By != "" })
}

// TestSharedOrNot: it does not matter whether what the sides have alike is held once.
func TestSharedOrNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, p, who := genTriple(t), compile(t, genRules(t, everything)), genWriters(t)
		checkShared(t, v, p, who)
	})
}

func checkShared(t interface{ Fatal(...any) }, v triple, p *merge.Policy, who merge.Writers) {
	reparsed := func(v, like jsonvalue.Value) jsonvalue.Value {
		if v.IsAbsent() {
			return v
		}
		again, err := jsonvalue.ParseLike(v.Append(nil), like, jsonvalue.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	none := jsonvalue.Value{}
	base, theirs := reparsed(v.base, none), reparsed(v.theirs, none)
	apart := outcome(merge.Three(base, theirs, reparsed(v.mine, none), p, who))
	for what, shared := range map[string]merge.Result{
		"all sides":       merge.Three(base, reparsed(v.theirs, base), reparsed(v.mine, base), p, who),
		"theirs and mine": merge.Three(base, theirs, reparsed(v.mine, theirs), p, who),
		"base and mine":   merge.Three(base, theirs, reparsed(v.mine, base), p, who),
	} {
		if outcome(shared) != apart {
			t.Fatal(outcome(shared), "where", what, "share values, and where none do", apart, v)
		}
	}
}

// TestSharedInAGroup: a field of a group that lies in what all sides share still
// keeps what holds it from being a side's own.
func TestSharedInAGroup(t *testing.T) {
	p, err := merge.Compile(merge.Rules{Together: []merge.Group{{Paths: []string{"/a/o/x", "/b", "/c"}}}})
	if err != nil {
		t.Fatal(err)
	}
	checkShared(t, triple{
		base:   parse(t, `{"a":{"o":{"x":1},"k":1},"b":1,"c":1}`),
		theirs: parse(t, `{"a":{"o":{"x":1},"k":1},"b":2,"c":1}`),
		mine:   parse(t, `{"a":{"k":2,"o":{"x":1}},"b":1,"c":2}`),
	}, p, merge.Writers{})
}
