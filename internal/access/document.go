package access

import (
	"math"
	"math/big"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// valueOf shows a JSON value to an expression. What is in an array or an object is
// made when somebody looks at it.
func valueOf(v jsonvalue.Value) ref.Val {
	switch v.Kind() {
	case jsonvalue.KindNull:
		return types.NullValue
	case jsonvalue.KindBool:
		return types.Bool(v.IsTrue())
	case jsonvalue.KindNumber:
		return numberOf(v)
	case jsonvalue.KindString:
		return types.String(v.Text())
	case jsonvalue.KindArray:
		return array{v}
	case jsonvalue.KindObject:
		return object{v}
	}
	return types.NewErr("there is no value")
}

// maxDigits bounds the spelling of the numbers that expressions see.
const maxDigits = 400

// numberOf returns an int or a double that is exactly v, or an error. A double
// always has a fraction, and so lies within ±2^52, where it compares exactly with
// any int.
func numberOf(v jsonvalue.Value) ref.Val {
	text := v.Text()
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(i)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && len(text) <= maxDigits && math.Abs(f) <= 1<<63 {
		if f != math.Trunc(f) {
			if again, err := jsonvalue.Number(strconv.FormatFloat(f, 'g', -1, 64)); err == nil && jsonvalue.Equal(again, v) {
				return types.Double(f)
			}
		} else if r, ok := new(big.Rat).SetString(text); ok && r.IsInt() && r.Num().IsInt64() {
			return types.Int(r.Num().Int64())
		}
	}
	return types.NewErr("there is a number that no int and no double holds exactly: %.40s", text)
}
