package merge

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// located is an item's text and where the item stands.
type located struct {
	text string
	at   int
}

// sortByText sorts items by the texts that write appends, and leaves those in the
// order in which they came that have the same. Items may be large, and so move once.
func sortByText[T any](items []T, write func(dst []byte, item *T) []byte) {
	if len(items) < 2 {
		return
	}
	var all []byte // of all texts, which may be many and long
	ends := make([]int, len(items))
	for i := range items {
		all = write(all, &items[i])
		if ends[i] = len(all); i == 0 { // most are about as long
			all = slices.Grow(all, len(all)*len(items))
		}
	}
	order := make([]located, len(items))
	texts, from := string(all), 0
	for i, end := range ends {
		order[i] = located{texts[from:end], i}
		from = end
	}
	slices.SortFunc(order, func(a, b located) int { return cmp.Or(strings.Compare(a.text, b.text), a.at-b.at) })
	permute(items, order)
}

// permute moves to each position the item that order names for it. It uses order up.
func permute[T any](items []T, order []located) {
	for i := range items {
		first, to := items[i], i
		for order[to].at != i {
			from := order[to].at
			items[to], order[to].at = items[from], to
			to = from
		}
		items[to], order[to].at = first, to
	}
}

// sortByPath sorts by the string forms of paths, less what all of them begin with.
func sortByPath[T any](items []T, path func(*T) jsonvalue.Pointer) {
	if len(items) < 2 {
		return
	}
	first := path(&items[0])
	above := len(first)
	for i := range items {
		p := path(&items[i])
		above = min(above, len(p))
		for j := range above {
			if p[j] != first[j] {
				above = j
				break
			}
		}
	}
	sortByText(items, func(dst []byte, item *T) []byte { return path(item)[above:].Append(dst) })
}

// sortNames sorts by the canonical form of the names.
func sortNames(members []jsonvalue.Member) {
	sortByText(members, func(dst []byte, m *jsonvalue.Member) []byte {
		return jsonvalue.String(m.Name).AppendCanonical(dst)
	})
}

// roomy returns items with room for one more, doubled where there is none: what is
// large and many is copied less often than append would.
func roomy[T any](items []T) []T {
	if len(items) < cap(items) {
		return items
	}
	return slices.Grow(items, max(len(items), 1))
}
