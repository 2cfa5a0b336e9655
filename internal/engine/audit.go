package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Auditor is what a caller may know of the log of one document. The zero value is
// nothing.
type Auditor struct {
	rules *Rules
	may   bool
	reads bool // they may read the document too
	past  Past // what they see of it then; the zero value where nothing is ruled
	ended bool // they may see the rows of lives before the one that it is in
}

// May tells whether the caller may see the rows of a life of the document. Of one that
// has ended, as of [Past], what the document is now says nothing.
func (a *Auditor) May(life int64) bool {
	return a.may && (life == a.past.life || a.ended)
}

// Auditor judges whether a caller may see what was done to a document, as it stands
// now; of one that was deleted, as it was last, as far as that is kept. It fails with a
// [*Refusal].
func (e *Engine) Auditor(ctx context.Context, ref store.Ref, rules *Rules, a Authority) (Auditor, error) {
	all := Auditor{rules: rules, may: true, reads: true, past: Past{ended: true}, ended: true}
	if !rules.Reserved.Access && rules.Readers == nil {
		return all, nil
	}
	if rules.may(a, ActAudit, jsonvalue.Value{}) == No {
		return Auditor{}, nil
	}
	doc, err := e.store.Get(ctx, ref)
	if err != nil {
		return Auditor{}, e.refusalOf(err, nil)
	}
	life := doc.Life
	if doc.Deleted {
		if doc, err = e.beforeDeletion(ctx, doc); err != nil {
			return Auditor{}, e.refusalOf(err, nil)
		}
	}
	answer, err := rules.permitted(a, ActAudit, func() (jsonvalue.Value, error) {
		if !doc.Exists() {
			return jsonvalue.Value{}, nil
		}
		return e.parseStored(doc.Body)
	})
	if err != nil || answer != Yes {
		return Auditor{}, err
	}
	switch barred, refused := errors.AsType[*Refusal](e.permit(rules, a, doc)); {
	case !refused:
	case barred.Reason == ReasonForbidden || barred.Reason == ReasonNotFound:
		all.reads = false
	default:
		return Auditor{}, barred
	}
	all.ended = rules.may(a, ActAudit, jsonvalue.Value{}) == Yes
	all.past = Past{life: life, ended: rules.may(a, ActRead, jsonvalue.Value{}) == Yes, rules: rules, authority: a}
	all.past.now, err = e.ViewOf(rules, a, doc)
	return all, err
}

// AppendRow appends what the log keeps of one write, but for values: those of the
// document are in no row, and where its auditor may not read the document neither is
// what tells of them, such as a tag that is a digest of them. Path is the document's.
func (a *Auditor) AppendRow(dst []byte, e *store.Entry, path string) ([]byte, error) {
	w := jsonvalue.NewWriter(dst).Open('{').Name("collection").String(e.Ref.Part.Collection).Name("path").String(path)
	reads := a.reads && a.past.Shows(e.Life)
	a.rules.writeEntry(w, e, entryParts{tag: reads || a.rules.Contract.Token == ifmatch.TokenVersion})
	if len(e.Actor.Roles) > 0 {
		w.Name("roles").Open('[')
		for _, role := range e.Actor.Roles {
			w.String(role)
		}
		w.Close(']')
	}
	var decisions []byte
	var err error
	if reads {
		decisions, err = decisionsSeen(e.Decisions, a.past.View(e.Life))
	}
	if err != nil {
		return nil, fmt.Errorf("the decisions at position %d cannot be read: %w", e.Position, err)
	}
	if decisions != nil {
		w.Name("decisions").Raw(decisions)
	}
	return w.Close('}').Bytes(), nil
}

// decisionsSeen returns those decisions of a merge that are about what somebody sees, nil
// for none: their paths hold names, and keys of lists.
func decisionsSeen(kept []byte, v *view.View) ([]byte, error) {
	if len(kept) == 0 {
		return nil, nil
	}
	var all []decision
	if err := json.NewDecoder(bytes.NewReader(kept)).Decode(&all); err != nil {
		return nil, err
	}
	var told []decision
	for _, d := range all {
		at, err := jsonvalue.ParsePointer(d.Path)
		if err != nil {
			return nil, err
		}
		if d.Rule != "" && (v == nil || !v.Hides(at)) { // else it is a note, which the row tells by itself
			told = append(told, d)
		}
	}
	if told == nil {
		return nil, nil
	}
	return json.Marshal(told)
}
