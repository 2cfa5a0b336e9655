package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The cost of comparing a number exactly grows with the square of its digits
// when written out, and 1e9999 has ten thousand. Numbers of up to lightNumber
// digits are not counted; the others of a value may have maxHeavy together.
const (
	lightNumber = 400
	maxHeavy    = 20_000
)

// overweight tells whether comparing the numbers of a value would cost too much,
// and at which of them that shows.
func overweight(v jsonvalue.Value) (jsonvalue.Pointer, bool) {
	var w weighing
	found := w.add(v)
	slices.Reverse(w.at)
	return w.at, found
}

type weighing struct {
	total int
	at    jsonvalue.Pointer // the way back from the number that was too much
}

func (w *weighing) add(v jsonvalue.Value) (tooMuch bool) {
	switch v.Kind() {
	case jsonvalue.KindNumber:
		if n := digits(v.Text()); n > lightNumber {
			w.total += n
			return w.total > maxHeavy
		}
	case jsonvalue.KindArray:
		for i, e := range v.Elems() {
			if w.add(e) {
				w.at = append(w.at, strconv.Itoa(i))
				return true
			}
		}
	case jsonvalue.KindObject:
		for _, m := range v.Members() {
			if w.add(m.Value) {
				w.at = append(w.at, m.Name)
				return true
			}
		}
	}
	return false
}

// digits returns about how many digits a number has when it is written out.
func digits(spelling string) int {
	e := strings.IndexAny(spelling, "eE")
	if e < 0 {
		return len(spelling)
	}
	exponent, err := strconv.Atoi(spelling[e+1:])
	if err != nil {
		return maxHeavy + 1 // no number that jsonvalue reads
	}
	return e + max(exponent, -exponent)
}
