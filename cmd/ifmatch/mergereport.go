package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/problem"
)

// writeJSON prints the members of a conflict document that speak of disputes,
// with what was decided, what the merge would break, and the document if it is
// asked for and there is one.
func (m *merged) writeJSON(w io.Writer, document bool) error {
	c := problem.Conflict{Mergeable: m.Clean()}
	for i := range m.Disputes {
		d := &m.Disputes[i]
		c.Disputes = append(c.Disputes, problem.Dispute{
			Path: d.Path.String(), Key: d.Key.Append(nil), Together: pointers(d.Together),
			Base: d.Base.Append(nil), Theirs: d.Theirs.Append(nil), Yours: d.Mine.Append(nil),
			Rule: string(d.Rule), Reason: d.Reason,
		})
	}
	type decision struct {
		Path   string `json:"path"`
		Winner string `json:"winner"`
		Rule   string `json:"rule"`
	}
	type fault struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	}
	rest := struct {
		Decisions []decision      `json:"decisions"`
		Faults    []fault         `json:"faults,omitempty"`
		Document  json.RawMessage `json:"document,omitempty"`
	}{Decisions: []decision{}}
	for _, d := range m.Decisions {
		rest.Decisions = append(rest.Decisions, decision{Path: d.Path.String(), Winner: string(d.Winner), Rule: d.Rule})
	}
	for _, f := range m.Faults {
		rest.Faults = append(rest.Faults, fault(f))
	}
	if document && m.Clean() {
		rest.Document = m.Value.Append(nil)
	}
	var more bytes.Buffer
	e := json.NewEncoder(&more)
	e.SetEscapeHTML(false)
	if err := e.Encode(rest); err != nil {
		return err
	}
	out := c.Append(nil)
	out = append(out[:len(out)-1], ',') // one object of both
	_, err := w.Write(append(out, more.Bytes()[1:]...))
	return err
}

func pointers(all []jsonvalue.Pointer) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.String())
	}
	return out
}

// palette is what parts of a listing are set in, "" for plain.
type palette struct{ path, base, theirs, yours, end string }

// coloursFor returns what suits a file: nothing but for a terminal that can, and
// whose user has not set NO_COLOR (https://no-color.org).
func coloursFor(f *os.File) palette {
	if !isTerminal(f) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return palette{}
	}
	return palette{path: "\x1b[1m", base: "\x1b[2m", theirs: "\x1b[36m", yours: "\x1b[33m", end: "\x1b[0m"}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// maxListed bounds what is listed of disputes, and of what was dropped.
const maxListed = 50

// listDisputes shows people where the two sides contradict each other.
func (m *merged) listDisputes(w io.Writer, title string, p palette) {
	fmt.Fprintf(w, "%s is not merged, and nothing was written: %s\n", printable(title), count(len(m.Disputes), "place is disputed", "places are disputed"))
	for i := range m.Disputes[:min(len(m.Disputes), maxListed)] {
		d := &m.Disputes[i]
		fmt.Fprintf(w, "\n%s%s%s: %s\n", p.path, whereOf(d), p.end, printable(m.whyOf(i)))
		texts := excerpts(d.Base, d.Theirs, d.Mine)
		fmt.Fprintf(w, "  base    %s%s%s\n", p.base, texts[0], p.end)
		fmt.Fprintf(w, "  theirs  %s%s%s\n", p.theirs, texts[1], p.end)
		fmt.Fprintf(w, "  yours   %s%s%s\n", p.yours, texts[2], p.end)
	}
	if more := len(m.Disputes) - maxListed; more > 0 {
		fmt.Fprintf(w, "\nand %d more; --json shows all\n", more)
	}
}

// listDropped names the values of one side that a rule of the policy has dropped.
func (m *merged) listDropped(w io.Writer, title string) {
	listed := 0
	for _, d := range m.Decisions {
		kept := "yours"
		switch d.Winner {
		case merge.Both:
			continue
		case merge.Theirs:
			kept = "theirs"
		case merge.Mine:
		}
		if listed++; listed <= maxListed {
			fmt.Fprintf(w, "%s: %s: both sides changed it, and %s keeps %s\n", printable(title), whole(d.Path), d.Rule, kept)
		}
	}
	if more := listed - maxListed; more > 0 {
		fmt.Fprintf(w, "and %d more; --json shows all\n", more)
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// whole writes a path as people read it.
func whole(p jsonvalue.Pointer) string {
	if len(p) == 0 {
		return "the document as a whole"
	}
	return printable(p.String())
}

// whereOf names the place of a dispute.
func whereOf(d *merge.Dispute) string {
	switch {
	case len(d.Together) > 0:
		return printable(strings.Join(pointers(d.Together), ", "))
	case !d.Key.IsAbsent():
		return whole(d.Path) + printable(" (of "+string(d.Key.Append(nil))+")")
	}
	return whole(d.Path)
}

var reasons = map[string]string{
	merge.ReasonChanged:  "both sides changed it",
	merge.ReasonRemoved:  "one side removed what the other changed",
	merge.ReasonKind:     "the sides made different kinds of value of it",
	merge.ReasonUnfit:    "a value does not fit the type of the field",
	merge.ReasonOverlap:  "both sides edited the same place in it",
	merge.ReasonOrder:    "both sides reordered it, differently",
	merge.ReasonBounds:   "the sum is out of bounds",
	merge.ReasonLimit:    "to combine the two would take too long",
	merge.ReasonTogether: "they belong together, and the merge would mix both sides",
}

// whyOf says why nothing but a person settles a dispute. Those about faults are
// all there are, in the same order.
func (m *merged) whyOf(i int) string {
	d := &m.Disputes[i]
	switch {
	case len(m.Faults) > 0 && d.Rule == ruleImmutable:
		return m.Faults[i].Detail
	case len(m.Faults) > 0:
		return "merged, it would not keep to the schema: " + m.Faults[i].Detail
	case d.Rule == merge.RuleReject:
		return reasons[d.Reason]
	}
	return reasons[d.Reason] + ", and " + string(d.Rule) + " does not settle it"
}

// The bounds on a value in a listing, in characters: of all of it, and of what
// theirs and yours have in common before they differ.
const (
	maxExcerpt = 160
	maxCommon  = 40
)

// excerpts returns the three values of a dispute, each in one line: of long ones,
// what lies around the first difference between theirs and yours.
func excerpts(base, theirs, yours jsonvalue.Value) [3]string {
	var texts [3][]rune
	for i, v := range []jsonvalue.Value{base, theirs, yours} {
		texts[i] = []rune(string(v.Append(nil)))
	}
	common := 0
	for common < min(len(texts[1]), len(texts[2])) && texts[1][common] == texts[2][common] {
		common++
	}
	var out [3]string
	for i, text := range texts {
		out[i] = excerpt(text, max(0, common-maxCommon))
	}
	return out
}

func excerpt(text []rune, from int) string {
	if len(text) == 0 {
		return "(nothing)"
	}
	if len(text) <= maxExcerpt {
		return printable(string(text))
	}
	from = min(from, len(text)-maxExcerpt)
	out := printable(string(text[from : from+maxExcerpt]))
	if from > 0 {
		out = "…" + out
	}
	if from+maxExcerpt < len(text) {
		out += "…"
	}
	return out
}

// printable escapes, as JSON does, whatever is more to a terminal than a
// character: values come from others, and must not steer it.
func printable(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
