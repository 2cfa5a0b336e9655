package engine

import (
	"errors"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// View returns what a caller sees of a document that is stored as current, absent for
// none: nil for everything.
func (r *Rules) View(a Authority, current jsonvalue.Value) *view.View {
	if r.Readers == nil {
		return nil
	}
	return r.Readers.View(func(field int) bool { return a != nil && a.MayRead(field, current) })
}

// ViewOf is [Rules.View] of a document as a store returns it. It fails with a
// [*Refusal].
func (e *Engine) ViewOf(rules *Rules, a Authority, doc *store.Document) (*view.View, error) {
	if rules.Readers == nil {
		return nil, nil
	}
	var current jsonvalue.Value
	if doc.Exists() {
		var err error
		if current, err = e.parseStored(doc.Body); err != nil {
			return nil, err
		}
	}
	return rules.View(a, current), nil
}

// Seen returns what is seen of a stored body. It does not write to body, and returns
// it where everything is. It fails with a [*Refusal].
func (e *Engine) Seen(body []byte, v *view.View) ([]byte, error) {
	if v == nil {
		return body, nil
	}
	document, err := e.parseStored(body)
	if err != nil {
		return nil, err
	}
	return v.Value(document).Append(nil), nil
}

// Show returns a stored body as a caller sees it: what they see of it, with what the
// contract adds for the state h. Asked tells that they have asked for the version. It
// fails with a [*Refusal].
func (e *Engine) Show(rules *Rules, body []byte, h *store.Head, asked bool, v *view.View) ([]byte, error) {
	seen, err := e.Seen(body, v)
	if err != nil {
		return nil, err
	}
	return rules.Members.Show(seen, h, asked, v == nil), nil
}

// see finds out what the caller of a write sees of the document as loaded. Of a head
// alone nothing can be said, and then it is nothing.
func (w *write) see() error {
	w.view = nil
	if w.intent.Rules.Readers == nil {
		return nil
	}
	if !w.hasBody() {
		w.view = w.intent.Rules.Readers.View(func(int) bool { return false })
		return nil
	}
	current, err := w.currentValue()
	if err == nil {
		w.view = w.intent.Rules.View(w.intent.Authority, current)
	}
	return err
}

// reveal adds to an outcome what the caller sees of its document, whose content is
// value.
func (w *write) reveal(out *Outcome, value jsonvalue.Value) {
	v := w.view
	if !w.intent.Dry {
		v = w.intent.Rules.View(w.intent.Authority, value)
	}
	out.Seen, out.hidden = out.Document.Body, v.Paths()
	seen := v.Value(value)
	if out.Partial = v != nil; out.Partial && !value.IsAbsent() {
		out.Seen = seen.Append(nil)
	}
	if w.intent.Op == OpField {
		w.revealField(out, seen)
	}
}

// forbidden refuses what would tell its caller of what they may not see.
func (w *write) forbidden(detail string, faults ...Fault) *Refusal {
	return &Refusal{Reason: ReasonForbidden, Current: w.current, Detail: detail, Faults: faults}
}

// unanswerable refuses a JSON Patch that asks for a hidden value. Everything else in
// it is judged on what its caller sees: nothing is in a hidden place.
func (w *write) unanswerable() error {
	if w.view == nil || w.intent.edit() != OpJSONPatch || !w.readable() { // what cannot be read is refused in its turn
		return nil
	}
	current, err := w.currentValue()
	if err != nil {
		return w.failed(err)
	}
	seen := w.view.Value(current)
	var faults []Fault
	for i, op := range w.content.patch.Ops() {
		at := w.intent.inDocument(op.Path)
		switch op.Kind {
		case patch.OpCopy, patch.OpMove:
			at = w.intent.inDocument(op.From)
			onto := slices.Equal(op.From, op.Path) // itself, as stands for a test of what the contract adds
			if onto || !w.view.Hides(at) && (!w.view.MayHide(at) || isScalar(seen.At(at))) {
				continue
			}
		case patch.OpTest:
			if !w.view.Hides(at) {
				continue
			}
		default:
			continue
		}
		faults = append(faults, Fault{at.String(), "Operation " + strconv.Itoa(i) + " is a " + op.Kind + " of what you may not see, or of what holds it."})
	}
	if faults == nil {
		return nil
	}
	return w.forbidden("The patch would tell you what you may not see. Leave out the operations that test, copy or move it, and send the others again. Nothing was done.",
		faults[:min(len(faults), maxFaults)]...)
}

func isScalar(v jsonvalue.Value) bool {
	switch v.Kind() {
	case jsonvalue.KindAbsent, jsonvalue.KindArray, jsonvalue.KindObject:
		return false
	}
	return true
}

// ambiguous returns an error of [view.View.Keep] as a [*Refusal].
func (w *write) ambiguous(err error) error {
	if a, ok := errors.AsType[*view.AmbiguousError](err); ok {
		return w.forbidden("Elements of "+a.Path.String()+" hold what you may not see, and which of them yours are cannot be told. Change one element at a time, or have the array made a list with a key. Nothing was done.",
			Fault{a.Path.String(), "Which elements these are cannot be told."})
	}
	return err
}

// told returns faults of a document as somebody is told of them: those that what they
// see of it has by itself, and of the others no more than that there are some. Was and
// is are the documents that were judged.
func (r *Rules) told(faults []Fault, was, is jsonvalue.Value, v *view.View) []Fault {
	if v == nil || len(faults) == 0 {
		return faults
	}
	own := r.Faults(v.Value(was), v.Value(is))
	var told []Fault
	for _, f := range faults {
		if !slices.Contains(own, f) {
			f = Fault{visible(f.Pointer, v), "What stands here is not valid together with what you may not see."}
		}
		if !slices.Contains(told, f) {
			told = append(told, f)
		}
	}
	return told
}

// visible returns as much of the path of a fault as leads to what is seen.
func visible(pointer string, v *view.View) string {
	at, err := jsonvalue.ParsePointer(pointer)
	if err != nil {
		return ""
	}
	for len(at) > 0 && v.Hides(at) {
		at = at[:len(at)-1]
	}
	return at.String()
}

// unchangeable returns a fault for each immutable field that the content gives a hidden
// value for. Whether there is one, and the same, must not be told, so that such a value
// comes with the document or not at all.
func (w *write) unchangeable(c *candidate) []Fault {
	if !c.brings || !w.current.Exists() {
		return nil
	}
	var faults []Fault
	for b := range w.intent.Rules.Merge.Breaches(c.brought, w.view.Value(c.brought)) {
		if len(faults) < maxFaults {
			faults = append(faults, Fault{b.Path.String(), "Must not be written: it does not change once it is there, and you may not see whether it is."})
		}
	}
	return faults
}

// shown returns disputes as somebody sees them: without the values that are hidden
// from them, also within others.
func shown(disputes []Dispute, v *view.View) []Dispute {
	if v == nil {
		return disputes
	}
	out := slices.Clone(disputes)
	for i := range out {
		d := &out[i]
		if !v.Key(d.Path) {
			d.Key = jsonvalue.Value{}
		}
		for _, side := range []*jsonvalue.Value{&d.Base, &d.Theirs, &d.Mine} {
			if d.Together == nil {
				*side = v.At(d.Path, *side)
			} else {
				*side = shownGroup(*side, v)
			}
		}
	}
	return out
}

// shownGroup returns what is seen of the values of a group, each by its path.
func shownGroup(values jsonvalue.Value, v *view.View) jsonvalue.Value {
	for _, m := range values.Members() {
		at, err := jsonvalue.ParsePointer(m.Name)
		if err != nil { // a merge names them by pointers
			at = nil
		}
		if seen := v.At(at, m.Value); seen.IsAbsent() || err != nil {
			values, _ = values.Without(jsonvalue.Pointer{m.Name})
		} else {
			values, _ = values.With(jsonvalue.Pointer{m.Name}, seen)
		}
	}
	return values
}
