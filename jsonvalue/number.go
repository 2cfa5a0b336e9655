package jsonvalue

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxExponent bounds the exponent of a number, as written and in scientific
// notation, so that no number can cost more than its own length.
const maxExponent = 10_000

// decimal is a number taken apart without a copy: its significant digits, with
// neither leading nor trailing zeros, are head followed by tail, and exponent
// is the power of ten of the first of them. Zero, whatever its sign, is the
// zero decimal.
type decimal struct {
	head, tail string
	exponent   int
	negative   bool
}

// decompose takes apart the spelling of a JSON number.
func decompose(s string) decimal {
	var d decimal
	d.negative = s[0] == '-'
	if d.negative {
		s = s[1:]
	}
	if i := exponentAt(s); i >= 0 {
		d.exponent = saturatingInt(s[i+1:])
		s = s[:i]
	}
	d.head = s
	if i := strings.IndexByte(s, '.'); i >= 0 {
		d.head, d.tail = s[:i], strings.TrimRight(s[i+1:], "0")
	}
	if d.head == "0" {
		fraction := strings.TrimLeft(d.tail, "0")
		d.exponent -= len(d.tail) - len(fraction) + 1
		d.head, d.tail = "", fraction
	} else {
		d.exponent += len(d.head) - 1
		if d.tail == "" {
			d.head = strings.TrimRight(d.head, "0")
		}
	}
	if d.digits() == 0 {
		return decimal{}
	}
	return d
}

// exponentAt returns the position of the e or E, -1 where there is none. It is
// asked of every number that is read: strings.IndexAny costs ten times as much.
func exponentAt(s string) int {
	for i := range len(s) {
		if s[i] == 'e' || s[i] == 'E' {
			return i
		}
	}
	return -1
}

// digits returns the number of significant digits; zero has none.
func (d decimal) digits() int { return len(d.head) + len(d.tail) }

func (d decimal) appendDigits(dst []byte) []byte {
	return append(append(dst, d.head...), d.tail...)
}

// saturatingInt reads [+-]digits. Beyond ten times maxExponent it stops
// counting: how far beyond does not matter.
func saturatingInt(s string) int {
	sign := 1
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	n := 0
	for i := 0; i < len(s) && n <= 10*maxExponent; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return sign * n
}

// exponentInRange reports whether a number's exponent lies within ±10,000, both
// as it is written and in scientific notation.
func exponentInRange(s string) bool {
	i := exponentAt(s)
	if i < 0 && len(s) <= maxExponent {
		return true
	}
	if i >= 0 {
		if e := saturatingInt(s[i+1:]); e < -maxExponent || e > maxExponent {
			return false
		}
	}
	d := decompose(s)
	return d.exponent >= -maxExponent && d.exponent <= maxExponent
}

// sameNumber reports whether two spellings are of one number, exactly.
func sameNumber(a, b string) bool {
	return a == b || decompose(a).equal(decompose(b))
}

func (d decimal) equal(e decimal) bool {
	if d.negative != e.negative || d.exponent != e.exponent || d.digits() != e.digits() {
		return false
	}
	if len(d.head) > len(e.head) {
		d, e = e, d
	}
	n := len(d.head)
	rest := len(e.head) - n
	return d.head == e.head[:n] && d.tail[:rest] == e.head[n:] && d.tail[rest:] == e.tail
}

// CompareNumbers compares two numbers by their exact values: -1 if a < b, 0 if
// they are equal as [Equal] has it, +1 if a > b. ok is false if one of the two
// is not a number. Cost is linear in the length of the spellings.
func CompareNumbers(a, b Value) (order int, ok bool) {
	if a.kind != KindNumber || b.kind != KindNumber {
		return 0, false
	}
	d, e := decompose(a.text), decompose(b.text)
	if d.sign() != e.sign() {
		return cmp.Compare(d.sign(), e.sign()), true
	}
	return d.sign() * d.compareMagnitude(e), true
}

func (d decimal) sign() int {
	switch {
	case d.digits() == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) compareMagnitude(e decimal) int {
	if d.exponent != e.exponent {
		return cmp.Compare(d.exponent, e.exponent)
	}
	for i := range min(d.digits(), e.digits()) {
		if x, y := d.digit(i), e.digit(i); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(d.digits(), e.digits())
}

func (d decimal) digit(i int) byte {
	if i < len(d.head) {
		return d.head[i]
	}
	return d.tail[i-len(d.head)]
}

// What float64 can tell apart (IEEE 754 binary64): no shortest form has more
// than 17 digits, and every decimal of at most 15 digits comes back as it was
// where numbers are not subnormal.
const (
	mostFloatDigits = 17
	safeFloatDigits = 15
)

// ECMAScript's Number::toString writes these powers of ten without an exponent.
const (
	leastPlainExponent = -6
	mostPlainExponent  = 20
)

// appendCanonicalNumber appends a number as RFC 8785 §3.2.2.3 has it if it
// survives the round trip through float64, else its exact digits in scientific
// notation. Outside of the plain exponents the two are alike.
func appendCanonicalNumber(dst []byte, s string) []byte {
	d := decompose(s)
	if d.digits() == 0 {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if d.exponent < leastPlainExponent || d.exponent > mostPlainExponent || !d.survivesFloat64(s) {
		return d.appendScientific(dst)
	}
	return d.appendPlain(dst)
}

// survivesFloat64 reports whether the shortest decimal that reads as the same
// float64 is d itself. The exponent of d must be a plain one.
func (d decimal) survivesFloat64(spelling string) bool {
	if d.digits() <= safeFloatDigits || d.digits() > mostFloatDigits {
		return d.digits() <= safeFloatDigits
	}
	f, err := strconv.ParseFloat(spelling, 64)
	if err != nil {
		return false // a number that float64 cannot hold does not survive in it
	}
	var scratch [32]byte
	shortest := strconv.AppendFloat(scratch[:0], f, 'e', -1, 64)
	return d.equal(decompose(string(shortest)))
}

// appendPlain appends the magnitude without an exponent.
func (d decimal) appendPlain(dst []byte) []byte {
	point := d.exponent + 1 // digits before the decimal point
	if point <= 0 {
		dst = append(dst, "0.00000"[:2-point]...)
		return d.appendDigits(dst)
	}
	start := len(dst)
	dst = d.appendDigits(dst)
	if d.digits() > point {
		return slices.Insert(dst, start+point, '.')
	}
	return append(dst, "00000000000000000000"[:point-d.digits()]...)
}

// appendScientific appends the magnitude as d[.ddd]e±x.
func (d decimal) appendScientific(dst []byte) []byte {
	start := len(dst)
	dst = d.appendDigits(dst)
	if d.digits() > 1 {
		dst = slices.Insert(dst, start+1, '.')
	}
	dst = append(dst, 'e')
	if d.exponent >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(d.exponent), 10)
}
