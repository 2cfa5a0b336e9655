package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/patch"
	"github.com/ifmatch/ifmatch/problem"
)

// history answers with a page of a document's history, newest first. It stays
// readable when the document is deleted.
func (s *Server) history(w http.ResponseWriter, r *http.Request, t door.Target) {
	q, detail := s.parsePage(r.URL.RawQuery)
	var before int64
	if detail == "" && q.cursor != "" {
		var ok bool
		if before, ok = decodeHistoryCursor(q.cursor); !ok {
			detail = badCursor
		}
	}
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	rows, more, err := s.door.Engine.History(r.Context(), t.Ref, t.Rules, t.Authority, before, q.limit)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	past, err := s.door.Engine.Past(r.Context(), t.Ref, t.Rules, t.Authority)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	if len(rows) > 0 { // the newest of them
		s.door.Tell(r, t.Rules, t.Ref, rows[0].Version)
	}
	body, next := newPage(), ""
	for i := range rows {
		body = t.Rules.AppendEntry(body.item(), &rows[i], past.View(rows[i].Life) == nil)
	}
	if more {
		next = encodeHistoryCursor(rows[len(rows)-1].Rev)
	}
	writeJSON(w, r, http.StatusOK, body.end(next))
}

// version answers with one version of a document, which never changes. What its reader
// sees of it may, and is under a weak tag like any read that does not show all.
func (s *Server) version(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	version := to.version
	asked, bad := door.Asked(r)
	if bad != "" {
		s.malformed(w, r, t, bad)
		return
	}
	entry, err := s.door.Engine.Version(r.Context(), t.Ref, t.Rules, t.Authority, version)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	past, err := s.door.Engine.Past(r.Context(), t.Ref, t.Rules, t.Authority)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	v := past.View(entry.Life)
	head := store.Head{Ref: t.Ref, Rev: entry.Rev, Version: entry.Version, Life: entry.Life, Digest: entry.Digest, At: entry.At}
	conditions := s.door.Conditions(r)
	reading, err := t.Rules.Judge(&store.Document{Head: head}, conditions)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	s.door.Tell(r, t.Rules, t.Ref, version)
	tag, notModified, h := reading.ETag, reading.NotModified, w.Header()
	if v == nil {
		s.door.SetState(h, t, &head)
	} else {
		tag, notModified = t.Rules.Composite(&head, v.Tag(), &conditions)
		h.Set("Ifmatch-ETag", engine.ETagOf(&head, &t.Rules.Contract).String())
	}
	as := s.door.Represent(r, tag, len(entry.Body), &conditions, notModified)
	h.Set("ETag", as.ETag.String())
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Vary", door.VaryPrivate)
	if t.Rules.Readers != nil || t.Rules.Reserved.Access { // who may see more tomorrow is not to be told the same
		s.door.SetCaching(h, t.Rules)
	}
	h.Set("Link", s.versionLinks(r.Context(), t, version))
	if notModified {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, err := s.door.Engine.Show(t.Rules, entry.Body, &head, asked.Version, v)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	if asked.Meta && t.Rules.Members.HasMeta() {
		body = t.Rules.Members.With(body, nil, t.Rules.AppendEntry(nil, entry, v == nil), nil)
	}
	as.Send(w, r, body)
}

// versionLinks are the relations of RFC 5829 that hold for good. The version
// before may be a deletion or no longer kept, and then there is none to read.
func (s *Server) versionLinks(ctx context.Context, t door.Target, version int64) string {
	item := t.Path[:strings.LastIndex(t.Path, "/_history/")]
	links := "<" + item + `>; rel="latest-version", <` + item + `/_history>; rel="version-history"`
	if version > 1 {
		if _, err := s.door.Engine.Version(ctx, t.Ref, t.Rules, t.Authority, version-1); err == nil {
			links += ", <" + item + "/_history/" + strconv.FormatInt(version-1, 10) + `>; rel="predecessor-version"`
		}
	}
	return links
}

// diff answers with the difference between two versions, as a JSON Patch, or as
// a merge patch to whom prefers that.
func (s *Server) diff(w http.ResponseWriter, r *http.Request, t door.Target) {
	from, to, detail := parseDiff(r.URL.RawQuery)
	if detail != "" {
		s.malformed(w, r, t, detail)
		return
	}
	d, err := s.door.Engine.Diff(r.Context(), t.Ref, t.Rules, t.Authority, from, to)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return
	}
	s.door.Tell(r, t.Rules, t.Ref, max(from, to))
	w.Header().Set("Vary", "Accept")
	if quality(r, "application/merge-patch+json") > quality(r, "application/json-patch+json") {
		merge, ok := patch.MergeDiff(d.From, d.To)
		if !ok {
			s.door.Problem(w, r, &problem.Document{Code: problem.PatchInapplicable, Status: http.StatusNotAcceptable, Resource: t.Path, Action: r.Method,
				Detail: "A merge patch cannot set a member to null, and this difference does. Ask for application/json-patch+json."})
			return
		}
		w.Header().Set("Content-Type", "application/merge-patch+json")
		writeJSON(w, r, http.StatusOK, merge.Append(nil))
		return
	}
	w.Header().Set("Content-Type", "application/json-patch+json")
	writeJSON(w, r, http.StatusOK, patch.AsJSONPatch(d.Changes).Append(nil))
}

func parseDiff(raw string) (from, to int64, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return 0, 0, "The query cannot be read. Escape its values as in a form."
	}
	for name := range values {
		if name != "from" && name != "to" {
			return 0, 0, "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use from and to."
		}
	}
	if len(values["from"]) != 1 || len(values["to"]) != 1 {
		return 0, 0, "Give two versions, such as ?from=1&to=2."
	}
	from, okFrom := parseVersion(values.Get("from"))
	to, okTo := parseVersion(values.Get("to"))
	if !okFrom || !okTo {
		return 0, 0, "from and to are version numbers, 1 or greater."
	}
	return from, to, ""
}
