package merge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Policy is Rules made ready. The zero Policy has no rules. It is immutable.
type Policy struct {
	fields []field
	groups []group
	// positions is how many states the patterns have, all together.
	positions int
	// follows maps what fields are compared by to the comparison.
	follows map[string]settlement

	ignoreValues, ignoreStructure bool
}

type field struct {
	pattern  pattern
	rank     int // among all patterns, the most exact first
	position int // of its first state among those of all patterns
	typ      Type
	key      jsonvalue.Pointer
	min, max jsonvalue.Value
	settle   settlement
}

type settlement struct {
	Rule      Rule
	by        jsonvalue.Pointer // nil: the values themselves
	authority []string
}

type group struct {
	paths  []jsonvalue.Pointer
	settle settlement
}

// RuleError says which part of Rules is impossible, and what would do.
type RuleError struct {
	// Group tells that Index counts Rules.Together; else it counts Rules.Fields.
	Group bool
	Index int
	// Key is the part of it, in the words of the policy file: path, type, key, min,
	// max, on_conflict, by, authority, together.
	Key string

	message string
}

// Error returns a sentence that says what is wrong and what would do.
func (e *RuleError) Error() string { return "merge: " + e.message }

// Message returns the sentence alone.
func (e *RuleError) Message() string { return e.message }

// Compile makes rules ready. It fails with a *RuleError about the first of them
// that can mean nothing.
func Compile(r Rules) (*Policy, error) {
	p := &Policy{ignoreValues: r.IgnoreValues, ignoreStructure: r.IgnoreStructure}
	for i := range r.Fields {
		f, err := compileField(&r.Fields[i])
		if err != nil {
			err.Index = i
			return nil, err
		}
		f.position = p.positions
		p.positions += len(f.pattern) + 1
		p.fields = append(p.fields, f)
	}
	if err := p.rank(r.Fields); err != nil {
		return nil, err
	}
	for i := range r.Together {
		g, err := compileGroup(&r.Together[i])
		if err != nil {
			err.Group, err.Index = true, i
			return nil, err
		}
		if shared := p.grouped(g.paths); shared != nil {
			e := fault("together", "%s stands in two groups; a field belongs to one", shared)
			e.Group, e.Index = true, i
			return nil, e
		}
		p.groups = append(p.groups, g)
	}
	p.follow()
	return p, nil
}

func fault(key, format string, args ...any) *RuleError {
	return &RuleError{Key: key, message: fmt.Sprintf(format, args...)}
}

func compileField(f *Field) (field, *RuleError) {
	out := field{typ: f.Type}
	var err error
	if out.pattern, err = parsePattern(f.Path); err != nil {
		return out, fault("path", "%q is not a JSON Pointer such as /title or /items/*/name: %v", f.Path, err)
	}
	if f.Type != Untyped && !slices.Contains(Types(), f.Type) {
		return out, fault("type", "there is no type %q; one of %s", f.Type, words(Types()))
	}
	if fault := out.compileKey(f); fault != nil {
		return out, fault
	}
	if fault := out.compileBounds(f); fault != nil {
		return out, fault
	}
	settle, wrong := compileSettlement(&f.OnConflict)
	out.settle = settle
	return out, wrong
}

func (out *field) compileKey(f *Field) *RuleError {
	switch {
	case f.Type != List && f.Key != "":
		return fault("key", "only a list has a key; say type: list, or leave key out")
	case f.Type != List:
		return nil
	case f.Key == "":
		return fault("key", "a list needs a key that tells its elements apart, such as key: /id")
	}
	var err error
	if out.key, err = jsonvalue.ParsePointer(f.Key); err != nil {
		return fault("key", "%q is not a JSON Pointer into the elements such as /id: %v", f.Key, err)
	}
	return nil
}

func (out *field) compileBounds(f *Field) *RuleError {
	for _, bound := range []struct {
		key, text string
		into      *jsonvalue.Value
	}{{"min", f.Min, &out.min}, {"max", f.Max, &out.max}} {
		if bound.text == "" {
			continue
		}
		if f.Type != Counter {
			return fault(bound.key, "only a counter has %s; say type: counter, or leave it out", bound.key)
		}
		n, err := jsonvalue.Number(bound.text)
		if err != nil {
			return fault(bound.key, "%q is not a number: %v", bound.text, err)
		}
		*bound.into = n
	}
	if order, both := jsonvalue.CompareNumbers(out.min, out.max); both && order > 0 {
		return fault("min", "min %s is above max %s, so that no value would do", f.Min, f.Max)
	}
	return nil
}

func compileSettlement(o *OnConflict) (settlement, *RuleError) {
	out := settlement{Rule: o.Rule, authority: o.Authority}
	if o.Rule != "" && !slices.Contains(RuleNames(), o.Rule) {
		return out, fault("on_conflict", "there is no rule %q; one of %s", o.Rule, words(RuleNames()))
	}
	compares := o.Rule == RuleNewest || o.Rule == RuleHighest || o.Rule == RuleLowest
	switch {
	case !compares && o.By != "":
		return out, fault("by", "by says what newest, highest and lowest compare; set on_conflict to one of them, or leave by out")
	case o.Rule == RuleNewest && o.By == "":
		return out, fault("by", "newest needs by: a JSON Pointer to the time that it compares, such as /updatedAt")
	case (o.Rule == RuleAuthority) != (len(o.Authority) > 0):
		return out, fault("on_conflict", "authority needs a list of roles, the highest first, such as {authority: [admin, editor]}")
	}
	for i, role := range o.Authority {
		if role == "" || slices.Contains(o.Authority[:i], role) {
			return out, fault("on_conflict", "the role %q under authority is empty or named twice", role)
		}
	}
	if o.By != "" {
		by, err := jsonvalue.ParsePointer(o.By)
		if err != nil {
			return out, fault("by", "%q is not a JSON Pointer such as /updatedAt: %v", o.By, err)
		}
		out.by = by
	}
	return out, nil
}

func compileGroup(g *Group) (group, *RuleError) {
	var out group
	if len(g.Paths) < 2 {
		return out, fault("together", "a group names at least two fields, such as [/startsAt, /endsAt]")
	}
	for _, text := range g.Paths {
		p, err := jsonvalue.ParsePointer(text)
		switch {
		case err != nil:
			return out, fault("together", "%q is not a JSON Pointer such as /startsAt: %v", text, err)
		case len(p) == 0 || slices.Contains(p, "*") || slices.Contains(p, "**"):
			return out, fault("together", "%q cannot stand in a group; name each field by its full path, without wildcards", text)
		}
		for _, other := range out.paths {
			if related(other, p) {
				return out, fault("together", "%s and %s lie one in the other; name each field once", other, p)
			}
		}
		out.paths = append(out.paths, p)
	}
	settle, err := compileSettlement(&g.OnConflict)
	out.settle = settle
	return out, err
}

// grouped returns the first of paths that has to do with a field of a group that
// is in, nil for none.
func (p *Policy) grouped(paths []jsonvalue.Pointer) jsonvalue.Pointer {
	for _, path := range paths {
		for i := range p.groups {
			if slices.ContainsFunc(p.groups[i].paths, func(q jsonvalue.Pointer) bool { return related(q, path) }) {
				return path
			}
		}
	}
	return nil
}

// rank orders the patterns, and refuses two that are equal.
func (p *Policy) rank(fields []Field) error {
	order := make([]int, len(p.fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return p.fields[a].pattern.compare(p.fields[b].pattern) })
	for rank, i := range order {
		p.fields[i].rank = rank
		if rank == 0 {
			continue
		}
		if before := order[rank-1]; slices.Equal(p.fields[before].pattern, p.fields[i].pattern) {
			e := fault("path", "%q has two rules; put them into one", fields[i].Path)
			e.Index = i
			return e
		}
	}
	return nil
}

// follow notes what is compared by, so that those fields follow the comparison.
func (p *Policy) follow() {
	p.follows = make(map[string]settlement)
	note := func(s settlement) {
		if s.by == nil {
			return
		}
		if _, known := p.follows[s.by.String()]; !known {
			p.follows[s.by.String()] = settlement{Rule: s.Rule}
		}
	}
	for i := range p.fields {
		note(p.fields[i].settle)
	}
	for i := range p.groups {
		note(p.groups[i].settle)
	}
}

// related reports whether one of two places is the other, or holds it.
func related(p, q jsonvalue.Pointer) bool { return p.HasPrefix(q) || q.HasPrefix(p) }

func words[T ~string](of []T) string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
