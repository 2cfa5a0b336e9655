package contribution

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// combine makes one value of several claims that fit the type. It reports false
// where there is none: a sum that is out of bounds.
func (w *walker) combine(at merge.Place, typ merge.Type, claims []claim) (value jsonvalue.Value, ok bool) {
	switch typ {
	case merge.List:
		return w.list(at, claims), true
	case merge.Counter:
		value, ok = w.rules.fields[at.Field()].sum(claims)
	case merge.Append:
		value, ok = joined(claims), true
	case merge.Set:
		value, ok = united(w.rankAt(at).ranked(claims)), true
	}
	if ok {
		w.note(value, w.rankAt(at).ranked(claims))
	}
	return value, ok
}

// sum adds up what a counter was given.
func (f *field) sum(claims []claim) (jsonvalue.Value, bool) {
	terms := make([]jsonvalue.Value, len(claims))
	for i, c := range claims {
		terms[i] = c.value
	}
	sum, ok := merge.Sum(terms...)
	if below, bound := jsonvalue.CompareNumbers(sum, f.min); bound && below < 0 {
		return sum, false
	}
	if above, bound := jsonvalue.CompareNumbers(sum, f.max); bound && above > 0 {
		return sum, false
	}
	return sum, ok
}

// joined puts arrays one behind the other, the oldest observation first.
func joined(claims []claim) jsonvalue.Value {
	var elems []jsonvalue.Value
	for _, c := range claims {
		elems = append(elems, c.value.Elems()...)
	}
	return jsonvalue.Array(elems...)
}

// named is a value with the canonical form that tells it from others.
type named struct {
	name  string
	value jsonvalue.Value
}

// united returns the elements of arrays without order, each once: those of the one
// that wins as it has them, then the others by their canonical bytes.
func united(ranked []claim) jsonvalue.Value {
	seen := make(map[string]bool)
	take := func(into []named, c claim) []named {
		for _, e := range c.value.Elems() {
			if name := string(e.AppendCanonical(nil)); !seen[name] {
				seen[name] = true
				into = append(into, named{name, e})
			}
		}
		return into
	}
	first := take(nil, ranked[0])
	var others []named
	for _, c := range ranked[1:] {
		others = take(others, c)
	}
	return jsonvalue.Array(values(first, others)...)
}

// values returns the first as they stand, and the others by their names.
func values(first, others []named) []jsonvalue.Value {
	slices.SortFunc(others, func(a, b named) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	all := make([]jsonvalue.Value, 0, len(first)+len(others))
	for _, n := range append(first, others...) {
		all = append(all, n.value)
	}
	return all
}

// keyOf returns what tells an element of a list from the others, and whether it
// has that: a scalar at the key.
func keyOf(element jsonvalue.Value, key jsonvalue.Pointer) (string, bool) {
	k := element.At(key)
	switch k.Kind() {
	case jsonvalue.KindAbsent, jsonvalue.KindArray, jsonvalue.KindObject:
		return "", false
	}
	return string(k.AppendCanonical(nil)), element.Kind() == jsonvalue.KindObject
}

// keyed tells whether a value is an array whose elements each have a key of their
// own.
func keyed(v jsonvalue.Value, key jsonvalue.Pointer) bool {
	seen := make(map[string]bool, v.Len())
	for _, e := range v.Elems() {
		name, ok := keyOf(e, key)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
	}
	return v.Kind() == jsonvalue.KindArray
}

// list puts the elements of one key together as objects: those of the claim that
// wins in its order, then the others by their keys.
func (w *walker) list(at merge.Place, claims []claim) jsonvalue.Value {
	key := w.rules.fields[at.Field()].key
	of := make(map[string][]claim)
	for _, c := range claims {
		for _, e := range c.value.Elems() {
			name, _ := keyOf(e, key)
			of[name] = append(of[name], claim{c.of, e})
		}
	}
	names := w.order(at, claims, key, of)
	elems := make([]jsonvalue.Value, len(names))
	for i, name := range names {
		elems[i] = w.below(at, strconv.Itoa(i), true, of[name])
	}
	if len(elems) == 0 {
		w.note(jsonvalue.Array(), w.rankAt(at).ranked(claims))
	}
	return jsonvalue.Array(elems...)
}

func (w *walker) order(at merge.Place, claims []claim, key jsonvalue.Pointer, of map[string][]claim) []string {
	var names []string
	first := make(map[string]bool)
	for _, e := range w.rankAt(at).best(claims).value.Elems() {
		name, _ := keyOf(e, key)
		names, first[name] = append(names, name), true
	}
	leading := len(names)
	for name := range of {
		if !first[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names[leading:])
	return names
}
