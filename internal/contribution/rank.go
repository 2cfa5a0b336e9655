package contribution

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// rank is the rule that orders the contributions to a field. The zero rank goes by
// confidence, then by when they were observed.
type rank struct {
	rule         merge.Rule
	byConfidence bool // of highest: else the values themselves
	authority    []string
}

// claim is what one contribution has at a place.
type claim struct {
	of    *Contribution
	value jsonvalue.Value
}

// compare orders two claims of different contributions, the one that wins first. It
// never returns 0.
func (r *rank) compare(a, b claim) int {
	order := 0
	switch r.rule {
	case merge.RuleHighest:
		if r.byConfidence {
			order = confidence(a, b)
		} else {
			order = numbers(a, b)
		}
	case merge.RuleLowest:
		order = numbers(b, a)
		if isNumber(a) != isNumber(b) { // what is none stands behind all that are, here too
			order = numbers(a, b)
		}
	case merge.RuleNewest:
		order = a.of.ObservedAt.At.Compare(b.of.ObservedAt.At)
	case merge.RuleAuthority:
		order = r.standing(b.of.Source) - r.standing(a.of.Source)
	default:
		if order = confidence(a, b); order == 0 {
			order = a.of.ObservedAt.At.Compare(b.of.ObservedAt.At)
		}
	}
	if order == 0 {
		return later(a, b)
	}
	return -order
}

func later(a, b claim) int {
	if a.of.Arrival > b.of.Arrival {
		return -1
	}
	return 1
}

func confidence(a, b claim) int {
	order, _ := jsonvalue.CompareNumbers(a.of.Confidence, b.of.Confidence)
	return order
}

func isNumber(c claim) bool { return c.value.Kind() == jsonvalue.KindNumber }

// numbers compares values. What is no number stands behind all that are.
func numbers(a, b claim) int {
	order, both := jsonvalue.CompareNumbers(a.value, b.value)
	switch {
	case both:
		return order
	case isNumber(a):
		return 1
	case isNumber(b):
		return -1
	}
	return 0
}

// standing is the place of a source; those that are not named stand behind.
func (r *rank) standing(source string) int {
	if i := slices.Index(r.authority, source); i >= 0 {
		return i
	}
	return len(r.authority)
}

// best returns the claim that wins. There must be one.
func (r *rank) best(claims []claim) claim {
	best := claims[0]
	for _, c := range claims[1:] {
		if r.compare(c, best) < 0 {
			best = c
		}
	}
	return best
}

// ranked returns the claims, the one that wins first.
func (r *rank) ranked(claims []claim) []claim {
	sorted := slices.Clone(claims)
	slices.SortFunc(sorted, r.compare)
	return sorted
}
