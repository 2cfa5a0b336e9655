package merge

import "slices"

// maxSteps bounds what one merge does beyond going through its documents: the
// search for alignments of sequences and texts, the bytes of new elements of lists
// that are put in order, and the digits of sums.
const maxSteps = 1 << 23

// align finds the match of a version with base: a longest common subsequence.
// Which of several is settled by going through both from the front: elements that
// are equal match at once; where they are not, the one in base is passed over
// first, unless that would leave a shorter rest, then the one in the version.
// Elements are numbers below names that are equal exactly if the elements are. It
// reports false where that would take too many steps.
func (w *walker) align(base []int, v *version, names int) bool {
	v.match = slices.Repeat([]int{-1}, len(base))
	head := 0
	for head < len(base) && head < len(v.elems) && base[head] == v.elems[head] {
		v.match[head] = head
		head++
	}
	// What only one of the two has is in no common subsequence.
	a, b := newAligned(base, v.elems, head, names), newAligned(v.elems, base, head, names)
	if len(a.at) == 0 || len(b.at) == 0 {
		return true
	}
	trace, ok := w.search(a, b)
	if ok {
		trace.walk(a, b, v.match)
	}
	return ok
}

// aligned is what is left of one of two sequences to align.
type aligned struct {
	elems []int
	at    []int // the positions of what is left
	head  int   // the first position that could be left
	// fromEnd is what is left, the last first, as the search goes through it.
	fromEnd []int32
}

// newAligned leaves of elems what is among others too, from head on.
func newAligned(elems, others []int, head, names int) *aligned {
	a := &aligned{elems: elems, at: shared(elems, others, head, names), head: head}
	a.fromEnd = make([]int32, len(a.at))
	for i, at := range a.at {
		a.fromEnd[len(a.at)-1-i] = int32(elems[at])
	}
	return a
}

func (a *aligned) elem(i int) int { return a.elems[a.at[i]] }

// gap reports whether something stands before element i that is not left.
func (a *aligned) gap(i int) bool {
	before := a.head
	if i > 0 {
		before = a.at[i-1] + 1
	}
	return a.at[i] > before
}

// shared returns the positions from head on whose element is among the others
// from head on.
func shared(elems, others []int, head, names int) []int {
	among := make([]bool, names)
	for _, e := range others[head:] {
		among[e] = true
	}
	kept := make([]int, 0, len(elems)-head)
	for i, e := range elems[head:] {
		if among[e] {
			kept = append(kept, head+i)
		}
	}
	return kept
}

// trace says how many elements of base, counted from its end, can be aligned with
// how many of other if d of both together are passed over: trace[d] has the
// greatest number of base's for each difference of the two numbers, which are −d,
// 2−d, … d. (E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986.)
type trace [][]int32

// nowhere is for differences that are none.
const nowhere = -1 << 30

// search finds the trace that reaches the front of both. A difference is a step,
// and so is every pair of equal elements on the way.
func (w *walker) search(a, b *aligned) (trace, bool) {
	var t trace
	var before []int32
	ours, others := a.fromEnd, b.fromEnd
	for d := 0; ; d++ {
		row := make([]int32, d+1)
		t = append(t, row)
		for i := range row {
			difference := 2*i - d
			x := start(before, i, len(a.at), len(b.at))
			y := x - difference
			from := x
			for x >= 0 && x < len(ours) && y < len(others) && ours[x] == others[y] {
				x, y = x+1, y+1
			}
			row[i] = int32(x)
			if w.steps += 1 + x - from; w.steps > maxSteps {
				return nil, false
			}
			if x == len(a.at) && y == len(b.at) {
				return t, true
			}
		}
		before = row
	}
}

// start returns where a row starts for its i-th difference: behind the better of the
// two neighbours in the row before, which is empty for the first.
func start(before []int32, i, n, m int) int {
	d := len(before)
	if d == 0 {
		return 0
	}
	x := nowhere
	if i < d { // one more of other
		if other := int(before[i]); other-(2*i-d) <= m {
			x = other
		}
	}
	if i > 0 { // one more of base
		if base := int(before[i-1]) + 1; base <= n {
			x = max(x, base)
		}
	}
	return x
}

// reaches reports whether the last x of base and y of other align with d elements
// passed over.
func (t trace) reaches(d, x, y int) bool {
	i := (x - y + d) / 2
	return i >= 0 && i <= d && x <= int(t[d][i])
}

// walk notes the matches, as align says which.
func (t trace) walk(a, b *aligned, match []int) {
	d := len(t) - 1
	for i, j := 0, 0; i < len(a.at) && j < len(b.at); {
		// The rest is as long without the one in base.
		needless := d > 0 && t.reaches(d-1, len(a.at)-i-1, len(b.at)-j)
		switch {
		// What other has before it and base has not differed from the one in base too.
		case a.elem(i) == b.elem(j) && !(needless && b.gap(j)):
			match[a.at[i]] = b.at[j]
			i, j = i+1, j+1
		case needless:
			i, d = i+1, d-1
		default:
			j, d = j+1, d-1
		}
	}
}
