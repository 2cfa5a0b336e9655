//go:build unix

package torture_test

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
)

// A pair is two documents that batches join, so that they make one history. All else is
// linearizable if and only if each pair is.
const pair = 2

// document is how one document stands.
type document struct {
	version int64 // goes on counting over deletions; 0 before the first write
	there   bool
	log     string // its entries, each with a space before it
}

// state is how a pair stands.
type state [pair]document

// kind is what a step does to its document.
type kind int

const (
	read   kind = iota // GET, or GET that was answered 304
	check              // CHECK in a batch
	put                // the log becomes what the step says
	add                // one entry goes to the end of the log
	remove             // DELETE
)

func (k kind) String() string { return [...]string{"read", "check", "put", "append", "delete"}[k] }

// precondition is what a step asks of its document.
type precondition int64

const (
	anyone precondition = -1 // If-Match: *
	absent precondition = 0  // If-None-Match: *
	// Any other is the version that If-Match names.
)

func (p precondition) holds(d *document) bool {
	switch p {
	case anyone:
		return d.there
	case absent:
		return !d.there
	}
	return d.there && d.version == int64(p)
}

// step is what an operation does to one document of its pair. A batch has several.
type step struct {
	doc   int
	kind  kind
	pre   precondition
	entry string // names the step; no two steps write the same
	log   string // of put: all of the log
}

// apply returns what the step makes of a document that its precondition holds of.
func (s *step) apply(d document) document {
	switch s.kind {
	case put:
		return document{version: d.version + 1, there: true, log: s.log}
	case add:
		return document{version: d.version + 1, there: true, log: d.log + " " + s.entry}
	case remove:
		return document{version: d.version + 1}
	}
	return d
}

// verdict is what an operation's client knows of its end.
type verdict int

const (
	done    verdict = iota // it happened, once
	refused                // it did not: a precondition was false
	unknown                // no answer came, or one that says so
)

// result is what came back.
type result struct {
	verdict verdict
	// versions are those that each step has left its document at, as far as they are known: 0
	// is none. Of a refusal the one at the index of the step that was refused is
	// the version that stood in its way.
	versions [pair]int64
	failed   int // of a refusal: the step whose precondition was false
	// there and log are what a read showed; one that was answered 304 showed no log.
	there, unchanged bool
	log              string
}

// model says what one pair does when one operation comes after the other.
var model = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(now, in, out any) (bool, any) {
		return transition(now.(state), in.([]step), out.(result))
	},
	DescribeOperation: func(in, out any) string { return describe(in.([]step), out.(result)) },
	DescribeState: func(s any) string {
		now := s.(state)
		return fmt.Sprintf("a at %d:%s; b at %d:%s", now[0].version, now[0].log, now[1].version, now[1].log)
	},
}

// transition tells whether steps can have had that result in a state, and what comes of it.
func transition(now state, steps []step, got result) (bool, state) {
	if len(steps) == 1 && steps[0].kind == read {
		d := &now[steps[0].doc]
		shown := got.there == d.there && (!d.there || got.versions[0] == d.version && (got.unchanged || got.log == d.log))
		return shown, now
	}
	if got.verdict == refused {
		s := &steps[got.failed]
		d := &now[s.doc]
		inTheWay := got.versions[got.failed]
		return !s.pre.holds(d) && (inTheWay == 0 || d.there && d.version == inTheWay), now
	}
	next := now
	for i := range steps {
		s := &steps[i]
		if !s.pre.holds(&now[s.doc]) {
			// Of what was not answered this is the end that nobody notices.
			return got.verdict == unknown && got.versions == [pair]int64{}, now
		}
		next[s.doc] = s.apply(now[s.doc])
		if v := got.versions[i]; v != 0 && v != next[s.doc].version {
			return false, now
		}
	}
	return true, next
}

func describe(steps []step, got result) string {
	var b strings.Builder
	for i := range steps {
		s := &steps[i]
		fmt.Fprintf(&b, "%s %c", s.kind, 'a'+rune(s.doc))
		switch {
		case s.kind == read:
		case s.pre == anyone:
			b.WriteString(" if there")
		case s.pre == absent:
			b.WriteString(" if absent")
		default:
			fmt.Fprintf(&b, " if at %d", s.pre)
		}
		if s.entry != "" {
			fmt.Fprintf(&b, " (%s)", s.entry)
		}
		b.WriteString("; ")
	}
	switch got.verdict {
	case refused:
		fmt.Fprintf(&b, "step %d refused by %d", got.failed, got.versions[got.failed])
	case unknown:
		fmt.Fprintf(&b, "not answered, at %v", got.versions)
	case done:
		fmt.Fprintf(&b, "done at %v:%s", got.versions, got.log)
	}
	return b.String()
}
