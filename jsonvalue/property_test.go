package jsonvalue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// texts come from a small alphabet, so that equal values, escapes and the
// UTF-16 order of names all happen often.
func drawText(t *rapid.T, label string) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune{'a', 'b', '"', '\\', '\n', 0x1f, 'é', 0xd7ff, 0xe000, 0xffff, 0x10000, '😂'}), 0, 3, -1).Draw(t, label)
}

func drawSpelling(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-3]?[0-9]{1,2})?`),
		rapid.Map(rapid.Float64(), func(f float64) string {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}).Filter(func(s string) bool { return json.Valid([]byte(s)) }),
		rapid.Map(rapid.Int64(), func(i int64) string { return strconv.FormatInt(i, 10) }),
	).Draw(t, "spelling")
}

func mustNumber(t rapid.TB, spelling string) Value {
	v, err := Number(spelling)
	if err != nil {
		t.Fatalf("Number(%q): %v", spelling, err)
	}
	return v
}

func drawValue(t *rapid.T, depth int) Value {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return Null()
	case 1:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case 2:
		return mustNumber(t, drawSpelling(t))
	case 3:
		return String(drawText(t, "string"))
	case 4:
		elems := make([]Value, rapid.IntRange(0, 3).Draw(t, "elems"))
		for i := range elems {
			elems[i] = drawValue(t, depth-1)
		}
		return Array(elems...)
	}
	var members []Member
	names := map[string]bool{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		if name := drawText(t, "name"); !names[name] {
			names[name] = true
			members = append(members, Member{Name: name, Value: drawValue(t, depth-1)})
		}
	}
	return mustObject(t, members)
}

func mustObject(t rapid.TB, members []Member) Value {
	v, err := Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// respell returns v with its members shuffled and its numbers spelled otherwise.
func respell(t *rapid.T, v Value) Value {
	switch v.Kind() {
	case KindNumber:
		return mustNumber(t, respellNumber(t, v.Text()))
	case KindArray:
		var elems []Value
		for _, e := range v.Elems() {
			elems = append(elems, respell(t, e))
		}
		return Array(elems...)
	case KindObject:
		var members []Member
		for _, m := range v.Members() {
			members = append(members, Member{Name: m.Name, Value: respell(t, m.Value)})
		}
		return mustObject(t, rapid.Permutation(members).Draw(t, "order"))
	}
	return v
}

// respellNumber moves the point by a few digits and makes up for it in the
// exponent, as text.
func respellNumber(t *rapid.T, s string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	e, _ := strconv.Atoi(exponent)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	zeros := strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, "zeros"))
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if rapid.Bool().Draw(t, "shift to the left") {
		return fmt.Sprintf("%s0.%s%s%se%d", sign, whole, fraction, zeros, e+len(whole))
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return sign + "0"
	}
	return fmt.Sprintf("%s%s%sE%+04d", sign, digits, zeros, e-len(fraction)-len(zeros))
}

func TestParseReadsBackWhatAppendWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawValue(t, 4)
		text := v.Append(nil)
		if !json.Valid(text) {
			t.Fatalf("%s is not JSON", text)
		}
		back, err := Parse(text, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !Identical(v, back) || back.Depth() != v.Depth() {
			t.Fatalf("%s came back as %s", text, back.Append(nil))
		}
		if again := back.Append(nil); !bytes.Equal(again, text) {
			t.Fatalf("wrote %s, then %s", text, again)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, indented.String()).Append(nil); !bytes.Equal(got, text) {
			t.Fatalf("with white space %s came back as %s", text, got)
		}
	})
}

func TestEqualIsSameCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawValue(t, 3), drawValue(t, 3)
		canonicalA, canonicalB := a.AppendCanonical(nil), b.AppendCanonical(nil)
		if same := bytes.Equal(canonicalA, canonicalB); Equal(a, b) != same || Equal(b, a) != same || (a.Digest() == b.Digest()) != same {
			t.Fatalf("%s, %s: Equal %v, same canonical form %v", a.Append(nil), b.Append(nil), Equal(a, b), same)
		}
		if Identical(a, b) && !Equal(a, b) {
			t.Fatalf("%s, %s: identical, yet not equal", a.Append(nil), b.Append(nil))
		}
		c := respell(t, a)
		if !Equal(a, c) || !Equal(c, a) || a.Digest() != c.Digest() {
			t.Fatalf("%s does not equal its other spelling %s", a.Append(nil), c.Append(nil))
		}
		back, err := Parse(canonicalA, Limits{})
		if err != nil || !Equal(a, back) {
			t.Fatalf("canonical form %s reads as another value: %v", canonicalA, err)
		}
		if again := back.AppendCanonical(nil); !bytes.Equal(again, canonicalA) {
			t.Fatalf("canonical form of %s is %s", canonicalA, again)
		}
	})
}

var exactForm = regexp.MustCompile(`^-?[1-9](\.[0-9]*[1-9])?e[+-][0-9]+$`)

// TestNumbersAgainstRationals checks order, equality and canonical form against
// exact rationals and against encoding/json, which prints float64 as ECMAScript.
func TestNumbersAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := mustNumber(t, drawSpelling(t)), mustNumber(t, drawSpelling(t))
		if rapid.Bool().Draw(t, "same number") {
			b = mustNumber(t, respellNumber(t, a.Text()))
		}
		x, y := rational(t, a.Text()), rational(t, b.Text())
		if got, ok := CompareNumbers(a, b); !ok || got != x.Cmp(y) {
			t.Fatalf("CompareNumbers(%s, %s) = %d, want %d", a.Text(), b.Text(), got, x.Cmp(y))
		}
		if Equal(a, b) != (x.Cmp(y) == 0) {
			t.Fatalf("Equal(%s, %s) = %v", a.Text(), b.Text(), Equal(a, b))
		}
		canonical := string(a.AppendCanonical(nil))
		f, err := strconv.ParseFloat(a.Text(), 64)
		if err == nil && rational(t, strconv.FormatFloat(f, 'e', -1, 64)).Cmp(x) == 0 {
			want, err := json.Marshal(f + 0) // −0 + 0 is 0
			if err != nil || canonical != string(want) {
				t.Fatalf("canonical form of %s is %s, want %s (%v)", a.Text(), canonical, want, err)
			}
		} else if !exactForm.MatchString(canonical) || rational(t, canonical).Cmp(x) != 0 {
			t.Fatalf("canonical form of %s is %s", a.Text(), canonical)
		}
	})
}

func rational(t rapid.TB, spelling string) *big.Rat {
	r, ok := new(big.Rat).SetString(spelling)
	if !ok {
		t.Fatalf("%q is not a number", spelling)
	}
	return r
}

func TestPointerReadsBackWhatStringWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Pointer(rapid.SliceOf(rapid.StringOf(rapid.SampledFrom([]rune("~/01aé😂")))).Draw(t, "tokens"))
		back, err := ParsePointer(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%q", back) != fmt.Sprintf("%q", p) {
			t.Fatalf("%q came back as %q", p, back)
		}
	})
}
