package httpapi

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// FuzzCursor checks that a cursor is read only if it is, byte for byte, one that
// the server gives under the same query: else two spellings of one page would be
// two pages, and a place in one order a place in another.
func FuzzCursor(f *testing.F) {
	age, err := index.New("/age", index.Number)
	if err != nil {
		f.Fatal(err)
	}
	mine, other := binding{1, 2, 3, 4, 5, 6, 7, 8}, binding{8}
	key, err := age.KeyOf("21")
	if err != nil {
		f.Fatal(err)
	}
	for _, at := range []store.Place{{ID: "a"}, {ID: ""}, {ID: "../x"}, {Key: key, ID: "a"}, {Key: key}, {Key: []byte("s1"), ID: "a"}, {Key: make([]byte, 400), ID: "a"}} {
		f.Add(mine.encode(at))
		f.Add(other.encode(at))
	}
	for _, s := range []string{"", "l", encodeHistoryCursor(1), encodeHistoryCursor(1 << 53), encodeCursor(cursorHistory, "01"), "bGE=", "bGF", "!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, sort := range []*index.Index{nil, age} {
			at, list := mine.decode(s, sort)
			if list {
				if !ifmatch.ValidName(at.ID) || len(at.Key) > 0 && (sort == nil || !sort.Fits(at.Key)) {
					t.Fatalf("%q goes on after %+v, which is no place", s, at)
				}
				if again := mine.encode(at); again != s {
					t.Fatalf("%q and %q both go on after %+v", s, again, at)
				}
			}
			_, foreign := other.decode(s, sort)
			if _, history := decodeHistoryCursor(s); list && (history || foreign) {
				t.Fatalf("%q is taken by another list, or a history", s)
			}
			if _, ok := mine.decode(mine.encode(store.Place{ID: s}), sort); ok != ifmatch.ValidName(s) {
				t.Fatalf("the cursor after %q is read: %t", s, ok)
			}
			if at, ok := mine.decode(mine.encode(store.Place{Key: []byte(s), ID: "a"}), sort); ok != (s == "" || sort != nil && sort.Fits([]byte(s))) || ok && (string(at.Key) != s || at.ID != "a") {
				t.Fatalf("the cursor at %q is read: %t, %+v", s, ok, at)
			}
		}
		before, history := decodeHistoryCursor(s)
		if history {
			if before < 1 || before > ifmatch.MaxVersion {
				t.Fatalf("%q goes on below %d", s, before)
			}
			if again := encodeHistoryCursor(before); again != s {
				t.Fatalf("%q and %q both go on below %d", s, again, before)
			}
		}
	})
}

// FuzzFeedCursor checks that the cursor of a feed is read only if it is, byte for byte,
// one that the server gives, and by no other resource.
func FuzzFeedCursor(f *testing.F) {
	mine := feedCursor{store: nameOf("a store"), part: nameOf("notes", ""), epoch: 1}
	for _, at := range []engine.FeedPlace{{}, {Mark: store.Mark{1}}, {Mark: store.Mark{300}, Pruned: store.Mark{200}}, {Mark: store.Mark{0, math.MaxInt64, 3}, Pruned: store.Mark{math.MaxInt64}}} {
		mine.at = at
		f.Add(mine.String())
		f.Add(mine.String() + "A")
		f.Add(mine.String()[1:])
	}
	for _, s := range []string{"", "now", "f", "!", encodeHistoryCursor(1), encodeCursor(cursorFeed, strings.Repeat("\xff", 40)), encodeCursor(cursorFeed, strings.Repeat("\x80", 14)+"\x00")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := decodeFeedCursor(s)
		if !ok {
			return
		}
		if c.epoch < 0 || least(c.at) < 0 || c.String() != s || s == sinceNow {
			t.Fatalf("%q is read as %+v, which is %q", s, c, c.String())
		}
		if _, history := decodeHistoryCursor(s); history || url.QueryEscape(s) != s {
			t.Fatalf("%q is taken by a history, or wants escaping", s)
		}
	})
}

// FuzzRoute checks that a path names at most one thing, in one spelling.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"/", "/v1", "/v1/", "/v1/notes", "/v1/notes/", "/v1/notes/1", "/v1/notes/1/_history", "/v1/notes/1/_history/2",
		"/v1/notes/1/_history/02", "/v1/notes/1/_diff", "/v1/notes/_changes", "/_changes", "/v1/site/_changes", "/v1/_changes", "/v1/notes/1/_changes", "/v1/notes/1/_blame", "/v1/notes/1/_lease", "/v1/site/_lease", "/v1/notes/_lease", "/v1/notes/1/_lease/2", "/v1/notes/1/_conflicts/a/resolve", "/v1/notes/1/_fields", "/v1/notes/1/_fields/a%20b/0", "/v1/site/_fields/a", "/v1/notes/../x", "/v1/notes//1", "/v1/_x/1", "/v1/notes/a%2Fb", "/admin/settings", "/admin/settings/a", "/v1/settings/a", "*",
		"/v1/orgs/a/users/b", "/v1/orgs/a/users", "/v1/orgs/x/users/b/_diff", "/v1/orgs/x/teams/y/logs/z", "/v1/orgs/a/brand", "/v1/orgs/a/brand/_history/7", "/v1/orgs//brand", "/v1/orgs/_/brand", "/v1/site/_history"} {
		f.Add(s)
	}
	rules := &engine.Rules{}
	collections := []Collection{
		{Name: "settings", Path: "/admin/settings", Rules: rules}, {Name: "deep", Path: "/admin/settings/a/b", Rules: rules},
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: rules}, {Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: rules},
		{Name: "logs", Path: "/v1/orgs/x/teams/{teamId}/logs/{day}/all", Rules: rules}, {Name: "site", Path: "/v1/site", Singleton: true, Rules: rules},
	}
	rt := newRouter(collections, rules)
	served := make(map[string]Collection)
	for _, c := range collections {
		served[c.Name] = c
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, ok := rt.match(path)
		if !ok {
			return
		}
		if r.kind == routeAllChanges {
			if path != "/_changes" {
				t.Fatalf("%q names the feed of all", path)
			}
			return
		}
		name := r.ref.Part.Collection
		c, named := served[name]
		if !named {
			c.Path = "/v1/" + name
		}
		if !ifmatch.ValidName(name) || r.rules == nil || r.kind != routeCollection && r.kind != routeChanges && !c.Singleton && !ifmatch.ValidName(r.ref.ID) || c.Singleton && r.kind == routeCollection {
			t.Fatalf("%q names %+v", path, r)
		}
		want := c.Path
		if strings.Contains(want, "{") {
			for value := range strings.SplitSeq(r.ref.Part.Params, "/") {
				before, rest, _ := strings.Cut(want, "{")
				_, after, _ := strings.Cut(rest, "}")
				if want = before + value + after; !ifmatch.ValidName(value) {
					t.Fatalf("%q has the parameter %q", path, value)
				}
			}
		}
		if r.kind != routeCollection && r.kind != routeChanges && !c.Singleton {
			want += "/" + r.ref.ID
		}
		switch r.kind {
		case routeHistory:
			want += "/_history"
		case routeVersion:
			want += "/_history/" + strconv.FormatInt(r.version, 10)
		case routeDiff:
			want += "/_diff"
		case routeBlame:
			want += "/_blame"
		case routeField:
			want += "/_fields" + r.field
		case routeChanges:
			want += "/_changes"
		case routeConflicts:
			want += "/_conflicts"
		case routeConflict:
			want += "/_conflicts/" + r.id
		case routeResolve:
			want += "/_conflicts/" + r.id + "/resolve"
		case routeLease:
			want += "/_lease"
		case routeCollection, routeItem:
		}
		if want != path {
			t.Fatalf("%q names the same as %q", path, want)
		}
		if r.kind == routeField { // whose names may need escapes
			return
		}
		u, err := url.ParseRequestURI(path)
		if err != nil || u.EscapedPath() != path || u.Path != path {
			t.Fatalf("%q is served and is no plain path: %v", path, err)
		}
	})
}

// FuzzPage checks what the query of a paged resource can ask for.
func FuzzPage(f *testing.F) {
	for _, s := range []string{"", "limit=1", "limit=1000", "limit=1001", "limit=0", "limit=-1", "limit=01", "limit=1&limit=2", "cursor=bGE", "cursor=", "page=2", "limit=%zz", "a;b"} {
		f.Add(s)
	}
	s := New(Config{MaxPage: 50})
	f.Fuzz(func(t *testing.T, raw string) {
		q, detail := s.parsePage(raw)
		if detail == "" && (q.limit < 1 || q.limit > 50) {
			t.Fatalf("%q asks for %d items", raw, q.limit)
		}
		if _, err := url.ParseQuery(raw); err != nil && detail == "" {
			t.Fatalf("%q is read though it cannot be: %v", raw, err)
		}
	})
}

// FuzzList checks that whatever a list is asked for is something that is declared,
// and that nothing else is taken for a question.
func FuzzList(f *testing.F) {
	for _, s := range []string{"", "limit=1", "page=2", "status=open", "status=", "status.in=a,b", "status=open&status=open", "age=10", "age.gte=21&age.lt=65", "age.in=1,2,x", "age=x", "age.gt=1e9",
		"done=true", "done.in=true,false", "done=1", "at.gt=2026-11-21T15:04:05Z", "at=2026-11-21T15:04:05+01:00", "address.city=Ulm", "address.city.in=Ulm", "address=Ulm", "a.b.lte=1",
		"sort=age", "sort=-age", "sort=--age", "sort=", "sort=age,status", "sort=size", "fields=title", "fields=title,address.city,address", "fields=", "fields=a..b", "fields=,", "age.ne=1", "age.=1", ".gt=1", "status=%ff", "%zz", "a;b"} {
		f.Add(s)
	}
	var indexes []*index.Index
	for _, d := range [][2]string{{"/status", "string"}, {"/age", "number"}, {"/done", "boolean"}, {"/at", "time"}, {"/address/city", "string"}, {"/a.b", "number"}} {
		x, err := index.New(d[0], index.Type(d[1]))
		if err != nil {
			f.Fatal(err)
		}
		indexes = append(indexes, x)
	}
	s := New(Config{MaxPage: 50})
	f.Fuzz(func(t *testing.T, raw string) {
		q, bad := s.parseList(raw, indexes)
		values, err := url.ParseQuery(raw)
		if bad != "" {
			return
		}
		if err != nil || q.Limit < 1 || q.Limit > 50 || q.Validate() != nil {
			t.Fatalf("%q asks for %+v: %v, %v", raw, q, err, q.Validate())
		}
		filters := 0
		for name, given := range values {
			if len(given) != 1 {
				t.Fatalf("%q gives %s %d times", raw, name, len(given))
			}
			if name != "limit" && name != "cursor" && name != "sort" && name != "fields" {
				filters++
			}
		}
		if filters != len(q.Where) || values.Has("sort") != (q.Sort != "") || values.Has("fields") != (q.fields != nil) {
			t.Fatalf("%q is read as %+v", raw, q)
		}
		for i := range q.Where {
			c := &q.Where[i]
			x, err := index.Parse(c.Index)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range append(c.In, c.From, c.To) {
				if len(key) > 0 && !x.Fits(key[:1]) {
					t.Fatalf("%q asks %s for %x", raw, x.ID(), key)
				}
			}
		}
		if q.fields != nil {
			if _, err := q.fields.of([]byte(`{"title":1,"address":{"city":"Ulm","zip":"89073"},"a.b":2,"a":{"b":3}}`)); err != nil {
				t.Fatalf("%q: %v", raw, err)
			}
		}
	})
}

// FuzzDiffQuery checks that two versions are read only as they are printed.
func FuzzAuditQuery(f *testing.F) {
	for _, raw := range []string{"", "collection=notes&by=ann&outcome=merged&since=2026-11-20T18:00:00Z&until=2026-11-20T18:00:00%2B02:00&limit=5&cursor=x", "document=/v1/notes/1", "document=/v1/notes&by=", "since=yesterday", "by=a&by=b", "%zz", "limit=0&page=2"} {
		f.Add(raw)
	}
	s := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: &engine.Rules{}})
	f.Fuzz(func(t *testing.T, raw string) {
		a := &auditing{server: s}
		cursor, values, bad := a.ask(raw)
		if bad != "" {
			if values != nil || cursor != "" || len(bad) > 2000 { // a name of 255 bytes, each of them escaped
				t.Errorf("%q: %q and %v of what is refused: %s", raw, cursor, values, bad)
			}
			return
		}
		if a.limit < 1 || a.limit > s.maxPage {
			t.Errorf("%q: pages of %d", raw, a.limit)
		}
		if cursor != "" && a.goOn(cursor) && (least(*a.at) < 0 || a.cursor().String() != cursor) {
			t.Errorf("%q goes on from %+v", raw, a.at)
		}
		again := &auditing{server: s} // what Link says for the next page asks for the same
		if _, _, bad := again.ask(values.Encode()); bad != "" || again.asked.scope != a.asked.scope || !again.asked.since.Equal(a.asked.since) || !again.asked.until.Equal(a.asked.until) || again.asked.by != a.asked.by {
			t.Errorf("%q comes back as %q: %+v, %+v, %s", raw, values.Encode(), a.asked, again.asked, bad)
		}
	})
}

func FuzzAccept(f *testing.F) {
	for _, line := range []string{"", "*/*", "text/event-stream;q=0.5, application/json", "a/b;q=;q=1", "TEXT/*;q=2", ",;,"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, media := range []string{"application/json", "text/event-stream", "application/jsonl"} {
			if q := quality(&http.Request{Header: http.Header{"Accept": {line}}}, media); !(q >= 0 && q <= 1) {
				t.Errorf("%q weighs %s %f", line, media, q)
			}
		}
	})
}

func FuzzDiffQuery(f *testing.F) {
	for _, s := range []string{"from=1&to=2", "to=2&from=1", "from=1", "from=1&to=2&to=3", "from=0&to=1", "from=+1&to=2", "from=1&to=9007199254740992", "from=1&to=2&x=1", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		from, to, bad := parseDiff(raw)
		if bad != "" {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil || from < 1 || to < 1 || len(values) != 2 ||
			values.Get("from") != strconv.FormatInt(from, 10) || values.Get("to") != strconv.FormatInt(to, 10) {
			t.Fatalf("%q is read as %d and %d: %v", raw, from, to, err)
		}
	})
}

// TestCursorsAreOpaqueText holds what a cursor may hold to what needs no
// escaping in a query.
func TestCursorsAreOpaqueText(t *testing.T) {
	for _, id := range []string{"a", "~", "-._~", strings.Repeat("z", ifmatch.MaxName)} {
		c := binding{}.encode(store.Place{Key: []byte("s\xff?>"), ID: id})
		if url.QueryEscape(c) != c {
			t.Errorf("the cursor %q wants escaping", c)
		}
		if _, err := base64.RawURLEncoding.DecodeString(c); err != nil {
			t.Error(err)
		}
		if _, err := http.NewRequest(http.MethodGet, "http://x/v1/notes?cursor="+c, nil); err != nil {
			t.Error(err)
		}
	}
}

// least returns the least position of a place, or 0.
func least(at engine.FeedPlace) int64 {
	return slices.Min(slices.Concat([]int64{0}, at.Mark, at.Pruned))
}
