package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// Field is what OpField does: an operation on one value of a document, under
// preconditions that are judged on that value alone. It is a write of the document like
// any other, and changes nothing beside the value, whatever the document has become:
// it is evaluated and applied anew on each state that a turn finds.
type Field struct {
	At jsonvalue.Pointer // not empty
	Op Op                // OpPut, OpMergePatch, OpJSONPatch or OpDelete
}

// inDocument returns a path of the document from one of what is patched.
func (in *Intent) inDocument(path jsonvalue.Pointer) jsonvalue.Pointer {
	if in.Op == OpField {
		return slices.Concat(in.Field.At, path)
	}
	return path
}

// FieldState is one value of a document as a caller sees it.
type FieldState struct {
	Value jsonvalue.Value // absent for none
	ETag  ifmatch.ETag    // zero for none

	verify func(ifmatch.ETag) ifmatch.Signature // nil where tags are not signed
}

// Exists tells whether there is a value.
func (s *FieldState) Exists() bool { return !s.Value.IsAbsent() }

// edit returns what is done to the document, or to the one value that this is about.
func (in *Intent) edit() Op {
	if in.Op == OpField {
		return in.Field.Op
	}
	return in.Op
}

// fieldState returns the value at a place of what a caller sees of a document whose
// head is h. Members of the contract are none.
func (r *Rules) fieldState(seen jsonvalue.Value, h *store.Head, at jsonvalue.Pointer) FieldState {
	s := FieldState{Value: r.own(seen).At(at)}
	of, pointer := subjectOf(&h.Ref), at.String()
	var digest *[32]byte
	if s.Exists() {
		digest = fieldDigest(h, pointer, s.Value)
		s.ETag = r.Contract.ValueTag(&of, pointer, digest)
	}
	s.verify = r.Contract.ValueVerifier(of, pointer, digest)
	return s
}

// own returns a document without the contract's members, which may stand in one that
// is older than the contract.
func (r *Rules) own(v jsonvalue.Value) jsonvalue.Value {
	if r.Members != nil {
		v, _ = r.Members.strip(v)
	}
	return v
}

// fieldDigest returns what the entity tag of one value of a document is made of: the
// value as its reader sees it, and which place of which document it stands in, in which
// of its lives, so that the tag fits no other.
func fieldDigest(h *store.Head, pointer string, v jsonvalue.Value) *[32]byte {
	var text []byte
	for _, part := range []string{h.Ref.Part.Collection, h.Ref.Part.Params, h.Ref.ID, pointer} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(v.AppendCanonical(binary.AppendVarint(text, h.Life)))
	return &sum
}

// stateOfField is a value as preconditions see it. It was last modified when the
// document was, or before: that errs on the side of a refusal, and of sending it again.
// No tag names an earlier value, so that no write is ever stale.
func stateOfField(d *store.Document, f *FieldState) ifmatch.State {
	if !f.Exists() {
		return ifmatch.State{Verify: f.verify}
	}
	return ifmatch.State{Exists: true, ETag: f.ETag, LastModified: d.At, SameSecond: d.SameSecond, Verify: f.verify}
}

// FieldReading is what a conditional read of one value found.
type FieldReading struct {
	Reading // whose ETag is that of the value
	Value   jsonvalue.Value
}

// ReadField loads one value of a document under the preconditions of a GET. It fails
// with a [*Refusal], as [Engine.Read] does.
func (e *Engine) ReadField(ctx context.Context, ref store.Ref, rules *Rules, a Authority, at jsonvalue.Pointer, c ifmatch.Conditions) (FieldReading, error) {
	doc, err := e.store.Get(ctx, ref)
	if err != nil {
		return FieldReading{}, e.refusalOf(err, nil)
	}
	if err := e.permit(rules, a, doc); err != nil {
		return FieldReading{}, err
	}
	var f FieldState
	if doc.Exists() {
		current, err := e.parseStored(doc.Body)
		if err != nil {
			return FieldReading{}, err
		}
		f = rules.fieldState(rules.View(a, current).Value(current), &doc.Head, at)
	}
	state := stateOfField(doc, &f)
	res := ifmatch.Evaluate("GET", c, state, rules.Contract)
	switch res.Verdict {
	case ifmatch.Fresh, ifmatch.NotModified:
		return FieldReading{reading(doc, &state, &c, res), f.Value}, nil
	case ifmatch.Missing:
		return FieldReading{}, &Refusal{Reason: ReasonNotFound, Current: doc, Field: &f, Detail: noField(doc, at)}
	}
	return FieldReading{}, &Refusal{Reason: FailedReason(res), By: res.By, Current: doc, Field: &f}
}

// quoted names a place in a sentence, of which no more is said than somebody would read.
func quoted(at jsonvalue.Pointer) string {
	const most = 200
	text := at.String()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strconv.Quote(text)
}

func noField(doc *store.Document, at jsonvalue.Pointer) string {
	switch {
	case doc.Deleted:
		return "The document was deleted."
	case !doc.Exists():
		return "There is no document here that could have fields."
	}
	return "The document has nothing at " + quoted(at) + "."
}

// field returns the value that the intent is about, as its caller sees it.
func (w *write) field() (FieldState, error) {
	current, err := w.currentValue()
	if err != nil {
		return FieldState{}, err
	}
	return w.intent.Rules.fieldState(w.view.Value(current), &w.current.Head, w.intent.Field.At), nil
}

// revealField adds to an outcome the value that the intent was about: as it is in what
// the caller sees now, and as it was.
func (w *write) revealField(out *Outcome, seen jsonvalue.Value) {
	f, rules := w.intent.Field, w.intent.Rules
	if f.Op != OpDelete { // where another element may have moved up
		out.Field = rules.fieldState(seen, &out.Document.Head, f.At)
	}
	out.FieldBefore = rules.fieldState(w.view.Value(w.value), &w.current.Head, f.At)
	if out.Partial && f.Op == OpPut && out.Field.Exists() && !jsonvalue.Identical(out.Field.Value, w.content.value) {
		out.Combined = true
	}
}

// evaluateField judges the preconditions on one value.
func (w *write) evaluateField() (evaluation, error) {
	f, err := w.field()
	if err != nil {
		return evaluation{}, w.failed(err)
	}
	return evaluation{Result: ifmatch.Evaluate(w.intent.Field.Op.method(), w.intent.Conditions, stateOfField(w.current, &f), w.intent.Rules.Contract)}, nil
}

// fieldCandidate applies the intent to one value of what its caller sees of a document.
func (w *write) fieldCandidate(was jsonvalue.Value) (candidate, error) {
	if w.intent.Field.Op != OpDelete {
		if err := w.parse(); err != nil {
			return candidate{}, err
		}
	}
	seen := w.intent.Rules.own(w.view.Value(was))
	change, err := w.fieldChange(seen)
	if err != nil {
		return candidate{}, err
	}
	wanted := w.intent.Rules.own(change)
	switch { // under the tag of what is seen it would overwrite, or take away, what nobody has read
	case w.view.Brings(wanted):
		return candidate{}, w.forbidden("You may not see all of what you give values for, and the tag of a field covers what its reader sees. Set it with a PATCH of the document, under the document's tag. Nothing was done.")
	case w.view.Takes(seen, wanted):
		return candidate{}, w.forbidden("What you take away may hold values that you may not see, and the tag of a field covers what its reader sees. Take it away with a PATCH of the document, under the document's tag. Nothing was done.")
	}
	return w.keeping(was, wanted)
}

// fieldChange returns what a caller sees of a document with the value as they want it.
func (w *write) fieldChange(seen jsonvalue.Value) (jsonvalue.Value, error) {
	f, limits := w.intent.Field, &w.engine.limits
	if members := w.intent.Rules.Members; members != nil && members.covers(f.At) {
		return seen, &Refusal{Reason: ReasonMalformed, Current: w.current, Faults: []Fault{{Pointer: f.At.String(), Detail: "the server writes this member, nobody else can"}}}
	}
	c := patch.Change{Op: patch.OpReplace, Path: f.At, From: seen.At(f.At)}
	var err error
	switch f.Op {
	case OpDelete:
		c.Op = patch.OpRemove
	case OpMergePatch:
		c.To = patch.MergePatch(c.From, w.content.value)
	case OpJSONPatch:
		if c.To, err = w.content.patch.Apply(c.From); err != nil {
			return seen, w.badPatch(err)
		}
	default:
		c.To = w.content.value
	}
	if c.From.IsAbsent() {
		if c.Op = patch.OpAdd; !hasPlace(seen, f.At) {
			return seen, &Refusal{Reason: ReasonNotFound, Current: w.current, Detail: noPlace(w.current, f.At)}
		}
	}
	if !c.To.IsAbsent() && len(f.At)+c.To.Depth() > limits.Depth {
		return seen, &Refusal{Reason: ReasonTooLarge, Current: w.current, Faults: []Fault{{Pointer: f.At.String(), Detail: "the document would nest deeper than " + strconv.Itoa(limits.Depth) + " levels"}}}
	}
	v, err := patch.AsJSONPatch([]patch.Change{c}).Apply(seen)
	if err != nil {
		return seen, w.badPatch(err)
	}
	return v, nil
}

// hasPlace tells whether a value can be put where there is none: as a member of an
// object that is there, or behind the last element of an array.
func hasPlace(v jsonvalue.Value, at jsonvalue.Pointer) bool {
	last := len(at) - 1
	holder := v.At(at[:last])
	if holder.Kind() == jsonvalue.KindArray {
		_, ok := jsonvalue.ArrayIndex(at[last], holder.Len()+1)
		return ok
	}
	return holder.Kind() == jsonvalue.KindObject
}

func noPlace(doc *store.Document, at jsonvalue.Pointer) string {
	if !doc.Exists() {
		return noField(doc, at) + " PUT the document first."
	}
	return "Nothing can be put at " + quoted(at) + ": " + quoted(at[:len(at)-1]) +
		" is no object, nor an array that has as many elements as the index says. PUT that first, or PATCH the array."
}

// covers tells whether a place is one of the members, or lies within.
func (m *Members) covers(at jsonvalue.Pointer) bool {
	for _, one := range m.all() {
		if one.at != nil && at.HasPrefix(one.at) {
			return true
		}
	}
	return false
}

// aboutField says on a refusal what the value is that it was decided on.
func (w *write) aboutField(err error) error {
	r := w.failed(err)
	if r.Current == nil || r.Current != w.current {
		return r
	}
	f, err := w.field()
	if err != nil {
		return w.failed(err)
	}
	if r.Field = &f; r.Reason == ReasonNotFound && r.Detail == "" {
		r.Detail = noField(w.current, w.intent.Field.At)
	}
	if r.Reason == ReasonStale && w.intent.Field.Op == OpPut && w.readable() { // what cannot be read is not there
		r.Applied = jsonvalue.Identical(w.content.value, f.Value)
	}
	return r
}
