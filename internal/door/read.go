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
	reading, err := d.Engine.Read(r.Context(), t.Ref, t.Rules, d.Conditions(r))
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	h := w.Header()
	d.setState(h, reading.ETag, &reading.Document.Head)
	d.SetCaching(h)
	if reading.NotModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Accept-Ranges"] = noRanges
	body := t.Rules.Members.Show(reading.Document.Body, &reading.Document.Head, query.version)
	setBody(h, typeJSON, len(body))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}
