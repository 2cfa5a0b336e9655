package httpapi

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// blameGrowth is how many times the limit of a document the answer may take. Paths are
// long, so that there is no end to what a document within the limit could make.
const blameGrowth = 16

// blame answers with the version that last gave each leaf of a document its value, when,
// and whose. What is shown depends on how much of the history is kept too, and on its
// reader, so that it is under a weak tag over the document's state and all of it.
func (s *Server) blame(w http.ResponseWriter, r *http.Request, t door.Target) {
	under, bad := parseBlame(r.URL.RawQuery)
	if bad != "" {
		s.malformed(w, r, t, bad)
		return
	}
	conditions := s.door.Conditions(r)
	b, err := s.door.Engine.Blame(r.Context(), t.Ref, t.Rules, t.Authority, ifmatch.Conditions{IfMatch: conditions.IfMatch, IfUnmodifiedSince: conditions.IfUnmodifiedSince})
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	if b.Seen.At(under).IsAbsent() {
		s.door.Problem(w, r, &problem.Document{Code: problem.NotFound, Resource: t.Path, Action: r.Method,
			Detail: "The document has nothing at " + strconv.Quote(under.String()) + "."})
		return
	}
	limit := blameGrowth * int(s.door.Engine.Limits().Body)
	body, ok := appendBlame(nil, b, under, limit)
	if !ok {
		s.door.Problem(w, r, &problem.Document{Code: problem.TooLarge, Status: http.StatusNotAcceptable, Resource: t.Path, Action: r.Method,
			Detail: "Who gave all of this document its values takes more than " + strconv.Itoa(limit) + " bytes to say. Ask for a part of it, as with ?pointer=/title."})
		return
	}
	tag, notModified := t.Rules.Composite(&b.Document.Head, body, &conditions)
	h := w.Header()
	as := s.door.Represent(r, tag, len(body), &conditions, notModified)
	h.Set("ETag", as.ETag.String())
	h.Set("Ifmatch-ETag", b.ETag.String())
	s.door.SetCaching(h, t.Rules)
	if notModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	as.Send(w, r, body)
}

// parseBlame reads which part of a document is asked about, all of it where none is
// named.
func parseBlame(raw string) (under jsonvalue.Pointer, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badQuery
	}
	for name := range values {
		if name != "pointer" {
			return nil, "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use pointer, or none."
		}
	}
	if len(values["pointer"]) > 1 {
		return nil, "Give pointer once."
	}
	if under, err = jsonvalue.ParsePointer(values.Get("pointer")); err != nil {
		return nil, badPointer
	}
	return under, ""
}

// appendBlame appends an object with a member for each leaf at or below a path. It
// reports false where that takes more than limit bytes.
func appendBlame(dst []byte, b *engine.Blame, under jsonvalue.Pointer, limit int) ([]byte, bool) {
	w := jsonvalue.NewWriter(dst).Open('{')
	b.Leaves(under, func(path jsonvalue.Pointer, by engine.Blamed) bool {
		w.Name(path.String()).Open('{').Name("version").Int(by.Version).Name("at").Time(by.At)
		if by.OrEarlier {
			w.Name("orEarlier").Bool(true)
		} else {
			w.NonEmpty("by", by.Actor.Name)
		}
		w.Close('}')
		return len(w.Bytes()) < limit
	})
	dst = w.Close('}').Bytes()
	return dst, len(dst) <= limit
}
