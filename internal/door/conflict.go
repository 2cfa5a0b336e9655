package door

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// describeConflict fills in what a stale write has to say: what happened
// meanwhile, what of that the write disputes, and what to do about it.
func describeConflict(r *http.Request, t Target, f *engine.Refusal, p *problem.Document) {
	c := f.Conflict
	base := c.Base
	if !c.Resolving { // else the base is another's
		p.YourETag = engine.ETagOfEntry(base, &t.Rules.Contract).String()
	}
	p.YourVersion = base.Version
	p.ChangedBy = c.ChangedBy
	p.AlreadyApplied = &c.AlreadyApplied
	for _, s := range c.Strategies {
		p.Strategies = append(p.Strategies, string(s))
	}
	p.Changes = changesOf(c, t.Rules.Summary)
	if c.Compared {
		p.Conflict = conflictOf(c, t.Rules.Summary)
	}
	p.Advice = adviceOf(r, t, c)
	p.Detail = conflictDetail(r, t, f)
}

// adviceOf says what a client does best: have the server merge where that would
// go through, else do the same itself, under a lease where many want the document,
// else ask whoever made the change.
func adviceOf(r *http.Request, t Target, c *engine.Conflict) problem.Advice {
	merges := slices.Contains(c.Strategies, engine.StrategyMerge)
	switch {
	case !c.Compared && r.Method != http.MethodDelete: // there is no change to speak of
		return ""
	case !c.Compared || len(c.Disputes) > 0:
		return problem.AdviceAskAPerson
	case merges && !c.Repeats:
		return problem.AdviceMerge
	case c.Hot:
		return problem.AdviceLease
	}
	return problem.AdviceRetry
}

func conflictDetail(r *http.Request, t Target, f *engine.Refusal) string {
	c := f.Conflict
	if c.Resolving {
		return resolvingDetail(r, t, f)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "You sent version %d; the current version is %d. ", c.Base.Version, f.Current.Version)
	switch {
	case f.Parked != "":
		fmt.Fprintf(&s, "Your change and what happened since contradict each other in %s. ", disputedPaths(c.Disputes))
		if q, err := parseQuery(r.URL.RawQuery); err == nil && q.dryRun {
			s.WriteString("It would not be saved, but parked for somebody to decide.")
		} else {
			fmt.Fprintf(&s, "It is not saved, but parked: somebody decides about it at %s.", t.parkedAt(f.Parked))
		}
		return s.String()
	case c.AlreadyApplied:
		s.WriteString("What you sent is what is stored already: if this was a retry, it is done. ")
	case f.Reason == engine.ReasonMergeConflict:
		fmt.Fprintf(&s, "Your change and what happened since contradict each other in %s, so that nothing was merged. ", disputedPaths(c.Disputes))
		if f.Crowded {
			fmt.Fprintf(&s, "It is not parked either, since %d writes to this document are. ", engine.MaxParked)
		}
		fmt.Fprintf(&s, "Decide, and send the document as it is to be with %s.", currentState(r, t, f))
		return s.String()
	case c.Repeats && len(c.Disputes) == 0:
		s.WriteString("It changes a counter or appends, and is not merged without an Idempotency-Key, since nothing else would tell a retry from a second change. ")
	}
	fmt.Fprintf(&s, "Read it again, apply your change to what you find, and send it with %s.", currentState(r, t, f))
	return s.String()
}

// resolvingDetail says what is wrong with a decision about a parked write.
func resolvingDetail(r *http.Request, t Target, f *engine.Refusal) string {
	todo := "Nothing is disputed any more: choose nothing"
	if disputes := f.Conflict.Disputes; len(disputes) > 0 {
		todo = "Choose for " + disputedPaths(disputes) + ", and for nothing else"
	}
	todo += ", or give the document, with " + currentState(r, t, f) + ". It stays parked."
	if f.Reason == engine.ReasonStale {
		return "The document changed after the version that your If-Match names. " + todo
	}
	return "Your choices are not those that are to be made. " + todo
}

// maxNamed is how many disputed paths a sentence names.
const maxNamed = 5

func disputedPaths(disputes []engine.Dispute) string {
	return enumerated(len(disputes), func(i int) string { return disputes[i].Path.String() })
}

// enumerated names the first of n paths.
func enumerated(n int, path func(int) string) string {
	var names []string
	for i := range min(n, maxNamed) {
		name := path(i)
		if name == "" {
			name = "the document as a whole"
		}
		names = append(names, name)
	}
	if more := n - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return join(names)
}

// conflictOf returns what a write disputes, without the values if summary is set.
func conflictOf(c *engine.Conflict, summary bool) *problem.Conflict {
	return &problem.Conflict{Disputes: DisputesOf(c.Disputes, summary), Mergeable: len(c.Disputes) == 0}
}

// DisputesOf returns disputes as they are shown, without the values if summary is
// set.
func DisputesOf(disputes []engine.Dispute, summary bool) []problem.Dispute {
	out := make([]problem.Dispute, len(disputes))
	for i := range disputes {
		d := &disputes[i]
		out[i] = problem.Dispute{Path: d.Path.String(), Rule: string(d.Rule), Reason: d.Reason, Key: text(d.Key), MayResolve: d.MayResolve}
		for _, p := range d.Together {
			out[i].Together = append(out[i].Together, p.String())
		}
		if !summary {
			out[i].Base, out[i].Theirs, out[i].Yours = text(d.Base), text(d.Theirs), text(d.Mine)
		}
	}
	return out
}

// text returns a value as JSON, nil where there is none.
func text(v jsonvalue.Value) []byte {
	if v.IsAbsent() {
		return nil
	}
	return v.Append(nil)
}

func changesOf(c *engine.Conflict, summary bool) []problem.Change {
	out := make([]problem.Change, len(c.Changes))
	for i := range c.Changes {
		ch := &c.Changes[i]
		out[i] = problem.Change{Path: ch.Path.String(), Op: ch.Op, Version: ch.Version, By: ch.By}
		if summary {
			continue
		}
		out[i].From, out[i].To = text(ch.From), text(ch.To)
	}
	return out
}
