package door

import (
	"fmt"
	"net/http"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ServeContribute answers a POST of a contribution to the document of t, which has
// its Item. The request's conditions are about the document.
func (d *Door) ServeContribute(w http.ResponseWriter, r *http.Request, t Target) {
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	in.Op = engine.OpContribute
	d.carryOut(w, r, t, in, d.Engine.Do, contributing(t, in, wish))
}

// contributing is how a contribution is answered.
func contributing(t Target, in *engine.Intent, wish preferences) rendering {
	return func(h http.Header, out *engine.Outcome) (int, []byte) {
		announceBeside(h, t, in, out)
		status := http.StatusCreated
		if out.Result == engine.Unchanged {
			status = http.StatusOK
		}
		if !in.Dry {
			h["Location"] = []string{t.Item + "/_contributions/" + out.Contribution.ID}
		}
		if wish.returnSet {
			h["Preference-Applied"] = []string{"return=representation"}
			if wish.minimal {
				h["Preference-Applied"] = []string{"return=minimal"}
				return minimalStatus(status), nil
			}
		}
		body := contributedBody(in, out, t)
		setBody(h, typeJSON, len(body))
		return status, body
	}
}

// minimalStatus is the status of an answer that would have had a body.
func minimalStatus(status int) int {
	if status == http.StatusOK {
		return http.StatusNoContent
	}
	return status
}

// ServeWithdraw answers the DELETE of a contribution to the document of t. The
// request's conditions are about the document.
func (d *Door) ServeWithdraw(w http.ResponseWriter, r *http.Request, t Target, id string) {
	in, _, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return
	}
	in.Op, in.Contribution = engine.OpWithdraw, id
	d.carryOut(w, r, t, in, d.Engine.Do, withdrawing(t, in))
}

// withdrawing is how the withdrawal of a contribution is answered.
func withdrawing(t Target, in *engine.Intent) rendering {
	return func(h http.Header, out *engine.Outcome) (int, []byte) {
		announceBeside(h, t, in, out)
		return http.StatusNoContent, nil
	}
}

// announceBeside says what came of something beside a document. The tag of the
// document stands apart: a validator of a 201 would be that of what was created (RFC
// 9110 §15.3.2).
func announceBeside(h http.Header, t Target, in *engine.Intent, out *engine.Outcome) {
	h["Cache-Control"] = noStore
	h["Ifmatch-Outcome"] = []string{string(out.Result)}
	a := answer{in: in, out: out}
	if doc := a.state(); doc.Exists() {
		h["Ifmatch-Etag"] = etag(engine.ETagOf(&doc.Head, &t.Rules.Contract))
	}
}

// contributedBody tells the contribution's id, and the state that the document has
// with it. A dry run has made no id.
func contributedBody(in *engine.Intent, out *engine.Outcome, t Target) []byte {
	body := jsonvalue.NewWriter(nil).Open('{')
	if !in.Dry || out.Result == engine.Unchanged {
		body.Name("id").String(out.Contribution.ID)
	}
	body.Name("etag").String(engine.ETagOf(&out.Document.Head, &t.Rules.Contract).String())
	return body.Name("version").Int(out.Document.Version).Close('}').Bytes()
}

// maxOutranked bounds the header that names fields, in bytes.
const maxOutranked = 4 << 10

// named lists fields in a header: JSON Pointers as strings of a Structured Field
// (RFC 9651 §3.3.3), with what these cannot hold escaped as in a URI fragment (RFC
// 6901 §6). Where some are left out, for there is no end to what a document may
// hold, the token more stands behind the others.
func named(fields []jsonvalue.Pointer) string {
	var list []byte
	for _, p := range fields {
		item := []byte{'"'}
		for _, c := range p.Append(nil) {
			if c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '%' {
				item = append(item, c)
			} else {
				item = fmt.Appendf(item, "%%%02X", c)
			}
		}
		if len(list)+len(item) > maxOutranked {
			return string(append(list, "more"...))
		}
		list = append(append(list, item...), `", `...)
	}
	return string(list[:len(list)-len(", ")])
}
