package merge

import (
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// dispute settles what both sides changed and no type combines, or records it.
// It returns what stands there in the result.
func (w *walker) dispute(at place, v three, reason string) jsonvalue.Value {
	structure := v.removed() || v.changedKind()
	switch {
	case structure && w.policy.ignoreStructure:
		return w.settled(v, v.kept(), RuleDetect)
	case !structure && w.policy.ignoreValues:
		return w.settled(v, Mine, RuleDetect)
	}
	field := at.settles
	settle := settlement{Rule: RuleReject}
	if field >= 0 {
		settle = w.policy.fields[field].settle
	}
	if field < 0 || field != at.field {
		if follow, ok := w.follows(at); ok {
			settle, field = follow, -1
		}
	}
	if winner := w.winner(at.element, settle, v, w.path); winner != "" {
		return w.settled(v, winner, string(settle.Rule))
	}
	if w.choices != nil {
		if c, ok := w.choices[w.path.String()]; ok {
			w.decide(c.Winner, RuleChosen)
			return c.of(v)
		}
	}
	d := Dispute{
		Path: slices.Clone(w.path), Base: v.base, Theirs: v.theirs, Mine: v.mine,
		Rule: settle.Rule, Reason: reason, Field: field,
	}
	if at.element != nil {
		d.Key = at.element.key
	}
	w.disputes = append(roomy(w.disputes), d)
	return v.theirs
}

func (w *walker) settled(v three, winner Winner, rule string) jsonvalue.Value {
	w.decide(winner, rule)
	return v.of(winner)
}

func (v *three) of(winner Winner) jsonvalue.Value {
	if winner == Mine {
		return v.mine
	}
	return v.theirs
}

// kept returns the side that kept the data: what is there before what was
// removed, the kind that base has before another, else the kind that holds more.
func (v *three) kept() Winner {
	theirs, mine, base := shape(v.theirs), shape(v.mine), shape(v.base)
	switch {
	case theirs == 0, theirs != base && mine == base && mine != 0:
		return Mine
	case mine == 0, theirs == base, theirs > mine:
		return Theirs
	}
	return Mine
}

// follows returns the comparison that goes by the field at the walker's path, if
// there is one.
func (w *walker) follows(at place) (settlement, bool) {
	if len(w.policy.follows) == 0 {
		return settlement{}, false
	}
	if e := at.element; e != nil {
		if s, ok := w.policy.follows[w.path[e.depth:].String()]; ok {
			return s, true
		}
	}
	s, ok := w.policy.follows[w.path.String()]
	return s, ok
}

// winner returns the side that a rule prefers, or nothing. The value is that of
// one path, or of several that mean something jointly.
func (w *walker) winner(e *element, s settlement, v three, paths ...jsonvalue.Pointer) Winner {
	switch s.Rule {
	case RuleTheirs:
		return Theirs
	case RuleMine:
		return Mine
	case RuleAuthority:
		return w.byAuthority(s.authority, paths)
	case RuleNewest:
		theirs, mine := w.compared(e, s, v)
		return greater(compareTimes(theirs, mine))
	case RuleHighest:
		theirs, mine := w.compared(e, s, v)
		return greater(jsonvalue.CompareNumbers(theirs, mine))
	case RuleLowest:
		theirs, mine := w.compared(e, s, v)
		return greater(jsonvalue.CompareNumbers(mine, theirs))
	}
	return ""
}

func greater(order int, ok bool) Winner {
	switch {
	case !ok || order == 0:
		return ""
	case order > 0:
		return Theirs
	}
	return Mine
}

// compareTimes compares two date-times of RFC 3339. It reports false where one of
// the values is none; no number is spelled like one.
func compareTimes(a, b jsonvalue.Value) (order int, ok bool) {
	x, first := jsonvalue.ParseInstant(a.Text())
	y, second := jsonvalue.ParseInstant(b.Text())
	return x.Compare(y), first && second
}

// compared returns what a rule compares: the values themselves, or what lies at
// its pointer.
func (w *walker) compared(e *element, s settlement, v three) (theirs, mine jsonvalue.Value) {
	if s.by == nil {
		return v.theirs, v.mine
	}
	if e != nil {
		theirs, mine = e.values.theirs.At(s.by), e.values.mine.At(s.by)
		if !theirs.IsAbsent() && !mine.IsAbsent() {
			return theirs, mine
		}
	}
	return w.root.theirs.At(s.by), w.root.mine.At(s.by)
}
