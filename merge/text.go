package merge

import (
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// text merges strings by lines; lines that both sides changed, by words.
func (w *walker) text(v three) (jsonvalue.Value, string) {
	if v.base.IsAbsent() {
		return jsonvalue.Value{}, ReasonChanged
	}
	for _, side := range []jsonvalue.Value{v.theirs, v.mine, v.base} {
		if side.Kind() != jsonvalue.KindString {
			return jsonvalue.Value{}, ReasonUnfit
		}
	}
	merged, reason := w.diff3Text(splitLines(v.base.Text()), splitLines(v.theirs.Text()), splitLines(v.mine.Text()), w.lines)
	return jsonvalue.String(merged), reason
}

// diff3Text merges texts that are cut into parts. What both sides changed goes to
// deeper.
func (w *walker) diff3Text(base, theirs, mine []string, deeper func(base, theirs, mine []string) (string, string)) (merged, reason string) {
	n := make(numbering)
	b, t, m := n.texts(base), n.texts(theirs), n.texts(mine)
	parts, ok := w.align3(b, t, m)
	if !ok {
		return "", ReasonLimit
	}
	var out strings.Builder
	for _, r := range parts {
		theirPart, myPart := theirs[r.theirs.from:r.theirs.to], mine[r.mine.from:r.mine.to]
		switch r.pick(b, t, m) {
		case theirSide:
			out.WriteString(strings.Join(theirPart, ""))
		case mySide:
			out.WriteString(strings.Join(myPart, ""))
		case neither:
			between, reason := deeper(base[r.base.from:r.base.to], theirPart, myPart)
			if reason != "" {
				return "", reason
			}
			out.WriteString(between)
		}
	}
	return out.String(), ""
}

// lines merges a stretch of lines that both sides changed: line by line where
// there are as many on all sides.
func (w *walker) lines(base, theirs, mine []string) (string, string) {
	if len(base) != len(theirs) || len(base) != len(mine) {
		return "", ReasonOverlap
	}
	var out strings.Builder
	for i := range base {
		line, reason := w.line(base[i], theirs[i], mine[i])
		if reason != "" {
			return "", reason
		}
		out.WriteString(line)
	}
	return out.String(), ""
}

// line merges a line, by words where both sides changed it. Words stand more than
// once in many lines, and with them some merges would not come to rest: merging
// what came out of them with either side again would put in the same words twice.
// Such a line is a dispute.
func (w *walker) line(base, theirs, mine string) (string, string) {
	switch {
	case theirs == base:
		return mine, ""
	case mine == base, theirs == mine:
		return theirs, ""
	}
	line, reason := w.words(base, theirs, mine)
	if reason != "" {
		return "", reason
	}
	for _, sides := range [][2]string{{line, mine}, {theirs, line}} {
		again, reason := w.words(base, sides[0], sides[1])
		switch {
		case reason == ReasonLimit:
			return "", reason
		case reason != "" || again != line:
			return "", ReasonOverlap
		}
	}
	return line, ""
}

func (w *walker) words(base, theirs, mine string) (string, string) {
	return w.diff3Text(splitWords(base), splitWords(theirs), splitWords(mine), overlap)
}

func overlap(_, _, _ []string) (string, string) { return "", ReasonOverlap }

// splitLines cuts behind every line feed.
func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// splitWords cuts a line into words and the white space between them. White
// space is space, tab, carriage return and line feed.
func splitWords(line string) []string {
	var words []string
	from := 0
	for i := 1; i <= len(line); i++ {
		if i == len(line) || white(line[i]) != white(line[i-1]) {
			words = append(words, line[from:i])
			from = i
		}
	}
	return words
}

func white(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
