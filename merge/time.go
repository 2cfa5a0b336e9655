package merge

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// rfc3339 is the grammar of RFC 3339 §5.6 with seconds and fraction apart:
// time.Parse knows less than all of its digits and no leap second, and takes more
// than its offsets.
var rfc3339 = regexp.MustCompile(`^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:)(\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)

// compareTimes compares two times of RFC 3339 to their last digit. ok is false
// where one of them is not such a time.
func compareTimes(a, b jsonvalue.Value) (order int, ok bool) {
	x, xOK := newInstant(a)
	y, yOK := newInstant(b)
	if !xOK || !yOK {
		return 0, false
	}
	return cmp.Or(x.minute.Compare(y.minute), strings.Compare(x.second, y.second), strings.Compare(x.fraction, y.fraction)), true
}

// instant is a time in parts that compare one after the other.
type instant struct {
	minute           time.Time
	second, fraction string // two digits, and those behind the point that say something
}

// newInstant reads a time. The second 60 is one where a minute may have it: at
// the end of a month (RFC 3339 §5.7).
func newInstant(v jsonvalue.Value) (at instant, ok bool) {
	if v.Kind() != jsonvalue.KindString {
		return at, false
	}
	parts := rfc3339.FindStringSubmatch(v.Text())
	if parts == nil {
		return at, false
	}
	minute, err := time.Parse(time.RFC3339, strings.ToUpper(parts[1]+"00"+parts[4]))
	if err != nil {
		return at, false
	}
	at = instant{minute: minute, second: parts[2], fraction: strings.TrimRight(parts[3], "0")}
	next := minute.UTC().Add(time.Minute)
	endsMonth := next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0
	return at, at.second < "60" || at.second == "60" && endsMonth
}
