package patch

import "github.com/ifmatch/ifmatch/jsonvalue"

// Origins tells which element of one array each element of another has come of, as
// [Diff] pairs them: for each of to the index in from, or -1 where it was added. Equal
// elements are aligned first. Between two that are, the others are paired in their
// order, but for objects without a common name, which are rather two things. Cost is
// that of Diff for the two arrays alone.
func Origins(from, to []jsonvalue.Value) []int {
	origins := make([]int, len(to))
	for i := range origins {
		origins[i] = -1
	}
	start, end := shared(from, to)
	for i := range start {
		origins[i] = i
	}
	for i := range end {
		origins[len(to)-1-i] = len(from) - 1 - i
	}
	a, b := from[start:len(from)-end], to[start:len(to)-end]
	var i, j int
	for _, m := range append(align(a, b), match{len(a), len(b)}) {
		for ; i < m.a && j < m.b; i, j = i+1, j+1 {
			if !apart(a[i], b[j]) {
				origins[start+j] = start + i
			}
		}
		if m.a < len(a) {
			origins[start+m.b] = start + m.a
		}
		i, j = m.a+1, m.b+1
	}
	return origins
}

// shared counts the elements that are identical at the beginning of both arrays, and
// then those at their end.
func shared(a, b []jsonvalue.Value) (start, end int) {
	for start < len(a) && start < len(b) && jsonvalue.Identical(a[start], b[start]) {
		start++
	}
	for end < len(a)-start && end < len(b)-start && jsonvalue.Identical(a[len(a)-1-end], b[len(b)-1-end]) {
		end++
	}
	return start, end
}

// apart tells whether two elements that only position has paired are objects without
// a common name: rather two things than one that changed.
func apart(a, b jsonvalue.Value) bool {
	return bothObjects(a, b) && a.Len() > 0 && b.Len() > 0 && !shareName(a, b)
}
