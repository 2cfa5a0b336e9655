package merge

import (
	"cmp"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// mixture is a group whose values would be neither side's as a whole.
type mixture struct {
	group  *group
	tuples three
	winner Winner // empty: left to a person
	rule   string
}

// stands returns the side that stands in the result.
func (m *mixture) stands() Winner { return cmp.Or(m.winner, Theirs) }

// mixed returns the groups that a merge has mixed, each settled where its rule
// can.
func (w *walker) mixed(value jsonvalue.Value) []mixture {
	var out []mixture
	for i := range w.policy.groups {
		g := &w.policy.groups[i]
		if w.whole(g, value) {
			continue
		}
		m := mixture{group: g, tuples: three{g.tuple(w.root.base), g.tuple(w.root.theirs), g.tuple(w.root.mine)}}
		m.winner, m.rule = w.winner(nil, g.settle, m.tuples, g.paths[0]), string(g.settle.Rule)
		if w.policy.ignoreValues {
			m.winner, m.rule = Mine, RuleDetect
		}
		out = append(out, m)
	}
	return out
}

// note records what became of a group.
func (w *walker) note(m mixture) {
	if m.winner != "" {
		for _, p := range m.group.paths {
			w.decisions = append(w.decisions, Decision{Path: p, Winner: m.winner, Rule: m.rule})
		}
		return
	}
	w.disputes = append(w.disputes, Dispute{
		Path: m.group.paths[0], Together: m.group.paths, Base: m.tuples.base, Theirs: m.tuples.theirs, Mine: m.tuples.mine,
		Rule: cmp.Or(m.group.settle.Rule, RuleReject), Reason: ReasonTogether, Field: -1,
	})
}

// whole reports whether the group's values are one side's, or will be whichever
// way the one dispute that has to do with it is settled.
func (w *walker) whole(g *group, value jsonvalue.Value) bool {
	var open []Dispute
	for _, d := range w.disputes {
		if g.covers(d.Path) || g.below(d.Path) {
			open = append(open, d)
		}
	}
	switch len(open) {
	case 0:
		return g.equal(value, w.root.theirs) || g.equal(value, w.root.mine)
	case 1:
		return !slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool {
			return !prefix(open[0].Path, p) && !jsonvalue.Equal(w.root.theirs.At(p), w.root.mine.At(p))
		})
	}
	return false
}

// below reports whether a field of the group lies at or below a path.
func (g *group) below(path jsonvalue.Pointer) bool {
	return slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool { return prefix(path, p) })
}

// covers reports whether a path is a field of the group or lies in one.
func (g *group) covers(path jsonvalue.Pointer) bool {
	return slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool { return prefix(p, path) })
}

func (g *group) equal(a, b jsonvalue.Value) bool {
	for _, p := range g.paths {
		if !jsonvalue.Equal(a.At(p), b.At(p)) {
			return false
		}
	}
	return true
}

// tuple returns the fields of a document as an object, by their pointers.
func (g *group) tuple(doc jsonvalue.Value) jsonvalue.Value {
	var members []jsonvalue.Member
	for _, p := range g.paths {
		if v := doc.At(p); !v.IsAbsent() {
			members = append(members, jsonvalue.Member{Name: p.String(), Value: v})
		}
	}
	return mustObject(members)
}
