package merge

import (
	"math/big"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The bounds on what a counter may be, so that its sum costs little: the power of
// ten of its digits, and how many digits it is written with.
const (
	maxCounterExponent = 400
	maxCounterDigits   = 1000
)

// count adds what mine added to base to theirs. A base that never was is zero.
// The digits of the sum count as steps: an exponent makes many of few bytes.
func (w *walker) count(v three, f *field) (jsonvalue.Value, string) {
	sides := [3]jsonvalue.Value{v.theirs, v.mine, v.base}
	if v.base.IsAbsent() {
		sides[2] = jsonvalue.Int(0)
	}
	for _, side := range sides {
		if side.Kind() != jsonvalue.KindNumber {
			return jsonvalue.Value{}, ReasonUnfit
		}
	}
	if w.steps > maxSteps {
		return jsonvalue.Value{}, ReasonLimit
	}
	var terms [3]decimal
	for i, side := range sides {
		d, ok := newDecimal(side.Text())
		if !ok {
			return jsonvalue.Value{}, ReasonLimit
		}
		terms[i] = d
	}
	terms[2].digits = new(big.Int).Neg(terms[2].digits)
	text := terms[0].plus(terms[1]).plus(terms[2]).String()
	sum, err := jsonvalue.Number(text)
	if w.steps += len(text); err != nil || w.steps > maxSteps {
		return jsonvalue.Value{}, ReasonLimit
	}
	if below, ok := jsonvalue.CompareNumbers(sum, f.min); ok && below < 0 {
		return jsonvalue.Value{}, ReasonBounds
	}
	if above, ok := jsonvalue.CompareNumbers(sum, f.max); ok && above > 0 {
		return jsonvalue.Value{}, ReasonBounds
	}
	return sum, ""
}

// decimal is digits × 10^exponent.
type decimal struct {
	digits   *big.Int
	exponent int
}

// newDecimal reads the spelling of a JSON number, false beyond the bounds.
func newDecimal(s string) (decimal, bool) {
	mantissa, power, _ := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(strings.TrimPrefix(whole, "-"))+len(fraction) > maxCounterDigits {
		return decimal{}, false
	}
	var d decimal
	d.digits, _ = new(big.Int).SetString(whole+fraction, 10)
	if power != "" {
		n, ok := new(big.Int).SetString(power, 10)
		if !ok || !n.IsInt64() || n.CmpAbs(big.NewInt(maxCounterExponent)) > 0 {
			return decimal{}, false
		}
		d.exponent = int(n.Int64())
	}
	d.exponent -= len(fraction)
	return d, true
}

func (d decimal) plus(e decimal) decimal {
	if d.exponent < e.exponent {
		d, e = e, d
	}
	shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.exponent-e.exponent)), nil)
	shift.Mul(shift, d.digits)
	return decimal{digits: shift.Add(shift, e.digits), exponent: e.exponent}
}

// String writes all digits and no exponent, without zeros that say nothing.
func (d decimal) String() string {
	if d.exponent >= 0 {
		if d.digits.Sign() == 0 {
			return "0"
		}
		return d.digits.String() + strings.Repeat("0", d.exponent)
	}
	digits := new(big.Int).Abs(d.digits).String()
	if missing := 1 - d.exponent - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) + d.exponent
	out := digits[:point]
	if fraction := strings.TrimRight(digits[point:], "0"); fraction != "" {
		out += "." + fraction
	}
	if d.digits.Sign() < 0 {
		return "-" + out
	}
	return out
}
