package jsonvalue

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-11-20T18:00:00Z":                    true,
		"2026-11-20t18:00:00z":                    true,
		"2026-11-20T18:00:00.000000000000000001Z": true,
		"2026-11-20T18:00:00+23:59":               true,
		"2026-11-20T18:00:00-00:00":               true,
		"0000-01-01T00:00:00Z":                    true,
		"0000-01-01T00:00:00+23:59":               true,
		"9999-12-31T23:59:60Z":                    true,
		"2017-01-01T00:59:60+01:00":               true,
		"2016-12-31T23:59:60-01:00":               false,
		"2016-12-30T23:59:60Z":                    false,
		"2016-12-31T23:59:61Z":                    false,
		"2016-12-31T23:59:99Z":                    false,
		"2024-02-29T00:00:00Z":                    true,
		"2000-02-29T00:00:00Z":                    true,
		"1900-02-29T00:00:00Z":                    false,
		"2026-02-29T00:00:00Z":                    false,
		"2026-00-10T00:00:00Z":                    false,
		"2026-13-10T00:00:00Z":                    false,
		"2026-01-00T00:00:00Z":                    false,
		"2026-01-01T24:00:00Z":                    false,
		"2026-01-01T00:60:00Z":                    false,
		"2026-01-01T00:00:00+24:00":               false,
		"2026-01-01T00:00:00+00:60":               false,
		"2026-01-01T00:00:00+0000":                false,
		"2026-01-01T00:00:00+1:00":                false,
		"2026-01-01T00:00:00~01:00":               false,
		"2026-01-01T00:00:00 00:00":               false,
		"2026-01-01T00:00:00.Z":                   false,
		"2026-01-01T00:00:00.1.2Z":                false,
		"2026-01-01T00:00:00,5Z":                  false,
		"2026-01-01T00:00:00.5":                   false,
		"2026-01-01T00:00:00":                     false,
		"2026-01-01 00:00:00Z":                    false,
		"2026-01-01T00:00:00ZZ":                   false,
		"2026-01-01T0:00:00Z":                     false,
		"2026-01-01T00:00Z":                       false,
		"+026-01-01T00:00:00Z":                    false,
		"26-01-01T00:00:00Z":                      false,
		"２026-01-01T00:00:00Z":                    false,
		"2026-01-01":                              false,
		"":                                        false,
	} {
		if at, ok := ParseInstant(text); ok != want || !ok && at != (Instant{}) {
			t.Errorf("%q is a time: %t, want %t; it is read as %v", text, ok, want, at)
		}
	}
}

// TestInstantsInOrder: each is earlier than all behind it, and the spellings of one
// are the same.
func TestInstantsInOrder(t *testing.T) {
	var before []Instant
	for _, spellings := range [][]string{
		{"0000-01-01T00:00:00+23:59"},
		{"0000-01-01T00:00:00Z"},
		{"1969-12-31T23:59:59.9Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "1969-12-31T23:30:00.00-00:30"},
		{"2016-12-31T23:59:59Z"},
		{"2016-12-31T23:59:59.999999999999Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:59:60.0+01:00"},
		{"2016-12-31T23:59:60.5Z"},
		{"2017-01-01T00:00:00Z"},
		{"2017-01-01T00:00:00.00000000000000000001Z"},
		{"2017-01-01T00:00:00.09Z"},
		{"2017-01-01T00:00:00.1Z", "2017-01-01t00:00:00.100z"},
		{"2017-01-01T00:00:00.11Z"},
		{"9999-12-31T23:59:59-23:59"},
	} {
		var first *Instant
		for _, text := range spellings {
			at, ok := ParseInstant(text)
			if !ok {
				t.Fatalf("%s is no time", text)
			}
			if first == nil {
				first = &at
			}
			if at != *first || at.Compare(*first) != 0 {
				t.Errorf("%s and %s are not the same", text, spellings[0])
			}
			for _, earlier := range before {
				if at.Compare(earlier) <= 0 || earlier.Compare(at) >= 0 {
					t.Errorf("%s is not after %v", text, earlier)
				}
			}
		}
		before = append(before, *first)
	}
}

func TestInstantAsCount(t *testing.T) {
	for _, c := range []struct {
		text     string
		second   int64
		fraction string
		counts   bool
		time     string // "" for none
	}{
		{"1970-01-01T00:00:01.50Z", 1, "5", true, "1970-01-01T00:00:01.5Z"},
		{"1969-12-31T23:59:59.25Z", -1, "25", true, "1969-12-31T23:59:59.25Z"},
		{"1970-01-01T00:00:00.0000000010Z", 0, "000000001", true, "1970-01-01T00:00:00.000000001Z"},
		{"1970-01-01T00:00:00.0000000001Z", 0, "0000000001", true, ""},
		{"2017-01-01T00:59:60+01:00", 1483228799, "", false, ""},
	} {
		at, ok := ParseInstant(c.text)
		if !ok {
			t.Fatalf("%s is no time", c.text)
		}
		if second, fraction, counts := at.Unix(); second != c.second || fraction != c.fraction || counts != c.counts {
			t.Errorf("%s is %d and %q, %t", c.text, second, fraction, counts)
		}
		got, ok := at.Time()
		if ok != (c.time != "") || ok && got.Format(time.RFC3339Nano) != c.time {
			t.Errorf("%s is %v, %t", c.text, got, ok)
		}
	}
}

// TestInstantsAgreeWithPackageTime where that knows all digits.
func TestInstantsAgreeWithPackageTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (time.Time, Instant) {
			zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, name+" zone"))
			// Close together, so that zones and fractions matter.
			want := time.Unix(rapid.Int64Range(1_800_000_000, 1_800_000_100).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns")).In(zone)
			at, ok := ParseInstant(want.Format(time.RFC3339Nano))
			if got, finite := at.Time(); !ok || !finite || !got.Equal(want) {
				t.Fatalf("%s is %v, %t, %t", want, got, ok, finite)
			}
			return want, at
		}
		x, a := draw("a")
		y, b := draw("b")
		if a.Compare(b) != x.Compare(y) {
			t.Fatalf("%s and %s: %d, want %d", x, y, a.Compare(b), x.Compare(y))
		}
	})
}
