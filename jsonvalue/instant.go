package jsonvalue

import (
	"cmp"
	"strings"
	"time"
)

// Instant is a point in time to the last digit of a date-time. Two are the same
// point exactly if they are equal. The zero Instant is the start of 1970 in UTC.
type Instant struct {
	second   int64 // since 1970
	leap     bool  // the second after it, which no count of seconds has
	fraction string
}

// ParseInstant reads a date-time by the grammar of RFC 3339 §5.6, and reports
// false for any other text. It is stricter than [time.Parse], and looser:
//
//   - The fraction is behind a point and has any number of digits.
//   - The offset is Z, or up to 23:59 ahead of UTC or behind; -00:00 is UTC (§4.3).
//   - The second 60 is one where a minute may have it: at the end of a month in UTC
//     (§5.7). Which months had one is not asked.
//   - T and Z may be in lower case. Nothing else may stand between date and time,
//     which §5.6 leaves to applications.
//   - Dates are those that the calendar has, from year 0000 to 9999.
func ParseInstant(s string) (Instant, bool) {
	const layout = "dddd-dd-ddTdd:dd:dd"
	if len(s) <= len(layout) || !fits(s, layout) {
		return Instant{}, false
	}
	clock, rest := s[:len(layout)], s[len(layout):]
	var at Instant
	if rest[0] == '.' {
		zone := strings.TrimLeft(rest[1:], "0123456789")
		digits := rest[1 : len(rest)-len(zone)]
		if digits == "" {
			return Instant{}, false
		}
		at.fraction, rest = strings.TrimRight(digits, "0"), zone
	}
	offset, ok := zoneOffset(rest)
	year, month, day := count(clock[:4]), time.Month(count(clock[5:7])), count(clock[8:10])
	hour, minute, second := count(clock[11:13]), count(clock[14:16]), count(clock[17:19])
	local := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	if !ok || local.Month() != month || local.Day() != day || local.Hour() != hour || local.Minute() != minute {
		return Instant{}, false
	}
	utc := local.Add(-offset)
	if next := utc.Add(time.Minute); second == 60 && next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0 {
		second, at.leap = 59, true
	}
	if second > 59 {
		return Instant{}, false
	}
	at.second = utc.Unix() + int64(second)
	return at, true
}

// Compare orders instants: it returns a negative number where a is earlier than b,
// a positive one where it is later, and 0 where they are the same.
func (a Instant) Compare(b Instant) int {
	leap := func(i Instant) int {
		if i.leap {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(leap(a), leap(b)), strings.Compare(a.fraction, b.fraction))
}

// Unix returns the whole seconds since the start of 1970 in UTC, and the digits of
// the fraction without zeros at their end. It reports false within a leap second,
// which no such count has.
func (a Instant) Unix() (second int64, fraction string, ok bool) {
	return a.second, a.fraction, !a.leap
}

// Time returns the instant in UTC. It reports false where there is no such [time.Time]:
// within a leap second, and where the fraction is finer than a nanosecond.
func (a Instant) Time() (time.Time, bool) {
	const digits = 9
	if a.leap || len(a.fraction) > digits {
		return time.Time{}, false
	}
	nanoseconds := count(a.fraction + strings.Repeat("0", digits-len(a.fraction)))
	return time.Unix(a.second, int64(nanoseconds)).UTC(), true
}

// zoneOffset reads how far a clock is ahead of UTC.
func zoneOffset(s string) (time.Duration, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	const layout = "+dd:dd"
	if len(s) != len(layout) || !fits(s[1:], layout[1:]) || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes := count(s[1:3]), count(s[4:6])
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, hours < 24 && minutes < 60
}

// fits reports whether s begins as a layout has it, in which d is a digit.
func fits(s, layout string) bool {
	for i := range len(layout) {
		switch c := s[i]; {
		case layout[i] == 'd' && (c < '0' || c > '9'):
			return false
		case layout[i] == 'T' && c == 't':
		case layout[i] != 'd' && c != layout[i]:
			return false
		}
	}
	return true
}

// count reads a few digits.
func count(digits string) (n int) {
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}
