package merge

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// kind orders segments by how exact they are.
type kind uint8

const (
	literal kind = iota
	anyToken
	anyPath
)

type segment struct {
	kind kind
	text string // of a literal
}

type pattern []segment

// parsePattern reads a JSON Pointer with the wildcards * and **. A literal * has
// no spelling: such members are matched by wildcards only.
func parsePattern(s string) (pattern, error) {
	p, err := jsonvalue.ParsePointer(s)
	if err != nil {
		return nil, err
	}
	out := make(pattern, len(p))
	for i, token := range p {
		switch token {
		case "*":
			out[i] = segment{kind: anyToken}
		case "**":
			out[i] = segment{kind: anyPath}
		default:
			out[i] = segment{text: token}
		}
	}
	return out, nil
}

// compare orders patterns by how exact they are, the most exact first.
func (p pattern) compare(q pattern) int {
	for i := range min(len(p), len(q)) {
		if c := cmp.Compare(p[i].kind, q[i].kind); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(len(q), len(p)); c != 0 {
		return c
	}
	return slices.CompareFunc(p, q, func(a, b segment) int { return strings.Compare(a.text, b.text) })
}

// state is how far a pattern has matched the path to a place.
type state struct {
	field, next int
}

// reach adds a state, and those that follow from a ** that stands for nothing.
func (p *Policy) reach(states []state, s state) []state {
	if slices.Contains(states, s) {
		return states
	}
	states = append(states, s)
	if segs := p.fields[s.field].pattern; s.next < len(segs) && segs[s.next].kind == anyPath {
		return p.reach(states, state{s.field, s.next + 1})
	}
	return states
}

// step returns the states one token further. An element of an array has no name
// that a literal could match.
func (p *Policy) step(states []state, token string, element bool) []state {
	var next []state
	for _, s := range states {
		segs := p.fields[s.field].pattern
		if s.next == len(segs) {
			continue
		}
		switch seg := segs[s.next]; {
		case seg.kind == anyPath:
			next = p.reach(next, s)
		case seg.kind == anyToken, !element && seg.text == token:
			next = p.reach(next, state{s.field, s.next + 1})
		}
	}
	return next
}

// matched returns the most exact field that matches in full, -1 for none.
func (p *Policy) matched(states []state) int {
	best := -1
	for _, s := range states {
		f := &p.fields[s.field]
		if s.next == len(f.pattern) && (best < 0 || f.rank < p.fields[best].rank) {
			best = s.field
		}
	}
	return best
}

// place is a path's standing under a policy.
type place struct {
	states  []state
	field   int // the field that holds here, -1 for none
	settles int // the nearest field here or above with an OnConflict, -1 for none
	element *element
}

// element is the innermost list element that a place lies in.
type element struct {
	key    jsonvalue.Value
	values three
	depth  int // tokens of the path to it
}

func (p *Policy) top() place {
	var states []state
	for i := range p.fields {
		states = p.reach(states, state{i, 0})
	}
	return p.stand(states, place{settles: -1})
}

func (p *Policy) below(above place, token string, inArray bool) place {
	if len(above.states) == 0 {
		above.field = -1
		return above
	}
	return p.stand(p.step(above.states, token, inArray), above)
}

func (p *Policy) stand(states []state, above place) place {
	at := place{states: states, field: p.matched(states), settles: above.settles, element: above.element}
	if at.field >= 0 && p.fields[at.field].settle.Rule != "" {
		at.settles = at.field
	}
	return at
}

// Match returns the index of the field that holds at a path, -1 for none, and
// whether a field at or above it settles its disputes: the index of the nearest
// that does, -1 for none. Tokens are taken for names of members.
func (p *Policy) Match(path jsonvalue.Pointer) (field, settles int) {
	at := p.top()
	for _, token := range path {
		at = p.below(at, token, false)
	}
	return at.field, at.settles
}
