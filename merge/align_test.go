package merge

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// plainAlign is the definition, without what saves work: lengths of the longest
// common subsequence for all rests, and the walk from the front.
func plainAlign(base, other []int) []int {
	lengths := make([][]int, len(base)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(other)+1)
	}
	for i := len(base) - 1; i >= 0; i-- {
		for j := len(other) - 1; j >= 0; j-- {
			if base[i] == other[j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	match := slices.Repeat([]int{-1}, len(base))
	for i, j := 0, 0; i < len(base) && j < len(other); {
		switch {
		case base[i] == other[j]:
			match[i] = j
			i, j = i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			i++
		default:
			j++
		}
	}
	return match
}

// TestAlign holds the alignment against its definition. Few different elements
// make for many subsequences of one length, many for gaps.
func TestAlign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		different := rapid.SampledFrom([]int{1, 2, 3, 5, 10, 40})
		length := rapid.SampledFrom([]int{5, 12, 150}).Draw(t, "length")
		draw := func(name string) []int {
			return rapid.SliceOfN(rapid.IntRange(0, different.Draw(t, name+" different")), 0, length).Draw(t, name)
		}
		base, other := draw("base"), draw("other")
		v := version{elems: other}
		ok := (&walker{}).align(base, &v, 41)
		if want := plainAlign(base, other); !ok || !slices.Equal(v.match, want) {
			t.Fatalf("%v with %v is %v, want %v", base, other, v.match, want)
		}
	})
}

// TestAlignStops: what would take too many steps is not begun, and what comes
// after it in the same merge is not either.
func TestAlignStops(t *testing.T) {
	long := func(period int) []int {
		elems := make([]int, 20_000)
		for i := range elems {
			elems[i] = i % period
		}
		return elems
	}
	w := &walker{}
	if w.align(long(2), &version{elems: long(3)}, 3) {
		t.Errorf("aligned in %d steps", w.steps)
	}
	if most := maxSteps + 20_000; w.steps > most {
		t.Errorf("%d steps, want at most %d", w.steps, most)
	}
	if w.align([]int{1, 2, 1}, &version{elems: []int{2, 1, 2}}, 3) {
		t.Errorf("a walker that is at its end went on, at %d steps", w.steps)
	}
	easy := version{elems: []int{1, 2}}
	if !w.align([]int{1, 2}, &easy, 3) || !slices.Equal(easy.match, []int{0, 1}) {
		t.Errorf("what takes no steps is %v", easy.match)
	}
}
