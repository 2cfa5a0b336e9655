package store

import "slices"

// Mark is how far a feed has come, or somebody in it: the position in each of its
// lanes, by lane. Where it has no number the lane is at its start, 0, so that the nil
// Mark is the start of every feed. Marks are shared and must not be modified.
type Mark []int64

// At returns the position in a lane.
func (m Mark) At(lane int) int64 {
	if lane < len(m) {
		return m[lane]
	}
	return 0
}

// Covers tells whether m has come at least as far as n in every lane.
func (m Mark) Covers(n Mark) bool {
	for lane, position := range n {
		if m.At(lane) < position {
			return false
		}
	}
	return true
}

// Join returns, for each lane, where the one of both is that has come further.
func (m Mark) Join(n Mark) Mark {
	switch {
	case m.Covers(n):
		return m
	case n.Covers(m):
		return n
	}
	all := slices.Clone(m)
	for lane, position := range n {
		all = all.move(lane, max(all.At(lane), position))
	}
	return all
}

// With returns m, but at a position in one of the lanes.
func (m Mark) With(lane int, position int64) Mark { return slices.Clone(m).move(lane, position) }

// Past returns where somebody is who was at m and has been shown entries since.
func (m Mark) Past(entries []Entry) Mark {
	m = slices.Clone(m)
	for i := range entries {
		m = m.move(entries[i].Lane, entries[i].Position)
	}
	return m
}

// move sets a position in place. The caller owns m.
func (m Mark) move(lane int, position int64) Mark {
	for len(m) <= lane {
		m = append(m, 0)
	}
	m[lane] = position
	return m
}
