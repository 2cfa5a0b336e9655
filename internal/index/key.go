package index

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// What a key keeps of a value. What is longer is cut, and SHA-256 of the whole is
// put behind: such values are told apart, and ordered by what is kept.
const (
	keptBytes  = 256 // of texts, and of the fraction of a second
	keptDigits = 512 // significant ones of a number, two to a byte
)

// MaxKey is the length of the longest key, in bytes.
const MaxKey = 1 + instantBytes + keptBytes + sha256.Size

// tags begin the keys of each type.
var tags = map[Type]byte{String: 's', Number: 'n', Boolean: 'b', Time: 't'}

// key returns the key of a value, and false with an empty one where the value is
// not of the index's type.
func (x *Index) key(v jsonvalue.Value) ([]byte, bool) {
	tag := tags[x.typ]
	switch kind := v.Kind(); {
	case x.typ == String && kind == jsonvalue.KindString:
		return appendCut([]byte{tag}, v.Text()), true
	case x.typ == Number && kind == jsonvalue.KindNumber:
		return appendNumber([]byte{tag}, v), true
	case x.typ == Boolean && kind == jsonvalue.KindBool:
		if v.IsTrue() {
			return []byte{tag, 1}, true
		}
		return []byte{tag, 0}, true
	case x.typ == Time && kind == jsonvalue.KindString:
		return appendTime([]byte{tag}, v.Text())
	}
	return nil, false
}

// appendCut appends a text that ends the key, or what is kept of it. Only texts
// that are cut are longer than what is kept, so that no two get one key.
func appendCut(dst []byte, s string) []byte {
	if len(s) <= keptBytes {
		return append(dst, s...)
	}
	sum := sha256.Sum256([]byte(s))
	return append(append(dst, s[:keptBytes]...), sum[:]...)
}

// The first byte of a number says on which side of zero it lies.
const (
	belowZero = iota
	zero
	aboveZero
)

// A negative number ends in a byte above all that may go on in its place, since
// the one with more digits is less.
const (
	endsHere = 0xff
	wasCut   = 0x00
)

// appendNumber appends the sign, the power of ten of the first significant digit,
// and the digits, two to a byte. Of negative numbers all but the sign is
// inverted. The digits have no zeros behind, so that one number has one key.
func appendNumber(dst []byte, v jsonvalue.Value) []byte {
	negative, digits, exponent := scientific(string(v.AppendCanonical(nil)))
	if digits == "" {
		return append(dst, zero)
	}
	sign := byte(aboveZero)
	if negative {
		sign = belowZero
	}
	dst = append(dst, sign)
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(exponent+1<<15)) // exponents lie within ±10,000
	kept := digits[:min(len(digits), keptDigits)]
	for i := 0; i < len(kept); i += 2 {
		pair := 10*(kept[i]-'0') + 1 // never 0, which an inverted end must be above
		if i+1 < len(kept) {
			pair += kept[i+1] - '0'
		}
		dst = append(dst, pair)
	}
	if negative {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	cut := len(kept) < len(digits)
	switch {
	case negative && cut:
		dst = append(dst, wasCut)
	case negative:
		dst = append(dst, endsHere)
	}
	if cut {
		sum := sha256.Sum256([]byte(digits))
		dst = append(dst, sum[:]...)
	}
	return dst
}

// scientific takes the canonical form of a number apart: its significant digits,
// with neither leading nor trailing zeros, and the power of ten of the first of
// them. Zero has no digits.
func scientific(canonical string) (negative bool, digits string, exponent int) {
	canonical, negative = strings.CutPrefix(canonical, "-")
	mantissa, power, _ := strings.Cut(canonical, "e")
	if power != "" {
		exponent, _ = strconv.Atoi(power) // the canonical form has nothing else there
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent += len(whole) - 1 - (len(whole) + len(fraction) - len(digits))
	return negative, strings.TrimRight(digits, "0"), exponent
}

// instantBytes is the length of a whole second in a key.
const instantBytes = 8

// appendTime appends the seconds since 1970, with the sign turned so that they
// order, and the digits of the fraction. It reports false where s is no date-time
// of RFC 3339 §5.6; a leap second is none here, since no count of seconds has it.
func appendTime(dst []byte, s string) ([]byte, bool) {
	at, ok := jsonvalue.ParseInstant(s)
	second, fraction, counts := at.Unix()
	if !ok || !counts {
		return nil, false
	}
	return appendCut(binary.BigEndian.AppendUint64(dst, uint64(second)^1<<63), fraction), true
}
