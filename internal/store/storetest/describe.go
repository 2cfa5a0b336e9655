package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The functions here print rows so that equal strings mean equal rows: times by
// the instant, nil and empty alike.

func refLine(r store.Ref) string {
	return fmt.Sprintf("%s[%s]/%q", r.Part.Collection, r.Part.Params, r.ID)
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func headLine(h store.Head) string {
	lease := "none"
	if h.Lease != nil {
		lease = fmt.Sprintf("%s fence %d until %s", h.Lease.ID, h.Lease.Fence, instant(h.Lease.Expires))
	}
	return fmt.Sprintf("%s rev %d version %d next %d life %d deleted %t at %s samesecond %t digest %.4x link %.4x entries %d position %d lease %s",
		refLine(h.Ref), h.Rev, h.Version, h.Next, h.Life, h.Deleted, instant(h.At), h.SameSecond,
		h.Digest, h.Link, h.Entries, h.Position, lease)
}

func documentLine(d *store.Document) string {
	return fmt.Sprintf("%s body %q", headLine(d.Head), d.Body)
}

func entryLine(e *store.Entry) string {
	return fmt.Sprintf("%s rev %d version %d life %d lane %d position %d at %s commit %x by %s %q corr %s %s/%s base %d blind %t merged %d decisions %s link %.4x digest %.4x",
		refLine(e.Ref), e.Rev, e.Version, e.Life, e.Lane, e.Position, instant(e.At), e.CommitID, e.Actor.Name, e.Actor.Roles,
		e.Correlation, e.Action, e.Outcome, e.Base, e.Blind, e.MergedFrom, e.Decisions, e.Link, e.Digest)
}

func rowLine(row store.Row) string {
	return fmt.Sprintf("row %s %s %q = %q", refLine(row.Ref), row.Kind, row.ID, row.Value)
}

func indexLine(row *store.IndexRow) string {
	return fmt.Sprintf("index %s %q %x", refLine(row.Ref), row.Index, row.Key)
}

func receiptLines(r store.Receipt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "fence %d", r.Fence)
	for _, h := range r.Heads {
		b.WriteString("\n  " + headLine(h))
	}
	return b.String()
}

func commitLine(c *store.Commit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x", c.ID[12:])
	for _, k := range c.Checks {
		fmt.Fprintf(&b, " check %s rev %d exists %t;", refLine(k.Ref), k.Rev, k.Exists)
	}
	for _, w := range c.Writes {
		fmt.Fprintf(&b, " write %s at rev %d %s version %d lease %d;", refLine(w.Ref), w.Rev, w.Log.Action, w.Version, w.Lease.Op)
	}
	for _, cl := range c.Claims {
		fmt.Fprintf(&b, " claim %s %s=%s for %q release %t;", cl.Part.Collection, cl.Index, cl.Value, cl.ID, cl.Release)
	}
	if c.Key != nil {
		fmt.Fprintf(&b, " key %s/%s;", c.Key.Scope, c.Key.Key)
	}
	return b.String()
}

// diff says what differs between two prints, line by line, or "".
func diff(got, want string) string {
	if got == want {
		return ""
	}
	count := make(map[string]int)
	for l := range strings.SplitSeq(want, "\n") {
		count[l]++
	}
	var b bytes.Buffer
	for l := range strings.SplitSeq(got, "\n") {
		if count[l]--; count[l] < 0 {
			fmt.Fprintf(&b, "\n  got:  %s", l)
		}
	}
	for l := range strings.SplitSeq(want, "\n") {
		if count[l] > 0 {
			count[l]--
			fmt.Fprintf(&b, "\n  want: %s", l)
		}
	}
	if b.Len() == 0 {
		return "\n  the lines are the same, their order is not:\n" + got
	}
	return b.String()
}

// same fails when the two prints differ and says in what.
func (r *rig) same(what, got, want string) {
	r.Helper()
	if d := diff(got, want); d != "" {
		r.Errorf("%s differs:%s", what, d)
	}
}
