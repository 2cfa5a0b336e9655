package door

import (
	"net/http"
)

// read answers GET and HEAD.
func (d *Door) read(w http.ResponseWriter, r *http.Request, t Target) {
	query, bad := parseQuery(r.URL.RawQuery)
	if bad != nil {
		d.Problem(w, r, bad.problem(r, t))
		return
	}
	conditions := d.Conditions(r)
	reading, err := d.Engine.Read(r.Context(), t.Ref, t.Rules, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	as := d.Represent(r, reading.ETag, len(reading.Document.Body), &conditions, reading.NotModified)
	h := w.Header()
	d.setState(h, as.ETag, &reading.Document.Head)
	d.SetCaching(h)
	if reading.NotModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Accept-Ranges"] = noRanges
	body := t.Rules.Members.Show(reading.Document.Body, &reading.Document.Head, query.version)
	as.Send(w, r, body)
}
