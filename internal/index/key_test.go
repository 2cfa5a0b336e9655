package index_test

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

func of(t testing.TB, pointer string, typ index.Type) *index.Index {
	t.Helper()
	x, err := index.New(pointer, typ)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// key returns the key of a value that stands under /v.
func key(t testing.TB, typ index.Type, value string) []byte {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(`{"v":`+value+`}`), jsonvalue.Limits{Depth: 64})
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return of(t, "/v", typ).Key(v)
}

// TestKeysAscend: rows of values in ascending order, where those between bars are
// equal, have keys in that order.
func TestKeysAscend(t *testing.T) {
	nines := strings.Repeat("9", 512)
	long := strings.Repeat("x", 256)
	for name, tt := range map[string]struct {
		typ index.Type
		row []string
	}{
		"numbers": {index.Number, []string{
			"-1e10000", "-" + nines + "1", "-" + nines + "0|-" + nines + "e1", "-9007199254740993", "-9007199254740992", "-100", "-10|-1e1", "-9.99", "-1.01|-1010e-3", "-1.001", "-1|-1.0", "-0.5", "-1e-10000",
			"0|-0|0.0|0e9|-0.00",
			"1e-10000", "0.001|1e-3", "0.0011", "0.01", "0.1", "0.5", "1|1.0|10e-1|0.1e1", "1.001", "1.01", "1.1", "9.99", "10|1e1|10.0", "12", "12.3", "12.34", "99", "100|1e2",
			"9007199254740992", "9007199254740993", "9007199254740994|9007199254740994.0", "1e21|1000000000000000000000", nines + "0|" + nines + "e1", nines + "1", "1e10000",
		}},
		"strings": {index.String, []string{
			`""`, `"\u0000"`, `"\u0000a"`, `"A"|"\u0041"`, `"a"`, `"a\u0000"`, `"aa"`, `"b"`, `"z"`, `"é"`, `"日本"`, `"\uffee"`, `"` + "\U0001f600" + `"`,
		}},
		"long strings": {index.String, []string{`"` + long[1:] + `"`, `"` + long + `"`, `"` + long + `a"`, `"` + long[1:] + `y"`, `"` + long[1:] + `ya"`}},
		"booleans":     {index.Boolean, []string{"false", "true"}},
		"times": {index.Time, []string{
			`"0000-01-01T00:00:00Z"`, `"1969-12-31T23:59:59Z"`, `"1969-12-31T23:59:59.5Z"`, `"1970-01-01T00:00:00Z"|"1970-01-01t00:00:00z"|"1970-01-01T01:00:00+01:00"|"1969-12-31T23:00:00-01:00"|"1970-01-01T00:00:00.000Z"`,
			`"1970-01-01T00:00:00.000000000000000000001Z"`, `"1970-01-01T00:00:00.1Z"|"1970-01-01T00:00:00.100+00:00"`, `"1970-01-01T00:00:00.12Z"`, `"2026-11-21T15:04:05Z"|"2026-11-21T16:04:05+01:00"`, `"9999-12-31T23:59:59.999-23:59"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var last []byte
			for _, equal := range tt.row {
				first := []byte(nil)
				for spelling := range strings.SplitSeq(equal, "|") {
					k := key(t, tt.typ, spelling)
					if len(k) == 0 || len(k) > index.MaxKey || !of(t, "/v", tt.typ).Fits(k) {
						t.Errorf("%.40s has the key %x", spelling, k)
					}
					if first == nil {
						first = k
					}
					if !bytes.Equal(k, first) {
						t.Errorf("%.40s has the key %x, its equal %x", spelling, k, first)
					}
					if bytes.Compare(last, k) >= 0 {
						t.Errorf("%.40s has the key %x, not above %x before it", spelling, k, last)
					}
				}
				last = first
			}
		})
	}
}

// TestOtherTypesHaveNoKey: what is missing or of another type comes first, as the
// empty key.
func TestOtherTypesHaveNoKey(t *testing.T) {
	values := map[index.Type][]string{
		index.String:  {"1", "true", "null", `["a"]`, `{"a":"b"}`},
		index.Number:  {`"1"`, "false", "null", "[1]", "{}"},
		index.Boolean: {`"true"`, "1", "0", "null", "[]"},
		index.Time: {"1", "null", `""`, `"2026-11-21"`, `"2026-11-21T15:04:05"`, `"2026-11-21 15:04:05Z"`, `"2026-11-21T15:04:05,5Z"`, `"2026-11-21T15:04:05.Z"`, `"2026-02-30T00:00:00Z"`,
			`"2026-11-21T24:00:00Z"`, `"2026-11-21T1:04:05Z"`, `"2016-12-31T23:59:60Z"`, `"2026-11-21T15:04:05+1:00"`, `"2026-11-21T15:04:05.5"`, `"2026-11-21T15:04:05Zx"`, `"2026-11-21T15:04:05.1.2Z"`, `"2026-11-21T15:04:05+24:00"`, `"2026-11-21T15:04:05+01:60"`, `"2026-11-21T15:04:05+0100"`, `"2026-11-21T15:04:05~01:00"`},
	}
	for typ, row := range values {
		for _, value := range row {
			if k := key(t, typ, value); len(k) != 0 {
				t.Errorf("%s as %s has the key %x", value, typ, k)
			}
		}
		if k := of(t, "/elsewhere", typ).Key(jsonvalue.Value{}); len(k) != 0 {
			t.Errorf("nothing as %s has the key %x", typ, k)
		}
	}
}

func numbers() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		s += rapid.StringMatching(`0|[1-9][0-9]{0,25}`).Draw(t, "whole")
		s += rapid.StringMatching(`(\.[0-9]{1,25})?`).Draw(t, "fraction")
		if rapid.Bool().Draw(t, "scientific") {
			s += fmt.Sprintf("e%d", rapid.IntRange(-9900, 9900).Draw(t, "power"))
		}
		return s
	})
}

func TestNumbersOrderByValue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := numbers().Draw(rt, "a"), numbers().Draw(rt, "b")
		if rapid.IntRange(0, 3).Draw(rt, "near") == 0 {
			b = strings.Replace(a, "e", "0e", 1)
			if !strings.ContainsAny(a, ".") {
				b = strings.Replace(a, "e", ".0e", 1)
			}
		}
		x, errX := jsonvalue.Number(a)
		y, errY := jsonvalue.Number(b)
		if errX != nil || errY != nil {
			rt.Fatalf("%s, %s: %v, %v", a, b, errX, errY)
		}
		want, _ := jsonvalue.CompareNumbers(x, y)
		if got := bytes.Compare(key(t, index.Number, a), key(t, index.Number, b)); got != want {
			rt.Fatalf("the keys of %s and %s compare as %d, they as %d", a, b, got, want)
		}
	})
}

func TestStringsOrderByBytes(t *testing.T) {
	texts := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat("é", rapid.IntRange(0, 100).Draw(t, "before")) + rapid.StringOfN(rapid.RuneFrom([]rune("aé\U0001f600\x00")), 0, 60, -1).Draw(t, "text")
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := texts.Draw(rt, "a"), texts.Draw(rt, "b")
		got := bytes.Compare(key(t, index.String, string(jsonvalue.String(a).Append(nil))), key(t, index.String, string(jsonvalue.String(b).Append(nil))))
		if want := strings.Compare(a, b); got != want {
			rt.Fatalf("the keys of %q and %q compare as %d, they as %d", a, b, got, want)
		}
	})
}

// TestLongValues: beyond what keys keep, equality is exact and the order is that
// of what is kept.
func TestLongValues(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before := strings.Repeat("7", rapid.IntRange(500, 520).Draw(rt, "before"))
		digits := rapid.StringMatching(`[0-9]{0,20}[1-9]`)
		a, b := before+digits.Draw(rt, "a"), before+digits.Draw(rt, "b")
		for _, typ := range []index.Type{index.Number, index.String} {
			form := "%s"
			if typ == index.String {
				form = `"%s"`
			}
			x, y := key(t, typ, fmt.Sprintf(form, a)), key(t, typ, fmt.Sprintf(form, b))
			if bytes.Equal(x, y) != (a == b) || len(x) > index.MaxKey {
				rt.Fatalf("%s and %s have the keys %x and %x", a, b, x, y)
			}
		}
	})
}

func TestTimesOrderByInstant(t *testing.T) {
	type moment struct {
		text string
		at   *big.Rat
	}
	moments := rapid.Custom(func(t *rapid.T) moment {
		seconds := rapid.Int64Range(-5, 5).Draw(t, "seconds")
		if rapid.Bool().Draw(t, "any") {
			seconds = rapid.Int64Range(-62_135_000_000, 253_402_000_000).Draw(t, "seconds")
		}
		fraction := rapid.StringMatching(`(\.[0-9]{1,14})?`).Draw(t, "fraction")
		zone := rapid.IntRange(-23*60, 23*60).Draw(t, "zone")
		local := time.Unix(seconds, 0).In(time.FixedZone("", 60*zone))
		shown := local.Format("2006-01-02T15:04:05") + fraction + local.Format("-07:00")
		at := new(big.Rat).SetInt64(seconds)
		if fraction != "" {
			part, _ := new(big.Rat).SetString("0" + fraction)
			at.Add(at, part)
		}
		return moment{shown, at}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := moments.Draw(rt, "a"), moments.Draw(rt, "b")
		got := bytes.Compare(key(t, index.Time, `"`+a.text+`"`), key(t, index.Time, `"`+b.text+`"`))
		if want := a.at.Cmp(b.at); got != want {
			rt.Fatalf("the keys of %s and %s compare as %d, they as %d", a.text, b.text, got, want)
		}
	})
}
