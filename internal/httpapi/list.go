package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// list answers with a page of a collection, of each document what its reader sees.
// Where that is not all, the tag is one over that too, and the list's own stands apart.
// Of a list whose documents not all of its readers may know of the tag is one over what
// is shown alone, and cursors are sealed: places in it are those of such documents too.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parseList(r.URL.RawQuery, t.Rules.Indexes)
	bound := s.bind(t.Ref.Part, &q)
	sifted := t.Rules.MayRead(t.Authority) == engine.Depends
	if detail == "" && q.cursor != "" && !s.goOn(&q, bound, sifted) {
		detail = badCursor
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	if name := q.hidden(t); name != "" {
		s.door.Problem(w, r, &problem.Document{Code: problem.Forbidden, Resource: t.Path, Action: r.Method,
			Detail: name + " goes by a member that you may not see in every document. Leave it out."})
		return
	}
	page, err := s.door.Engine.List(r.Context(), t.Ref.Part, t.Rules, t.Authority, q.ListQuery)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	views, mark, err := s.views(t, &page)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	whole := s.pageTag(t, page.Head, q.suffix(bound))
	tag := s.pageTag(t, page.Head, q.suffix(bound)+mark)
	if sifted {
		tag, mark = s.pageTag(t, 0, q.suffix(bound)+siftedMark(t, &page, views)), ""
	}
	verdict, ok := s.judge(w, r, t, tag)
	if !ok {
		return
	}
	w.Header().Set("ETag", tag)
	if mark != "" {
		w.Header().Set("Ifmatch-ETag", whole)
	}
	s.door.SetCaching(w.Header(), t.Rules)
	for _, doc := range page.Documents {
		s.door.Tell(r, t.Rules, doc.Ref, doc.Version)
	}
	if verdict == ifmatch.NotModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	items, err := s.items(&page, views, t.Rules, &q)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	next := ""
	if page.More {
		next = s.cursorAt(page.Last, bound, sifted)
	}
	body := items.end(next)
	s.door.Represent(r, ifmatch.ETag{}, len(body), &ifmatch.Conditions{}, false).Send(w, r, body)
}

// goOn has a query begin behind the place of its cursor, and reports whether that is
// one of the list.
func (s *Server) goOn(q *listQuery, bound binding, sealed bool) (ok bool) {
	cursor := q.cursor
	if sealed {
		if cursor, ok = s.open(cursor); !ok {
			return false
		}
	}
	q.After, ok = bound.decode(cursor, q.sort)
	return ok
}

// cursorAt returns the cursor of the page that begins behind a place.
func (s *Server) cursorAt(at store.Place, bound binding, sealed bool) string {
	cursor := bound.encode(at)
	if sealed {
		cursor = s.sealed(cursor)
	}
	return cursor
}

// views returns what the reader of a list sees of each document, nil for everything,
// and what makes its tag another one than that of who sees it all.
func (s *Server) views(t door.Target, page *store.Page) (views []*view.View, mark string, err error) {
	views = make([]*view.View, len(page.Documents))
	if t.Rules.Readers == nil {
		return views, "", nil
	}
	h, partial := sha256.New(), false
	for i, doc := range page.Documents {
		if views[i], err = s.door.Engine.ViewOf(t.Rules, t.Authority, doc); err != nil {
			return nil, "", err
		}
		partial = partial || views[i] != nil
		fmt.Fprintf(h, "%s %q ", doc.Ref.ID, views[i].Tag())
	}
	if partial {
		mark = ".v" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
	}
	return views, mark, nil
}

// siftedMark stands for all that is shown of a page of which not everything is.
func siftedMark(t door.Target, page *store.Page, views []*view.View) string {
	h := sha256.New()
	fmt.Fprintf(h, "%t ", page.More)
	for i, doc := range page.Documents {
		fmt.Fprintf(h, "%s %s %d %q ", doc.Ref.ID, engine.ETagOf(&doc.Head, &t.Rules.Contract), doc.Version, views[i].Tag())
	}
	return ".s" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// items returns the items of a page.
func (s *Server) items(page *store.Page, views []*view.View, rules *engine.Rules, q *listQuery) (pageBody, error) {
	body := newPage()
	for i, doc := range page.Documents {
		seen, err := s.door.Engine.Seen(doc.Body, views[i])
		if err != nil {
			return nil, err
		}
		data, err := q.fields.of(seen)
		if err != nil {
			return nil, err
		}
		dst := append(body.item(), `{"id":`...)
		dst = jsonvalue.String(doc.Ref.ID).Append(dst)
		dst = append(dst, `,"etag":`...)
		dst = jsonvalue.String(engine.ETagOf(&doc.Head, &rules.Contract).String()).Append(dst)
		dst = append(dst, `,"version":`...)
		dst = strconv.AppendInt(dst, doc.Version, 10)
		dst = append(dst, `,"data":`...)
		dst = append(dst, rules.Members.Show(data, &doc.Head, false, views[i] == nil)...)
		body = append(dst, '}')
	}
	return body, nil
}
