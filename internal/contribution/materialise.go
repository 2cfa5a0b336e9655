package contribution

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Origin says where the value at one place of a document comes from.
type Origin struct {
	Path jsonvalue.Pointer
	// Value is what stands there.
	Value jsonvalue.Value
	// Of are the contributions, the one that wins first: one where the value is
	// taken whole, several where it is combined of theirs.
	Of []*Contribution
}

// Materialise makes the document of all contributions, an empty object of none.
// Its members stand in the order of the oldest observation that has them. Cost is
// linear in the size of all data, but for sorting.
func (r *Rules) Materialise(all []Contribution) jsonvalue.Value {
	value, _ := r.walk(all, false)
	return value
}

// Trace is Materialise, and tells for each place where its value comes from.
func (r *Rules) Trace(all []Contribution) (jsonvalue.Value, []Origin) {
	return r.walk(all, true)
}

func (r *Rules) walk(all []Contribution, traced bool) (jsonvalue.Value, []Origin) {
	if r == nil {
		r = &Rules{}
	}
	w := walker{rules: r, places: r.places.Places(), traced: traced}
	claims := make([]claim, len(all))
	for i := range all {
		claims[i] = claim{&all[i], all[i].Data}
	}
	if len(claims) == 0 {
		empty, _ := jsonvalue.Object()
		return empty, nil
	}
	slices.SortFunc(claims, observed)
	return w.node(w.places.Top(), claims), w.origins
}

// observed orders claims by when they were observed, ties by when they came. The
// walker keeps all its claims in this order.
func observed(a, b claim) int {
	if order := a.of.ObservedAt.At.Compare(b.of.ObservedAt.At); order != 0 {
		return order
	}
	return later(b, a)
}

// walker goes through all contributions at once.
type walker struct {
	rules   *Rules
	places  *merge.Places
	traced  bool
	path    jsonvalue.Pointer // of the place it is at, where it is traced
	origins []Origin
}

// typeAt returns the type of the field at a place.
func (w *walker) typeAt(at merge.Place) merge.Type {
	if i := at.Field(); i >= 0 {
		return w.rules.fields[i].typ
	}
	return merge.Untyped
}

// rankAt returns the rule that orders the contributions to a place.
func (w *walker) rankAt(at merge.Place) *rank {
	if i := at.Settles(); i >= 0 {
		return &w.rules.fields[i].rank
	}
	return &rank{}
}

// node materialises one place from what is claimed there, which is not nothing.
func (w *walker) node(at merge.Place, claims []claim) jsonvalue.Value {
	typ := w.typeAt(at)
	if typ == merge.Atomic || typ == merge.Immutable {
		return w.whole(w.rankAt(at).best(claims))
	}
	fit := w.fitting(at, typ, claims)
	if len(fit) < len(claims) {
		best := w.rankAt(at).best(claims)
		if !slices.ContainsFunc(fit, func(c claim) bool { return c.of == best.of }) {
			return w.whole(best)
		}
	}
	if typ == merge.Untyped {
		return w.object(at, fit)
	}
	if len(fit) > 1 {
		if value, ok := w.combine(at, typ, fit); ok {
			return value
		}
	}
	return w.whole(w.rankAt(at).best(fit))
}

// fitting returns the claims of the kind that the type combines.
func (w *walker) fitting(at merge.Place, typ merge.Type, claims []claim) []claim {
	fits := func(c claim) bool { return c.value.Kind() == jsonvalue.KindArray }
	switch typ {
	case merge.Untyped:
		fits = func(c claim) bool { return c.value.Kind() == jsonvalue.KindObject }
	case merge.Counter:
		fits = isNumber
	case merge.List:
		key := w.rules.fields[at.Field()].key
		fits = func(c claim) bool { return keyed(c.value, key) }
	}
	if !slices.ContainsFunc(claims, func(c claim) bool { return !fits(c) }) {
		return claims
	}
	var fit []claim
	for _, c := range claims {
		if fits(c) {
			fit = append(fit, c)
		}
	}
	return fit
}

// whole takes a value as one contribution has it.
func (w *walker) whole(c claim) jsonvalue.Value {
	w.note(c.value, []claim{c})
	return c.value
}

// note says where the value at the walker's path comes from.
func (w *walker) note(value jsonvalue.Value, of []claim) {
	if !w.traced {
		return
	}
	origin := Origin{Path: slices.Clone(w.path), Value: value}
	for _, c := range of {
		origin.Of = append(origin.Of, c.of)
	}
	w.origins = append(w.origins, origin)
}

// object puts objects together member by member.
func (w *walker) object(at merge.Place, claims []claim) jsonvalue.Value {
	if len(claims) == 1 && !w.traced { // nobody to combine it with, at any depth
		return claims[0].value
	}
	names, of := grouped(claims)
	members := make([]jsonvalue.Member, 0, len(names))
	for _, name := range names {
		members = append(members, jsonvalue.Member{Name: name, Value: w.below(at, name, false, of[name])})
	}
	value, err := jsonvalue.Object(members...)
	if err != nil { // the names are keys of a map, and no value is absent
		panic(err)
	}
	if len(members) == 0 && len(w.path) > 0 {
		w.note(value, []claim{w.rankAt(at).best(claims)})
	}
	return value
}

// grouped returns the names of all members of objects, as they come, and what is
// claimed of each.
func grouped(claims []claim) (names []string, of map[string][]claim) {
	of = make(map[string][]claim)
	for _, c := range claims {
		for _, m := range c.value.Members() {
			if of[m.Name] == nil {
				names = append(names, m.Name)
			}
			of[m.Name] = append(of[m.Name], claim{c.of, m.Value})
		}
	}
	return names, of
}

// below materialises one step below the walker's path.
func (w *walker) below(at merge.Place, token string, element bool, claims []claim) jsonvalue.Value {
	if w.traced {
		w.path = append(w.path, token)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	return w.node(w.places.Below(at, token, element), claims)
}
