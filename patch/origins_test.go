package patch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func TestOrigins(t *testing.T) {
	tests := []struct {
		from, to string
		want     []int
	}{
		{`[]`, `[]`, []int{}},
		{`[]`, `[1]`, []int{-1}},
		{`[1]`, `[]`, []int{}},
		{`[1,2,3]`, `[1,2,3]`, []int{0, 1, 2}},
		{`[1,2,3]`, `[0,1,2,3]`, []int{-1, 0, 1, 2}},
		{`[1,2,3]`, `[2,3]`, []int{1, 2}},
		{`[1,2,3]`, `[1,9,3]`, []int{0, 1, 2}},
		{`[1,2,3,4]`, `[9,3,8,7]`, []int{0, 2, 3, -1}},
		{`[{"a":1}]`, `[{"b":1}]`, []int{-1}},
		{`[{"a":1}]`, `[{"a":2}]`, []int{0}},
		{`[{"a":1}]`, `[{}]`, []int{0}},
	}
	for _, tt := range tests {
		from, to := parseArray(t, tt.from), parseArray(t, tt.to)
		if got := Origins(from, to); !slices.Equal(got, tt.want) {
			t.Errorf("%s of %s: %v, want %v", tt.to, tt.from, got, tt.want)
		}
	}
}

func parseArray(t *testing.T, text string) []jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v.Elems()
}

// No element comes of two, their order is kept, and as few elements differ from what
// they come of as Diff makes changes in place.
func TestOriginsAgreeWithDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []jsonvalue.Value {
			elems := make([]jsonvalue.Value, rapid.IntRange(0, 8).Draw(t, name))
			for i := range elems {
				elems[i] = jsonvalue.Int(rapid.Int64Range(0, 4).Draw(t, name))
			}
			return elems
		}
		from, to := draw("from"), draw("to")
		last, changed, added := -1, 0, 0
		for i, j := range Origins(from, to) {
			switch {
			case j < 0:
				added++
			case j <= last || j >= len(from):
				t.Fatalf("element %d comes of %d, and the one before it of %d", i, j, last)
			default:
				if last = j; !jsonvalue.Identical(from[j], to[i]) {
					changed++
				}
			}
		}
		counts := map[string]int{}
		for _, c := range Diff(jsonvalue.Array(from...), jsonvalue.Array(to...)) {
			counts[c.Op]++
		}
		if counts[OpReplace] != changed || counts[OpAdd] != added {
			t.Fatalf("%d changed and %d added, Diff has %v", changed, added, counts)
		}
	})
}
