package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

type listPage struct {
	Items []struct {
		ID, Etag string
		Version  int64
		Data     json.RawMessage
	}
	Next *string
}

func (a *api) list(query string) listPage {
	a.t.Helper()
	var page listPage
	if err := json.Unmarshal([]byte(a.must(200, "GET", "/v1/notes"+query, "").body), &page); err != nil {
		a.t.Fatal(err)
	}
	return page
}

func TestList(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens, "weak": {Weak: true}} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				a.body(a.must(200, "GET", "/v1/notes", ""), `{"items":[]}`)
				ids := []string{"b", "B", "-", "~", "0", "10", "9", "a.b", "a_b", "a", "a-b", "aa"}
				tags := map[string]string{}
				for _, id := range ids {
					tags[id] = a.must(201, "PUT", "/v1/notes/"+id, `{"id":"`+id+`","n":1.0}`).header.Get("ETag")
				}
				a.must(201, "PUT", "/v1/other/zz", `{}`)
				a.must(201, "PUT", "/v1/notes/gone", `{}`)
				a.must(204, "DELETE", "/v1/notes/gone", "", "If-Match", "*")
				tags["b"] = a.must(200, "PATCH", "/v1/notes/b", `{"n":2}`, "If-Match", tags["b"]).header.Get("ETag")
				slices.Sort(ids) // by their bytes
				var seen []string
				query := "?limit=5"
				for {
					page := a.list(query)
					for _, item := range page.Items {
						seen = append(seen, item.ID)
						version, data := int64(1), `{"id":"`+item.ID+`","n":1.0}`
						if item.ID == "b" {
							version, data = 2, `{"id":"b","n":2}`
						}
						if item.Etag != tags[item.ID] || item.Version != version || string(item.Data) != data {
							t.Errorf("%+v: want tag %s, version %d, %s", item, tags[item.ID], version, data)
						}
					}
					if page.Next == nil {
						break
					}
					query = "?limit=5&cursor=" + url.QueryEscape(*page.Next)
				}
				if !slices.Equal(seen, ids) {
					t.Errorf("the list is %v, want %v", seen, ids)
				}
				if page := a.list("?limit=" + strconv.Itoa(len(ids))); page.Next != nil || len(page.Items) != len(ids) {
					t.Errorf("a page that holds all has next %v", *page.Next)
				}
			})
		})
	}
}

// TestListTag: a poll costs a 304, and any change inside changes the tag.
func TestListTag(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		seen := map[string]string{}
		tag := ""
		changed := func(what string) {
			t.Helper()
			got := a.must(200, "GET", "/v1/notes", "", "If-None-Match", tag)
			tag = got.header.Get("ETag")
			if !strings.HasPrefix(tag, `W/"`) || seen[tag] != "" {
				t.Errorf("after %s the tag is %s, as after %s", what, tag, seen[tag])
			}
			seen[tag] = what
			for _, path := range []string{"/v1/notes", "/v1/notes?limit=1"} {
				own := a.must(200, "GET", path, "").header.Get("ETag")
				if (own == tag) != (path == "/v1/notes") {
					t.Errorf("%s has the tag %s, and the collection %s", path, own, tag)
				}
				same := a.must(304, "GET", path, "", "If-None-Match", `"x", `+own)
				a.header(same, "ETag", own)
				a.body(same, "")
				a.must(304, "GET", path, "", "If-None-Match", strings.TrimPrefix(own, "W/"))
				a.must(304, "HEAD", path, "", "If-None-Match", "*")
			}
		}
		changed("nothing")
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		changed("a PUT")
		a.must(201, "POST", "/v1/notes", `{"n":1}`)
		changed("a POST")
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		changed("a replacement")
		a.must(200, "PUT", "/v1/notes/1", `{"n":1}`, "If-Match", `"2"`)
		changed("the way back")
		a.must(204, "DELETE", "/v1/notes/1", "", "If-Match", `"3"`)
		changed("a deletion")
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		changed("a creation anew")
		a.must(200, "PUT", "/v1/notes/1", `{"n":1}`, "If-Match", `"5"`)
		a.must(412, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"3"`)
		a.must(200, "PUT", "/v1/notes/1?dryRun=true", `{"n":2}`, "If-Match", `"5"`)
		a.must(201, "PUT", "/v1/other/1", `{"n":1}`)
		a.must(304, "GET", "/v1/notes", "", "If-None-Match", tag) // nothing of that changed this collection
	})
}

// TestListUnderConcurrentWrites: no item that exists throughout is skipped or
// repeated, whatever comes and goes beside it.
func TestListUnderConcurrentWrites(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		const stay = 60
		var want []string
		for i := range stay {
			id := fmt.Sprintf("k%03d", 10*i)
			want = append(want, id)
			a.must(201, "PUT", "/v1/notes/"+id, `{}`)
		}
		done := make(chan struct{})
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					path := fmt.Sprintf("/v1/notes/k%03d", (10*(i*7+w)+1+w)%(10*stay))
					if strings.HasSuffix(path, "0") {
						path += "x" // never one of those that stay
					}
					for _, method := range []string{"PUT", "DELETE"} {
						if got, err := a.send(method, path, bodyFor(method)); err != nil || got.status >= 500 {
							t.Errorf("%s: %v %d %s", method, err, got.status, got.body)
						}
					}
				}
			})
		}
		for round := range 12 {
			var seen []string
			last, query := "", fmt.Sprintf("?limit=%d", 1+round)
			for {
				page := a.list(query)
				for _, item := range page.Items {
					if item.ID <= last {
						t.Errorf("%s follows %s", item.ID, last)
					}
					if last = item.ID; len(item.ID) == 4 && item.ID[3] == '0' {
						seen = append(seen, item.ID)
					}
				}
				if page.Next == nil {
					break
				}
				query = fmt.Sprintf("?limit=%d&cursor=%s", 1+round, url.QueryEscape(*page.Next))
			}
			if !slices.Equal(seen, want) {
				t.Errorf("round %d saw %d of the %d that stay: %v", round, len(seen), len(want), seen)
			}
		}
		close(done)
		writers.Wait()
		a.verify()
	})
}

// TestCursorOfWhatIsGone: a page goes on behind an item that was deleted.
func TestCursorOfWhatIsGone(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, id := range []string{"a", "b", "c", "d"} {
			a.must(201, "PUT", "/v1/notes/"+id, `{}`)
		}
		next := *a.list("?limit=2").Next
		a.must(204, "DELETE", "/v1/notes/b", "", "If-Match", `"1"`)
		a.must(201, "PUT", "/v1/notes/aa", `{}`)
		a.must(201, "PUT", "/v1/notes/bb", `{}`)
		var ids []string
		for _, item := range a.list("?cursor=" + next).Items {
			ids = append(ids, item.ID)
		}
		if want := []string{"bb", "c", "d"}; !slices.Equal(ids, want) {
			t.Errorf("the second page is %v, want %v", ids, want)
		}
		a.must(204, "DELETE", "/v1/notes/d", "", "If-Match", `"1"`)
		if page := a.list("?limit=4"); page.Next != nil { // a, aa, bb, c
			t.Errorf("next %q after the last", *page.Next)
		}
	})
}
