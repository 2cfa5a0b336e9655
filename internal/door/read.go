package door

import (
	"context"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
)

// read answers GET and HEAD.
func (d *Door) read(w http.ResponseWriter, r *http.Request, t Target) {
	query, bad := parseQuery(r.URL.RawQuery)
	if bad != nil {
		d.Problem(w, r, bad.problem(r, t))
		return
	}
	in := query.Inclusion
	in.Links = in.Links && t.Links != nil && t.Rules.Members.HasLinks()
	in.Provenance = in.Provenance && t.Rules.Members.HasProvenance()
	if in.Links || in.Provenance || t.Rules.Readers != nil {
		d.readComposite(w, r, t, in)
		return
	}
	d.readState(w, r, t, in)
}

// readState answers a read that shows one state of the document and nothing else.
func (d *Door) readState(w http.ResponseWriter, r *http.Request, t Target, in Inclusion) {
	conditions := d.Conditions(r)
	reading, err := d.Engine.Read(r.Context(), t.Ref, t.Rules, t.Authority, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	d.answerState(w, r, t, in, &conditions, reading)
}

func (d *Door) answerState(w http.ResponseWriter, r *http.Request, t Target, in Inclusion, c *ifmatch.Conditions, reading engine.Reading) {
	var body []byte
	if !reading.NotModified {
		var err error
		if body, err = d.show(r.Context(), t, reading.Document, in, rest{}); err != nil {
			d.Refuse(w, r, t, "", err)
			return
		}
	}
	d.Tell(r, t.Rules, t.Ref, reading.Document.Version)
	as := d.Represent(r, reading.ETag, len(reading.Document.Body), c, reading.NotModified)
	d.setState(w.Header(), as.ETag, &reading.Document.Head)
	d.respond(w, r, t, as, body)
}

// readComposite answers a read that shows other documents' tags beside this
// document's state, or what it is made of, or less of it than there is. Its tag is a
// weak one over all of that; the state's own stands in Ifmatch-ETag, and is what
// If-Match is judged on. There is no date that all of it was last modified at, so none
// is sent, and If-Modified-Since counts as absent (RFC 9110 §13.1.3).
func (d *Door) readComposite(w http.ResponseWriter, r *http.Request, t Target, in Inclusion) {
	conditions := d.Conditions(r)
	reading, rest, err := d.readRest(r.Context(), t, in, conditions)
	if err != nil {
		d.Refuse(w, r, t, "", err)
		return
	}
	if rest.isZero() { // its reader sees everything
		d.answerState(w, r, t, in, &conditions, reading)
		return
	}
	tag, notModified := t.Rules.Composite(&reading.Document.Head, rest.bytes(), &conditions)
	var body []byte
	if !notModified {
		if body, err = d.show(r.Context(), t, reading.Document, in, rest); err != nil {
			d.Refuse(w, r, t, "", err)
			return
		}
	}
	d.Tell(r, t.Rules, t.Ref, reading.Document.Version)
	h := w.Header()
	h["Etag"], h["Ifmatch-Etag"] = etag(tag), etag(engine.ETagOf(&reading.Document.Head, &t.Rules.Contract))
	d.respond(w, r, t, d.Represent(r, tag, len(body), &conditions, notModified), body)
}

// rest is what makes an answer another one than its state, each nil for nothing: what
// it shows beside it, and what of it.
type rest struct {
	links, provenance []byte
	view              *view.View
}

func (s *rest) isZero() bool { return s.links == nil && s.provenance == nil && s.view == nil }

// bytes are what the tag of such an answer is made of.
func (s *rest) bytes() []byte {
	if s.provenance == nil {
		return slices.Concat(s.links, s.view.Tag())
	}
	return slices.Concat(s.links, []byte("_provenance"), s.provenance, s.view.Tag())
}

// readRest reads a document's state, and what else is to be shown.
func (d *Door) readRest(ctx context.Context, t Target, in Inclusion, c ifmatch.Conditions) (reading engine.Reading, beside rest, err error) {
	if in.Provenance {
		reading, beside.provenance, err = d.Engine.ReadTraced(ctx, t.Ref, t.Rules, t.Authority, c)
	} else {
		reading, err = d.Engine.Read(ctx, t.Ref, t.Rules, t.Authority, c)
	}
	if err == nil {
		beside.view, err = d.Engine.ViewOf(t.Rules, t.Authority, reading.Document)
	}
	if err == nil && in.Links {
		beside.links, err = t.Links(ctx)
	}
	return reading, beside, err
}

// respond answers a read with a body, or with 304 without one.
func (d *Door) respond(w http.ResponseWriter, r *http.Request, t Target, as Representation, body []byte) {
	h := w.Header()
	d.SetCaching(h, t.Rules)
	if body == nil {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Accept-Ranges"] = noRanges
	as.Send(w, r, body)
}

// show returns what is seen of a document's body, with what the contract adds to it:
// for its state, and beside it.
func (d *Door) show(ctx context.Context, t Target, doc *store.Document, in Inclusion, beside rest) ([]byte, error) {
	members := t.Rules.Members
	var meta []byte
	if in.Meta && members.HasMeta() {
		row, err := d.Engine.Row(ctx, &doc.Head)
		if err != nil {
			return nil, err
		}
		meta = t.Rules.AppendEntry(nil, row, beside.view == nil)
	}
	body, err := d.Engine.Show(t.Rules, doc.Body, &doc.Head, in.Version, beside.view)
	if err != nil {
		return nil, err
	}
	return members.With(body, beside.links, meta, beside.provenance), nil
}
