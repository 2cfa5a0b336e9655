package engine

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Seen is what the sender of an intent is known to have been shown of its document
// before they sent it. The zero value is somebody who is known, and was shown nothing.
type Seen struct {
	// Version is the newest one that they were shown; 0 for none that is known.
	Version int64
	// Anonymous tells that nothing tells them from others.
	Anonymous bool
}

// Overwriting says what an unconditional write did to what its sender had not read.
type Overwriting string

// What an unconditional write came to, under a contract that observes.
const (
	// OverwroteLost tells that it overwrote a version which is newer than the last
	// one that its sender was shown: a lost update.
	OverwroteLost Overwriting = "lost"
	// OverwroteDisjoint tells of a patch that it found such a version, and left all of
	// what was new in it as it was.
	OverwroteDisjoint Overwriting = "disjoint"
	// OverwroteCurrent tells that its sender had been shown the version it overwrote.
	OverwroteCurrent Overwriting = "current"
	// OverwroteUnread tells that nobody can say: no version is known that its sender
	// was shown, or what a patch would have to be compared with is not kept.
	OverwroteUnread Overwriting = "unread"
	// OverwroteAnonymous tells the same of a sender whom nothing tells from others.
	OverwroteAnonymous Overwriting = "anonymous"
	// OverwroteUnchanged tells that the write changed nothing, whoever sent it.
	OverwroteUnchanged Overwriting = "unchanged"
)

// Observation is what was seen of an unconditional write. It is about the state that
// the commit has overwritten, not about an earlier one that lost a race.
type Observation struct {
	Overwriting Overwriting
	Read        int64 // the newest version that its sender was shown; 0 for none
	Overwrote   int64 // the version that was there
	Warn        bool  // the sender is to be told
}

// observe notes on a plan what an unconditional write overwrites, where the contract
// has that observed. It never fails: the write goes on as if nobody looked.
func (w *write) observe(ctx context.Context, p *plan) {
	if !p.unconditional {
		return
	}
	rule := w.intent.Rules.Contract.Due(w.intent.edit().method())
	if !rule.Observes() {
		return
	}
	p.observed = &Observation{
		Overwriting: w.overwriting(ctx, p), Read: w.intent.Seen.Version, Overwrote: w.current.Version,
		Warn: rule == ifmatch.PreconditionWarn,
	}
	if !p.unchanged {
		p.decisions = p.observed.note()
	}
}

func (w *write) overwriting(ctx context.Context, p *plan) Overwriting {
	seen := &w.intent.Seen
	switch {
	case p.unchanged || p.content == store.ContentTouch:
		return OverwroteUnchanged
	case seen.Anonymous:
		return OverwroteAnonymous
	case seen.Version == 0:
		return OverwroteUnread
	case seen.Version >= w.current.Version:
		return OverwroteCurrent
	case w.intent.Op == OpPut || w.intent.Op == OpDelete:
		return OverwroteLost
	}
	return w.patching(ctx, p)
}

// patching is overwriting for what changes a part of the document, as it is at the
// commit. It loses what others have stored since its sender's version where that is not
// there any more.
func (w *write) patching(ctx context.Context, p *plan) Overwriting {
	lookup := baseLookup{engine: w.engine, recently: w.recently, current: w.current, rules: w.intent.Rules}
	base := lookup.find(ctx, w.intent.Seen.Version)
	if base == nil { // of another life, no longer kept, or storage fails: nobody can say
		return OverwroteUnread
	}
	theirs, err := w.currentValue()
	if err != nil {
		return OverwroteUnread
	}
	was, err := w.contentOf(base)
	if err != nil {
		return OverwroteUnread
	}
	if undone(was, theirs, p.candidate.value) {
		return OverwroteLost
	}
	return OverwroteDisjoint
}

// undone tells whether something that theirs has changed of base, by adding, replacing
// or removing it, is not so in result. Members are compared one by one. An array is as
// theirs left it while all of its elements are still there.
func undone(base, theirs, result jsonvalue.Value) bool {
	switch {
	case jsonvalue.Identical(theirs, result), jsonvalue.Identical(base, theirs):
		return false
	case theirs.Kind() == jsonvalue.KindObject && result.Kind() == jsonvalue.KindObject:
		for _, m := range theirs.Members() {
			if undone(base.Lookup(m.Name), m.Value, result.Lookup(m.Name)) {
				return true
			}
		}
		for _, m := range base.Members() {
			if theirs.Lookup(m.Name).IsAbsent() && !result.Lookup(m.Name).IsAbsent() {
				return true
			}
		}
		return false
	case theirs.Kind() == jsonvalue.KindArray && result.Kind() == jsonvalue.KindArray:
		return !holdsAll(result, theirs)
	}
	return true
}

// holdsAll tells whether an array has every element of another one, as often as that.
func holdsAll(has, all jsonvalue.Value) bool {
	count := make(map[string]int, has.Len())
	for _, v := range has.Elems() {
		count[string(v.Append(nil))]++
	}
	for _, v := range all.Elems() {
		text := string(v.Append(nil))
		if count[text] == 0 {
			return false
		}
		count[text]--
	}
	return true
}

// observedNote is what the log keeps of an observation, in the place of decisions: a
// write without a precondition is never merged.
type observedNote struct {
	Unconditional Overwriting `json:"unconditional"`
	Read          int64       `json:"read,omitempty"`
}

const observedPrefix = `[{"unconditional":"`

func (o *Observation) note() []byte {
	text, err := json.Marshal([]observedNote{{o.Overwriting, o.Read}})
	if err != nil {
		panic("engine: an observation cannot be encoded: " + err.Error()) // it holds a word and a number
	}
	return text
}

// observedIn returns what a log row keeps of an observation, zero for none.
func observedIn(decisions []byte) (n observedNote) {
	if !strings.HasPrefix(string(decisions[:min(len(decisions), len(observedPrefix))]), observedPrefix) {
		return n
	}
	var notes []observedNote
	if err := json.Unmarshal(decisions, &notes); err != nil || len(notes) != 1 {
		return observedNote{}
	}
	return notes[0]
}
