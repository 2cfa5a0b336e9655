package engine

import (
	"context"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// evaluation is what the preconditions came to on the document as loaded.
type evaluation struct {
	ifmatch.Result
	base *store.Entry // the version that a stale write's tag names
	gone bool         // it names one that is no longer kept
}

func (w *write) evaluate(ctx context.Context) (evaluation, error) {
	if w.intent.Op == OpField {
		return w.evaluateField()
	}
	lookup := baseLookup{engine: w.engine, recently: w.recently, current: w.current, rules: w.intent.Rules}
	conditions, state := w.intent.Conditions, lookup.state(ctx)
	if w.intent.Rules.Members != nil {
		if err := w.parseForVersion(); err != nil {
			return evaluation{}, err
		}
		if conditions.Version = w.content.version; conditions.Version != 0 {
			state.TagOf = func(version int64) (ifmatch.ETag, bool) { return lookup.tagOf(ctx, version) }
		}
	}
	contract := w.intent.Rules.Contract
	if w.intent.Op.contributes() || w.intent.Op.leases() || w.intent.Op == OpCheck { // it overwrites nothing that its sender could have overlooked
		contract.Precondition = asksNothing
	}
	res := ifmatch.Evaluate(w.intent.Op.method(), conditions, state, contract)
	if lookup.err != nil {
		return evaluation{}, w.failed(lookup.err)
	}
	return evaluation{Result: res, base: lookup.base, gone: lookup.gone}, nil
}

var asksNothing = ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional,
}

// parseForVersion reads the body where the preconditions may stand in it, and
// nothing that comes before it refuses the write.
func (w *write) parseForVersion() error {
	op := w.intent.Op
	inBody := w.intent.Rules.Members.version.always && (op == OpPut || op == OpMergePatch && w.current.Exists())
	if inBody && w.intent.Conditions.Malformed == nil {
		return w.parse()
	}
	return nil
}

// refuse turns a verdict that ends the write into its refusal.
func (w *write) refuse(res ifmatch.Result) *Refusal {
	r := &Refusal{Current: w.current, By: res.By}
	switch res.Verdict {
	case ifmatch.Missing:
		r.Reason = ReasonNotFound
	case ifmatch.Malformed:
		r.Reason, r.Condition = ReasonMalformed, w.intent.Conditions.Malformed
		if res.By == ifmatch.FieldVersion {
			r.Faults = []Fault{{Pointer: w.intent.Rules.Members.version.at.String(),
				Detail: "this version and If-Match name two states, send one of them"}}
		}
	case ifmatch.Required:
		r.Reason = ReasonRequired
	case ifmatch.Failed:
		r.Reason = FailedReason(res)
	default:
		r.Reason = ReasonInternal
	}
	return r
}

// FailedReason gives a false precondition its reason.
func FailedReason(res ifmatch.Result) Reason {
	switch {
	case res.Forged:
		return ReasonTokenForged
	case res.WeakOnly:
		return ReasonWeakValidator
	case res.By == ifmatch.FieldIfNoneMatch && res.AnyTag:
		return ReasonExists
	}
	return ReasonStale
}
