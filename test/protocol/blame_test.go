package protocol_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
)

// blamed is what a blame says of one leaf.
type blamed struct {
	Version   int64
	At, By    string
	OrEarlier bool
}

func (a *api) blame(path string, headers ...string) map[string]blamed {
	a.t.Helper()
	got := a.must(200, "GET", path, "", headers...)
	a.header(got, "Content-Type", "application/json")
	var all map[string]blamed
	if err := json.Unmarshal([]byte(got.body), &all); err != nil {
		a.t.Fatalf("%v: %s", err, got.body)
	}
	return all
}

// blames checks what is said of each leaf: its version and author, as in "/a:2 ann".
// An author of ? stands for a version that may have been an earlier one.
func (a *api) blames(path, want string) {
	a.t.Helper()
	all := a.blame(path)
	var got []string
	for _, leaf := range slices.Sorted(maps.Keys(all)) {
		b := all[leaf]
		if b.OrEarlier {
			b.By += "?"
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s:%d %s", leaf, b.Version, b.By)))
	}
	if is := strings.Join(got, ", "); is != want {
		a.t.Errorf("%s says\n%s\nwant\n%s", path, is, want)
	}
}

func TestBlame(t *testing.T) {
	c := &clock{}
	c.set(noon)
	rules := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/team", Type: merge.List, Key: "/id"}}})
	onEveryStoreAlone(t, setup{now: c.Now, actor: writerName, rules: rules}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		c.set(noon)
		by := func(name, tag string, more ...string) []string {
			return append(more, "X-Writer", name, "If-Match", tag)
		}
		a.refused(404, "not-found", "GET", path+"/_blame", "")
		a.must(201, "PUT", path, `{"title":"A","tags":["x"],"team":[{"id":1,"n":1},{"id":2,"n":1}],"none":{}}`, "X-Writer", "ann")
		a.blames(path+"/_blame", "/none:1 ann, /tags/0:1 ann, /team/0/id:1 ann, /team/0/n:1 ann, /team/1/id:1 ann, /team/1/n:1 ann, /title:1 ann")
		c.set(noon.Add(time.Hour))
		a.must(200, "PATCH", path, `{"title":"B","tags":["w","x"]}`, by("bob", `"1"`)...)
		if is := a.blame(path + "/_blame")["/title"]; is != (blamed{Version: 2, At: "2024-05-01T13:00:00.000Z", By: "bob"}) {
			t.Errorf("the title is said to be of %+v", is)
		}
		// A merge is its writer's where it changes something, and nobody else's work.
		a.must(200, "PATCH", path, `{"body":"mine"}`, by("cy", `"1"`)...)
		a.must(200, "PATCH", path, `{"team":[{"id":2,"n":2},{"id":1,"n":1}]}`, by("dee", `"3"`)...)
		a.must(200, "PATCH", path, `{"body":"mine"}`, by("eve", `"4"`)...) // changes nothing
		a.blames(path+"/_blame", "/body:3 cy, /none:1 ann, /tags/0:2 bob, /tags/1:1 ann, /team/0/id:1 ann, /team/0/n:4 dee, /team/1/id:1 ann, /team/1/n:1 ann, /title:2 bob")
		a.blames(path+"/_blame?pointer=/tags", "/tags/0:2 bob, /tags/1:1 ann")
		a.blames(path+"/_blame?pointer=/title", "/title:2 bob")

		// Another life begins anew.
		a.must(204, "DELETE", path, "", by("ann", `"4"`)...)
		a.refused(404, "not-found", "GET", path+"/_blame", "")
		a.must(201, "PUT", path, `{"title":"B"}`, "X-Writer", "dee")
		a.blames(path+"/_blame", "/title:6 dee")
		a.must(200, "PUT", path, `{}`, by("ann", `"6"`)...)
		a.blames(path+"/_blame", ":7 ann")
		a.verify()
	})
}

func TestBlameOfContributions(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1"), actor: writerName}, func(t *testing.T, a *api) {
		a.contribute(says("crm", "0.8", 1, `{"name":"Ann","city":"Ulm"}`), "X-Writer", "ann")
		m := a.contribute(says("erp", "0.9", 2, `{"name":"Anna"}`), "X-Writer", "bob")
		a.contribute(says("old", "0.1", 3, `{"name":"A"}`), "X-Writer", "cy") // outranked: it gives no value
		a.blames(item+"/_blame", "/city:1 ann, /name:2 bob")
		a.must(204, "DELETE", contributions+"/"+m.ID, "", "X-Writer", "dee")
		a.blames(item+"/_blame", "/city:1 ann, /name:3 dee")
	})
}

// What is no longer kept is said, and put down to nobody.
func TestBlameOfWhatIsNotKept(t *testing.T) {
	for _, tt := range []struct {
		keep int64
		want string
	}{
		{0, "/a:1 w1, /b:2 w2, /c:3 w3, /d:4 w4"},
		{4, "/a:1 w1, /b:2 w2, /c:3 w3, /d:4 w4"},
		{3, "/a:2 ?, /b:2 ?, /c:3 w3, /d:4 w4"},
		{2, "/a:3 ?, /b:3 ?, /c:3 ?, /d:4 w4"},
		{1, "/a:4 ?, /b:4 ?, /c:4 ?, /d:4 ?"},
	} {
		t.Run(fmt.Sprint(tt.keep), func(t *testing.T) {
			onEveryStore(t, setup{actor: writerName, rules: engine.Rules{Contract: optional, Keep: tt.keep}}, func(t *testing.T, a *api) {
				for i := range 4 {
					a.must(200+(4-i)/4, "PUT", "/v1/notes/1", []string{`{"a":1}`, `{"a":1,"b":1}`, `{"a":1,"b":1,"c":1}`, `{"a":1,"b":1,"c":1,"d":1}`}[i], "X-Writer", fmt.Sprint("w", i+1))
				}
				a.blames("/v1/notes/1/_blame", tt.want)
			})
		})
	}
}

// A document with more versions than are looked at.
func TestBlameGoesBackSoFar(t *testing.T) {
	onEveryStore(t, setup{actor: writerName, rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":0,"still":1}`, "X-Writer", "ann")
		for i := 1; i < engine.MaxBlamed; i++ {
			a.must(200, "PATCH", "/v1/notes/1", fmt.Sprintf(`{"n":%d}`, i))
		}
		a.blames("/v1/notes/1/_blame", fmt.Sprintf("/n:%d, /still:1 ann", engine.MaxBlamed))
		a.must(200, "PATCH", "/v1/notes/1", `{"n":-1}`)
		a.blames("/v1/notes/1/_blame", fmt.Sprintf("/n:%d, /still:2 ?", engine.MaxBlamed+1))
	})
}

// Large versions are looked at as far as there is room for them together.
func TestBlameOfLargeVersions(t *testing.T) {
	onEveryStore(t, setup{actor: writerName, limits: engine.Limits{Body: 1000}, rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		padding := strings.Repeat("x", 900)
		for i := range 20 {
			a.must([]int{201, 200}[min(i, 1)], "PUT", "/v1/notes/1", fmt.Sprintf(`{"n":%d,"still":%q}`, i, padding))
		}
		a.blames("/v1/notes/1/_blame", "/n:20, /still:3 ?") // 17 of 927 bytes
	})
}

func TestBlameIsRevalidated(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1/_blame"
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		got := a.must(200, "GET", path, "")
		tag := got.header.Get("ETag")
		a.header(got, "Ifmatch-ETag", `"1"`)
		a.header(got, "Cache-Control", "public, no-cache")
		if !strings.HasPrefix(tag, `W/"1+`) {
			t.Errorf("the tag is %s", tag)
		}
		got = a.must(304, "GET", path, "", "If-None-Match", tag)
		a.header(got, "ETag", tag)
		a.body(got, "")
		a.must(200, "GET", path, "", "If-None-Match", `"1"`)
		a.must(200, "GET", path, "", "If-Match", `"1"`)
		a.refused(412, "stale", "GET", path, "", "If-Match", `"2"`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.must(200, "GET", path, "", "If-None-Match", tag)
	})
}

func TestBlameRefuses(t *testing.T) {
	onEveryStore(t, setup{limits: engine.Limits{Body: 4 << 10}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, query := range []string{"x=1", "pointer=n", "pointer=/~2", "pointer=/n&pointer=/n", "pointer=%FF", "pointer=%zz", "Pointer=/n"} {
			a.refused(400, "malformed", "GET", "/v1/notes/1/_blame?"+query, "")
		}
		for _, query := range []string{"pointer=/m", "pointer=/n/0", "pointer=/"} {
			a.refused(404, "not-found", "GET", "/v1/notes/1/_blame?"+query, "")
		}
		// Long paths make an answer of any length out of a small document.
		a.must(201, "PUT", "/v1/notes/long", `{"`+strings.Repeat("x", 1000)+`":[`+strings.Repeat("1,", 200)+`1],"n":1}`)
		a.refused(406, "too-large", "GET", "/v1/notes/long/_blame", "")
		a.blames("/v1/notes/long/_blame?pointer=/n", "/n:1")
	})
}

// Rows that leave the content alone are no versions.
func TestBlamePassesOverTouches(t *testing.T) {
	onEveryStore(t, setup{actor: writerName, rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyPark}}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1,"m":1}`, "X-Writer", "ann")
		a.must(200, "PUT", "/v1/notes/1", `{"n":2,"m":1}`, "X-Writer", "bob", "If-Match", `"1"`)
		a.must(202, "PUT", "/v1/notes/1", `{"n":3,"m":1}`, "X-Writer", "cy", "If-Match", `"1"`, "Prefer", "conflict=park")
		if rows, err := a.store.History(t.Context(), store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}, 0, 10); err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		a.blames("/v1/notes/1/_blame", "/m:1 ann, /n:2 bob")
	})
}
