package door

import (
	"context"
	"net/http"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// parkedAt returns the path of a parked write of t.
func (t *Target) parkedAt(id string) string { return t.item() + "/_conflicts/" + id }

// answerParked answers a write that is kept for somebody to decide, as its caller
// has asked for. Nothing of the document has changed, so that the answer has no
// validator: nobody is to take it for saved.
func (d *Door) answerParked(h http.Header, t Target, a answer) (status int, body []byte) {
	h["Cache-Control"] = noStore
	h["Ifmatch-Outcome"] = outcomeParked
	h["Preference-Applied"] = []string{"conflict=" + string(a.out.Granted)}
	if !a.in.Dry {
		h["Location"] = []string{t.parkedAt(a.out.Parked)}
	}
	told := jsonvalue.NewWriter(nil).Open('{').Name("id").String(a.out.Parked)
	told.Name("yourVersion").Int(a.out.Conflict.Base.Version).Name("currentVersion").Int(a.out.Document.Version)
	conflictOf(a.out.Conflict, t.Rules.Summary).Write(told)
	body = told.Close('}').Bytes()
	setBody(h, typeJSON, len(body))
	return http.StatusAccepted, body
}

// ServeResolve answers a POST that decides about a parked write of t.
func (d *Door) ServeResolve(w http.ResponseWriter, r *http.Request, t Target, id string) {
	t.Rules = t.Rules.Resolving() // as refusals speak of them
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	d.carryOut(w, r, t, in, func(ctx context.Context, in *engine.Intent) (*engine.Outcome, error) {
		return d.Engine.Resolve(ctx, in, id)
	}, d.rendering(t, in, wish))
}

// ServeDiscard answers a DELETE of a parked write of t.
func (d *Door) ServeDiscard(w http.ResponseWriter, r *http.Request, t Target, id string) {
	in, _, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	d.carryOut(w, r, t, in, func(ctx context.Context, in *engine.Intent) (*engine.Outcome, error) {
		return d.Engine.Discard(ctx, in, id)
	}, func(h http.Header, _ *engine.Outcome) (int, []byte) {
		h["Cache-Control"], h["Ifmatch-Outcome"] = noStore, []string{string(engine.Deleted)}
		return http.StatusNoContent, nil
	})
}
