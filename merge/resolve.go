package merge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Given is the winner of a decision for a value that is neither side's.
const Given Winner = "value"

// RuleChosen is the rule of a decision that somebody made about a dispute.
const RuleChosen = "chosen"

// Choice settles one dispute.
type Choice struct {
	// Winner is Theirs, Mine or Given; the zero Winner is no choice.
	Winner Winner
	// Value is what stands there if Winner is Given; absent: nothing does. For a
	// group it is an object as in a Dispute, with a member for each field that is to
	// be there, named by its pointer. Of several groups that have the first field in
	// common it has those of all: one choice is for all of them.
	Value jsonvalue.Value
}

// ChoicesError says that choices do not name exactly the disputes that there are.
// Both lists are sorted.
type ChoicesError struct {
	Open    []string // paths of disputes that nothing was chosen for
	Unknown []string // paths of choices that nothing is disputed at
}

// Error returns a sentence that names the paths.
func (e *ChoicesError) Error() string {
	var parts []string
	if e.Open != nil {
		parts = append(parts, "nothing was chosen for "+strings.Join(quoted(e.Open), ", "))
	}
	if e.Unknown != nil {
		parts = append(parts, "nothing is disputed at "+strings.Join(quoted(e.Unknown), ", "))
	}
	return "merge: " + strings.Join(parts, "; ")
}

func quoted(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = strconv.Quote(p)
	}
	return out
}

// ChoiceError says why a choice cannot stand where it was made.
type ChoiceError struct {
	Path string // of the dispute

	message string
}

// Error returns a sentence that says what is wrong, and where.
func (e *ChoiceError) Error() string { return "merge: " + strconv.Quote(e.Path) + ": " + e.message }

// Message returns the sentence alone.
func (e *ChoiceError) Message() string { return e.message }

// Resolve merges as [Three] does, with a choice for every dispute, by the string
// form of its path. A place holds what was chosen, an element of a list included,
// and everything else is as it is in the result of Three. Each choice is a decision
// of RuleChosen; for a group there is one for each of its fields.
//
// More are disputes that whoever calls has found beside those of the merge: their
// choices are put into the result at their paths, the ones further up first.
//
// It fails with a [*ChoicesError] where choices and disputes are not the same, and
// with a [*ChoiceError] about the first that cannot stand where it was made.
func Resolve(base, theirs, mine jsonvalue.Value, p *Policy, who Writers, choices map[string]Choice, more ...Dispute) (Result, error) {
	if p == nil {
		p = &Policy{}
	}
	w := walker{policy: p, matcher: newMatcher(p), who: who, root: three{base: base, theirs: theirs, mine: mine}}
	w.document() // for what is disputed
	more = slices.Clone(more)
	sortByPath(more, func(d *Dispute) jsonvalue.Pointer { return d.Path })
	if err := match(append(slices.Clone(w.disputes), more...), choices); err != nil {
		return Result{}, err
	}
	value, err := w.resolved(choices)
	if err != nil {
		return Result{}, err
	}
	for i := range more {
		d := &more[i]
		c := choices[d.Path.String()]
		var ok bool
		if value, ok = put(value, d.Path, c.of(three{d.Base, d.Theirs, d.Mine})); !ok {
			return Result{}, misplaced(d.Path)
		}
		w.decisions = append(w.decisions, Decision{Path: d.Path, Winner: c.Winner, Rule: RuleChosen})
	}
	sortByPath(w.decisions, func(d *Decision) jsonvalue.Pointer { return d.Path })
	return Result{Value: value, Decisions: w.decisions}, nil
}

// of returns the value that was chosen.
func (c *Choice) of(v three) jsonvalue.Value {
	if c.Winner == Given {
		return c.Value
	}
	return v.of(c.Winner)
}

// match fails unless there is a choice for each dispute and for nothing else, and
// each can be one.
func match(disputes []Dispute, choices map[string]Choice) error {
	var wrong ChoicesError
	fields := make(map[string][]string, len(disputes)) // of groups
	for i := range disputes {
		at := disputes[i].Path.String()
		if _, named := fields[at]; !named {
			fields[at] = nil
			if _, chosen := choices[at]; !chosen {
				wrong.Open = append(wrong.Open, at)
			}
		}
		for _, p := range disputes[i].Together {
			fields[at] = append(fields[at], p.String())
		}
	}
	for at := range choices {
		if _, disputed := fields[at]; !disputed {
			wrong.Unknown = append(wrong.Unknown, at)
		}
	}
	if wrong.Open != nil || wrong.Unknown != nil {
		slices.Sort(wrong.Open)
		slices.Sort(wrong.Unknown)
		return &wrong
	}
	for at, c := range choices {
		if err := c.fits(at, fields[at]); err != nil {
			return err
		}
	}
	return nil
}

// fits fails where a choice is none, or gives something else than the fields of a
// group.
func (c *Choice) fits(at string, group []string) error {
	switch {
	case c.Winner != Theirs && c.Winner != Mine && c.Winner != Given:
		return &ChoiceError{at, strconv.Quote(string(c.Winner)) + " is no choice; one of theirs, mine, value"}
	case c.Winner != Given || group == nil:
		return nil
	case c.Value.Kind() != jsonvalue.KindObject:
		return &ChoiceError{at, "this is about several fields; give an object that has them by their pointers"}
	}
	for _, m := range c.Value.Members() {
		if !slices.Contains(group, m.Name) {
			return &ChoiceError{at, strconv.Quote(m.Name) + " is not one of the fields " + strings.Join(group, ", ")}
		}
	}
	return nil
}

// resolved goes through the document once more and puts what was chosen where it
// finds a dispute. Groups stay as they were found, since nothing that somebody has
// chosen is a mixture.
func (w *walker) resolved(choices map[string]Choice) (jsonvalue.Value, error) {
	w.decisions, w.disputes, w.steps, w.choices = nil, nil, 0, choices
	var chosen []*mixture
	for _, m := range w.mixtures {
		if m.winner == "" {
			chosen = append(chosen, m)
			m.winner, m.rule = choices[m.places()[0].String()].Winner, RuleChosen
		}
	}
	value, _ := w.node(w.matcher.document(), w.root)
	w.noteGroups()
	for _, m := range chosen {
		c := choices[m.places()[0].String()]
		for _, at := range m.places() {
			want := w.root.of(c.Winner).At(at)
			if c.Winner == Given {
				want = c.Value.Lookup(at.String())
			}
			var ok bool
			if want.IsAbsent() || len(at) == 0 {
				value, ok = put(value, at, want)
			} else { // which makes objects that are missing on the way
				value, ok = value.With(at, want)
			}
			if !ok {
				return value, misplaced(at)
			}
		}
	}
	return value, nil
}

func misplaced(at jsonvalue.Pointer) *ChoiceError {
	return &ChoiceError{at.String(), "there is nothing here that it could be put into; choose otherwise, or give the document as a whole"}
}

// put returns v with x at a path, or without it where x is absent. It reports false
// where there is no place for it: an array has one for each of its elements and
// behind the last, an object for every name.
func put(v jsonvalue.Value, path jsonvalue.Pointer, x jsonvalue.Value) (jsonvalue.Value, bool) {
	switch {
	case len(path) == 0:
		return x, true
	case v.Kind() == jsonvalue.KindArray:
		return putElement(v.Elems(), path, x)
	case v.Kind() != jsonvalue.KindObject:
		return v, x.IsAbsent() // there is nothing already
	}
	below, ok := put(v.Lookup(path[0]), path[1:], x)
	switch {
	case !ok:
		return v, false
	case below.IsAbsent():
		rest, _ := v.Without(path[:1])
		return rest, true
	}
	return v.With(path[:1], below)
}

func putElement(elems []jsonvalue.Value, path jsonvalue.Pointer, x jsonvalue.Value) (jsonvalue.Value, bool) {
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i > len(elems) || strconv.Itoa(i) != path[0] {
		return jsonvalue.Array(elems...), x.IsAbsent()
	}
	var was jsonvalue.Value
	if i < len(elems) {
		was = elems[i]
	}
	below, ok := put(was, path[1:], x)
	if !ok {
		return jsonvalue.Value{}, false
	}
	elems = slices.Clone(elems)
	switch {
	case i == len(elems) && below.IsAbsent():
	case i == len(elems):
		elems = append(elems, below)
	case below.IsAbsent():
		elems = slices.Delete(elems, i, i+1)
	default:
		elems[i] = below
	}
	return jsonvalue.Array(elems...), true
}
