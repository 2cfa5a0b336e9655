package httpapi

import (
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// list answers with a page of a collection.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parseList(r.URL.RawQuery, t.Rules.Indexes)
	bound := s.bind(t.Ref.Part, &q)
	if detail == "" && q.cursor != "" {
		var ok bool
		if q.After, ok = bound.decode(q.cursor, q.sort); !ok {
			detail = badCursor
		}
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	page, err := s.door.Engine.List(r.Context(), t.Ref.Part, q.ListQuery)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	tag := s.pageTag(t, page.Head, q.suffix(bound))
	verdict, ok := s.judge(w, r, t, tag)
	if !ok {
		return
	}
	w.Header().Set("ETag", tag)
	s.door.SetCaching(w.Header())
	if verdict == ifmatch.NotModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, err := appendPage(nil, &page, t.Rules, &q, bound)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	s.door.Represent(r, ifmatch.ETag{}, len(body), &ifmatch.Conditions{}, false).Send(w, r, body)
}

func appendPage(dst []byte, page *store.Page, rules *engine.Rules, q *listQuery, bound binding) ([]byte, error) {
	dst = append(dst, `{"items":[`...)
	for i, doc := range page.Documents {
		if i > 0 {
			dst = append(dst, ',')
		}
		data, err := q.fields.of(doc.Body)
		if err != nil {
			return nil, err
		}
		dst = append(dst, `{"id":`...)
		dst = jsonvalue.String(doc.Ref.ID).Append(dst)
		dst = append(dst, `,"etag":`...)
		dst = jsonvalue.String(engine.ETagOf(&doc.Head, &rules.Contract).String()).Append(dst)
		dst = append(dst, `,"version":`...)
		dst = strconv.AppendInt(dst, doc.Version, 10)
		dst = append(dst, `,"data":`...)
		dst = append(dst, rules.Members.Show(data, &doc.Head, false)...)
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if page.More {
		dst = appendNext(dst, bound.encode(page.Last))
	}
	return append(dst, '}'), nil
}
