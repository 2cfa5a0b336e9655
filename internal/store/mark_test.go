package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func marks() *rapid.Generator[Mark] {
	return rapid.Custom(func(t *rapid.T) Mark { return rapid.SliceOfN(rapid.Int64Range(0, 3), 0, 4).Draw(t, "mark") })
}

// TestMarkLaws: the join of two marks covers both, and whatever covers both covers it.
func TestMarkLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := marks().Draw(t, "a"), marks().Draw(t, "b"), marks().Draw(t, "c")
		was := slices.Clone(a)
		join := a.Join(b)
		if !join.Covers(a) || !join.Covers(b) {
			t.Errorf("%v joined with %v is %v, which does not cover both", a, b, join)
		}
		if c.Covers(a) && c.Covers(b) && !c.Covers(join) {
			t.Errorf("%v covers %v and %v, and not %v", c, a, b, join)
		}
		lane, position := rapid.IntRange(0, 5).Draw(t, "lane"), rapid.Int64Range(0, 9).Draw(t, "position")
		moved := a.With(lane, position)
		if past := a.Past([]Entry{{Lane: lane, Position: 1}, {Lane: lane, Position: position}}); !slices.Equal(past, moved) {
			t.Errorf("%v past position %d of lane %d is %v, want %v", a, position, lane, past, moved)
		}
		for i := range 7 {
			want := a.At(i)
			if i == lane {
				want = position
			}
			if moved.At(i) != want {
				t.Errorf("%v at %d in lane %d is at %d in lane %d, want %d", a, position, lane, moved.At(i), i, want)
			}
		}
		if !slices.Equal(a, was) {
			t.Errorf("%v was changed to %v", was, a)
		}
	})
}
