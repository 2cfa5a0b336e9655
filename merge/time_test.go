package merge

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func TestInstants(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-11-20T18:00:00Z":                    true,
		"2026-11-20t18:00:00z":                    true,
		"2026-11-20T18:00:00.000000000000000001Z": true,
		"2026-11-20T18:00:00+23:59":               true,
		"2026-11-20T18:00:00-00:00":               true,
		"0000-01-01T00:00:00Z":                    true,
		"9999-12-31T23:59:60Z":                    true,
		"2017-01-01T00:59:60+01:00":               true,
		"2016-12-31T23:59:60-01:00":               false,
		"2016-12-30T23:59:60Z":                    false,
		"2016-12-31T23:59:61Z":                    false,
		"2024-02-29T00:00:00Z":                    true,
		"2026-02-29T00:00:00Z":                    false,
		"2026-00-10T00:00:00Z":                    false,
		"2026-13-10T00:00:00Z":                    false,
		"2026-01-00T00:00:00Z":                    false,
		"2026-01-01T24:00:00Z":                    false,
		"2026-01-01T00:60:00Z":                    false,
		"2026-01-01T00:00:00+24:00":               false,
		"2026-01-01T00:00:00+00:60":               false,
		"2026-01-01T00:00:00+0000":                false,
		"2026-01-01T00:00:00 00:00":               false,
		"2026-01-01T00:00:00.Z":                   false,
		"2026-01-01T00:00:00,5Z":                  false,
		"2026-01-01T00:00:00.5":                   false,
		"2026-01-01T00:00:00":                     false,
		"2026-01-01 00:00:00Z":                    false,
		"2026-01-01T00:00:00ZZ":                   false,
		"2026-01-01T00:00Z":                       false,
		"26-01-01T00:00:00Z":                      false,
		"":                                        false,
	} {
		if _, ok := newInstant(jsonvalue.String(text)); ok != want {
			t.Errorf("%q is a time: %t, want %t", text, ok, want)
		}
	}
	if _, ok := newInstant(jsonvalue.Int(20261120)); ok {
		t.Error("a number is a time")
	}
}

// TestInstantsCompare holds the order against that of package time, where it knows
// all digits.
func TestInstantsCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (time.Time, jsonvalue.Value) {
			zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, name+" zone"))
			// Close together, so that zones and fractions matter.
			at := time.Unix(rapid.Int64Range(1_800_000_000, 1_800_000_100).Draw(t, name), 1000*rapid.Int64Range(0, 999_999).Draw(t, name+" µs")).In(zone)
			return at, jsonvalue.String(at.Format(time.RFC3339Nano))
		}
		x, a := draw("a")
		y, b := draw("b")
		if order, ok := compareTimes(a, b); !ok || order != x.Compare(y) {
			t.Fatalf("%s and %s: %d, %t; want %d", a.Text(), b.Text(), order, ok, x.Compare(y))
		}
	})
}
