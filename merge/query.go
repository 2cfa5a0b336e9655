package merge

import "github.com/ifmatch/ifmatch/jsonvalue"

// Repeats reports whether a change counts twice where it is merged twice: it
// changes a counter, or appends. Such a merge is not safe to send again. A nil
// policy has no such fields.
func (p *Policy) Repeats(base, mine jsonvalue.Value) bool {
	if !p.HasRepeating() {
		return false
	}
	r := Three(base, mine, mine, p, Writers{}) // all other equal changes are agreed
	return len(r.Decisions) > 0 || !r.Clean()
}

// HasRepeating reports whether any field is a Counter or an Append.
func (p *Policy) HasRepeating() bool {
	return p.any(func(f *field) bool { return f.typ == Counter || f.typ == Append })
}

// HasImmutable reports whether any field is Immutable.
func (p *Policy) HasImmutable() bool {
	return p.any(func(f *field) bool { return f.typ == Immutable })
}

// ByAuthority reports whether any rule asks who wrote what.
func (p *Policy) ByAuthority() bool {
	if p == nil {
		return false
	}
	for i := range p.groups {
		if p.groups[i].settle.Rule == RuleAuthority {
			return true
		}
	}
	return p.any(func(f *field) bool { return f.settle.Rule == RuleAuthority })
}

func (p *Policy) any(is func(*field) bool) bool {
	if p == nil {
		return false
	}
	for i := range p.fields {
		if is(&p.fields[i]) {
			return true
		}
	}
	return false
}
