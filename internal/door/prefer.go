package door

import (
	"errors"
	"strconv"
	"strings"
)

// preferences are those of a request's Prefer header (RFC 7240) that matter
// here, and of its query. Unknown ones, and unknown values, are ignored.
type preferences struct {
	version   bool // ?include=version
	returnSet bool
	minimal   bool
	conflict  string
	lenient   bool
	wait      int64 // seconds, up to maxFeedWait; 0 does not wait
}

func parsePrefer(lines []string) preferences {
	var p preferences
	seen := make(map[string]bool, 2)
	for _, line := range lines {
		for item := range splitQuoted(line, ',') {
			name, value := preference(item)
			if seen[name] { // the first of equal names counts (RFC 7240 §2)
				continue
			}
			seen[name] = true
			switch {
			case name == "return" && (value == "minimal" || value == "representation"):
				p.returnSet, p.minimal = true, value == "minimal"
			case name == "conflict":
				p.conflict = value
			case name == "handling":
				p.lenient = value == "lenient"
			case name == "wait":
				p.wait = seconds(value)
			}
		}
	}
	return p
}

// preference reads `name = value ; parameters`. Names do not mind case, values
// may be quoted.
func preference(item string) (name, value string) {
	for part := range splitQuoted(item, ';') {
		name, value, _ = strings.Cut(part, "=")
		break
	}
	return strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
}

// seconds reads how long a wait may last (RFC 7240 §4.3), 0 where that is not said.
func seconds(value string) int64 {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return int64(min(n, uint64(maxFeedWait)))
}

// splitQuoted yields the parts of s between separators that stand outside
// quoted strings.
func splitQuoted(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\' && quoted:
				i++
			case s[i] == '"':
				quoted = !quoted
			case s[i] == sep && !quoted:
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}
