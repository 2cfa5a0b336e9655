package door

import (
	"context"
	"net/http"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// write answers PUT, PATCH and DELETE.
func (d *Door) write(w http.ResponseWriter, r *http.Request, t Target) {
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	d.carryOut(w, r, t, in, d.Engine.Do, d.rendering(t, in, wish))
}

// carryOut has the engine do what a request asks for, and answers it. Do returns
// neither an outcome nor an error where it has answered itself. What is stored
// under an idempotency key is what is sent, the first time too, so that the two
// cannot differ.
func (d *Door) carryOut(w http.ResponseWriter, r *http.Request, t Target, in *engine.Intent, do func(context.Context, *engine.Intent) (*engine.Outcome, error), render rendering) {
	in.Correlation = Correlation(r)
	if t.Barred != nil {
		d.Refuse(w, r, t, in.Correlation, t.Barred)
		return
	}
	d.answerOnce(w, r, t, in, do, render, func(err error) { d.Refuse(w, r, t, in.Correlation, err) })
}

// answerOnce is carryOut under the correlation id of in, where refuse answers what was
// refused.
func (d *Door) answerOnce(w http.ResponseWriter, r *http.Request, t Target, in *engine.Intent, do func(context.Context, *engine.Intent) (*engine.Outcome, error), render rendering, refuse func(error)) {
	if in.Key != nil {
		in.Key.Answer = func(out *engine.Outcome) ([]byte, error) { return render.encode(out, in.Actor.Roles) }
	}
	place, admitted := d.admit(w, r)
	if !admitted {
		return
	}
	out, err := d.once(r, in, do, place)
	if err == nil {
		d.observe(r, in, out)
	}
	switch {
	case err != nil:
		refuse(err)
	case out == nil:
	case out.Answer != nil:
		d.sendStored(w, r, t, in, out, refuse)
	default:
		status, body := render(w.Header(), out)
		SetReprDigest(w.Header(), r, body)
		send(w, status, body)
	}
}

// admit gives a write its place. Where there is none, the request has been answered.
func (d *Door) admit(w http.ResponseWriter, r *http.Request) (place engine.Place, ok bool) {
	if d.Admit == nil || r.Context().Value(inBatch{}) != nil {
		return anywhere{}, true
	}
	place = d.Admit(w, r)
	return place, place != nil
}

// anywhere is a place that is not counted.
type anywhere struct{}

func (anywhere) Leave()  {}
func (anywhere) Return() {}

// once has the engine carry an intent out in its place.
func (d *Door) once(r *http.Request, in *engine.Intent, do func(context.Context, *engine.Intent) (*engine.Outcome, error), place engine.Place) (*engine.Outcome, error) {
	defer place.Leave()
	in.Place = place
	return d.Engine.Once(r.Context(), in, do)
}

// rendering is how a write of a document is answered.
func (d *Door) rendering(t Target, in *engine.Intent, wish preferences) rendering {
	return func(h http.Header, out *engine.Outcome) (int, []byte) {
		return d.answer(h, t, answer{in: in, out: out, wish: wish})
	}
}

// ServeCreate answers a POST that creates a document in the part of t, whose id
// the engine makes. t.Path is the collection's, which is what a refusal is about.
// Its conditions are the collection's too: judge evaluates them once the request
// can be read, and answers where they refuse it.
func (d *Door) ServeCreate(w http.ResponseWriter, r *http.Request, t Target, judge func() bool) {
	EchoRequestID(w.Header(), r)
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	create := func(ctx context.Context, in *engine.Intent) (*engine.Outcome, error) {
		if !judge() {
			return nil, nil
		}
		return d.Engine.Create(ctx, in)
	}
	d.carryOut(w, r, t, in, create, d.creating(t, in, wish))
}

// creating is how the creation of a document in the part of t is answered.
func (d *Door) creating(t Target, in *engine.Intent, wish preferences) rendering {
	render := d.rendering(t, in, wish)
	return func(h http.Header, out *engine.Outcome) (int, []byte) {
		if !in.Dry {
			h["Location"] = []string{t.Path + "/" + out.Document.Ref.ID}
		}
		return render(h, out)
	}
}

// answer is what the response to a write is made of.
type answer struct {
	in   *engine.Intent
	out  *engine.Outcome
	wish preferences
}

func (d *Door) answer(h http.Header, t Target, a answer) (status int, body []byte) {
	if a.out.Result == engine.Parked {
		return d.answerParked(h, t, a)
	}
	h["Cache-Control"] = noStore
	h["Ifmatch-Outcome"] = []string{string(a.out.Result)}
	setWarning(h, a.out.Observed)
	a.announcePreferences(h)
	if a.out.Combined || a.out.Partial && a.in.Op != engine.OpDelete {
		d.announceCombined(h, t, a)
	} else {
		d.announceState(h, t, a)
	}
	status, body = a.content()
	if body != nil {
		setBody(h, typeJSON, len(body))
	}
	return status, body
}

// announceState sets the tag: of the new state, or under a dry run of the one
// that is still there.
func (d *Door) announceState(h http.Header, t Target, a answer) {
	if doc := a.state(); doc.Exists() {
		d.SetState(h, t, &doc.Head)
	}
}

// announceCombined announces a state that is not simply what was sent. With its
// tag a client would keep its own content under it and undo the other side's
// change on its next save, so that the answer has no validator (RFC 9110 §9.3.4):
// it shows the document, whose tag stands apart. What its writer may not see was kept
// for them, and counts as something that they have not sent.
func (d *Door) announceCombined(h http.Header, t Target, a answer) {
	if !a.in.Dry || a.out.Before.Exists() { // else there is nothing at any path
		h["Content-Location"] = []string{t.item()}
		if id := a.out.Document.Ref.ID; id != t.Ref.ID { // of a POST
			h["Content-Location"] = []string{t.sibling(id)}
		}
	}
	if doc := a.state(); doc.Exists() {
		h["Ifmatch-Etag"] = etag(engine.ETagOf(&doc.Head, &t.Rules.Contract))
	}
}

// state returns the document as it is after the write, which under a dry run is
// as it was.
func (a *answer) state() *store.Document {
	if a.in.Dry {
		return a.out.Before
	}
	return a.out.Document
}

func (a *answer) announcePreferences(h http.Header) {
	var applied []string
	if a.wish.returnSet && a.in.Op != engine.OpDelete && (a.in.Field == nil || a.in.Field.Op != engine.OpDelete) {
		if a.minimal() {
			applied = append(applied, "return=minimal")
		} else if !a.wish.minimal {
			applied = append(applied, "return=representation")
		}
	}
	if a.out.Granted != "" {
		applied = append(applied, "conflict="+string(a.out.Granted))
	}
	if a.out.Outranked != nil {
		applied = append(applied, "handling=lenient")
		h["Ifmatch-Outranked"] = []string{named(a.out.Outranked)}
	}
	if a.out.Waited {
		applied = append(applied, a.wish.waited())
	}
	if applied != nil {
		h["Preference-Applied"] = []string{join(applied)}
	}
}

// content returns the status and the body, nil for none.
func (a *answer) content() (status int, body []byte) {
	created := a.out.Result == engine.Created
	switch {
	case a.in.Op == engine.OpDelete:
		return http.StatusNoContent, nil
	case a.minimal() && created:
		return http.StatusCreated, nil
	case a.minimal():
		return http.StatusNoContent, nil
	case created:
		return http.StatusCreated, a.document()
	}
	return http.StatusOK, a.document()
}

// minimal tells whether the answer has no body. What came of a merge is shown,
// whatever was preferred.
func (a *answer) minimal() bool {
	return a.wish.minimal && !a.out.Combined && a.out.Result != engine.Merged
}

// document returns the body as its reader is to see it.
func (a *answer) document() []byte {
	return a.in.Rules.Members.Show(a.out.Seen, &a.out.Document.Head, a.wish.version, !a.out.Partial)
}
