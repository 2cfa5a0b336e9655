package merge_test

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// keptRules give a type to each member that genTyped draws.
var keptRules = merge.Rules{Fields: []merge.Field{
	{Path: "/l", Type: merge.List, Key: "/id"}, {Path: "/l/*/m", Type: merge.List, Key: "/id"}, {Path: "/l/*/t", Type: merge.Set},
	{Path: "/t", Type: merge.Set}, {Path: "/s", Type: merge.Sequence}, {Path: "/n", Type: merge.Counter}, {Path: "/p", Type: merge.Append}, {Path: "/x", Type: merge.Text},
}}

// TestEveryChangeIsKept is the law that nothing is lost in silence, looked at more
// closely: into lists, sets, sequences and texts, where a decision about the whole
// does not excuse what is missing.
func TestEveryChangeIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := genTyped(t, 2)
		v := triple{base, editObject(t, base, 2), editObject(t, base, 2)}
		k := keeper{t: t, policy: compile(t, keptRules), v: v}
		k.result = merge.Three(v.base, v.theirs, v.mine, k.policy, merge.Writers{})
		k.check(nil, v, k.result.Value)
	})
}

// genTyped draws an object whose members fit keptRules at that depth, mostly.
func genTyped(t *rapid.T, depth int) jsonvalue.Value {
	few := rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 0, 5, rapid.ID[int])
	return object(t, []string{"id", "l", "m", "t", "s", "n", "p", "x", "a"}, func(name string) jsonvalue.Value {
		switch name {
		case "id", "n":
			return jsonvalue.Int(int64(rapid.IntRange(0, 9).Draw(t, name)))
		case "l", "m":
			if depth == 0 {
				return jsonvalue.Array()
			}
			var rows []jsonvalue.Value
			for _, id := range few.Draw(t, "ids") {
				row, _ := genTyped(t, depth-1).With(jsonvalue.Pointer{"id"}, jsonvalue.Int(int64(id)))
				rows = append(rows, row)
			}
			return jsonvalue.Array(rows...)
		case "t", "s", "p":
			return ints(few.Draw(t, name))
		case "x":
			return jsonvalue.String(rapid.SampledFrom([]string{"one two\nthree four\n", "a b c d", "a\nb\nc\n", "a a\na a\n"}).Draw(t, name))
		}
		return genValue(1).Draw(t, name)
	})
}

// keeper looks for what both sides did in a result.
type keeper struct {
	t      *rapid.T
	policy *merge.Policy
	v      triple
	result merge.Result
}

func (k *keeper) lost(path jsonvalue.Pointer, what string) {
	k.t.Fatalf("%q: %s: %s\n%s", path.String(), what, outcome(k.result), k.v)
}

func (k *keeper) check(path jsonvalue.Pointer, v triple, got jsonvalue.Value) {
	if slices.ContainsFunc(k.result.Disputes, func(d merge.Dispute) bool { return len(d.Path) <= len(path) && meet(d.Path, path) }) {
		return
	}
	field, _ := k.policy.Match(path)
	typ := merge.Untyped
	if field >= 0 {
		typ = keptRules.Fields[field].Type
	}
	array := kinds(v, jsonvalue.KindArray)
	switch {
	case jsonvalue.Equal(v.base, v.theirs):
		k.equal(path, got, v.mine)
	case jsonvalue.Equal(v.base, v.mine):
		k.equal(path, got, v.theirs)
	case typ == merge.Counter && kinds(v, jsonvalue.KindNumber):
		k.counted(path, v, got)
	case typ == merge.Append && array:
		k.equal(path, got, jsonvalue.Array(slices.Concat(v.theirs.Elems(), v.mine.Elems()[v.base.Len():])...))
	case jsonvalue.Equal(v.theirs, v.mine):
		k.equal(path, got, v.mine)
	case typ == merge.Untyped && kinds(v, jsonvalue.KindObject):
		k.members(path, v, got)
	case typ == merge.List && array:
		k.elements(path, v, got)
	case typ == merge.Set && array:
		k.set(path, v, got)
	case typ == merge.Sequence && array:
		k.holdsNew(path, v, got, digests)
	case typ == merge.Text && kinds(v, jsonvalue.KindString):
		k.holdsNew(path, v, got, func(v jsonvalue.Value) []string { return strings.Fields(v.Text()) })
	default:
		k.lost(path, "two values combined that do not")
	}
}

// kinds reports whether both sides are of a kind, and base is or is not there.
func kinds(v triple, kind jsonvalue.Kind) bool {
	return v.theirs.Kind() == kind && v.mine.Kind() == kind && (v.base.Kind() == kind || v.base.IsAbsent())
}

func (k *keeper) equal(path jsonvalue.Pointer, got, want jsonvalue.Value) {
	if !jsonvalue.Equal(got, want) {
		k.lost(path, text(got)+" is not "+text(want))
	}
}

func (k *keeper) counted(path jsonvalue.Pointer, v triple, got jsonvalue.Value) {
	rat := func(v jsonvalue.Value) *big.Rat {
		r, _ := new(big.Rat).SetString(v.Text() + map[bool]string{true: "0"}[v.IsAbsent()])
		return r
	}
	sum := rat(v.theirs)
	sum.Add(sum, rat(v.mine)).Sub(sum, rat(v.base))
	if got.Kind() != jsonvalue.KindNumber || rat(got).Cmp(sum) != 0 {
		k.lost(path, text(got)+" is not "+sum.String())
	}
}

func (k *keeper) members(path jsonvalue.Pointer, v triple, got jsonvalue.Value) {
	for _, side := range []jsonvalue.Value{v.base, v.theirs, v.mine, got} {
		for _, m := range side.Members() {
			k.check(append(slices.Clone(path), m.Name), triple{v.base.Lookup(m.Name), v.theirs.Lookup(m.Name), v.mine.Lookup(m.Name)}, got.Lookup(m.Name))
		}
	}
}

// elements looks at every element that any side has, under its number.
func (k *keeper) elements(path jsonvalue.Pointer, v triple, got jsonvalue.Value) {
	find := func(in jsonvalue.Value, id string) jsonvalue.Value {
		i := slices.IndexFunc(in.Elems(), func(e jsonvalue.Value) bool { return digest(e.Lookup("id")) == id })
		return in.Elem(i)
	}
	number := make(map[string]int)
	for _, side := range []jsonvalue.Value{v.theirs, v.base, v.mine, got} {
		for _, e := range side.Elems() {
			id := digest(e.Lookup("id"))
			if _, known := number[id]; !known {
				number[id] = len(number)
			}
			at := append(slices.Clone(path), strconv.Itoa(number[id]))
			k.check(at, triple{find(v.base, id), find(v.theirs, id), find(v.mine, id)}, find(got, id))
		}
	}
}

func digests(v jsonvalue.Value) []string {
	var all []string
	for _, e := range v.Elems() {
		all = append(all, digest(e))
	}
	return all
}

func (k *keeper) set(path jsonvalue.Pointer, v triple, got jsonvalue.Value) {
	base, result := digests(v.base), digests(got)
	for _, side := range [][]string{digests(v.theirs), digests(v.mine)} {
		for _, e := range side {
			if !slices.Contains(base, e) && !slices.Contains(result, e) {
				k.lost(path, e+" was added")
			}
		}
		for _, e := range base {
			if !slices.Contains(side, e) && slices.Contains(result, e) {
				k.lost(path, e+" was removed")
			}
		}
	}
}

// holdsNew checks that parts which base does not have are there, as often as the
// side that has more of them has them.
func (k *keeper) holdsNew(path jsonvalue.Pointer, v triple, got jsonvalue.Value, parts func(jsonvalue.Value) []string) {
	count := func(in []string, part string) (n int) {
		for _, p := range in {
			if p == part {
				n++
			}
		}
		return n
	}
	base, result := parts(v.base), parts(got)
	for _, side := range [][]string{parts(v.theirs), parts(v.mine)} {
		for _, part := range side {
			if !slices.Contains(base, part) && count(result, part) < count(side, part) {
				k.lost(path, strconv.Quote(part)+" was added")
			}
		}
	}
}
