package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// contributionsName is the reserved name of what a document is made of.
const contributionsName = "_contributions"

// itemOf returns the target with the path of the document that it lies beside under a
// name.
func itemOf(t door.Target, name string) door.Target {
	t.Item = strings.TrimSuffix(t.Path, "/"+name)
	return t
}

// contribute takes what a source says of the document of t.
func (s *Server) contribute(w http.ResponseWriter, r *http.Request, t door.Target, _ *route) {
	s.door.ServeContribute(w, r, t)
}

// withdraw takes back one of what the document of t is made of.
func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	s.door.ServeWithdraw(w, r, t, to.id)
}

func (s *Server) getContribution(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	c, err := s.door.Engine.Contribution(r.Context(), t.Ref, t.Rules, t.Authority, to.id)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	writeJSON(w, r, http.StatusOK, engine.AppendContribution(nil, c))
}

// listContributions answers with a page of what a document is made of, in the
// order in which it came.
func (s *Server) listContributions(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parsePage(r.URL.RawQuery)
	var after int64
	if detail == "" && q.cursor != "" {
		at, ok := decodeCursor(cursorContributions, q.cursor)
		if after, ok = parseAfter(at, ok); !ok {
			detail = badCursor
		}
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	all, err := s.door.Engine.Contributions(r.Context(), t.Ref, t.Rules, t.Authority)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	writeJSON(w, r, http.StatusOK, pageOfContributions(all, after, q.limit))
}

func parseAfter(at string, ok bool) (int64, bool) {
	if !ok {
		return 0, false
	}
	return parseVersion(at)
}

// pageOfContributions returns the page of those that came after an arrival.
func pageOfContributions(all []contribution.Contribution, after int64, limit int) []byte {
	body := newPage()
	var last int64
	n := 0
	for i := range all {
		c := &all[i]
		if c.Arrival <= after {
			continue
		}
		if n == limit {
			return body.end(encodeCursor(cursorContributions, strconv.FormatInt(last, 10)))
		}
		body = engine.AppendContribution(body.item(), c)
		last = c.Arrival
		n++
	}
	return body.end("")
}
