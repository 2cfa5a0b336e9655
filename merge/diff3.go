package merge

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// region is a stretch of base between elements that both sides kept, and what
// stands in its place on either side; or one element that both kept.
type region struct {
	base, theirs, mine span
	kept               bool
}

type span struct{ from, to int }

func (s span) of(elems []int) []int { return elems[s.from:s.to] }

// regions divides three sequences where both alignments have a match.
func regions(base int, theirs, mine []int, theirLen, myLen int) []region {
	var out []region
	var r region // the one that is open
	between := func(i, x, y int) {
		r.base.to, r.theirs.to, r.mine.to = i, x, y
		if r.base.from < i || r.theirs.from < x || r.mine.from < y {
			out = append(out, r)
		}
	}
	for i := range base {
		x, y := theirs[i], mine[i]
		if x < 0 || y < 0 {
			continue
		}
		between(i, x, y)
		out = append(out, region{base: span{i, i + 1}, theirs: span{x, x + 1}, mine: span{y, y + 1}, kept: true})
		r = region{base: span{from: i + 1}, theirs: span{from: x + 1}, mine: span{from: y + 1}}
	}
	between(base, theirLen, myLen)
	return out
}

// side says which side of a region stands in the result.
type side uint8

const (
	neither side = iota
	theirSide
	mySide
)

// pick settles a region that at most one side changed, or both alike.
func (r *region) pick(base, theirs, mine []int) side {
	b, t, m := r.base.of(base), r.theirs.of(theirs), r.mine.of(mine)
	switch {
	case slices.Equal(t, b):
		return mySide
	case slices.Equal(m, b), slices.Equal(t, m):
		return theirSide
	}
	return neither
}

// align3 aligns both sides with base and returns the regions; false where that
// takes too many steps.
func (w *walker) align3(base, theirs, mine []int) ([]region, bool) {
	toTheirs, ok := w.align(base, theirs)
	if !ok {
		return nil, false
	}
	toMine, ok := w.align(base, mine)
	if !ok {
		return nil, false
	}
	return regions(len(base), toTheirs, toMine, len(theirs), len(mine)), true
}

// sequence merges arrays by diff3 on their elements.
func (w *walker) sequence(v three) (jsonvalue.Value, string) {
	b, t, m, ok := v.arrays()
	if !ok {
		return jsonvalue.Value{}, ReasonUnfit
	}
	n := make(numbering)
	base, theirs, mine := n.values(b), n.values(t), n.values(m)
	parts, ok := w.align3(base, theirs, mine)
	if !ok {
		return jsonvalue.Value{}, ReasonLimit
	}
	var elems []jsonvalue.Value
	for _, r := range parts {
		if r.kept {
			elems = append(elems, agree(three{b[r.base.from], t[r.theirs.from], m[r.mine.from]}))
			continue
		}
		switch r.pick(base, theirs, mine) {
		case theirSide:
			elems = append(elems, t[r.theirs.from:r.theirs.to]...)
		case mySide:
			elems = append(elems, m[r.mine.from:r.mine.to]...)
		case neither:
			return jsonvalue.Value{}, ReasonOverlap
		}
	}
	return jsonvalue.Array(elems...), ""
}

// numbering gives equal things equal numbers.
type numbering map[string]int

func (n numbering) number(text string) int {
	number, known := n[text]
	if !known {
		number = len(n)
		n[text] = number
	}
	return number
}

func (n numbering) values(elems []jsonvalue.Value) []int {
	out := make([]int, len(elems))
	var text []byte
	for i, e := range elems {
		text = e.AppendCanonical(text[:0])
		out[i] = n.number(string(text))
	}
	return out
}

func (n numbering) texts(parts []string) []int {
	out := make([]int, len(parts))
	for i, p := range parts {
		out[i] = n.number(p)
	}
	return out
}
