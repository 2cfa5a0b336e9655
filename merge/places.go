package merge

import "github.com/ifmatch/ifmatch/jsonvalue"

// Places finds which fields of a policy hold at places, on walks down from the
// whole document. It keeps what it has found, so that a place costs little however
// many patterns there are. It is not safe for concurrent use.
type Places struct {
	matcher *matcher
}

// Place is where a walk has come to.
type Place struct {
	at place
}

// Places returns a finder for walks under a policy; nil has no fields.
func (p *Policy) Places() *Places {
	if p == nil {
		p = &Policy{}
	}
	return &Places{newMatcher(p)}
}

// Top returns the place of the whole document.
func (p *Places) Top() Place { return Place{p.matcher.document()} }

// Below returns the place one token below another: a member of that name, or an
// element of an array, whose token no pattern names.
func (p *Places) Below(above Place, token string, element bool) Place {
	return Place{p.matcher.child(above.at, token, element)}
}

// Field returns the index of the field that holds at the place, -1 for none.
func (at Place) Field() int { return at.at.field }

// Settles returns the index of the nearest field at or above the place that has an
// OnConflict, -1 for none.
func (at Place) Settles() int { return at.at.settles }

// Ends reports whether no field holds anywhere below the place.
func (at Place) Ends() bool { return !at.at.goesOn }

// ListKey returns what tells the elements of a [List] apart, a pointer within each,
// where the field of that index is one.
func (p *Policy) ListKey(field int) (jsonvalue.Pointer, bool) {
	if p == nil || field < 0 || p.fields[field].typ != List {
		return nil, false
	}
	return p.fields[field].key, true
}

// Sum adds numbers exactly. It reports false where one of them is no number, or is
// longer than those that counters add.
func Sum(terms ...jsonvalue.Value) (jsonvalue.Value, bool) {
	sum, _ := newDecimal("0")
	for _, t := range terms {
		d, ok := newDecimal(t.Text())
		if t.Kind() != jsonvalue.KindNumber || !ok {
			return jsonvalue.Value{}, false
		}
		sum = sum.plus(d)
	}
	v, err := jsonvalue.Number(sum.String())
	return v, err == nil
}
