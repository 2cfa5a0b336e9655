package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

// columns of the table, for the terminal and for Markdown alike.
var columns = []string{"bar", "what", "yardstick", "its figure", "ours", "ratio", "at least/most", "aim", "verdict"}

func (o outcome) row() []string {
	yardstick, theirs, ratio := "–", "–", "–"
	if o.yardstick != "" {
		yardstick = o.yardstick
		theirs = quantity(median(o.yardsticks), o.unit)
		if v := o.value(); !math.IsNaN(v) && o.reason == "" {
			ratio = fmt.Sprintf("%.2f", v)
		}
	}
	return []string{o.name, o.what, yardstick, theirs, quantity(median(o.ours), o.unit), ratio,
		o.goal(o.threshold), o.goal(o.aim), o.verdict()}
}

func writeTable(w io.Writer, outcomes []outcome) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns, "\t"))
	for _, o := range outcomes {
		fmt.Fprintln(t, strings.Join(o.row(), "\t"))
	}
	fmt.Fprintln(t)
	for _, r := range reasons(outcomes) {
		fmt.Fprintln(t, r)
	}
	return t.Flush() // keeps the first error of the lines before it
}

// reasons says once for each cause which bars were not measured for it.
func reasons(outcomes []outcome) []string {
	var order []string
	bars := map[string][]string{}
	for _, o := range outcomes {
		if o.verdict() != unmeasuredVerdict {
			continue
		}
		reason := o.reason
		if reason == "" {
			reason = "no round has figures of both sides"
		}
		if bars[reason] == nil {
			order = append(order, reason)
		}
		bars[reason] = append(bars[reason], o.name)
	}
	for i, reason := range order {
		order[i] = "Not measured: " + strings.Join(bars[reason], ", ") + ". Reason: " + reason
	}
	return order
}

// record is an outcome in the JSON file.
type record struct {
	Name       string    `json:"name"`
	What       string    `json:"what"`
	Unit       string    `json:"unit"`
	Yardstick  string    `json:"yardstick,omitempty"`
	Yardsticks []float64 `json:"yardsticks,omitempty"` // one a round
	Ours       []float64 `json:"ours,omitempty"`       // one a round
	Value      *float64  `json:"value"`                // median ratio or figure; null when not measured
	AtMost     bool      `json:"atMost"`
	Threshold  *float64  `json:"threshold"`
	Aim        *float64  `json:"aim"`
	Verdict    string    `json:"verdict"`
	Reason     string    `json:"reason,omitempty"` // why it is not measured
}

func (o outcome) record() record {
	r := record{Name: o.name, What: o.what, Unit: o.unit, Yardstick: o.yardstick, Yardsticks: o.yardsticks, Ours: o.ours,
		AtMost: o.atMost, Threshold: o.threshold, Aim: o.aim, Verdict: o.verdict(), Reason: o.reason}
	if v := o.value(); !math.IsNaN(v) && o.reason == "" {
		r.Value = &v
	}
	return r
}

func writeJSON(path string, m machine, o options, outcomes []outcome) error {
	report := struct {
		Machine machine  `json:"machine"`
		Rounds  int      `json:"rounds"`
		Seconds float64  `json:"seconds"`
		Bars    []record `json:"bars"`
	}{Machine: m, Rounds: o.rounds, Seconds: o.seconds.Seconds()}
	for _, out := range outcomes {
		report.Bars = append(report.Bars, out.record())
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

const markdownIntro = `# Benchmarks

This page is written by ` + "`make bench`" + `. Figures of two machines, or of two days, do not
compare; ratios taken in one run do. Each bar is therefore a ratio to a yardstick
that ran in turn with ifmatch on the same machine, and the median over the rounds
of the ratio within each round. The yardsticks are in ` + "`test/bench/yardstick`" + `:

- **constant**: a net/http handler that answers a constant kilobyte and stores
  nothing. It is the ceiling of the stack.
- **handwritten**: net/http, database/sql and modernc.org/sqlite with If-Match and
  a history row in the same transaction, WAL and ` + "`synchronous=FULL`" + `.
- **by hand**, for the stores outside of the process: the same handler over PostgreSQL
  with pgx, in BEGIN, UPDATE, INSERT, COMMIT, or over etcd, in one Txn that compares the
  document's version and puts it and its history. The servers of the stores run on the
  same processors, as they are installed, and share them with everything else here.

Where a setting of ifmatch has a cost, the yardstick is ifmatch without it:
**without keys** asks nobody who they are, **If-Match** has no version in the body.

The bars of merging have 64 clients. Each changes the one member that is its own,
with a merge patch of it and, in If-Match, the tag of its own last answer:

- ifmatch under ` + "`on_stale: {default: merge}`" + `: all of them in one document.
- **64 documents**: ifmatch under ` + "`reject`" + `, each client in a document of its own, so
  that no write is ever stale.
- **retrying**: ifmatch under ` + "`reject`" + `, all of them in one document. A client reads it,
  patches it with that tag, and begins again at once when it is refused.

After each round that all of them wrote one document it is read: it must have
everybody's last write, and its version must count all of them. Under ` + "`merge`" + ` no write
may be refused.

The three-way merge alone, of three texts into one, is held against **json-patch**:
what makes a merge patch of base and mine and applies it to theirs, with
github.com/evanphx/json-patch. Parsing and printing count on both sides.

Every answer to a write carries the whole document and its tag, on all sides.
Before they are measured, ifmatch and handwritten are checked: each must refuse a
stale write with 412, or 409 where the version is in the body, and an unconditional
one with 428; under ` + "`merge`" + ` it must merge what does not contradict. A server that
answers wrongly, then or while it is measured, fails the whole run.
`

func writeMarkdown(path string, m machine, o options, outcomes []outcome) error {
	var b strings.Builder
	b.WriteString(markdownIntro + "\n")
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(columns)
	b.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	for _, out := range outcomes {
		line(out.row())
	}
	for _, r := range reasons(outcomes) {
		b.WriteString("\n" + r + "\n")
	}
	if warning := m.warning(); warning != "" {
		b.WriteString("\n**" + warning + "**\n")
	}
	b.WriteString("\n## How it was taken\n\n")
	for _, f := range method(m, o) {
		fmt.Fprintf(&b, "- %s\n", f)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func method(m machine, o options) []string {
	authentication := "without authentication"
	if o.authorization != "" {
		authentication = "with authentication"
	}
	return []string{
		fmt.Sprintf("%s, revision %s, %s.", m.Taken.Format("2006-01-02 15:04 MST"), m.Revision, m.Go),
		fmt.Sprintf("%d × %s, %s, %s; load average before the first round: %s.", m.Processors, m.Processor, m.Memory, m.Kernel, m.Load),
		fmt.Sprintf("Stores on %s, where a durable write of 4 KiB takes %s.", m.Filesystem, m.Fsync),
		fmt.Sprintf("%d rounds of %v for each side after %v of warm-up, in turn, the other side first in every second round.", o.rounds, o.seconds, o.warmup),
		fmt.Sprintf("%s documents of 1 KiB with 20 members and more; each write changes four of them. For merging there are %d, of 1 KiB with %d members. Where no other store is named ifmatch ran over SQLite, %s but for the bar about it.", thousands(int64(o.documents)), manyClients, load.Writers+1, authentication),
		"Server and load generator share the processors. A client sends its next request when it has its last answer, so a slow answer also delays the requests after it.",
		"Not covered by this program: the gateway.",
		"Resident memory under load is the most that was seen, five times a second.",
	}
}
