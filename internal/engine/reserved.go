package engine

import (
	"context"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Reserved is what only those callers of a collection may do whom the Authority of
// their intent lets; without one, nobody. The zero value reserves nothing.
type Reserved struct {
	// Access tells that each action on a document is asked about, and Documents that
	// some answers depend on the document.
	Access, Documents bool
	// Overwriting is to let a stale write win.
	Overwriting bool
	// Fields are those of the rules' Merge, in its order: whoever settles a dispute
	// over one of them, or overwrites what was stored in it meanwhile. Nil is none.
	Fields []Resolvers
}

// Resolvers are who may settle a dispute over a field, and over all below it that
// has none of its own.
type Resolvers struct {
	// Only tells that there are some. Else they are those of the field around it.
	Only bool
	// Roles are the roles that let somebody, for conflict documents; nil where that
	// is not all there is to it.
	Roles []string
}

// Authority says what the caller of an intent may do of what is reserved. It is
// asked on every turn, about the document as it is stored then.
type Authority interface {
	// May is about an action on a document: as it is stored, or for what a write would
	// leave as that would be. Absent asks before there is one, and is answered with
	// Depends where that takes one; with a document Depends is no.
	May(action Action, document jsonvalue.Value) Answer
	MayOverwrite(current jsonvalue.Value) bool
	// MayResolve is about the field of that index.
	MayResolve(field int, current jsonvalue.Value) bool
	// MayRead is about the path of that index among the Readers of the rules. Current
	// is absent where there is no document.
	MayRead(path int, current jsonvalue.Value) bool
}

// mayOverwrite tells whether the caller may let a write win that was made on base,
// nil for a version that is not known: neither overwriting as such is kept from
// them, nor a field that it would decide about.
func (w *write) mayOverwrite(ctx context.Context, base *store.Entry) (bool, error) {
	reserved := &w.intent.Rules.Reserved
	if !reserved.Overwriting && reserved.Fields == nil {
		return true, nil
	}
	current, err := w.currentValue()
	if err != nil {
		return false, err
	}
	if a := w.intent.Authority; reserved.Overwriting && (a == nil || !a.MayOverwrite(current)) {
		return false, nil
	}
	if reserved.Fields == nil || base == nil {
		return true, nil
	}
	decided, err := w.decidedByOverwriting(ctx, base)
	return err == nil && len(w.kept(decided, current)) == 0, err
}

// decidedByOverwriting returns the reserved fields that a stale write decides about
// if it wins: those in which it disputes what was stored since base, and those in
// which it undoes that.
func (w *write) decidedByOverwriting(ctx context.Context, base *store.Entry) ([]int, error) {
	s, err := w.weigh(ctx, base)
	if err != nil {
		return nil, err
	}
	var result candidate // which has no value after a deletion
	if w.intent.Op != OpDelete && !w.intent.Op.contributes() {
		if result, err = w.candidate(ctx, w.currentValue, &w.current.Head); err != nil {
			return nil, err
		}
	}
	fields := w.intent.Rules.overwritten(s.base, s.theirs, w.view.Value(result.value))
	for i := range s.merged.Disputes {
		fields = append(fields, w.intent.Rules.disputed(&s.merged.Disputes[i], s.sides())...)
	}
	return fields, nil
}

// kept returns those of the fields that the caller may not decide about.
func (w *write) kept(fields []int, current jsonvalue.Value) []int {
	return slices.DeleteFunc(slices.Clone(fields), func(field int) bool {
		return w.intent.Authority != nil && w.intent.Authority.MayResolve(field, current)
	})
}

// offered returns what the caller of a stale write may ask for. What cannot be
// told of it, as where its content does not apply, is not offered.
func (w *write) offered(ctx context.Context, base *store.Entry) []Strategy {
	return slices.Collect(func(yield func(Strategy) bool) {
		for s := range w.intent.Rules.Strategies() {
			if s == StrategyOverwrite {
				if may, err := w.mayOverwrite(ctx, base); err != nil || !may {
					continue
				}
			}
			if !yield(s) {
				return
			}
		}
	})
}

// Dispute is a dispute of a merge, and who may settle it.
type Dispute struct {
	merge.Dispute
	// MayResolve are roles that each let somebody settle it; nil where everybody may,
	// or where roles are not all there is to it.
	MayResolve []string
}

// disputes returns what is disputed as its writer is told of it.
func (r *Rules) disputes(s *weighed) []Dispute {
	if s.merged.Clean() {
		return nil
	}
	told := make([]Dispute, len(s.merged.Disputes))
	for i, d := range s.merged.Disputes {
		told[i] = Dispute{d, r.rolesOf(r.disputed(&d, s.sides()))}
	}
	return told
}

// mayResolve refuses a caller who may not decide about all that is disputed, and
// names what that is.
func (w *write) mayResolve(s *weighed) error {
	r := &Refusal{Reason: ReasonForbidden, Current: w.current}
	for i := range s.merged.Disputes {
		d := &s.merged.Disputes[i]
		if len(w.kept(w.intent.Rules.disputed(d, s.sides()), s.theirs)) == 0 {
			continue
		}
		paths := d.Together
		if paths == nil {
			paths = []jsonvalue.Pointer{d.Path}
		}
		for _, p := range paths {
			r.Faults = append(r.Faults, Fault{p.String(), "You may not decide about this."})
		}
	}
	if r.Faults == nil {
		return nil
	}
	return r
}

// overwritten returns the reserved fields that were changed since base and that a
// result would change again.
func (r *Rules) overwritten(base, theirs, result jsonvalue.Value) []int {
	s := r.reservations(func(v sides) bool {
		return !jsonvalue.Equal(v.base, v.theirs) && !jsonvalue.Equal(v.theirs, v.mine)
	})
	s.look(s.places.Top(), -1, sides{base, theirs, result})
	return s.found
}

// disputed returns the reserved fields that a dispute is about: that in which it
// lies, and those in it that the two sides have differently. Around are the
// documents.
func (r *Rules) disputed(d *merge.Dispute, around sides) []int {
	if r.Reserved.Fields == nil {
		return nil
	}
	s := r.reservations(func(v sides) bool { return !jsonvalue.Equal(v.theirs, v.mine) })
	if d.Together == nil {
		s.settle(d.Path, around, sides{d.Base, d.Theirs, d.Mine})
	}
	for _, p := range d.Together {
		name := p.String()
		s.settle(p, around, sides{d.Base.Lookup(name), d.Theirs.Lookup(name), d.Mine.Lookup(name)})
	}
	return s.found
}

// rolesOf returns the roles that each let somebody decide about all of the fields,
// nil where there are none or that is not all there is to it.
func (r *Rules) rolesOf(fields []int) []string {
	var roles []string
	for i, f := range fields {
		of := r.Reserved.Fields[f].Roles
		if i == 0 {
			roles = slices.Clone(of)
		}
		roles = slices.DeleteFunc(roles, func(role string) bool { return !slices.Contains(of, role) })
	}
	return roles
}

// sides are what a base, the stored document and a write have at a place.
type sides struct{ base, theirs, mine jsonvalue.Value }

func (s *weighed) sides() sides { return sides{s.base, s.theirs, s.mine.value} }

func (v sides) each() [3]jsonvalue.Value { return [3]jsonvalue.Value{v.base, v.theirs, v.mine} }

// reservations is a search for reserved fields.
type reservations struct {
	fields []Resolvers
	places *merge.Places
	counts func(sides) bool // whether a place, or something in it, is looked for
	found  []int
}

func (r *Rules) reservations(counts func(sides) bool) *reservations {
	return &reservations{fields: r.Reserved.Fields, places: r.Merge.Places(), counts: counts}
}

// settle finds the fields of a place that counts, whatever stands there.
func (s *reservations) settle(path jsonvalue.Pointer, around, there sides) {
	at := s.places.Top()
	nearest := s.nearest(at, -1)
	for i, token := range path {
		at = s.places.Below(at, token, inArray(around, path[:i]))
		nearest = s.nearest(at, nearest)
	}
	s.find(nearest)
	s.below(at, nearest, there)
}

// inArray tells whether a place holds an array: where the stored document has
// nothing there, any of the sides may.
func inArray(around sides, at jsonvalue.Pointer) bool {
	if v := around.theirs.At(at); !v.IsAbsent() {
		return v.Kind() == jsonvalue.KindArray
	}
	return around.base.At(at).Kind() == jsonvalue.KindArray || around.mine.At(at).Kind() == jsonvalue.KindArray
}

// look finds the fields of a place, if it counts. Above is the nearest reserved
// field above it.
func (s *reservations) look(at merge.Place, above int, there sides) {
	if !s.counts(there) {
		return
	}
	nearest := s.nearest(at, above)
	for _, v := range there.each() {
		if v.Kind() != jsonvalue.KindObject { // else what counts is in the members alone
			s.find(nearest)
		}
	}
	s.below(at, nearest, there)
}

// below finds the fields of what lies in a place.
func (s *reservations) below(at merge.Place, nearest int, there sides) {
	seen := make(map[string]bool)
	longest := 0
	for _, v := range there.each() {
		longest = max(longest, len(v.Elems()))
		for _, m := range v.Members() {
			if !seen[m.Name] {
				seen[m.Name] = true
				s.look(s.places.Below(at, m.Name, false), nearest,
					sides{there.base.Lookup(m.Name), there.theirs.Lookup(m.Name), there.mine.Lookup(m.Name)})
			}
		}
	}
	for i := range longest {
		s.look(s.places.Below(at, strconv.Itoa(i), true), nearest,
			sides{there.base.Elem(i), there.theirs.Elem(i), there.mine.Elem(i)})
	}
}

// nearest returns the reserved field of a place, which is that above it unless it
// has one of its own.
func (s *reservations) nearest(at merge.Place, above int) int {
	if f := at.Field(); f >= 0 && s.fields[f].Only {
		return f
	}
	return above
}

func (s *reservations) find(field int) {
	if field >= 0 && !slices.Contains(s.found, field) {
		s.found = append(s.found, field)
	}
}
