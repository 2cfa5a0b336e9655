package protocol_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestFieldWritersDoNotMeet: many at once, each changing its own value of one document
// over and over under the tag of its last answer, are never refused, and lose nothing.
func TestFieldWritersDoNotMeet(t *testing.T) {
	const writers, each = 64, 5
	onEveryStore(t, setup{actor: writerName}, func(t *testing.T, a *api) {
		var members []string
		for i := range writers {
			members = append(members, fmt.Sprintf(`"f%d":{"n":0}`, i))
		}
		a.must(201, "PUT", note, "{"+strings.Join(members, ",")+"}")
		tags := make([]string, writers)
		for i := range tags {
			tags[i] = a.tagOf(fmt.Sprintf("%s/f%d", fields, i))
		}
		var running sync.WaitGroup
		for i := range writers {
			running.Go(func() {
				for n := 1; n <= each; n++ {
					got, err := a.send("PUT", fmt.Sprintf("%s/f%d", fields, i), fmt.Sprintf(`{"n":%d}`, n), "If-Match", tags[i])
					if err != nil || got.status != 200 {
						t.Errorf("writer %d: %d %v %s", i, got.status, err, got.body)
						return
					}
					tags[i] = got.header.Get("ETag")
				}
			})
		}
		running.Wait()
		got := a.must(200, "GET", note, "")
		a.header(got, "ETag", fmt.Sprintf(`"%d"`, 1+writers*each))
		var all map[string]struct{ N int }
		if err := json.Unmarshal([]byte(got.body), &all); err != nil || len(all) != writers {
			t.Fatalf("%d members, %v", len(all), err)
		}
		for name, v := range all {
			if v.N != each {
				t.Errorf("%s is %d", name, v.N)
			}
		}
		a.verify()
	})
}

// TestFieldWritersMeet: of many who change one value from the same state one is
// carried out, also while others keep changing the rest of the document.
func TestFieldWritersMeet(t *testing.T) {
	const writers, rounds = 16, 5
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, `{"value":-1,"rest":0}`)
		for round := range rounds {
			tag := a.tagOf(fields + "/value")
			won := make([]int, writers)
			var running sync.WaitGroup
			for i := range writers {
				running.Go(func() {
					path, body, headers := "/value", fmt.Sprint(round*writers+i), []string{"If-Match", tag}
					if i%4 == 3 {
						path, headers = "/rest", nil
					}
					got, err := a.send("PUT", fields+path, body, headers...)
					if err != nil || got.status != 200 && (got.status != 412 || path == "/rest") {
						t.Errorf("%s: %d %v %s", path, got.status, err, got.body)
					}
					if path == "/value" && got.status == 200 {
						won[i] = 1
					}
				})
			}
			running.Wait()
			sum := 0
			for _, n := range won {
				sum += n
			}
			if sum != 1 {
				t.Errorf("round %d: %d of them were carried out", round, sum)
			}
		}
		a.verify()
	})
}

// Disjoint values commute: whichever is written first, the document is the same.
func TestDisjointFieldsCommute(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		writes := [][3]string{{"PUT", "/a", `2`}, {"PATCH", "/o", `{"q":3}`}, {"DELETE", "/gone", ""}, {"PUT", "/list/0", `"z"`}, {"PUT", "/new", `true`}}
		var first map[string]any
		for start := range writes {
			path := fmt.Sprintf("/v1/notes/%d", start)
			a.must(201, "PUT", path, `{"a":1,"o":{"p":1},"gone":1,"list":["x","y"]}`)
			tags := make([]string, len(writes))
			for i, w := range writes {
				tags[i] = a.do("GET", path+"/_fields"+w[1], "").header.Get("ETag")
			}
			for i := range writes {
				n := (start + i) % len(writes)
				headers := []string{"If-Match", tags[n]}
				if tags[n] == "" {
					headers = []string{"If-None-Match", "*"}
				}
				if got := a.do(writes[n][0], path+"/_fields"+writes[n][1], writes[n][2], headers...); got.status >= 300 {
					t.Errorf("%v: %d %s", writes[n], got.status, got.body)
				}
			}
			var is map[string]any
			if err := json.Unmarshal([]byte(a.must(200, "GET", path, "").body), &is); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = is
			}
			if fmt.Sprint(is) != fmt.Sprint(first) {
				t.Errorf("from %d on: %v, want %v", start, is, first)
			}
		}
	})
}
