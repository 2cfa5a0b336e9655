package httpapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// conflictsName is the reserved name of what is parked of a document, and
// resolveSuffix follows that of one parked write to decide about it.
const (
	conflictsName = "_conflicts"
	resolveSuffix = "/resolve"
)

// conflicts answers with a page of a document's parked writes, the oldest first,
// each with what it disputes of the current document.
func (s *Server) conflicts(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parsePage(r.URL.RawQuery)
	var after *engine.ParkedPlace
	if detail == "" && q.cursor != "" {
		var ok bool
		if after, ok = decodeParkedCursor(q.cursor); !ok {
			detail = badCursor
		}
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	page, err := s.door.Engine.OpenConflicts(r.Context(), t.Ref, t.Rules, t.Authority, after, q.limit)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	body, next := newPage(), ""
	for i := range page.Items {
		body = appendOpenConflict(body.item(), &page.Items[i], t.Rules)
	}
	if page.More {
		next = encodeParkedCursor(page.Last)
	}
	s.setComparedWith(w, r, t, page.Current)
	writeJSON(w, r, http.StatusOK, body.end(next))
}

// getConflict shows one parked write.
func (s *Server) getConflict(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	item, current, err := s.door.Engine.OpenConflict(r.Context(), t.Ref, t.Rules, t.Authority, to.id)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	s.setComparedWith(w, r, t, current)
	writeJSON(w, r, http.StatusOK, appendOpenConflict(nil, item, t.Rules))
}

// discard throws a parked write away.
func (s *Server) discard(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	s.door.ServeDiscard(w, r, t, to.id)
}

// resolve decides about a parked write.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	s.door.ServeResolve(w, r, t, to.id)
}

// setComparedWith gives the tag of the document that parked writes were merged
// with: who decides about them sends it in If-Match.
func (s *Server) setComparedWith(w http.ResponseWriter, r *http.Request, t door.Target, current *store.Document) {
	s.door.Tell(r, t.Rules, t.Ref, current.Version)
	w.Header()["Ifmatch-Etag"] = []string{engine.ETagOf(&current.Head, &t.Rules.Contract).String()}
}

func appendOpenConflict(dst []byte, c *engine.OpenConflict, rules *engine.Rules) []byte {
	w := jsonvalue.NewWriter(dst).Open('{').Name("id").String(c.ID).NonEmpty("by", c.By.Name).Name("at").Time(c.At)
	w.Name("yourVersion").Int(c.Base.Version).Name("base").Raw(c.Base.Body).Name("yours").Raw(c.Yours)
	conflict := problem.Conflict{Disputes: door.DisputesOf(c.Disputes, rules.Summary), Mergeable: len(c.Disputes) == 0}
	conflict.Write(w)
	if len(c.Faults) > 0 {
		w.Name("faults").Open('[')
		for _, f := range c.Faults {
			w.Open('{').Name("pointer").String(f.Pointer).Name("detail").String(f.Detail).Close('}')
		}
		w.Close(']')
	}
	return w.Close('}').Bytes()
}
