package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Error is one thing wrong with a policy file.
type Error struct {
	File         string
	Line, Column int // both count from 1
	// Key is where in the file's structure it is, as in collections[0].name; ""
	// for the file as a whole.
	Key     string
	Message string // what is wrong, and what would be valid
}

// Error returns file:line:column: key: message.
func (e *Error) Error() string {
	s := e.File + ":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": "
	if e.Key != "" {
		s += e.Key + ": "
	}
	return s + e.Message
}

// Errors is everything wrong with a policy file, ordered by line and column. It
// is never empty where it is returned.
type Errors []*Error

// Error returns the errors, each on a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find each [*Error].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

// unknownKey says what a key that is not in keys could have been.
func unknownKey(name string, keys []*key) string {
	valid := supported(keys)
	return "unknown key" + didYouMean(name, valid) + "; valid keys are " + strings.Join(valid, ", ")
}

// didYouMean returns the nearest of the valid names, "" where none is near.
func didYouMean(name string, valid []string) string {
	best, nearest := "", max(1, len(name)/3)+1
	for _, v := range valid {
		if d := distance(strings.ToLower(name), v); d < nearest {
			best, nearest = v, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance is the optimal string alignment distance: how many characters to
// insert, delete, replace, or swap with their neighbour.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
