package protocol_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
)

// TestOneOfTwoResolves: two decide about one parked write on one state, the second
// between the first one's evaluation and its commit. The first goes round, and finds
// that it was decided.
func TestOneOfTwoResolves(t *testing.T) {
	tests := []struct {
		name          string
		rival         func(a *api, at string)
		status        int
		slug          string
		version, want string
	}{
		{"another decision", func(a *api, at string) {
			a.must(200, "POST", at+"/resolve", `{"choices":{"/n":{"value":7}}}`, "If-Match", `"2"`)
		}, 404, "not-found", `"3"`, `{"n":7}`},
		{"a decision for what is there", func(a *api, at string) {
			a.must(200, "POST", at+"/resolve", `{"choices":{"/n":"theirs"}}`, "If-Match", `"2"`)
		}, 404, "not-found", `"2"`, `{"n":-1}`},
		{"a discard", func(a *api, at string) { a.must(204, "DELETE", at, "") }, 404, "not-found", `"2"`, `{"n":-1}`},
		{"another write", func(a *api, _ string) { a.must(200, "PUT", item, `{"n":9}`, "If-Match", `"2"`) }, 412, "stale", `"3"`, `{"n":9}`},
		{"a deletion", func(a *api, _ string) { a.must(204, "DELETE", item, "", "If-Match", `"2"`) }, 404, "not-found", "", ""},
		{"another parked write, which changes nothing of it", func(a *api, _ string) { a.parked(`{"n":2}`) }, 200, "", `"3"`, `{"n":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: parking(t, merge.Rules{}), faulty: true}, func(t *testing.T, a *api) {
				a.twoVersions(`{"n":0}`, `{"n":-1}`)
				at := a.parked(`{"n":1}`)
				a.faults.onCommit(func(_ *store.Commit, commit func() (store.Receipt, error)) (store.Receipt, error) {
					a.faults.onCommit(nil) // the rival's commit is not held up
					tt.rival(a, at)
					return commit()
				})
				got := a.do("POST", at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", `"2"`)
				a.status(got, tt.status)
				if tt.slug != "" {
					a.isProblem(got, tt.status, tt.slug, "POST", at+"/resolve")
				}
				if tt.want != "" {
					is := a.must(200, "GET", item, "")
					a.header(is, "ETag", tt.version)
					a.body(is, tt.want)
				}
				a.verify()
			})
		})
	}
}

// TestOneOfManyResolves: of many who decide at once, one does.
func TestOneOfManyResolves(t *testing.T) {
	const deciders = 16
	onEveryStore(t, setup{rules: parking(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		at := a.parked(`{"n":1}`)
		answers := make([]answer, deciders)
		var all sync.WaitGroup
		for i := range deciders {
			all.Go(func() {
				var err error
				if i%4 == 3 {
					answers[i], err = a.send("DELETE", at, "")
				} else {
					answers[i], err = a.send("POST", at+"/resolve", fmt.Sprintf(`{"choices":{"/n":{"value":%d}}}`, 100+i), "If-Match", `"2"`)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		decided := 0
		for _, got := range answers {
			switch got.status {
			case 200, 204:
				decided++
			case 404:
			default:
				t.Errorf("%d: %s", got.status, got.body)
			}
		}
		if decided != 1 || len(a.history(item).Items) != 4 {
			t.Errorf("%d have decided; the history is %+v", decided, a.history(item).Items)
		}
		a.verify()
	})
}

// TestManyPark: the same write, sent by many at once, is parked once, and different
// ones all are.
func TestManyPark(t *testing.T) {
	const writers = 16
	onEveryStore(t, setup{rules: parking(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				got, err := a.send("PATCH", item, fmt.Sprintf(`{"n":%d}`, 1+i/4), "If-Match", `"1"`, "Prefer", "conflict=park")
				if err != nil || got.status != 202 {
					t.Errorf("%d %s, %v", got.status, got.body, err)
				}
			})
		}
		all.Wait()
		var page struct{ Items []json.RawMessage }
		if err := json.Unmarshal([]byte(a.must(200, "GET", item+"/_conflicts", "").body), &page); err != nil || len(page.Items) != writers/4 {
			t.Errorf("%d are parked, %v", len(page.Items), err)
		}
		if n := len(a.history(item).Items); n != 2+writers/4 {
			t.Errorf("%d entries in the history", n)
		}
		a.verify()
	})
}

// TestParkBesideHotWrites: what is parked, decided and thrown away while many write
// the document is neither lost nor counted twice, and no write is.
func TestParkBesideHotWrites(t *testing.T) {
	const writers, each = 8, 10
	onEveryStore(t, setup{rules: parking(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		var all sync.WaitGroup
		asks := func(want int, method, path, body string, headers ...string) answer {
			got, err := a.send(method, path, body, headers...)
			if err != nil || got.status != want {
				t.Errorf("%s %s: %d %s, %v", method, path, got.status, got.body, err)
			}
			return got
		}
		for w := range writers {
			all.Go(func() {
				for i := range each {
					asks(200, "PATCH", item, fmt.Sprintf(`{"w%d":%d}`, w, i), "If-Match", `*`)
				}
			})
			all.Go(func() {
				for i := range each {
					at := asks(202, "PATCH", item, fmt.Sprintf(`{"n":%d}`, 1+w*each+i), "If-Match", `"1"`, "Prefer", "conflict=park").header.Get("Location")
					if i%2 == 0 {
						asks(204, "DELETE", at, "")
					}
				}
			})
		}
		all.Wait()
		if n := len(a.conflicts(item + "/_conflicts").Items); n != writers*each/2 {
			t.Errorf("%d are parked, want %d", n, writers*each/2)
		}
		a.header(a.must(200, "GET", item, ""), "ETag", fmt.Sprintf(`"%d"`, 2+writers*each))
		a.verify()
	})
}
