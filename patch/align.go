package patch

import (
	"hash/maphash"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The bounds on an alignment: how many elements may differ among those that
// both arrays hold, which costs their square in memory, and how many
// comparisons are made beyond some for each element. They count steps, not
// time, so that the result is the same everywhere.
const (
	maxEdits     = 1000
	maxSteps     = 1 << 22
	stepsPerElem = 8
)

// match says that element a of one array is identical to element b of the other.
type match struct{ a, b int }

// align returns a longest common subsequence of a and b, in order; none if that
// takes too many steps.
func align(a, b []jsonvalue.Value) []match {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	c := classifier{seed: maphash.MakeSeed(), byHash: make(map[uint64]int)}
	inA, inB := c.classes(a), c.classes(b)
	// An element that only one side has is in no common subsequence. Without
	// those, insertions and removals of new elements cost nothing.
	keptA := common(inA, inB, len(c.examples))
	keptB := common(inB, inA, len(c.examples))
	s := search{a: pick(inA, keptA), b: pick(inB, keptB)}
	found := s.run()
	for i, m := range found {
		found[i] = match{keptA[m.a], keptB[m.b]}
	}
	return found
}

// common returns the positions in classes whose class is in other too.
func common(classes, other []int, count int) []int {
	has := make([]bool, count)
	for _, c := range other {
		has[c] = true
	}
	var kept []int
	for i, c := range classes {
		if has[c] {
			kept = append(kept, i)
		}
	}
	return kept
}

func pick(classes, positions []int) []int {
	out := make([]int, len(positions))
	for i, p := range positions {
		out[i] = classes[p]
	}
	return out
}

// search is the greedy algorithm of Myers, "An O(ND) Difference Algorithm and
// Its Variations" (1986), §4.
type search struct {
	a, b  []int
	steps int
}

func (s *search) run() []match {
	n, m := len(s.a), len(s.b)
	bound := min(n+m, maxEdits)
	budget := maxSteps + stepsPerElem*(n+m)
	// reach[bound+k] is how far in a the best path on diagonal k = x−y has come;
	// trace keeps it as it was before each round.
	reach := make([]int32, 2*bound+3)
	center := bound + 1
	var trace [][]int32
	for d := 0; d <= bound; d++ {
		trace = append(trace, slices.Clone(reach[center-d:center+d+1]))
		for k := -d; k <= d; k += 2 {
			x := start(reach, center, d, k)
			from := x
			for x < n && x-k < m && s.a[x] == s.b[x-k] {
				x++
			}
			reach[center+k] = int32(x)
			if x >= n && x-k >= m {
				return walkBack(trace, n, m)
			}
			if s.steps += 1 + x - from; s.steps > budget {
				return nil
			}
		}
	}
	return nil
}

// start returns where round d begins on diagonal k: one step down from the
// diagonal above or one to the right from the one below, whichever is further.
func start(reach []int32, center, d, k int) int {
	switch {
	case d == 0:
		return 0
	case k == -d || k != d && reach[center+k-1] < reach[center+k+1]:
		return int(reach[center+k+1])
	}
	return int(reach[center+k-1]) + 1
}

// walkBack follows the path from the end and returns its diagonal steps.
func walkBack(trace [][]int32, x, y int) []match {
	var found []match
	for d := len(trace) - 1; d >= 0; d-- {
		k := x - y
		from := start(trace[d], d, d, k)
		for x > from {
			x, y = x-1, y-1
			found = append(found, match{x, y})
		}
		if d > 0 {
			if k == -d || k != d && trace[d][d+k-1] < trace[d][d+k+1] {
				y--
			} else {
				x--
			}
		}
	}
	slices.Reverse(found)
	return found
}

// classifier numbers values so that identical ones have the same number. Hashes
// find candidates, Identical decides, so the numbers do not depend on the seed.
type classifier struct {
	seed     maphash.Seed
	byHash   map[uint64]int
	examples []jsonvalue.Value
}

func (c *classifier) classes(elems []jsonvalue.Value) []int {
	out := make([]int, len(elems))
	for i, v := range elems {
		out[i] = c.class(v)
	}
	return out
}

func (c *classifier) class(v jsonvalue.Value) int {
	for h := c.hash(v); ; h++ {
		class, ok := c.byHash[h]
		if !ok {
			class = len(c.examples)
			c.byHash[h] = class
			c.examples = append(c.examples, v)
			return class
		}
		if jsonvalue.Identical(c.examples[class], v) {
			return class
		}
	}
}

// hash agrees on identical values, so it does not look at the order of members.
func (c *classifier) hash(v jsonvalue.Value) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(v.Kind()) * odd
	switch v.Kind() {
	case jsonvalue.KindBool:
		if v.IsTrue() {
			h++
		}
	case jsonvalue.KindArray:
		for _, elem := range v.Elems() {
			h = (h ^ c.hash(elem)) * odd
			h ^= h >> 29
		}
	case jsonvalue.KindObject:
		for _, m := range v.Members() {
			pair := (maphash.String(c.seed, m.Name) ^ c.hash(m.Value)*odd) * odd
			h += pair ^ pair>>32
		}
	default:
		h ^= maphash.String(c.seed, v.Text())
	}
	return h
}
