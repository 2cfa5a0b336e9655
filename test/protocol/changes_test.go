package protocol_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// TestChanges: every change of content stands in the feed once, in order, with its
// tag and what it was; nothing else does.
func TestChanges(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		if page := a.changes("/v1/notes/_changes"); len(page.Items) != 0 {
			t.Errorf("an empty feed has %v", page.Items)
		}
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		a.must(200, "PATCH", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.must(204, "DELETE", "/v1/notes/2", "", "If-Match", `"1"`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":2}`, "If-None-Match", "*")
		// None of these is a change of a note.
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"2"`)
		a.must(412, "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"1"`)
		a.must(200, "PUT", "/v1/notes/1?dryRun=true", `{"n":3}`, "If-Match", `"2"`)
		a.must(201, "POST", "/v1/notes/1/_lease", `{"ttlMs":60000}`)
		a.must(201, "PUT", "/v1/others/1", `{"n":1}`)
		const (
			first  = `1 1 put "1" `
			second = `2 1 put "1" `
			third  = `1 2 patch "2" `
			fourth = `2 2 delete `
			fifth  = `2 3 put "3" `
		)
		all := []string{first, second, third, fourth, fifth}
		want := func(lines ...string) string {
			for i := range lines {
				lines[i] = strings.TrimSpace(lines[i]) + "\n"
			}
			return strings.Join(lines, "")
		}
		items, next := a.allChanges("/v1/notes/_changes", "")
		if got := lines(items); got != want(all...) {
			t.Errorf("the feed is\n%s", got)
		}
		if items[0].At == "" || items[0].Collection != "" || items[0].Path != "" {
			t.Errorf("a change is %+v", items[0])
		}
		if again := a.changes("/v1/notes/_changes?since=" + next); len(again.Items) != 0 {
			t.Errorf("behind the end there is %v", again.Items)
		}
		page := a.changes("/v1/notes/_changes?limit=2")
		if got := lines(page.Items) + lines(a.changes("/v1/notes/_changes?since="+page.Next).Items); got != want(all...) {
			t.Errorf("in two pages it is\n%s", got)
		}
		if got := lines(a.changes("/v1/notes/_changes?id=1").Items); got != want(first, third) {
			t.Errorf("the changes of one document are\n%s", got)
		}
		if got := lines(a.changes("/v1/notes/_changes?id=1&include=data&since=" + page.Next).Items); got != want(third+`{"n":2}`) {
			t.Errorf("with data they are\n%s", got)
		}
		if got := lines(a.changes("/v1/notes/_changes?id=2&include=data").Items); got != want(second+`{"n":1}`, fourth, fifth+`{"n":2}`) {
			t.Errorf("those of a document that was deleted are\n%s", got)
		}
		if got := lines(a.changes("/v1/notes/_changes?since=now").Items); got != "" {
			t.Errorf("from now on there is\n%s", got)
		}
		now := a.changes("/v1/notes/_changes?since=now").Next
		a.must(201, "PUT", "/v1/notes/3", `{"n":1}`)
		if got := lines(a.changes("/v1/notes/_changes?since=" + now).Items); got != want(`3 1 put "1"`) {
			t.Errorf("since now there is\n%s", got)
		}
		a.verify()
	})
}

// TestAllChanges: the feed of all collections has those that are served, each change
// with the path of its document.
func TestAllChanges(t *testing.T) {
	rules := func() *engine.Rules { return &engine.Rules{Contract: optional} }
	collections := []httpapi.Collection{
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: rules()},
		{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: rules()},
		{Name: "notes", Path: "/notes", Rules: rules()},
	}
	onEveryStore(t, setup{collections: collections}, func(t *testing.T, a *api) {
		for _, path := range []string{"/v1/orgs/a/users/1", "/v1/orgs/b/users/1", "/v1/orgs/a/brand", "/notes/1"} {
			a.must(201, "PUT", path, `{"n":1}`)
		}
		items, next := a.allChanges("/_changes", "")
		got := ""
		for _, c := range items {
			got += c.Collection + " " + c.Path + " " + c.ID + "\n"
		}
		want := "users /v1/orgs/a/users/1 1\nusers /v1/orgs/b/users/1 1\nbrand /v1/orgs/a/brand \nnotes /notes/1 1\n"
		if got != want {
			t.Errorf("the feed of all is\n%swant\n%s", got, want)
		}
		if got := a.changes("/v1/orgs/b/users/_changes").Items; len(got) != 1 || got[0].ID != "1" {
			t.Errorf("the users of b: %v", got)
		}
		if got := a.changes("/v1/orgs/a/brand/_changes").Items; len(got) != 1 || got[0].ID != "" {
			t.Errorf("a singleton's: %v", got)
		}
		b := *a // of which this one serves less
		b.serve(httpapi.Config{Door: &door.Door{Engine: engine.New(a.store, engine.Config{})}, Collections: collections[2:]})
		if items, _ := b.allChanges("/_changes", ""); len(items) != 1 || items[0].Path != "/notes/1" {
			t.Errorf("where notes alone are served: %v", items)
		}
		if items, _ := b.allChanges("/_changes", next); len(items) != 0 {
			t.Errorf("behind the end: %v", items)
		}
	})
}

// TestChangesAsked: what a feed cannot be asked is refused, and names what can.
func TestChangesAsked(t *testing.T) {
	onEveryStore(t, setup{maxPage: 10}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		mine := a.changes("/v1/notes/_changes").Next
		before := a.dump()
		for query, says := range map[string]string{
			"limit=0": "1 to 10", "limit=11": "1 to 10", "limit=1&limit=2": "once", "cursor=x": "since, limit, include and id",
			"since=": "oldest", "since=x": "oldest", "since=" + mine + "A": "oldest", "since=" + mine[1:]: "oldest", "include=meta": "data",
			"id=..": "id", "id=": "id", "%zz": "query",
		} {
			got := a.must(400, "GET", "/v1/notes/_changes?"+query, "")
			if p := a.problem(got); p.Type != "urn:ifmatch:problem:malformed" || !strings.Contains(p.Detail, says) {
				t.Errorf("%s: %s", query, got.body)
			}
		}
		a.must(400, "GET", "/_changes?id=1", "")
		a.must(400, "GET", "/v1/others/_changes?since="+mine, "") // is that of another feed
		a.must(400, "GET", "/_changes?since="+mine, "")
		list := a.must(200, "GET", "/v1/notes?limit=1", "")
		a.must(400, "GET", "/v1/notes?cursor="+mine, "")
		a.header(list, "Cache-Control", "public, no-cache")
		a.must(404, "GET", "/v1/_changes", "")
		a.must(404, "GET", "/v1/notes/1/_changes", "")
		for _, path := range []string{"/_changes", "/v1/notes/_changes"} {
			a.header(a.must(204, "OPTIONS", path, ""), "Allow", "GET, HEAD, OPTIONS")
			for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
				a.header(a.must(405, method, path, `{}`), "Allow", "GET, HEAD, OPTIONS")
			}
			if got := a.must(200, "HEAD", path, ""); got.body != "" {
				t.Errorf("HEAD %s has a body: %s", path, got.body)
			}
		}
		if after := a.dump(); after != before {
			t.Errorf("reading has left something behind:\n%s", after)
		}
	})
}

// restored is a store that was restored from a copy.
type restored struct{ *memory.Store }

func (r restored) Info() store.Info {
	info := r.Store.Info()
	info.Epoch++
	return info
}

// TestChangesResync: a cursor is 410 resync where something behind it is missing, in
// the store or in the log, and says what to do; one that missed nothing goes on.
func TestChangesResync(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		early := a.changes("/v1/notes/_changes").Next
		earlyAll := a.changes("/_changes").Next
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		a.must(201, "PUT", "/v1/others/1", `{"n":1}`)
		elsewhere := a.changes("/v1/others/_changes").Next
		a.must(204, "DELETE", "/v1/notes/2", "", "If-Match", `"1"`)
		a.must(201, "PUT", "/v1/notes/3", `{"n":1}`)
		late := a.changes("/v1/notes/_changes").Next
		resync := func(a *api, path string, headers ...string) {
			t.Helper()
			got := a.must(410, "GET", path, "", headers...)
			if p := a.problem(got); p.Type != "urn:ifmatch:problem:"+"resync" || !strings.Contains(p.Detail, "since=now") {
				t.Errorf("%s: %s", path, got.body)
			}
		}
		a.changes("/v1/notes/_changes?since=" + early)
		if err := a.store.(store.Purger).Purge(t.Context(), store.Ref{Part: store.Part{Collection: "notes"}, ID: "2"}); err != nil {
			t.Fatal(err)
		}
		resync(a, "/v1/notes/_changes?since="+early)
		resync(a, "/_changes?since="+earlyAll)
		resync(a, "/v1/notes/_changes", "Accept", "text/event-stream", "Last-Event-ID", early)
		if got := lines(a.changes("/v1/others/_changes?since=" + elsewhere).Items); got != "" {
			t.Errorf("elsewhere there is\n%s", got)
		}
		if got := a.changes("/v1/notes/_changes?since=" + late).Items; len(got) != 0 {
			t.Errorf("behind what was purged there is %v", got)
		}
		// Who begins after it has missed nothing that was there, in pages of any size.
		page := a.changes("/v1/notes/_changes?limit=1")
		if rest := a.changes("/v1/notes/_changes?since=" + page.Next).Items; len(page.Items) != 1 || len(rest) != 1 || rest[0].ID != "3" {
			t.Errorf("from the oldest that is kept there is %v, then %v", page.Items, rest)
		}
		other := memory.Open(memory.Options{})
		for _, st := range []store.Store{other, restoredFrom(a.store)} {
			if st == nil {
				continue
			}
			b := *a
			b.serve(httpapi.Config{Door: &door.Door{Engine: engine.New(st, engine.Config{})}, Default: &engine.Rules{}})
			resync(&b, "/v1/notes/_changes?since="+late)
		}
	})
}

// restoredFrom is the store as it would be after a restore, nil where that cannot be
// had for nothing.
func restoredFrom(st store.Store) store.Store {
	if m, ok := st.(*memory.Store); ok {
		return restored{m}
	}
	return nil
}

// TestChangesWait: a request that prefers to wait is answered by the first change that
// it may see, and says so.
func TestChangesWait(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		got := a.must(200, "GET", "/v1/notes/_changes", "", "Prefer", "wait=30")
		a.header(got, "Preference-Applied", "wait=30")
		next := a.changes("/v1/notes/_changes").Next
		answers := make(chan answer, 1)
		go func() {
			got, err := a.send("GET", "/v1/notes/_changes?since="+next, "", "Prefer", "wait=30")
			if err != nil {
				t.Error(err)
			}
			answers <- got
		}()
		// Whether it waits already does not matter: what is not for it never ends its
		// wait, and what is does.
		a.must(201, "PUT", "/v1/others/1", `{"n":1}`)
		a.must(201, "POST", "/v1/notes/1/_lease", `{"ttlMs":60000}`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		if got := <-answers; !strings.Contains(got.body, `"id":"2"`) || strings.Count(got.body, `"id"`) != 1 || got.header.Get("Preference-Applied") != "wait=30" {
			t.Errorf("%d %v: %s", got.status, got.header, got.body)
		}
		if got := a.must(200, "GET", "/v1/notes/_changes?since=now", "", "Prefer", "wait=1"); !strings.Contains(got.body, `"items":[]`) {
			t.Errorf("when the time is up: %s", got.body)
		}
		if got := a.must(200, "GET", "/v1/notes/_changes", "", "Prefer", "wait=no"); got.header.Get("Preference-Applied") != "" {
			t.Errorf("a wait that cannot be read is applied: %v", got.header)
		}
	})
}

// TestChangesStream: a stream shows what there is, then what comes, and goes on behind
// Last-Event-ID, whatever the query says.
func TestChangesStream(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		e, err := follow(ctx, a.url+"/v1/notes/_changes?include=data", "Accept-Encoding", "gzip")
		if err != nil {
			t.Fatal(err)
		}
		if h := e.header; h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Encoding") != "" || h.Get("ETag") != "" {
			t.Errorf("a stream has the header %v", h)
		}
		change := func(e *events, want string) {
			t.Helper()
			if c, err := e.change(); err != nil || c.line() != want {
				t.Errorf("an event is %q, want %q, %v", c.line(), want, err)
			}
		}
		change(e, `1 1 put "1" {"n":1}`)
		first := e.last
		change(e, `2 1 put "1" {"n":1}`)
		a.must(200, "PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`)
		change(e, `2 2 put "2" {"n":2}`)
		end := e.last
		e.body.Close()
		again, err := follow(ctx, a.url+"/v1/notes/_changes?since="+end, "Last-Event-ID", first)
		if err != nil {
			t.Fatal(err)
		}
		defer again.body.Close()
		change(again, `2 1 put "1"`)
		change(again, `2 2 put "2"`)
		if again.last != end {
			t.Errorf("the same change has the ids %s and %s", again.last, end)
		}
		if got := a.changes("/v1/notes/_changes?since=" + first).Items; len(got) != 2 {
			t.Errorf("behind the id of the first event there is %v", got)
		}
		if p := a.refused(400, "malformed", "GET", "/v1/notes/_changes", "", "Accept", "text/event-stream", "Last-Event-ID", first, "Last-Event-ID", end); !strings.Contains(p.Detail, "Send it once") {
			t.Errorf("two places to begin at: %s", p.Detail)
		}
		head := a.must(200, "HEAD", "/v1/notes/_changes", "", "Accept", "text/event-stream")
		a.header(head, "Content-Type", "text/event-stream")
	})
}
