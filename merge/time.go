package merge

import (
	"regexp"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// rfc3339 is the grammar of RFC 3339 §5.6 with its fraction apart: time.Parse
// knows less than all of its digits, and more than its grammar.
var rfc3339 = regexp.MustCompile(`^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$`)

// compareTimes compares two times of RFC 3339 to their last digit. ok is false
// where one of them is not such a time.
func compareTimes(a, b jsonvalue.Value) (order int, ok bool) {
	x, xFraction, xOK := instant(a)
	y, yFraction, yOK := instant(b)
	if !xOK || !yOK {
		return 0, false
	}
	if c := x.Compare(y); c != 0 {
		return c, true
	}
	return strings.Compare(xFraction, yFraction), true
}

// instant takes a time apart into whole seconds and the digits of the fraction.
func instant(v jsonvalue.Value) (seconds time.Time, fraction string, ok bool) {
	if v.Kind() != jsonvalue.KindString {
		return time.Time{}, "", false
	}
	parts := rfc3339.FindStringSubmatch(v.Text())
	if parts == nil {
		return time.Time{}, "", false
	}
	seconds, err := time.Parse(time.RFC3339, strings.ToUpper(parts[1]+parts[3]))
	return seconds, strings.TrimRight(parts[2], "0"), err == nil
}
