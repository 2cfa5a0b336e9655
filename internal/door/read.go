package door

import (
	"context"
	"net/http"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
)

// read answers GET and HEAD.
func (d *Door) read(w http.ResponseWriter, r *http.Request, t Target) {
	query, bad := parseQuery(r.URL.RawQuery)
	switch {
	case bad != nil:
		d.Problem(w, r, bad.problem(r, t))
	case query.Links && t.Links != nil && t.Rules.Members.HasLinks():
		d.readComposite(w, r, t, query.Inclusion)
	default:
		d.readState(w, r, t, query.Inclusion)
	}
}

// readState answers a read that shows one state of the document and nothing else.
func (d *Door) readState(w http.ResponseWriter, r *http.Request, t Target, in Inclusion) {
	conditions := d.Conditions(r)
	reading, err := d.Engine.Read(r.Context(), t.Ref, t.Rules, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	var body []byte
	if !reading.NotModified {
		if body, err = d.show(r.Context(), t, reading.Document, in, nil); err != nil {
			d.Refuse(w, r, t, "", err)
			return
		}
	}
	as := d.Represent(r, reading.ETag, len(reading.Document.Body), &conditions, reading.NotModified)
	d.setState(w.Header(), as.ETag, &reading.Document.Head)
	d.respond(w, r, as, body)
}

// readComposite answers a read that shows other documents' tags beside this
// document's state. Its tag is a weak one over all of that; the state's own stands
// in Ifmatch-ETag, and is what If-Match is judged on. There is no date that all of
// it was last modified at, so none is sent, and If-Modified-Since counts as absent
// (RFC 9110 §13.1.3).
func (d *Door) readComposite(w http.ResponseWriter, r *http.Request, t Target, in Inclusion) {
	conditions := d.Conditions(r)
	reading, err := d.Engine.Read(r.Context(), t.Ref, t.Rules, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	links, err := t.Links(r.Context())
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	tag := reading.ETag.Composite(links)
	seen := ifmatch.Conditions{IfNoneMatch: conditions.IfNoneMatch}
	res := ifmatch.Evaluate(http.MethodGet, seen, ifmatch.State{Exists: true, ETag: tag}, t.Rules.Contract)
	notModified := res.Verdict == ifmatch.NotModified
	var body []byte
	if !notModified {
		if body, err = d.show(r.Context(), t, reading.Document, in, links); err != nil {
			d.Refuse(w, r, t, "", err)
			return
		}
	}
	h := w.Header()
	h["Etag"], h["Ifmatch-Etag"] = etag(tag), etag(reading.ETag)
	d.respond(w, r, d.Represent(r, tag, len(body), &seen, notModified), body)
}

// respond answers a read with a body, or with 304 without one.
func (d *Door) respond(w http.ResponseWriter, r *http.Request, as Representation, body []byte) {
	h := w.Header()
	d.SetCaching(h)
	if body == nil {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Accept-Ranges"] = noRanges
	as.Send(w, r, body)
}

// show returns a document's body with what the contract adds to it: for its state,
// and links where they are not nil.
func (d *Door) show(ctx context.Context, t Target, doc *store.Document, in Inclusion, links []byte) ([]byte, error) {
	members := t.Rules.Members
	var meta []byte
	if in.Meta && members.HasMeta() {
		row, err := d.Engine.Row(ctx, &doc.Head)
		if err != nil {
			return nil, err
		}
		meta = t.Rules.AppendEntry(nil, row)
	}
	return members.With(members.Show(doc.Body, &doc.Head, in.Version), links, meta), nil
}
