package httpapi

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// FuzzCursor checks that a cursor is read only if it is, byte for byte, one that
// the server gives: else two spellings of one page would be two pages.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "l", encodeCursor(cursorList, "a"), encodeCursor(cursorList, ""), encodeCursor(cursorList, "../x"),
		encodeHistoryCursor(1), encodeHistoryCursor(1 << 53), encodeCursor(cursorHistory, "01"), "bGE=", "bGF", "!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		after, list := decodeListCursor(s)
		if list {
			if !engine.ValidName(after) {
				t.Fatalf("%q goes on after %q, which is no id", s, after)
			}
			if again := encodeCursor(cursorList, after); again != s {
				t.Fatalf("%q and %q both go on after %q", s, again, after)
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
		if list && history {
			t.Fatalf("%q is taken by lists and histories", s)
		}
		if _, ok := decodeListCursor(encodeCursor(cursorList, s)); ok != engine.ValidName(s) {
			t.Fatalf("the cursor after %q is read: %t", s, ok)
		}
	})
}

// FuzzRoute checks that a path names at most one thing, in one spelling.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"/", "/v1", "/v1/", "/v1/notes", "/v1/notes/", "/v1/notes/1", "/v1/notes/1/_history", "/v1/notes/1/_history/2",
		"/v1/notes/1/_history/02", "/v1/notes/1/_diff", "/v1/notes/../x", "/v1/notes//1", "/v1/_x/1", "/v1/notes/a%2Fb", "/admin/settings", "/admin/settings/a", "/v1/settings/a", "*",
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
		name := r.ref.Part.Collection
		c, named := served[name]
		if !named {
			c.Path = "/v1/" + name
		}
		if !engine.ValidName(name) || r.rules == nil || r.kind != routeCollection && !c.Singleton && !engine.ValidName(r.ref.ID) || c.Singleton && r.kind == routeCollection {
			t.Fatalf("%q names %+v", path, r)
		}
		want := c.Path
		if strings.Contains(want, "{") {
			for value := range strings.SplitSeq(r.ref.Part.Params, "/") {
				before, rest, _ := strings.Cut(want, "{")
				_, after, _ := strings.Cut(rest, "}")
				if want = before + value + after; !engine.ValidName(value) {
					t.Fatalf("%q has the parameter %q", path, value)
				}
			}
		}
		if r.kind != routeCollection && !c.Singleton {
			want += "/" + r.ref.ID
		}
		switch r.kind {
		case routeHistory:
			want += "/_history"
		case routeVersion:
			want += "/_history/" + strconv.FormatInt(r.version, 10)
		case routeDiff:
			want += "/_diff"
		case routeCollection, routeItem:
		}
		if want != path {
			t.Fatalf("%q names the same as %q", path, want)
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

// FuzzDiffQuery checks that two versions are read only as they are printed.
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
	for _, id := range []string{"a", "~", "-._~", strings.Repeat("z", engine.MaxName)} {
		c := encodeCursor(cursorList, id)
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
