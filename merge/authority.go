package merge

import (
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// byAuthority compares the writers of the two values by their best roles. Who
// has none of the roles stands behind all who have one.
func (w *walker) byAuthority(order []string, paths []jsonvalue.Pointer) Winner {
	if w.wrote == nil {
		w.wrote = newChanges(w.who.Theirs)
	}
	last := -1
	for _, p := range paths {
		last = max(last, w.wrote.last(p))
	}
	if last < 0 {
		return ""
	}
	theirs, mine := seniority(order, w.who.Theirs[last].Roles), seniority(order, w.who.Mine)
	return greater(mine-theirs, true)
}

// changes finds the last change of a place, by paths and positions in the log.
type changes struct {
	at     map[string]int // of just that place
	within map[string]int // of it, or of anything below
}

func newChanges(log []Authorship) *changes {
	c := &changes{at: make(map[string]int), within: make(map[string]int)}
	for i, change := range log {
		path := change.Path.String()
		c.at[path], c.within[path] = i, i
		for above := range ancestors(path) {
			c.within[above] = i
		}
	}
	return c
}

// last returns the position of the last change that touches a place: it, what
// holds it or what it holds; −1 for none.
func (c *changes) last(p jsonvalue.Pointer) int {
	path := p.String()
	last := -1
	if i, ok := c.within[path]; ok {
		last = i
	}
	for above := range ancestors(path) {
		if i, ok := c.at[above]; ok {
			last = max(last, i)
		}
	}
	return last
}

// ancestors yields the pointers to what holds a place, from its text.
func ancestors(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for path != "" {
			path = path[:strings.LastIndexByte(path, '/')]
			if !yield(path) {
				return
			}
		}
	}
}

// seniority is the position of the best of the roles, behind all for none.
func seniority(order, roles []string) int {
	for i, role := range order {
		if slices.Contains(roles, role) {
			return i
		}
	}
	return len(order)
}
