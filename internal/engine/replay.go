package engine

import (
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Shown is what the answer to a write has shown of its document. It is stored with the
// answer, for whoever asks for it again.
type Shown struct {
	// ID is that of the document, which the write may have made.
	ID string `json:"id,omitempty"`
	// Own tells that there was no document: the caller has made all of it.
	Own bool `json:"own,omitempty"`
	// Hidden are the paths of the rules' Readers that the caller did not see.
	Hidden []string `json:"hidden,omitempty"`
}

// Shown returns what an answer to the outcome shows: of its document, or of that of each
// member of a batch.
func (out *Outcome) Shown() []Shown {
	if out.Members == nil {
		return []Shown{{ID: out.Document.Ref.ID, Own: !out.Before.Exists(), Hidden: out.hidden}}
	}
	var all []Shown
	for _, m := range out.Members {
		all = append(all, m.Shown()...)
	}
	return all
}

// PermitReplay refuses a caller who may not see any more what they were shown then: the
// rules are asked about the document as it is now. Where it is gone only those are asked
// that need none. It returns a [*Refusal].
func (e *Engine) PermitReplay(ctx context.Context, in *Intent, then Shown) error {
	rules := in.Rules
	if !rules.Reserved.Access && rules.Readers == nil {
		return nil
	}
	doc, err := e.store.Get(ctx, store.Ref{Part: in.Ref.Part, ID: then.ID})
	if err != nil {
		return e.refusalOf(err, nil)
	}
	may := rules.MayRead(in.Authority) != No
	if doc.Exists() {
		may = e.permit(rules, in.Authority, doc) == nil
	}
	v, err := e.ViewOf(rules, in.Authority, doc)
	if err != nil {
		return e.refusalOf(err, nil)
	}
	for _, path := range v.Paths() {
		may = may && slices.Contains(then.Hidden, path)
	}
	if !may && !then.Own {
		return &Refusal{Reason: ReasonForbidden,
			Detail: "This request was carried out before, under this Idempotency-Key. You may not see any more what it was answered. Ask whoever runs the server for access, or read the document to see what of it you may."}
	}
	return nil
}
