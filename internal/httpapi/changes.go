package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// changesName is the reserved name of a collection's feed, and of that of all.
const changesName = "_changes"

// sinceNow is the place behind everything that has happened so far. No cursor looks
// like it.
const sinceNow = "now"

const badSince = "This is no cursor of this feed. Take it from next of the page before, or from the id of an event, or leave it out to begin with the oldest change that is kept. since=now begins with the next one."

// feed is one caller's way through changes. It holds a place and no changes, so
// that a caller who is slow costs no memory.
type feed struct {
	server  *Server
	request *http.Request
	to      route
	path    string // of the collection, "" of all
	scope   store.Scope
	origin  feedCursor        // of its beginning
	at      *engine.FeedPlace // nil before the oldest
	passed  store.Mark        // where the page begins that ends there, or what of it was told
	limit   int
	data    bool // with the documents
}

// all tells whether it is the feed of every collection.
func (f *feed) all() bool { return f.to.kind == routeAllChanges }

// changes answers with a page of changes, or with a stream of them.
func (s *Server) changes(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	f := &feed{server: s, request: r, to: *to, path: strings.TrimSuffix(t.Path, "/"+changesName), scope: store.Scope{Part: to.ref.Part}, origin: s.beginning(to.ref.Part)}
	streams := quality(r, "text/event-stream") > quality(r, "application/json")
	since, bad := f.ask(r.URL.RawQuery)
	if streams {
		f.limit = streamPage
		if f.data {
			f.limit = streamDocuments
		}
		last := r.Header["Last-Event-Id"]
		if since = cmp.Or(strings.Join(last, ","), since); len(last) > 1 {
			bad = "Last-Event-ID was sent " + strconv.Itoa(len(last)) + " times. Send it once."
		}
	}
	if bad != "" {
		s.malformed(w, r, t, bad)
		return
	}
	if err := f.begin(since); err != nil {
		s.refuseChanges(w, r, t, err)
		return
	}
	changes, err := f.read(r.Context())
	switch {
	case err != nil:
		s.refuseChanges(w, r, t, err)
	case streams:
		f.stream(w, changes)
	default:
		f.page(w, t, changes)
	}
}

// refuseChanges answers what reading a feed has failed with.
func (s *Server) refuseChanges(w http.ResponseWriter, r *http.Request, t door.Target, err error) {
	if errors.Is(err, errBadCursor) {
		s.malformed(w, r, t, badSince)
		return
	}
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok && refusal.Reason == engine.ReasonResync {
		s.door.Problem(w, r, &problem.Document{Code: problem.Resync, Resource: t.Path, Action: r.Method,
			Detail: "Not all that has happened since this cursor is kept, or the store has been restored since. Take a new cursor with ?since=now, then read the documents again, and follow from that cursor."})
		return
	}
	s.door.Refuse(w, r, t, "", err)
}

// ask reads the query of a feed.
func (f *feed) ask(raw string) (since, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", badQuery
	}
	limits, bad := f.server.paging(values)
	if f.limit = limits.limit; bad != "" {
		return "", bad
	}
	offers := "since, limit, include and id"
	if f.all() {
		offers = "since, limit and include"
	}
	for _, name := range namesOf(values) {
		switch value := values.Get(name); {
		case name == "limit":
		case name == "since" && value == "":
			return "", badSince
		case name == "since":
			since = value
		case name == "include" && value == "data":
			f.data = true
		case name == "include":
			return "", "include takes data, and not " + strconv.Quote(shorten(value)) + "."
		case name == "id" && !f.all() && ifmatch.ValidName(value):
			f.scope.ID, f.scope.One = value, true
		case name == "id" && !f.all():
			return "", "No document can have the id " + strconv.Quote(shorten(value)) + "."
		default:
			return "", "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use " + offers + "."
		}
	}
	return since, ""
}

// begin goes to where the caller has come to.
func (f *feed) begin(since string) error {
	switch since {
	case "":
		return nil
	case sinceNow:
		now := f.server.door.Engine.Watch(f.scope)
		defer now.Stop()
		f.at = &engine.FeedPlace{Mark: now.Quiet()}
		return nil
	}
	cursor, ok := decodeFeedCursor(since)
	switch {
	case !ok || cursor.part != f.origin.part:
		return errBadCursor
	case cursor.store != f.origin.store || cursor.epoch != f.origin.epoch:
		return &engine.Refusal{Reason: engine.ReasonResync}
	}
	f.at = &cursor.at
	return nil
}

// siftedAtOnce is how many changes are looked at together where the caller may see none
// of those before, and siftedDocuments how many with their documents: few at a time cost
// the store ten times as much.
const siftedAtOnce, siftedDocuments = 1000, 32

// read returns the next changes that the caller may see; none means that there are
// no more now. What it passes over is not read again.
func (f *feed) read(ctx context.Context) ([]change, error) {
	most := siftedAtOnce
	if f.data {
		most = siftedDocuments
	}
	for limit := f.limit; ; limit = max(limit, min(2*limit, most)) {
		if f.passed = nil; f.at != nil {
			f.passed = f.at.Mark
		}
		page, next, err := f.server.door.Engine.Changes(ctx, store.ChangeQuery{Scope: f.scope, Limit: limit, Bodies: f.data}, f.at)
		if err != nil {
			return nil, err
		}
		f.at = &next
		changes, err := f.visible(ctx, page.Entries)
		if len(changes) > f.limit {
			changes = changes[:f.limit]
			f.at.Mark = f.passed.Past(through(page.Entries, changes[f.limit-1].Entry))
		}
		if err != nil || len(changes) > 0 || page.Last.Covers(page.Newest) {
			return changes, err
		}
	}
}

// through returns entries up to the last one, which is one of them.
func through(entries []store.Entry, last *store.Entry) []store.Entry {
	n := 1
	for &entries[n-1] != last {
		n++
	}
	return entries[:n]
}

// next is read, but that it waits for changes until one comes, the time is up, the
// caller is gone, or the server is about to end: then it returns none.
func (f *feed) next(ctx context.Context, up <-chan time.Time) ([]change, error) {
	for {
		watch := f.server.door.Engine.Watch(f.scope)
		changes, err := f.read(ctx)
		if err != nil || len(changes) > 0 {
			watch.Stop()
			return changes, err
		}
		woken := false
		select {
		case <-watch.Changed():
			woken = true
		case <-up:
		case <-f.server.draining:
		case <-ctx.Done():
		}
		f.at.Mark = f.at.Mark.Join(watch.Quiet())
		watch.Stop()
		if !woken {
			return nil, nil
		}
	}
}

// page answers with the changes that there are, or waits for some where the caller
// prefers that, though not longer than the caller's token is valid.
func (f *feed) page(w http.ResponseWriter, t door.Target, changes []change) {
	s, r := f.server, f.request
	if patience, applied := door.Waits(r); patience > 0 {
		w.Header()["Preference-Applied"] = []string{applied}
		if len(changes) == 0 && r.Method != http.MethodHead {
			unlimited(w)
			up := time.NewTimer(min(patience, untilExpired(r)))
			defer up.Stop()
			var err error
			if changes, err = f.next(r.Context(), up.C); err != nil {
				s.refuseChanges(w, r, t, err)
				return
			}
		}
	}
	items := newPage()
	for i := range changes {
		var err error
		if items, err = f.append(items.item(), &changes[i]); err != nil {
			s.door.Refuse(w, r, t, "", err)
			return
		}
	}
	body := items.end(f.cursor().String())
	h := w.Header()
	h["Cache-Control"], h["Vary"] = []string{"no-store"}, []string{door.VaryByReader}
	s.door.Represent(r, ifmatch.ETag{}, len(body), &ifmatch.Conditions{}, false).Send(w, r, body)
}
