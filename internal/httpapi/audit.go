package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// auditPath is where the log of all collections is read.
const auditPath = "/_/api/audit"

const (
	// auditPage is how many rows are read of the store at once, and maxAuditPages how
	// often for one request: a page may end short, or empty, with a next one.
	auditPage     = 1000
	maxAuditPages = 20
)

// auditLines are media types of a row a line.
var auditLines = []string{"application/jsonl", "application/x-ndjson"}

// auditing is one caller's way through the log, from the oldest row on.
type auditing struct {
	server  *Server
	request *http.Request
	asked   auditQuery
	at      *engine.FeedPlace // nil before the oldest
	limit   int
	known   map[store.Ref]audited
}

// auditQuery is which rows are asked for. Its zero value is all of them.
type auditQuery struct {
	scope                   store.Scope
	collection, by, outcome string    // "" for any
	since, until            time.Time // zero for any; until itself is not among them
}

// audited is a document as the caller may know of its log.
type audited struct {
	engine.Auditor
	path string
}

// audit answers with a page of the log: who has done what, and how it came out. Rows of
// documents whose rules about the audit the caller does not pass are not there.
func (s *Server) audit(w http.ResponseWriter, r *http.Request, t door.Target) {
	a := &auditing{server: s, request: r, known: make(map[store.Ref]audited)}
	cursor, values, bad := a.ask(r.URL.RawQuery)
	if bad == "" && cursor != "" && !a.goOn(cursor) {
		bad = badCursor
	}
	if bad != "" {
		s.malformed(w, r, t, bad)
		return
	}
	media := "application/json"
	for _, lines := range auditLines {
		if quality(r, lines) > quality(r, media) {
			media = lines
		}
	}
	rows, more, err := a.read(r.Context())
	if err != nil {
		s.refuseAudit(w, r, t, err)
		return
	}
	h := w.Header()
	h["Cache-Control"], h["Vary"] = []string{"no-store"}, []string{door.VaryByReader}
	next := ""
	if more {
		next = a.cursor().String()
		values.Set("cursor", next)
		h["Link"] = []string{"<" + auditPath + "?" + values.Encode() + `>; rel="next"`}
	}
	body := auditBody(rows, media, next)
	s.door.Represent(r, ifmatch.ETag{}, len(body), &ifmatch.Conditions{}, false).SendAs(w, r, media, body)
}

// auditBody is a page of rows: an object, or a line each.
func auditBody(rows [][]byte, media, next string) []byte {
	if media != "application/json" {
		var body []byte
		for _, row := range rows {
			body = append(append(body, row...), '\n')
		}
		return body
	}
	body := newPage()
	for _, row := range rows {
		body = append(body.item(), row...)
	}
	return body.end(next)
}

func (s *Server) refuseAudit(w http.ResponseWriter, r *http.Request, t door.Target, err error) {
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok && refusal.Reason == engine.ReasonResync {
		s.door.Problem(w, r, &problem.Document{Code: problem.Resync, Resource: t.Path, Action: r.Method,
			Detail: "Rows behind this cursor were purged, or the store has been restored, since it was given out. Leave cursor out to begin with the oldest row that is kept."})
		return
	}
	s.door.Refuse(w, r, t, "", err)
}

// ask reads the query. It returns the cursor in it, and all of it as it is for the next
// page, or what is wrong with it.
func (a *auditing) ask(raw string) (cursor string, values url.Values, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", nil, badQuery
	}
	limits, bad := a.server.paging(values)
	if bad != "" {
		return "", nil, bad
	}
	a.limit = limits.limit
	for _, name := range namesOf(values) {
		if bad := a.filter(name, values.Get(name)); bad != "" {
			return "", nil, bad
		}
	}
	return limits.cursor, values, ""
}

// filter takes one parameter, and says what is wrong with it.
func (a *auditing) filter(name, value string) (bad string) {
	q := &a.asked
	if value == "" && name != "limit" && name != "cursor" {
		return shorten(name) + " is empty. Give it a value, or leave it out."
	}
	var err error
	switch name {
	case "limit", "cursor":
	case "collection":
		if q.collection = value; !a.server.router.serves(value) {
			return "There is no collection " + strconv.Quote(shorten(value)) + " here."
		}
	case "by":
		q.by = value
	case "outcome":
		if q.outcome = value; !slices.Contains(engine.Logged, engine.Result(value)) {
			return "There is no outcome " + strconv.Quote(shorten(value)) + " in the log. Use one of " + outcomes() + "."
		}
	case "since":
		q.since, err = time.Parse(time.RFC3339, value)
	case "until":
		q.until, err = time.Parse(time.RFC3339, value)
	case "document":
		to, ok := a.server.router.match(value)
		if !ok || to.kind != routeItem {
			return "document is the path of a document, as in document=/v1/notes/1, and not " + strconv.Quote(shorten(value)) + "."
		}
		q.scope = store.Scope{Part: to.ref.Part, ID: to.ref.ID, One: true}
	default:
		return "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use collection, document, by, outcome, since, until, limit and cursor."
	}
	if err != nil {
		return name + " is a time of RFC 3339, such as 2026-11-20T18:00:00Z. In a URL the + of an offset is written as %2B."
	}
	return ""
}

// outcomes lists what the log can have as an outcome.
func outcomes() string {
	var all []string
	for _, result := range engine.Logged {
		all = append(all, string(result))
	}
	return strings.Join(all, ", ")
}

// origin is the cursor before the oldest row. A filter is no part of it: with another
// one the same cursor goes on from the same place.
func (a *auditing) origin() feedCursor { return a.server.beginning(store.Part{Collection: "_audit"}) }

func (a *auditing) cursor() feedCursor {
	c := a.origin()
	c.at = *a.at
	return c
}

// goOn begins behind the place of a cursor.
func (a *auditing) goOn(cursor string) bool {
	c, ok := decodeFeedCursor(cursor)
	if origin := a.origin(); !ok || c.part != origin.part || c.store != origin.store || c.epoch != origin.epoch {
		return false
	}
	a.at = &c.at
	return true
}

// read returns the rows of a page, and whether there may be more.
func (a *auditing) read(ctx context.Context) (rows [][]byte, more bool, err error) {
	for range maxAuditPages {
		q := store.ChangeQuery{Scope: a.asked.scope, Limit: auditPage, Touches: true}
		page, next, err := a.server.door.Engine.Changes(ctx, q, a.at)
		if err != nil {
			return nil, false, err
		}
		var before store.Mark
		if a.at != nil {
			before = a.at.Mark
		}
		a.at = &next
		for i := range page.Entries {
			row, err := a.row(ctx, &page.Entries[i])
			if err != nil {
				return nil, false, err
			}
			if row == nil {
				continue
			}
			if rows = append(rows, row); len(rows) == a.limit {
				a.at.Mark = before.Past(page.Entries[:i+1])
				return rows, !a.at.Mark.Covers(page.Newest), nil
			}
		}
		if page.Last.Covers(page.Newest) {
			return rows, false, nil
		}
	}
	return rows, true, nil
}

// row returns a row as the caller may see it, nil for one that is not asked for, or that
// they may not.
func (a *auditing) row(ctx context.Context, e *store.Entry) ([]byte, error) {
	if !a.asked.has(e) {
		return nil, nil
	}
	of, known := a.known[e.Ref]
	if !known {
		var err error
		if of, err = a.document(ctx, &e.Ref); err != nil {
			return nil, err
		}
		a.known[e.Ref] = of
	}
	if !of.May(e.Life) {
		return nil, nil
	}
	return of.AppendRow(nil, e, of.path)
}

func (q *auditQuery) has(e *store.Entry) bool {
	return (q.collection == "" || q.collection == e.Ref.Part.Collection) &&
		(q.by == "" || q.by == e.Actor.Name) && (q.outcome == "" || q.outcome == e.Outcome) &&
		!e.At.Before(q.since) && (q.until.IsZero() || e.At.Before(q.until))
}

// document judges what the caller may know of a document's log; nothing of one that is
// not served.
func (a *auditing) document(ctx context.Context, ref *store.Ref) (of audited, err error) {
	to, path, served := a.server.router.locate(ref)
	if !served {
		return of, nil
	}
	t := door.Target{Ref: *ref, Rules: to.rules, Path: path}
	a.server.authorize(a.request, &t, to.authority)
	of.path = path
	of.Auditor, err = a.server.door.Engine.Auditor(ctx, *ref, t.Rules, t.Authority)
	return of, err
}
