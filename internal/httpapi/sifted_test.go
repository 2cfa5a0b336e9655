package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// pagedStore counts the pages that are read of its feed.
type pagedStore struct {
	*memory.Store
	pages int
}

func (s *pagedStore) Changes(ctx context.Context, q store.ChangeQuery) (store.ChangePage, error) {
	s.pages++
	return s.Store.Changes(ctx, q)
}

// TestFeedOfFew: who may see few of many changes gets each of them once, however small
// their pages are, and the store is not asked for every change by itself.
func TestFeedOfFew(t *testing.T) {
	rule, err := access.CompileRule("resource.seen == true", "collection", "id")
	if err != nil {
		t.Fatal(err)
	}
	s := &pagedStore{Store: memory.Open(memory.Options{})}
	authority := &Authority{Access: &Access{engine.ActRead: rule}}
	server := New(Config{Door: &door.Door{Engine: engine.New(s, engine.Config{})}, DefaultAuthority: authority, Default: &engine.Rules{Reserved: authority.Reserved()}})
	do := func(method, path, body string) []byte {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, r)
		if answer.Code >= http.StatusBadRequest {
			t.Fatalf("%s %s: %d %s", method, path, answer.Code, answer.Body)
		}
		return answer.Body.Bytes()
	}
	const all = 3000
	var want []string
	for i := range all {
		seen := i%700 == 650 || i == 651 || i == all-1
		if seen {
			want = append(want, fmt.Sprint(i))
		}
		do("PUT", fmt.Sprint("/v1/notes/", i), fmt.Sprintf(`{"seen":%t}`, seen))
	}
	for _, query := range []string{"limit=1", "limit=2", "limit=1&include=data", "limit=1000"} {
		t.Run(query, func(t *testing.T) {
			var got []string
			s.pages = 0
			for since := ""; ; {
				var page struct {
					Items []struct{ ID string }
					Next  string
				}
				if err := json.Unmarshal(do("GET", "/v1/notes/_changes?"+query+since, ""), &page); err != nil {
					t.Fatal(err)
				}
				if len(page.Items) == 0 {
					break
				}
				for _, item := range page.Items {
					got = append(got, item.ID)
				}
				since = "&since=" + page.Next
			}
			if !slices.Equal(got, want) {
				t.Errorf("changes of %v, want %v", got, want)
			}
			if s.pages > all/20 {
				t.Errorf("%d pages of the store were read", s.pages)
			}
		})
	}
}
