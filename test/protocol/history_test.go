package protocol_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestHistoryEntries(t *testing.T) {
	c := &clock{}
	c.set(noon.Add(123456 * time.Microsecond))
	onEveryStoreAlone(t, setup{now: c.Now, actor: writerName, rules: engine.Rules{Contract: optional, Allow: []engine.Strategy{engine.StrategyOverwrite}}}, func(t *testing.T, a *api) {
		const path, id = "/v1/notes/1", "0199a0b1-1234-7000-8000-00000000000a"
		by := []string{"X-Writer", "ann", "X-Request-Id", id}
		a.must(201, "PUT", path, `{"b":1.0,"a":1}`, by...)
		a.must(200, "PUT", path, `{"n":2}`, append(by, "If-Match", `"1"`)...)
		a.must(200, "PATCH", path, `{"n":2}`, append(by, "If-Match", `"2"`)...) // changes nothing: no entry
		a.must(200, "PATCH", path, `{"n":3}`, append(by, "If-Match", "*")...)
		a.must(412, "PATCH", path, `{"n":4}`, append(by, "If-Match", `"1"`)...) // refused: no entry
		a.must(200, "PATCH", path, `{"n":4}`, append(by, "If-Match", `"1"`, "Prefer", "conflict=overwrite")...)
		a.must(200, "PUT", path, `{"n":5}`, by...)
		a.must(204, "DELETE", path, "", append(by, "If-Match", `"5"`)...)
		a.must(201, "PUT", path, `{"n":1}`, by...)
		at := "2024-05-01T12:00:00.123Z"
		common := entry{At: at, By: "ann", CorrelationID: id}
		want := []entry{
			{Version: 7, Etag: `"7"`, Action: "put", Outcome: "created", Sha256: sha256Hex(`{"n":1}`)},
			{Version: 6, Action: "delete", Outcome: "deleted", YourVersion: 5},
			{Version: 5, Etag: `"5"`, Action: "put", Outcome: "replaced", Sha256: sha256Hex(`{"n":5}`)},
			{Version: 4, Etag: `"4"`, Action: "patch", Outcome: "overwritten", Sha256: sha256Hex(`{"n":4}`), YourVersion: 1},
			{Version: 3, Etag: `"3"`, Action: "patch", Outcome: "patched", Sha256: sha256Hex(`{"n":3}`), Blind: true},
			{Version: 2, Etag: `"2"`, Action: "put", Outcome: "replaced", Sha256: sha256Hex(`{"n":2}`), YourVersion: 1},
			{Version: 1, Etag: `"1"`, Action: "put", Outcome: "created", Sha256: sha256Hex(`{"a":1,"b":1}`)}, // over the canonical form
		}
		for i := range want {
			want[i].At, want[i].By, want[i].CorrelationID = common.At, common.By, common.CorrelationID
		}
		if got := a.history(path); !slices.Equal(got.Items, want) || got.Next != "" {
			t.Errorf("the history is\n%+v\nwant\n%+v\nnext %q", got.Items, want, got.Next)
		}
		a.verify()
	})
}

func TestHistoryPages(t *testing.T) {
	onEveryStore(t, setup{maxPage: 50}, func(t *testing.T, a *api) {
		const path, n = "/v1/notes/1", 23
		tag := a.must(201, "PUT", path, `{"n":0}`).header.Get("ETag")
		write := func(i int) {
			tag = a.must(200, "PUT", path, fmt.Sprintf(`{"n":%d}`, i), "If-Match", tag).header.Get("ETag")
		}
		for i := 1; i < n; i++ {
			write(i)
		}
		for _, limit := range []int{1, 7, 22, 23, 24, 50} {
			var seen []int64
			query, writes := fmt.Sprintf("?limit=%d", limit), 0
			newest := a.newest(path).Version
			for {
				page := a.history(path + query)
				if len(page.Items) > limit || len(page.Items) == 0 {
					t.Fatalf("limit %d: a page of %d", limit, len(page.Items))
				}
				for _, e := range page.Items {
					seen = append(seen, e.Version)
				}
				if page.Next == "" {
					break
				}
				query = fmt.Sprintf("?cursor=%s&limit=%d", page.Next, limit)
				if writes++; writes <= 3 {
					write(1000*limit + writes) // what comes meanwhile stands before the page, and moves nothing
				}
			}
			for i, version := range seen {
				if version != newest-int64(i) {
					t.Fatalf("limit %d: versions %v, want every one from %d down once", limit, seen, newest)
				}
			}
			if int64(len(seen)) != newest {
				t.Errorf("limit %d: %d entries, want %d", limit, len(seen), newest)
			}
		}
		a.verify()
	})
}

func TestBadCursorsAndLimits(t *testing.T) {
	onEveryStore(t, setup{maxPage: 50}, func(t *testing.T, a *api) {
		for _, id := range []string{"1", "2", "3"} {
			a.must(201, "PUT", "/v1/notes/"+id, `{"n":1}`)
			a.must(200, "PUT", "/v1/notes/"+id, `{"n":2}`, "If-Match", `"1"`)
		}
		var list, history struct{ Next string }
		for path, page := range map[string]*struct{ Next string }{"/v1/notes": &list, "/v1/notes/1/_history": &history} {
			if err := json.Unmarshal([]byte(a.must(200, "GET", path+"?limit=1", "").body), page); err != nil || page.Next == "" {
				t.Fatalf("%s: %v, next %q", path, err, page.Next)
			}
		}
		bad := []string{
			"limit=0", "limit=-1", "limit=51", "limit=1.0", "limit=%2B1", "limit=01", "limit=", "limit=all", "limit=99999999999999999999",
			"limit=1&limit=1", "cursor=", "cursor=x", "cursor=%00", "cursor=bA", "cursor=aA", "cursor=aDA", "cursor=aC0x", "cursor=bF8", "cursor=bC4u",
			"page=2", "Limit=1", "offset=1", "dryRun=true", "sort=n", "limit=1;cursor=x", "x=%",
		}
		for _, query := range append(bad, "cursor="+history.Next, "cursor="+list.Next+"=", "cursor="+list.Next+"&cursor="+list.Next) {
			a.refused(400, "malformed", "GET", "/v1/notes?"+query, "")
		}
		for _, query := range append(bad, "cursor="+list.Next, "cursor="+history.Next+"A") {
			a.refused(400, "malformed", "GET", "/v1/notes/1/_history?"+query, "")
		}
		a.must(200, "GET", "/v1/notes?limit=50", "")
		a.must(200, "GET", "/v1/notes/1/_history?limit=50&cursor="+history.Next, "")
		a.refused(404, "not-found", "GET", "/v1/notes/none/_history", "")
		a.refused(404, "not-found", "GET", "/v1/notes/none/_history?cursor="+history.Next, "")
	})
}

func TestVersionsAreImmutable(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				docs := map[int]string{1: `{"z":1.0,"a":9007199254740993}`, 2: `{"n":2}`, 4: `{"n":4}`, 5: `{"n":5}`}
				tags := map[int]string{1: a.must(201, "PUT", path, docs[1]).header.Get("ETag")}
				first := a.must(200, "GET", path+"/_history/1", "")
				tags[2] = a.must(200, "PUT", path, docs[2], "If-Match", tags[1]).header.Get("ETag")
				a.must(204, "DELETE", path, "", "If-Match", tags[2])
				check := func() {
					t.Helper()
					for version, doc := range docs {
						if tags[version] == "" {
							continue
						}
						at := fmt.Sprintf("%s/_history/%d", path, version)
						got := a.must(200, "GET", at, "")
						a.body(got, doc)
						a.header(got, "ETag", tags[version])
						a.header(got, "Content-Type", "application/json")
						link := "<" + path + `>; rel="latest-version", <` + path + `/_history>; rel="version-history"`
						if docs[version-1] != "" {
							link += fmt.Sprintf(`, <%s/_history/%d>; rel="predecessor-version"`, path, version-1)
						}
						a.header(got, "Link", link)
						same := a.must(304, "GET", at, "", "If-None-Match", tags[version])
						a.header(same, "ETag", tags[version])
						a.header(same, "Link", link)
						a.body(same, "")
						a.must(304, "GET", at, "", "If-Modified-Since", got.header.Get("Last-Modified"))
						a.must(200, "GET", at, "", "If-Match", tags[version])
						a.refused(412, "stale", "GET", at, "", "If-Match", `"none"`)
					}
					for _, none := range []int{3, 6, 99} { // a deletion, and what is not yet
						if tags[none] == "" {
							a.refused(404, "not-found", "GET", fmt.Sprintf("%s/_history/%d", path, none), "")
						}
					}
				}
				check() // while it is deleted
				tags[4] = a.must(201, "PUT", path, docs[4]).header.Get("ETag")
				tags[5] = a.must(200, "PUT", path, docs[5], "If-Match", tags[4]).header.Get("ETag")
				check()
				again := a.must(200, "GET", path+"/_history/1", "")
				if again.body != first.body || again.header.Get("Last-Modified") != first.header.Get("Last-Modified") {
					t.Errorf("version 1 has changed: %v %s", again.header, again.body)
				}
				for _, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
					a.refused(405, "method-not-allowed", method, path+"/_history/1", bodyFor(method))
				}
				a.verify()
			})
		})
	}
}

func TestDiff(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		const path, merge, ops = "/v1/notes/1", "application/merge-patch+json", "application/json-patch+json"
		a.must(201, "PUT", path, `{"a":1,"b":{"x":1},"l":[1,2,3]}`)
		a.must(200, "PUT", path, `{"a":1.0,"b":{"x":1,"y":2},"l":[1,3]}`, "If-Match", `"1"`)
		a.must(200, "PUT", path, `{"a":null}`, "If-Match", `"2"`)
		a.must(204, "DELETE", path, "", "If-Match", `"3"`)
		a.must(201, "PUT", path, `{"a":1,"b":{"x":1},"l":[1,2,3]}`)
		for _, test := range []struct {
			name, query, accept, media, want string
		}{
			{"JSON Patch", "from=1&to=2", "", ops, `[{"op":"replace","path":"/a","value":1.0},{"op":"add","path":"/b/y","value":2},{"op":"remove","path":"/l/1"}]`},
			{"asked for", "from=1&to=2", ops, ops, `[{"op":"replace","path":"/a","value":1.0},{"op":"add","path":"/b/y","value":2},{"op":"remove","path":"/l/1"}]`},
			{"merge patch", "from=1&to=2", merge, merge, `{"a":1.0,"b":{"y":2},"l":[1,3]}`},
			{"either", "from=1&to=2", merge + ", " + ops, ops, `[{"op":"replace","path":"/a","value":1.0},{"op":"add","path":"/b/y","value":2},{"op":"remove","path":"/l/1"}]`},
			{"merge patch preferred", "from=1&to=2", ops + ";q=0.5, " + merge, merge, `{"a":1.0,"b":{"y":2},"l":[1,3]}`},
			{"merge patch refused", "from=1&to=2", merge + ";q=0, */*", ops, `[{"op":"replace","path":"/a","value":1.0},{"op":"add","path":"/b/y","value":2},{"op":"remove","path":"/l/1"}]`},
			{"backwards", "to=1&from=2", merge, merge, `{"a":1,"b":{"y":null},"l":[1,2,3]}`},
			{"the same", "from=2&to=2", "", ops, `[]`},
			{"the same, as merge patch", "from=2&to=2", merge, merge, `{}`},
			{"across a deletion", "from=1&to=5", "", ops, `[]`},
		} {
			t.Run(test.name, func(t *testing.T) {
				a := a.in(t)
				got := a.must(200, "GET", path+"/_diff?"+test.query, "", "Accept", test.accept)
				a.header(got, "Content-Type", test.media)
				a.header(got, "Vary", "Accept")
				a.body(got, test.want)
			})
		}
		a.refused(406, "patch-inapplicable", "GET", path+"/_diff?from=2&to=3", "", "Accept", merge) // no merge patch sets null
		for _, query := range []string{"", "from=1", "to=1", "from=1&to=2&to=3", "from=1&to=2&x=1", "from=0&to=1", "from=01&to=1", "from=a&to=1", "from=1&to=-1", "From=1&to=2", "from=%"} {
			a.refused(400, "malformed", "GET", path+"/_diff?"+query, "")
		}
		for _, query := range []string{"from=1&to=4", "from=4&to=1", "from=1&to=99"} {
			a.refused(404, "not-found", "GET", path+"/_diff?"+query, "")
		}
		a.refused(404, "not-found", "GET", "/v1/notes/none/_diff?from=1&to=2", "")
	})
}

// TestHistoryOfThePurged: what was purged is gone for every reader.
func TestHistoryOfThePurged(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"n":1}`)
		a.must(204, "DELETE", path, "", "If-Match", `"1"`)
		if got := a.history(path); len(got.Items) != 2 || got.Items[0].Action != "delete" {
			t.Errorf("the history of the deleted: %+v", got)
		}
		ref := store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}
		if err := a.store.(store.Purger).Purge(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		a.refused(404, "not-found", "GET", path+"/_history", "")
		a.refused(404, "not-found", "GET", path+"/_history/1", "")
		p := a.refused(412, "stale", "PUT", path, `{"n":1}`, "If-Match", `"1"`)
		if p.Deleted {
			t.Error("a purged document is still called deleted")
		}
		a.header(a.must(201, "PUT", path, `{"n":1}`), "ETag", `"3"`) // above the floor: no tag from before matches
		a.header(a.must(201, "PUT", "/v1/notes/new", `{"n":1}`), "ETag", `"3"`)
		a.refused(412, "stale", "PUT", path, `{"n":2}`, "If-Match", `"1"`)
	})
}
