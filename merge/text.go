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
	n := newNumbering()
	base, theirs, mine := n.cut(splitLines(v.base.Text())), n.cut(splitLines(v.theirs.Text())), n.cut(splitLines(v.mine.Text()))
	if !w.align(base.elems, &theirs.version, len(n.texts)) || !w.align(base.elems, &mine.version, len(n.texts)) {
		return jsonvalue.Value{}, ReasonLimit
	}
	merged, reason := diff3Text(base, theirs, mine, w.lines)
	return jsonvalue.String(merged), reason
}

// cut is a text in parts.
type cut struct {
	version
	parts []string
}

func (n *numbering) cut(parts []string) *cut {
	return &cut{parts: parts, version: version{elems: n.parts(parts)}}
}

// diff3Text merges texts in parts. What both sides changed goes to deeper.
func diff3Text(base, theirs, mine *cut, deeper func(base, theirs, mine []string) (string, string)) (merged, reason string) {
	var out strings.Builder
	for r := range regions(base.elems, &theirs.version, &mine.version) {
		theirPart, myPart := theirs.parts[r.theirs.from:r.theirs.to], mine.parts[r.mine.from:r.mine.to]
		switch r.pick(base.elems, &theirs.version, &mine.version) {
		case theirSide:
			write(&out, theirPart)
		case mySide:
			write(&out, myPart)
		case neither:
			between, reason := deeper(base.parts[r.base.from:r.base.to], theirPart, myPart)
			if reason != "" {
				return "", reason
			}
			out.WriteString(between)
		}
	}
	return out.String(), ""
}

func write(out *strings.Builder, parts []string) {
	for _, p := range parts {
		out.WriteString(p)
	}
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
	n := newNumbering()
	b, t, m := n.cut(splitWords(base)), n.cut(splitWords(theirs)), n.cut(splitWords(mine))
	if !w.align(b.elems, &t.version, len(n.texts)) || !w.align(b.elems, &m.version, len(n.texts)) {
		return "", ReasonLimit
	}
	line, reason := diff3Text(b, t, m, overlap)
	if reason != "" {
		return "", reason
	}
	merged := n.cut(splitWords(line))
	if !w.align(b.elems, &merged.version, len(n.texts)) {
		return "", ReasonLimit
	}
	for _, sides := range [][2]*cut{{merged, m}, {t, merged}} {
		if again, reason := diff3Text(b, sides[0], sides[1], overlap); reason != "" || again != line {
			return "", ReasonOverlap
		}
	}
	return line, ""
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
	cuts := 0
	for i := 1; i < len(line); i++ {
		if white(line[i]) != white(line[i-1]) {
			cuts++
		}
	}
	words := make([]string, 0, cuts+1) // at once: a line may have very many
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
