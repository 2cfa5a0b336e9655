package merge_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// typed is the policy that gives the whole document a type.
func typed(t *rapid.T, typ merge.Type) *merge.Policy {
	return compile(t, merge.Rules{Fields: []merge.Field{{Type: typ}}})
}

// checkAgain holds that a clean merge, merged with mine again, stays as it is. It
// may be disputed then, where what both sides moved aligns otherwise.
func checkAgain(t *rapid.T, p *merge.Policy, v triple) {
	once := merge.Three(v.base, v.theirs, v.mine, p, merge.Writers{})
	if !once.Clean() {
		t.Skip("disputed")
	}
	again := merge.Three(v.base, once.Value, v.mine, p, merge.Writers{})
	if text(again.Value) != text(once.Value) {
		t.Fatalf("%s, and again %s\n%s", outcome(once), outcome(again), v)
	}
}

// TestSequenceMergedAgain: a sequence without repetition may be merged again.
func TestSequenceMergedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]int{4, 12}).Draw(t, "elements")
		draw := func(name string) jsonvalue.Value {
			return ints(rapid.SliceOfNDistinct(rapid.IntRange(0, most), 0, 8, rapid.ID[int]).Draw(t, name))
		}
		checkAgain(t, typed(t, merge.Sequence), triple{draw("base"), draw("theirs"), draw("mine")})
	})
}

func ints(elems []int) jsonvalue.Value {
	values := make([]jsonvalue.Value, len(elems))
	for i, n := range elems {
		values[i] = jsonvalue.Int(int64(n))
	}
	return jsonvalue.Array(values...)
}

// TestTextMergedAgain: a text without repeated lines may be merged again, though
// its words repeat.
func TestTextMergedAgain(t *testing.T) {
	words := []string{"a", "b", "c", "d", "e", "f", "g"}
	rapid.Check(t, func(t *rapid.T) {
		known := words[:rapid.SampledFrom([]int{2, 7}).Draw(t, "words")]
		line := rapid.Custom(func(t *rapid.T) string {
			separator := rapid.SampledFrom([]string{" ", " ", "\t", "  "})
			var line strings.Builder
			for _, word := range rapid.SliceOfN(rapid.SampledFrom(known), 0, 5).Draw(t, "line") {
				line.WriteString(word + separator.Draw(t, "separator"))
			}
			return line.String()
		})
		end := rapid.SampledFrom([]string{"", "\n"})
		draw := func(name string) jsonvalue.Value {
			lines := rapid.SliceOfNDistinct(line, 0, 5, rapid.ID[string]).Draw(t, name)
			return jsonvalue.String(strings.Join(lines, "\n") + end.Draw(t, "end"))
		}
		checkAgain(t, typed(t, merge.Text), triple{draw("base"), draw("theirs"), draw("mine")})
	})
}

// TestEqualCounts: two equal changes of a counter are two changes: 2x − base.
func TestEqualCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(-1e9, 1e9)
		base, x := number.Draw(t, "base"), number.Draw(t, "x")
		r := merge.Three(jsonvalue.Int(base), jsonvalue.Int(x), jsonvalue.Int(x), typed(t, merge.Counter), merge.Writers{})
		want := 2*x - base
		if !jsonvalue.Equal(r.Value, jsonvalue.Int(want)) || !r.Clean() {
			t.Fatalf("base %d, twice %d: %s, want %d", base, x, outcome(r), want)
		}
	})
}

// TestEqualAppends: what two append alike stands there twice.
func TestEqualAppends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		elems := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 5)
		base, tail := elems.Draw(t, "base"), elems.Draw(t, "tail")
		x := ints(append(base[:len(base):len(base)], tail...))
		r := merge.Three(ints(base), x, x, typed(t, merge.Append), merge.Writers{})
		want := ints(append(base[:len(base):len(base)], append(tail[:len(tail):len(tail)], tail...)...))
		if !jsonvalue.Equal(r.Value, want) || !r.Clean() {
			t.Fatalf("base %v, twice %v: %s, want %s", base, tail, outcome(r), text(want))
		}
	})
}
