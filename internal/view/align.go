package view

import "github.com/ifmatch/ifmatch/jsonvalue"

// alignment finds out which elements of an array have come back. It looks at what is
// seen of them and at nothing else.
type alignment struct {
	was, is []jsonvalue.Value
	key     jsonvalue.Pointer // that tells elements apart, nil for none
	from    []int             // for each of is, which of was it is
	taken   []bool            // which of was have come back, or are known to have gone
}

const none = -1

// run returns which of was each of is came of, none for a new one. It reports false
// where that cannot be told.
func (a *alignment) run() (from []int, ok bool) {
	a.from, a.taken = make([]int, len(a.is)), make([]bool, len(a.was))
	for i := range a.from {
		a.from[i] = none
	}
	settled := make([]bool, len(a.is)) // by their keys, also as new ones
	if a.key != nil {
		a.byKey(settled)
	}
	if !a.byContent(settled) {
		return nil, false
	}
	var gone, came []int
	for i, taken := range a.taken {
		if !taken {
			gone = append(gone, i)
		}
	}
	for i := range a.is {
		if a.from[i] == none && !settled[i] {
			came = append(came, i)
		}
	}
	if len(gone) > 0 && len(came) > 0 && len(gone) != len(came) {
		return nil, false
	}
	for n, i := range came {
		if n < len(gone) {
			a.from[i] = gone[n]
		}
	}
	return a.from, true
}

// byKey pairs the elements that have a key which no other one on their side has.
func (a *alignment) byKey(settled []bool) {
	was, wasTwice := unique(a.was, a.key)
	is, isTwice := unique(a.is, a.key)
	for text, i := range is {
		j, there := was[text]
		if there {
			a.from[i] = j
		}
		settled[i] = !wasTwice[text]
	}
	for text, j := range was {
		a.taken[j] = !isTwice[text]
	}
}

// unique maps the keys that one element has to its index, and tells which more than
// one have.
func unique(elems []jsonvalue.Value, key jsonvalue.Pointer) (at map[string]int, twice map[string]bool) {
	at, twice = make(map[string]int, len(elems)), make(map[string]bool)
	for i, e := range elems {
		k := e.At(key)
		if k.IsAbsent() {
			continue
		}
		text := string(k.AppendCanonical(nil))
		if _, there := at[text]; there {
			twice[text] = true
		}
		at[text] = i
	}
	for text := range twice {
		delete(at, text)
	}
	return at, twice
}

// byContent pairs the elements that look the same. It reports false where there were
// more of these than there are, since nobody can tell which of them went.
func (a *alignment) byContent(settled []bool) bool {
	was := make(map[string][]int)
	for j, e := range a.was {
		if !a.taken[j] {
			text := string(e.AppendCanonical(nil))
			was[text] = append(was[text], j)
		}
	}
	found := make(map[string]int)
	for i, e := range a.is {
		if settled[i] {
			continue
		}
		text := string(e.AppendCanonical(nil))
		if n := found[text]; n < len(was[text]) {
			a.from[i] = was[text][n]
			a.taken[a.from[i]] = true
			found[text]++
		}
	}
	for text, n := range found {
		if n < len(was[text]) {
			return false
		}
	}
	return true
}
