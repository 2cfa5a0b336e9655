package merge

import (
	"cmp"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// mixture is a group whose values would be neither side's as a whole, or several
// that have to do with one value. All of it is taken from one side.
type mixture struct {
	groups []*group
	// held says for each field of the groups where it is taken: at the field, or at
	// what holds it and is one value, such as an array.
	fields, held []jsonvalue.Pointer
	winner       Winner // empty: left to a person
	rule         string
}

// stands returns the side that stands in the result.
func (m *mixture) stands() Winner { return cmp.Or(m.winner, Theirs) }

// places returns what the groups have become, each place once.
func (m *mixture) places() []jsonvalue.Pointer {
	var out []jsonvalue.Pointer
	for _, p := range m.held {
		if !slices.ContainsFunc(out, func(q jsonvalue.Pointer) bool { return slices.Equal(p, q) }) {
			out = append(out, p)
		}
	}
	return out
}

// claimed returns the side that the value at the walker's path is taken from
// because it is a field of a mixed group, or holds one and is not gone into;
// empty where neither is so.
func (w *walker) claimed(goneInto bool) Winner {
	var side Winner
	for _, m := range w.mixtures {
		for i, path := range m.fields {
			if !path.HasPrefix(w.path) || goneInto && len(w.path) < len(path) {
				continue
			}
			m.held[i] = slices.Clone(w.path)
			side = cmp.Or(side, m.stands())
		}
	}
	return side
}

// regroup looks for groups that the merge has mixed, and reports whether it has
// to be done again with them taken from one side. Groups are few, and each makes
// that happen twice at most: when it is found, and when it is joined to another.
func (w *walker) regroup(value jsonvalue.Value) (again bool) {
	for i := range w.policy.groups {
		g := &w.policy.groups[i]
		if !slices.ContainsFunc(w.mixtures, func(m *mixture) bool { return slices.Contains(m.groups, g) }) && !w.whole(g, value) {
			w.mixtures = append(w.mixtures, w.mixture(g))
			again = true
		}
	}
	return w.join() || again
}

// join makes one of mixtures that have to do with one value, unless they take it
// from the same side. Which side is then left to a person. It reports whether there
// were any.
func (w *walker) join() (joined bool) {
	for i := 0; i < len(w.mixtures); i++ {
		m := w.mixtures[i]
		k := slices.IndexFunc(w.mixtures[i+1:], func(n *mixture) bool {
			return m.meets(n) && (m.winner != n.winner || m.winner == "")
		})
		if k < 0 {
			continue
		}
		n := w.mixtures[i+1+k]
		m.groups, m.fields, m.held = append(m.groups, n.groups...), append(m.fields, n.fields...), append(m.held, n.held...)
		m.winner = ""
		w.mixtures = slices.Delete(w.mixtures, i+1+k, i+2+k)
		joined, i = true, -1 // what is joined may meet others that were passed
	}
	return joined
}

// meets reports whether two mixtures have to do with one value.
func (m *mixture) meets(n *mixture) bool {
	return slices.ContainsFunc(m.held, func(p jsonvalue.Pointer) bool {
		return slices.ContainsFunc(n.held, func(q jsonvalue.Pointer) bool { return related(p, q) })
	})
}

// mixture settles a group where its rule can.
func (w *walker) mixture(g *group) *mixture {
	m := &mixture{groups: []*group{g}, fields: slices.Clone(g.paths), held: slices.Clone(g.paths), winner: Mine, rule: RuleDetect}
	if !w.policy.ignoreValues {
		m.winner, m.rule = w.winner(nil, g.settle, w.tuples(g.paths), g.paths...), string(g.settle.Rule)
	}
	return m
}

// noteGroups records what became of the mixed groups.
func (w *walker) noteGroups() {
	noted := make(map[string]bool) // two groups may have a place from one side
	for _, m := range w.mixtures {
		places := m.places()
		if m.winner == "" {
			v := w.tuples(places)
			w.disputes = append(w.disputes, Dispute{
				Path: places[0], Together: places, Base: v.base, Theirs: v.theirs, Mine: v.mine,
				Rule: cmp.Or(m.groups[0].settle.Rule, RuleReject), Reason: ReasonTogether, Field: -1,
			})
			continue
		}
		for _, p := range places {
			if !noted[p.String()] {
				noted[p.String()] = true
				w.decisions = append(w.decisions, Decision{Path: p, Winner: m.winner, Rule: m.rule})
			}
		}
	}
}

// whole reports whether the group's values are one side's, or will be whichever
// way the one open place that has to do with it is settled.
func (w *walker) whole(g *group, value jsonvalue.Value) bool {
	open := w.open(g)
	switch len(open) {
	case 0:
		return g.equal(value, w.root.theirs) || g.equal(value, w.root.mine)
	case 1:
		return !slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool {
			got := value.At(p)
			return !p.HasPrefix(open[0]) && !(jsonvalue.Equal(got, w.root.theirs.At(p)) && jsonvalue.Equal(got, w.root.mine.At(p)))
		})
	}
	return false
}

// open returns the places that have to do with a group and are left to a person:
// disputes, and what has become of other groups.
func (w *walker) open(g *group) []jsonvalue.Pointer {
	var open []jsonvalue.Pointer
	add := func(path jsonvalue.Pointer) {
		if slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool { return related(p, path) }) {
			open = append(open, path)
		}
	}
	for _, d := range w.disputes {
		add(d.Path)
	}
	for _, m := range w.mixtures {
		if m.winner != "" {
			continue
		}
		for _, p := range m.places() {
			add(p)
		}
	}
	return open
}

func (g *group) equal(a, b jsonvalue.Value) bool {
	return !slices.ContainsFunc(g.paths, func(p jsonvalue.Pointer) bool { return !jsonvalue.Equal(a.At(p), b.At(p)) })
}

// tuples returns what lies at places of the three documents, as three objects
// with a member for each place that is there, by its pointer.
func (w *walker) tuples(places []jsonvalue.Pointer) three {
	tuple := func(doc jsonvalue.Value) jsonvalue.Value {
		var members []jsonvalue.Member
		for _, p := range places {
			if v := doc.At(p); !v.IsAbsent() {
				members = append(members, jsonvalue.Member{Name: p.String(), Value: v})
			}
		}
		return mustObject(members)
	}
	return three{tuple(w.root.base), tuple(w.root.theirs), tuple(w.root.mine)}
}
