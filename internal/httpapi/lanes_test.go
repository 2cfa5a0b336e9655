package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// lanedStore shows the feed of a store with one lane as one with many.
type lanedStore struct{ *memory.Store }

const testLanes = 3

func (s lanedStore) Changes(ctx context.Context, q store.ChangeQuery) (store.ChangePage, error) {
	all, err := s.Store.Changes(ctx, store.ChangeQuery{Limit: 1 << 20, Bodies: q.Bodies, Touches: true})
	if err != nil {
		return all, err
	}
	var newest store.Mark
	var behind []store.Entry
	for _, e := range all.Entries {
		h := fnv.New32a()
		h.Write([]byte(e.Ref.ID))
		e.Lane = int(h.Sum32() % testLanes)
		e.Position = newest.At(e.Lane) + 1
		newest = newest.With(e.Lane, e.Position)
		if e.Position > q.After.At(e.Lane) && (q.Part.Collection == "" || q.Part == e.Ref.Part) {
			behind = append(behind, e)
		}
	}
	page := store.ChangePage{Entries: behind, Last: newest, Newest: newest}
	if len(behind) > q.Limit {
		page.Entries = behind[:q.Limit]
		page.Last = q.After.Past(page.Entries)
	}
	return page, nil
}

// TestLanes: who follows a feed of several lanes, in pages or going on behind any event
// of a stream, gets each change once, and those of a document in their order.
func TestLanes(t *testing.T) {
	server := New(Config{Door: &door.Door{Engine: engine.New(lanedStore{memory.Open(memory.Options{})}, engine.Config{})}, Default: &engine.Rules{}})
	server.beatEvery = time.Millisecond // what ends a stream on which nothing comes
	const documents, rounds = 7, 5
	for i := range documents * rounds {
		r := httptest.NewRequest(http.MethodPut, fmt.Sprint("/v1/notes/", i%documents), strings.NewReader(fmt.Sprintf(`{"n":%d}`, i)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", fmt.Sprintf(`"%d"`, i/documents))
		if i < documents {
			r.Header.Del("If-Match")
			r.Header.Set("If-None-Match", "*")
		}
		answer := httptest.NewRecorder()
		if server.ServeHTTP(answer, r); answer.Code >= http.StatusBadRequest {
			t.Fatal(answer.Body)
		}
	}
	ask := func(query, accept string) string {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/notes/_changes?"+query, nil)
		r.Header.Set("Accept", accept)
		answer := &untilQuiet{ResponseRecorder: httptest.NewRecorder(), leave: leave}
		server.ServeHTTP(answer, r)
		return answer.Body.String()
	}
	walks := make(map[string]func(since string) (seen []string, next string))
	for _, limit := range []int{1, 2, 5, 100} {
		walks[fmt.Sprint("pages of ", limit)] = func(since string) (seen []string, next string) {
			var page struct {
				Items []struct {
					ID      string
					Version int64
				}
				Next string
			}
			if err := json.Unmarshal([]byte(ask(fmt.Sprint("limit=", limit, since), "application/json")), &page); err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				seen = append(seen, fmt.Sprint(item.ID, " ", item.Version))
			}
			return seen, page.Next
		}
	}
	walks["a stream that breaks off after three events"] = func(since string) (seen []string, next string) {
		for event := range strings.SplitSeq(ask(strings.TrimPrefix(since, "&"), eventStream), "\n\n") {
			_, event, _ = strings.Cut(event, "id: ")
			id, event, _ := strings.Cut(event, "\n")
			_, data, ok := strings.Cut(event, "data: ")
			if !ok {
				continue
			}
			if len(seen) == 3 {
				break
			}
			var item struct {
				ID      string
				Version int64
			}
			if err := json.Unmarshal([]byte(data), &item); err != nil {
				t.Fatal(err)
			}
			seen, next = append(seen, fmt.Sprint(item.ID, " ", item.Version)), id
		}
		return seen, next
	}
	for _, name := range slices.Sorted(maps.Keys(walks)) {
		t.Run(name, func(t *testing.T) {
			versions := make(map[string]int64)
			total := 0
			for since, n := "", 0; n <= documents*rounds; n++ {
				seen, next := walks[name](since)
				if len(seen) == 0 {
					break
				}
				for _, s := range seen {
					var id string
					var version int64
					if _, err := fmt.Sscan(s, &id, &version); err != nil {
						t.Fatal(err)
					}
					if versions[id]++; versions[id] != version {
						t.Errorf("version %d of %s comes after %d", version, id, versions[id]-1)
					}
				}
				total += len(seen)
				since = "&since=" + next
			}
			if total != documents*rounds {
				t.Errorf("%d changes were shown, want %d", total, documents*rounds)
			}
		})
	}
}

// untilQuiet ends a request once its stream has been flushed with what there is.
type untilQuiet struct {
	*httptest.ResponseRecorder
	leave   func()
	flushed int
}

func (u *untilQuiet) Flush() {
	if u.flushed++; u.flushed == 2 {
		u.leave()
	}
}

func (u *untilQuiet) SetWriteDeadline(time.Time) error { return nil }
