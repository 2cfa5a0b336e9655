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
// no spelling: such members are matched by wildcards only. Several ** in a row
// mean no more than one.
func parsePattern(s string) (pattern, error) {
	p, err := jsonvalue.ParsePointer(s)
	if err != nil {
		return nil, err
	}
	var out pattern
	for _, token := range p {
		switch {
		case token == "*":
			out = append(out, segment{kind: anyToken})
		case token != "**":
			out = append(out, segment{text: token})
		case len(out) == 0 || out[len(out)-1].kind != anyPath:
			out = append(out, segment{kind: anyPath})
		}
	}
	return out, nil
}

// compare orders patterns by how exact they are, the most exact first.
func (p pattern) compare(q pattern) int {
	for i := range max(len(p), len(q)) {
		if c := cmp.Compare(p.exactness(i), q.exactness(i)); c != 0 {
			return c
		}
	}
	return slices.CompareFunc(p, q, func(a, b segment) int { return strings.Compare(a.text, b.text) })
}

// exactness ranks what a pattern says about segment i. Having ended is more exact
// than a ** at the end, which matches the same place and all below it, and less
// exact than whatever asks for more segments.
func (p pattern) exactness(i int) int {
	const ended, trailing = int(anyPath) + 1, int(anyPath) + 2
	switch {
	case i >= len(p):
		return ended
	case i == len(p)-1 && p[i].kind == anyPath:
		return trailing
	}
	return int(p[i].kind)
}

// state is how far a pattern has matched the path to a place.
type state struct {
	field, next int
}

// standing is what the patterns say about a place.
type standing struct {
	states []state
	field  int  // the most exact field that matches in full, -1 for none
	goesOn bool // a pattern asks for more tokens
	fixed  bool // an Immutable field matches here, or may further down
	// named is the standing one token further, for each literal that would matter,
	// and other the one for all other tokens; nil until somebody asks.
	named map[string]*standing
	other *standing
}

// matcher finds the standing of places. It keeps what it has found: places are
// many, standings few, and patterns with several ** are dear to follow. It is not
// safe for concurrent use.
type matcher struct {
	policy *Policy
	known  map[string]*standing // by the set of states
}

func newMatcher(p *Policy) *matcher {
	return &matcher{policy: p, known: make(map[string]*standing)}
}

// ruleless is the standing of every place under a policy without fields.
var ruleless = &standing{field: -1}

// top returns the standing of the whole document.
func (m *matcher) top() *standing {
	if len(m.policy.fields) == 0 {
		return ruleless
	}
	s := m.collect()
	for i := range m.policy.fields {
		s.reach(state{i, 0})
	}
	return s.standing()
}

// below returns the standing one token further. An element of an array has no
// name that a literal could match.
func (m *matcher) below(at *standing, token string, element bool) *standing {
	if len(at.states) == 0 {
		return at
	}
	if next, matters := at.named[token]; matters && !element {
		if next == nil {
			next = m.step(at, &token)
			at.named[token] = next
		}
		return next
	}
	if at.other == nil {
		at.other = m.step(at, nil)
	}
	return at.other
}

// step follows every state over a token, nil being one that no literal matches.
func (m *matcher) step(at *standing, token *string) *standing {
	c := m.collect()
	for _, s := range at.states {
		segs := m.policy.fields[s.field].pattern
		if s.next == len(segs) {
			continue
		}
		switch seg := segs[s.next]; {
		case seg.kind == anyPath:
			c.reach(s)
		case seg.kind == anyToken, token != nil && seg.text == *token:
			c.reach(state{s.field, s.next + 1})
		}
	}
	return c.standing()
}

// collector gathers a set of states.
type collector struct {
	m      *matcher
	states []state
	set    []byte // the states as bits
}

func (m *matcher) collect() *collector {
	return &collector{m: m, set: make([]byte, m.policy.positions/8+1)}
}

// reach adds a state, and those that follow from a ** that stands for nothing.
func (c *collector) reach(s state) {
	f := &c.m.policy.fields[s.field]
	at := f.position + s.next
	if c.set[at/8]&(1<<(at%8)) != 0 {
		return
	}
	c.set[at/8] |= 1 << (at % 8)
	c.states = append(c.states, s)
	if s.next < len(f.pattern) && f.pattern[s.next].kind == anyPath {
		c.reach(state{s.field, s.next + 1})
	}
}

func (c *collector) standing() *standing {
	if s, known := c.m.known[string(c.set)]; known {
		return s
	}
	s := &standing{states: c.states, field: -1, named: make(map[string]*standing)}
	for _, st := range c.states {
		f := &c.m.policy.fields[st.field]
		s.fixed = s.fixed || f.typ == Immutable
		switch {
		case st.next < len(f.pattern):
			s.goesOn = true
			if seg := f.pattern[st.next]; seg.kind == literal {
				s.named[seg.text] = nil
			}
		case s.field < 0 || f.rank < c.m.policy.fields[s.field].rank:
			s.field = st.field
		}
	}
	c.m.known[string(c.set)] = s
	return s
}

// place is a path's standing under a policy, and what it has from above.
type place struct {
	*standing
	settles int // the nearest field here or above with an OnConflict, -1 for none
	element *element
}

// element is the innermost list element that a place lies in.
type element struct {
	key    jsonvalue.Value
	values three
	depth  int // tokens of the path to it
}

func (m *matcher) document() place {
	return m.stand(m.top(), place{settles: -1})
}

// child returns the place one token below another.
func (m *matcher) child(above place, token string, inArray bool) place {
	return m.stand(m.below(above.standing, token, inArray), above)
}

func (m *matcher) stand(s *standing, above place) place {
	at := place{standing: s, settles: above.settles, element: above.element}
	if s.field >= 0 && m.policy.fields[s.field].settle.Rule != "" {
		at.settles = s.field
	}
	return at
}

// Match returns the index of the field that holds at a path, -1 for none, and
// whether a field at or above it settles its disputes: the index of the nearest
// that does, -1 for none. Tokens are taken for names of members.
func (p *Policy) Match(path jsonvalue.Pointer) (field, settles int) {
	m := newMatcher(p)
	at := m.document()
	for _, token := range path {
		at = m.child(at, token, false)
	}
	return at.field, at.settles
}
