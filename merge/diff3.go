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

// version is a sequence as one side has it.
type version struct {
	elems []int // by their numbers
	match []int // by position in base: the position of the same element here, −1 for none
}

// regions yields the stretches in which three sequences divide where both
// alignments have a match.
func regions(base []int, theirs, mine *version) func(yield func(region) bool) {
	return func(yield func(region) bool) {
		var r region // the one that is open
		between := func(i, x, y int) bool {
			r.base.to, r.theirs.to, r.mine.to = i, x, y
			return r.base.from == i && r.theirs.from == x && r.mine.from == y || yield(r)
		}
		for i := range base {
			x, y := theirs.match[i], mine.match[i]
			if x < 0 || y < 0 {
				continue
			}
			if !between(i, x, y) || !yield(region{base: span{i, i + 1}, theirs: span{x, x + 1}, mine: span{y, y + 1}, kept: true}) {
				return
			}
			r = region{base: span{from: i + 1}, theirs: span{from: x + 1}, mine: span{from: y + 1}}
		}
		between(len(base), len(theirs.elems), len(mine.elems))
	}
}

// side says which side of a region stands in the result.
type side uint8

const (
	neither side = iota
	theirSide
	mySide
)

// pick settles a region that at most one side changed, or both alike.
func (r *region) pick(base []int, theirs, mine *version) side {
	b, t, m := r.base.of(base), r.theirs.of(theirs.elems), r.mine.of(mine.elems)
	switch {
	case slices.Equal(t, b):
		return mySide
	case slices.Equal(m, b), slices.Equal(t, m):
		return theirSide
	}
	return neither
}

// sequence merges arrays by diff3 on their elements.
func (w *walker) sequence(v three) (jsonvalue.Value, string) {
	b, t, m, ok := v.arrays()
	if !ok {
		return jsonvalue.Value{}, ReasonUnfit
	}
	n := newNumbering()
	base, theirs, mine := n.values(b), &version{elems: n.values(t)}, &version{elems: n.values(m)}
	if !w.align(base, theirs, len(n.texts)) || !w.align(base, mine, len(n.texts)) {
		return jsonvalue.Value{}, ReasonLimit
	}
	elems := make([]jsonvalue.Value, 0, max(len(t), len(m)))
	for r := range regions(base, theirs, mine) {
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

// numbering gives equal texts equal numbers.
type numbering struct {
	numbers map[string]int
	texts   []string // by number
}

func newNumbering() *numbering { return &numbering{numbers: make(map[string]int)} }

func (n *numbering) number(text []byte) int {
	number, known := n.numbers[string(text)]
	if !known {
		number = n.add(string(text))
	}
	return number
}

func (n *numbering) add(text string) int {
	number := len(n.texts)
	n.numbers[text] = number
	n.texts = append(n.texts, text)
	return number
}

// values numbers elements by their canonical forms. Strings, and numbers, that are
// written alike have one, which is not made again.
func (n *numbering) values(elems []jsonvalue.Value) []int {
	out := make([]int, len(elems))
	numbers, strings := make(map[string]int), make(map[string]int)
	var text []byte
	for i, e := range elems {
		var written map[string]int
		switch e.Kind() {
		case jsonvalue.KindNumber:
			written = numbers
		case jsonvalue.KindString:
			written = strings
		}
		number, ok := written[e.Text()]
		if !ok {
			text = e.AppendCanonical(text[:0])
			number = n.number(text)
			if written != nil {
				written[e.Text()] = number
			}
		}
		out[i] = number
	}
	return out
}

func (n *numbering) parts(parts []string) []int {
	out := make([]int, len(parts))
	for i, p := range parts {
		number, known := n.numbers[p]
		if !known {
			number = n.add(p)
		}
		out[i] = number
	}
	return out
}
