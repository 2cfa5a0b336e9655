package merge

// maxSteps bounds the cells of all tables that one merge fills to align
// sequences and texts.
const maxSteps = 1 << 23

// firstMargin is how far from the shortest way an alignment is looked for at
// first; the margin doubles until it suffices.
const firstMargin = 16

// align returns for each element of base the index of its match in other, −1
// where it has none: a longest common subsequence. Which of several is settled by
// going through both from the front: elements that are equal match at once; where
// they are not, the one in base is passed over first, unless that would leave a
// shorter rest, then the one in other. Elements are given as numbers that are
// equal exactly if the elements are. It reports false where that would take too
// many steps.
func (w *walker) align(base, other []int) ([]int, bool) {
	match := make([]int, len(base))
	for i := range match {
		match[i] = -1
	}
	head := 0
	for head < len(base) && head < len(other) && base[head] == other[head] {
		match[head] = head
		head++
	}
	// What only one of the two has is in no common subsequence, and need not be in
	// the table.
	inBase, inOther := counts(base[head:]), counts(other[head:])
	a, b := shared(base, inOther, head), shared(other, inBase, head)
	// Last elements that are equal and stand nowhere else are paired by every
	// longest subsequence.
	for len(a) > 0 && len(b) > 0 {
		i, j := a[len(a)-1], b[len(b)-1]
		if base[i] != other[j] || inBase[base[i]] > 1 || inOther[base[i]] > 1 {
			break
		}
		match[i] = j
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 0 || len(b) == 0 {
		return match, true
	}
	for margin := firstMargin; ; margin *= 2 {
		t := newTable(base, other, head, a, b, margin)
		if w.steps += t.cells(); w.steps > maxSteps {
			return nil, false
		}
		if t.fill() {
			t.walk(match)
			return match, true
		}
	}
}

func counts(elems []int) map[int]int {
	n := make(map[int]int, len(elems))
	for _, e := range elems {
		n[e]++
	}
	return n
}

// shared returns the positions from head on whose element is among the others.
func shared(elems []int, others map[int]int, head int) []int {
	var kept []int
	for i, e := range elems[head:] {
		if others[e] > 0 {
			kept = append(kept, head+i)
		}
	}
	return kept
}

// table holds, for a band of diagonals around the shortest way, how long the
// common subsequence of what remains is.
type table struct {
	base, other []int
	head        int   // the first that are equal, which are not in the table
	a, b        []int // the positions that are in it
	low, width  int   // the first diagonal (index in b less index in a) and their number
	margin      int
	lengths     []int32
}

func newTable(base, other []int, head int, a, b []int, margin int) *table {
	slant := len(b) - len(a)
	low := min(0, slant) - margin
	return &table{base: base, other: other, head: head, a: a, b: b, low: low, width: max(0, slant) + margin - low + 1, margin: margin}
}

func (t *table) cells() int { return (len(t.a) + 1) * t.width }

// outside is shorter than every subsequence that a cell could stand for.
const outside = -1 << 30

func (t *table) at(i, j int) int32 {
	k := j - i - t.low
	if k < 0 || k >= t.width || j > len(t.b) {
		return outside
	}
	return t.lengths[i*t.width+k]
}

// fill works the lengths out, and reports whether every longest subsequence lies
// within the band.
func (t *table) fill() bool {
	t.lengths = make([]int32, t.cells())
	for i := len(t.a) - 1; i >= 0; i-- {
		for j := min(len(t.b), i+t.low+t.width-1); j >= max(0, i+t.low); j-- {
			var length int32
			if j < len(t.b) {
				if t.base[t.a[i]] == t.other[t.b[j]] {
					length = t.at(i+1, j+1) + 1
				} else {
					length = max(t.at(i+1, j), t.at(i, j+1))
				}
			}
			t.lengths[i*t.width+j-i-t.low] = length
		}
	}
	edits := len(t.a) + len(t.b) - 2*int(t.at(0, 0))
	slant := len(t.b) - len(t.a)
	return (edits-max(slant, -slant))/2 <= t.margin
}

// walk notes the matches, as align says which.
func (t *table) walk(match []int) {
	for i, j := 0, 0; i < len(t.a) && j < len(t.b); {
		x, y := t.a[i], t.b[j]
		needless := t.at(i+1, j) == t.at(i, j) // the rest is as long without x
		switch {
		case t.base[x] == t.other[y] && !(needless && t.gap(j)):
			match[x] = y
			i, j = i+1, j+1
		case needless:
			i++
		default:
			j++
		}
	}
}

// gap reports whether other has something before position j that base does not
// have: x differed from that, and was passed over there.
func (t *table) gap(j int) bool {
	before := t.head
	if j > 0 {
		before = t.b[j-1] + 1
	}
	return t.b[j] > before
}
