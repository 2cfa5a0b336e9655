package merge

import (
	"cmp"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// compareTimes compares two times of RFC 3339 to their last digit. ok is false
// where one of them is not such a time.
func compareTimes(a, b jsonvalue.Value) (order int, ok bool) {
	x, xOK := newInstant(a)
	y, yOK := newInstant(b)
	if !xOK || !yOK {
		return 0, false
	}
	return cmp.Or(x.minute.Compare(y.minute), cmp.Compare(x.second, y.second), strings.Compare(x.fraction, y.fraction)), true
}

// instant is a time in parts that compare one after the other.
type instant struct {
	minute   time.Time
	second   int    // up to 60
	fraction string // digits behind the point that say something
}

// newInstant reads a time by the grammar of RFC 3339 §5.6, which time.Parse knows
// less of, and more: not all digits of a fraction and no leap second, but offsets
// that there are not. The second 60 is one where a minute may have it: at the end
// of a month (§5.7).
func newInstant(v jsonvalue.Value) (at instant, ok bool) {
	const layout = "dddd-dd-ddTdd:dd:dd"
	s := v.Text()
	if v.Kind() != jsonvalue.KindString || len(s) <= len(layout) || !fits(s, layout) {
		return at, false
	}
	clock, rest := s[:len(layout)], s[len(layout):]
	if rest[0] == '.' {
		zone := strings.TrimLeft(rest[1:], "0123456789")
		digits := rest[1 : len(rest)-len(zone)]
		if digits == "" {
			return at, false
		}
		at.fraction, rest = strings.TrimRight(digits, "0"), zone
	}
	offset, ok := zoneOffset(rest)
	year, month, day, hour, minute := number(clock[:4]), time.Month(number(clock[5:7])), number(clock[8:10]), number(clock[11:13]), number(clock[14:16])
	local := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	if !ok || local.Month() != month || local.Day() != day || local.Hour() != hour || local.Minute() != minute {
		return at, false
	}
	at.minute, at.second = local.Add(-offset), number(clock[17:19])
	next := at.minute.Add(time.Minute)
	endsMonth := next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0
	return at, at.second < 60 || at.second == 60 && endsMonth
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
	hours, minutes := number(s[1:3]), number(s[4:6])
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

func number(digits string) (n int) {
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}
