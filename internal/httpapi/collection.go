package httpapi

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

var collectionMethods = []string{"GET", "HEAD", "OPTIONS", "POST"}

func (s *Server) collection(w http.ResponseWriter, r *http.Request, t door.Target) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.list(w, r, t)
	case http.MethodPost:
		s.create(w, r, t)
	case http.MethodOptions:
		door.Options(w, collectionMethods, false)
	default:
		s.door.MethodNotAllowed(w, r, collectionMethods)
	}
}

// list answers with a page of a collection, ordered by id.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parsePage(r.URL.RawQuery)
	after := ""
	if detail == "" && q.cursor != "" {
		var ok bool
		if after, ok = decodeListCursor(q.cursor); !ok {
			detail = badCursor
		}
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	page, err := s.door.Engine.List(r.Context(), t.Ref.Part, after, q.limit)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	verdict, ok := s.judge(w, r, t, page.Head)
	if !ok {
		return
	}
	w.Header().Set("ETag", s.listTag(t, page.Head))
	s.door.SetCaching(w.Header())
	if verdict == ifmatch.NotModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := appendPage(nil, &page, t.Rules)
	s.door.Represent(r, ifmatch.ETag{}, len(body), &ifmatch.Conditions{}, false).Send(w, r, body)
}

func appendPage(dst []byte, page *store.Page, rules *engine.Rules) []byte {
	dst = append(dst, `{"items":[`...)
	for i, doc := range page.Documents {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = jsonvalue.String(doc.Ref.ID).Append(dst)
		dst = append(dst, `,"etag":`...)
		dst = jsonvalue.String(engine.ETagOf(&doc.Head, &rules.Contract).String()).Append(dst)
		dst = append(dst, `,"version":`...)
		dst = strconv.AppendInt(dst, doc.Version, 10)
		dst = append(dst, `,"data":`...)
		dst = append(dst, rules.Members.Show(doc.Body, &doc.Head, false)...)
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if n := len(page.Documents); page.More && n > 0 {
		dst = appendNext(dst, encodeCursor(cursorList, page.Documents[n-1].Ref.ID))
	}
	return append(dst, '}')
}

func appendNext(dst []byte, cursor string) []byte {
	dst = append(dst, `,"next":"`...)
	dst = append(dst, cursor...)
	return append(dst, '"')
}

// pageQuery is what a paged resource may be asked.
type pageQuery struct {
	limit  int
	cursor string
}

const (
	defaultPage = 100
	badCursor   = "This cursor is not one of this list. Take it from next of the page before, or leave it out to start."
)

// parsePage reads limit and cursor. Anything else is refused, so that a ?page=2
// is never answered with the first page.
func (s *Server) parsePage(raw string) (q pageQuery, bad string) {
	q.limit = min(defaultPage, s.maxPage)
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, "The query cannot be read. Escape its values as in a form."
	}
	for name, given := range values {
		switch {
		case name != "limit" && name != "cursor":
			return q, "There is no query parameter " + strconv.Quote(name) + " here. Use limit and cursor."
		case len(given) > 1:
			return q, name + " is given once."
		}
	}
	q.cursor = values.Get("cursor")
	if values.Has("cursor") && q.cursor == "" {
		return q, badCursor
	}
	if limit, there := values["limit"]; there {
		n, ok := parseVersion(limit[0])
		if !ok || n > int64(s.maxPage) {
			return q, "limit is a number from 1 to " + strconv.Itoa(s.maxPage) + "."
		}
		q.limit = int(n)
	}
	return q, ""
}

func (s *Server) malformed(w http.ResponseWriter, r *http.Request, t door.Target, detail string) {
	s.door.Problem(w, r, &problem.Document{Code: problem.Malformed, Detail: detail, Resource: t.Path, Action: r.Method})
}
