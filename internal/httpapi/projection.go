package httpapi

import (
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// projection is the members that a list shows of each document: a tree of names.
// A nil projection shows all of them.
type projection struct {
	members map[string]*projection // nil: the whole value
}

const (
	maxFields = 100
	// storedDepth is deeper than any document that a limit has let in.
	storedDepth = 1 << 20
)

// parseFields reads names of members, with dots for nesting, separated by commas.
// The name of an index stands for its member, whatever dots there are in it.
func parseFields(value string, indexes []*index.Index) (p *projection, bad string) {
	names := strings.Split(value, ",")
	if len(names) > maxFields {
		return nil, "fields takes up to " + strconv.Itoa(maxFields) + " names."
	}
	p = &projection{members: make(map[string]*projection)}
	for _, name := range names {
		at := jsonvalue.Pointer(strings.Split(name, "."))
		if x := named(name, indexes); x != nil {
			at = x.Pointer()
		}
		for _, token := range at {
			if token == "" {
				return nil, "fields takes names of members, with dots for nesting, as in fields=title,address.city, and not " + strconv.Quote(shorten(value)) + "."
			}
		}
		p.add(at)
	}
	return p, ""
}

// add adds a member. A member that is shown as a whole stays so.
func (p *projection) add(at jsonvalue.Pointer) {
	for i, token := range at {
		next := p.members[token]
		switch {
		case next == nil:
			next = &projection{}
			if i+1 < len(at) {
				next.members = make(map[string]*projection)
			}
			p.members[token] = next
		case next.members == nil:
			return
		case i+1 == len(at):
			next.members = nil
		}
		p = next
	}
}

// of returns the part of a stored body that is shown, in the order of the body.
func (p *projection) of(body []byte) ([]byte, error) {
	if p == nil {
		return body, nil
	}
	v, err := jsonvalue.Parse(body, jsonvalue.Limits{Depth: storedDepth})
	if err != nil {
		return nil, err
	}
	if v, err = p.pick(v); err != nil {
		return nil, err
	}
	return v.Append(nil), nil
}

// pick leaves out objects that nothing is left of, and what would have to be an
// object and is none.
func (p *projection) pick(v jsonvalue.Value) (jsonvalue.Value, error) {
	var picked []jsonvalue.Member
	for _, m := range v.Members() {
		next := p.members[m.Name]
		if next == nil {
			continue
		}
		if next.members != nil {
			var err error
			if m.Value, err = next.pick(m.Value); err != nil {
				return v, err
			}
			if m.Value.Len() == 0 {
				continue
			}
		}
		picked = append(picked, m)
	}
	return jsonvalue.Object(picked...)
}
