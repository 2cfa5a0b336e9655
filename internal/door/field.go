package door

import (
	"net/http"
	"net/url"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ServeField answers a request about one value of the document of t, which has its
// Item. Tags and conditions are those of the value; that of the document stands in
// Ifmatch-ETag.
func (d *Door) ServeField(w http.ResponseWriter, r *http.Request, t Target, at jsonvalue.Pointer) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		d.readField(w, r, t, at)
		return
	}
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	in.Op, in.Field = engine.OpField, &engine.Field{At: at, Op: in.Op}
	d.carryOut(w, r, t, in, d.Engine.Do, func(h http.Header, out *engine.Outcome) (int, []byte) {
		return answerField(h, t, answer{in: in, out: out, wish: wish})
	})
}

func (d *Door) readField(w http.ResponseWriter, r *http.Request, t Target, at jsonvalue.Pointer) {
	if _, bad := parseQuery(r.URL.RawQuery); bad != nil {
		d.Problem(w, r, bad.problem(r, t))
		return
	}
	conditions := d.Conditions(r)
	f, err := d.Engine.ReadField(r.Context(), t.Ref, t.Rules, t.Authority, at, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	var body []byte
	if !f.NotModified {
		body = f.Value.Append(nil)
	}
	d.Tell(r, t.Rules, t.Ref, f.Document.Version)
	as := d.Represent(r, f.ETag, len(f.Value.Append(nil)), &conditions, f.NotModified)
	h := w.Header()
	h["Etag"], h["Ifmatch-Etag"] = etag(as.ETag), etag(engine.ETagOf(&f.Document.Head, &t.Rules.Contract))
	d.respond(w, r, t, as, body)
}

// answerField announces what became of one value. A value that is not simply what was
// sent has no validator (RFC 9110 §9.3.4), as where what a caller may not see was kept.
func answerField(h http.Header, t Target, a answer) (status int, body []byte) {
	f, was := &a.out.Field, &a.out.FieldBefore
	h["Cache-Control"] = noStore
	h["Ifmatch-Outcome"] = []string{string(a.fieldResult())}
	setWarning(h, a.out.Observed)
	a.announcePreferences(h)
	if doc := a.state(); doc.Exists() {
		h["Ifmatch-Etag"] = etag(engine.ETagOf(&doc.Head, &t.Rules.Contract))
	}
	switch {
	case a.out.Combined:
		h["Content-Location"] = []string{t.item() + "/_fields?pointer=" + url.QueryEscape(a.in.Field.At.String())}
	case a.in.Dry:
		f = was
	}
	if f.Exists() && !a.out.Combined {
		h["Etag"] = etag(f.ETag)
	}
	status = http.StatusOK
	switch after := &a.out.Field; {
	case !after.Exists():
		return http.StatusNoContent, nil
	case !was.Exists():
		status = http.StatusCreated
	}
	if a.minimal() {
		if status == http.StatusOK {
			status = http.StatusNoContent
		}
		return status, nil
	}
	body = a.out.Field.Value.Append(nil)
	setBody(h, typeJSON, len(body))
	return status, body
}

// fieldResult names what became of the value, as Ifmatch-Outcome does of a document.
func (a *answer) fieldResult() engine.Result {
	switch {
	case a.out.Result != engine.Patched:
		return a.out.Result
	case a.in.Field.Op == engine.OpDelete:
		return engine.Deleted
	case a.in.Field.Op != engine.OpPut:
		return engine.Patched
	case !a.out.FieldBefore.Exists() && a.out.Field.Exists():
		return engine.Created
	}
	return engine.Replaced
}
