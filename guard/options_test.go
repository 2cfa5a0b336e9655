package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
)

// forgetful is a store that really deletes and keeps no versions and no dates.
type forgetful struct {
	mu   sync.Mutex
	docs map[string]guard.Document
}

func (s *forgetful) Load(_ context.Context, id string) (guard.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[id], nil
}

func (s *forgetful) CompareAndSwap(_ context.Context, id string, from int64, next guard.Document) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs[id].Version != from {
		return false, nil
	}
	if next.Deleted {
		delete(s.docs, id)
	} else {
		s.docs[id] = guard.Document{Body: next.Body, Version: next.Version}
	}
	return true, nil
}

// TestFirstVersion checks what a store without tombstones needs, and shows what
// happens to one that does without it.
func TestFirstVersion(t *testing.T) {
	tests := []struct {
		name   string
		first  func() int64
		tag    string // of the first document
		status int    // of a write with the tag from before the deletion
	}{
		{"numbers that grow", growing(), `"3000"`, 412},
		{"none: the old tag matches again", nil, `"1"`, 200},
		{"a number that is none", func() int64 { return -3 }, `"1"`, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := serve(t, &forgetful{docs: map[string]guard.Document{}}, guard.Options{FirstVersion: tt.first})
			a.must(404, "GET", "1", "")
			old := a.must(201, "PUT", "1", `{"n":1}`).header.Get("ETag")
			if old != tt.tag {
				t.Errorf("the first tag is %s, want %s", old, tt.tag)
			}
			a.must(204, "DELETE", "1", "", "If-Match", old)
			a.must(404, "GET", "1", "")
			a.must(412, "PUT", "1", `{"n":2}`, "If-Match", old)
			a.must(201, "PUT", "1", `{"n":2}`)
			a.must(tt.status, "PUT", "1", `{"n":3}`, "If-Match", old)
		})
	}
}

// lifeless is a store that does not keep Life.
type lifeless struct{ *mapStore }

func (s lifeless) CompareAndSwap(ctx context.Context, id string, from int64, next guard.Document) (bool, error) {
	next.Life = 0
	return s.mapStore.CompareAndSwap(ctx, id, from, next)
}

// TestStoreWithoutLives checks that a store which keeps tombstones but no lives
// still loses nothing: its conflict documents reach back past a deletion, and
// that is all.
func TestStoreWithoutLives(t *testing.T) {
	a := serve(t, lifeless{newMapStore()}, guard.Options{})
	a.must(201, "PUT", "1", `{"n":1}`)
	a.must(204, "DELETE", "1", "", "If-Match", `"1"`)
	a.must(201, "PUT", "1", `{"n":3}`)
	if got := a.must(412, "PUT", "1", `{"n":4}`, "If-Match", `"1"`); !strings.Contains(got.body, `"yourVersion":1`) {
		t.Errorf("not explained: %s", got.body)
	}
	a.must(412, "PUT", "1", `{"n":4}`, "If-Match", `"2"`)
	a.must(200, "PUT", "1", `{"n":4}`, "If-Match", `"3"`)
}

func growing() func() int64 {
	n := int64(1000)
	return func() int64 { n += 1000; return n }
}

// TestStoreWithoutDates checks that nothing is said or believed about dates that
// a store does not keep.
func TestStoreWithoutDates(t *testing.T) {
	s := &forgetful{docs: map[string]guard.Document{"1": {Body: []byte(`{"n":1}`), Version: 4}}}
	a := serve(t, s, guard.Options{})
	if got := a.must(200, "GET", "1", "", "If-Modified-Since", farAway); got.header.Get("Last-Modified") != "" {
		t.Errorf("Last-Modified: %s", got.header.Get("Last-Modified"))
	}
	a.must(200, "GET", "1", "", "If-Unmodified-Since", longAgo)
	if got := a.must(412, "PUT", "1", `{}`, "If-Match", `"9"`); strings.Contains(got.body, "changedAt") {
		t.Errorf("a date from nowhere: %s", got.body)
	}
}

// TestSameSecond checks the two sides of a date that cannot tell two versions
// apart: what is believed of it, and that it is said when it comes to be.
func TestSameSecond(t *testing.T) {
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	date := noon.Format(http.TimeFormat)
	for _, same := range []bool{false, true} {
		t.Run(fmt.Sprint(same), func(t *testing.T) {
			s := newMapStore()
			s.versions["1"] = []guard.Document{
				{Body: []byte(`{"n":1}`), Version: 1, Modified: noon},
				{Body: []byte(`{"n":2}`), Version: 2, Modified: noon.Add(time.Millisecond), SameSecond: same},
			}
			a := serve(t, s, guard.Options{})
			read, write := 304, 200
			if same {
				read, write = 200, 412
			}
			if got := a.must(read, "GET", "1", "", "If-Modified-Since", date); got.header.Get("Last-Modified") != date {
				t.Errorf("Last-Modified: %s", got.header.Get("Last-Modified"))
			}
			a.must(write, "PUT", "1", `{"n":3}`, "If-Unmodified-Since", date)
		})
	}
	t.Run("written", func(t *testing.T) {
		s := newMapStore()
		ahead := time.Now().Add(time.Hour) // so that the next version is held up at the same instant
		s.versions["1"] = []guard.Document{{Body: []byte(`{"n":1}`), Version: 1, Modified: ahead}}
		a := serve(t, s, guard.Options{})
		a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`)
		if d := s.versions["1"][1]; !d.SameSecond || d.Modified.Before(ahead.Truncate(time.Second)) {
			t.Errorf("version 2 is dated %s, same second: %t", d.Modified, d.SameSecond)
		}
		past := newMapStore()
		past.versions["1"] = []guard.Document{{Body: []byte(`{"n":1}`), Version: 1, Modified: noon}}
		a = serve(t, past, guard.Options{})
		a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`)
		if past.versions["1"][1].SameSecond {
			t.Error("years apart, and said to be the same second")
		}
	})
}

func TestID(t *testing.T) {
	t.Run("by the mux", func(t *testing.T) {
		s := newMapStore()
		a := serve(t, s, guard.Options{})
		a.must(201, "PUT", "a%2Fb%20%C3%A9", `{"n":1}`)
		if len(s.versions["a/b é"]) != 1 {
			t.Errorf("stored under %v", s.versions)
		}
	})
	t.Run("by the service", func(t *testing.T) {
		s := newMapStore()
		a := serveHandler(t, guard.New(s, guard.Options{ID: func(r *http.Request) (string, bool) {
			tenant, ok := r.Header["X-Tenant"]
			if !ok {
				return "", false
			}
			return tenant[0] + r.URL.Path, true
		}}))
		got := a.must(404, "PUT", "1", `{"n":1}`)
		a.is(got, "not-found")
		a.must(201, "PUT", "1", `{"n":1}`, "X-Tenant", "t1")
		a.must(404, "GET", "1", "", "X-Tenant", "t2")
		if len(s.versions["t1/v1/docs/1"]) != 1 {
			t.Errorf("stored under %v", s.versions)
		}
	})
}

func TestMaxBody(t *testing.T) {
	a := serve(t, newMapStore(), guard.Options{MaxBody: 20})
	a.must(201, "PUT", "1", `{"n":"0123456789"}`)
	a.is(a.must(413, "PUT", "2", `{"n":"0123456789abcdef"}`), "too-large")
}

// TestActor checks that who wrote what comes to be known from the store alone.
func TestActor(t *testing.T) {
	a := serve(t, newSQLStore(t), guard.Options{Actor: writer})
	a.must(201, "PUT", "1", `{"a":1,"b":1}`, "X-Writer", "ann")
	a.must(200, "PATCH", "1", `{"a":2}`, "If-Match", `"1"`, "X-Writer", "bob")
	a.must(200, "PATCH", "1", `{"b":2}`, "If-Match", `"2"`, "X-Writer", "eve")
	got := a.must(412, "PATCH", "1", `{"c":1}`, "If-Match", `"1"`)
	var problem struct {
		ChangedBy string
		Changes   []struct {
			Path, By string
			Version  int64
		}
	}
	if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(problem); s != "{eve [{/a bob 2} {/b eve 3}]}" {
		t.Errorf("%s, want who changed what", s)
	}
}

// archive is a store that keeps the current document in one place and earlier
// versions in another, where the current one is not found.
type archive struct{ *mapStore }

func (s archive) LoadVersion(ctx context.Context, id string, version int64) (guard.Document, error) {
	if current, err := s.Load(ctx, id); err != nil || version == current.Version {
		return guard.Document{}, err
	}
	return s.mapStore.LoadVersion(ctx, id, version)
}

// TestHistorianOfEarlierVersions checks that a Historian need not know the
// current version for a conflict to be explained, whatever tags are made of.
func TestHistorianOfEarlierVersions(t *testing.T) {
	for _, token := range []ifmatch.Token{ifmatch.TokenVersion, ifmatch.TokenHash, ifmatch.TokenSigned} {
		t.Run(token.String(), func(t *testing.T) {
			a := serve(t, archive{newMapStore()}, guard.Options{Actor: writer, Contract: ifmatch.Contract{Token: token, Signer: newSigner(t)}})
			first := a.must(201, "PUT", "1", `{"a":1}`, "X-Writer", "ann").header.Get("ETag")
			second := a.must(200, "PATCH", "1", `{"b":1}`, "If-Match", first, "X-Writer", "bob").header.Get("ETag")
			a.must(200, "PATCH", "1", `{"a":2}`, "If-Match", second, "X-Writer", "eve")
			got := a.must(412, "PATCH", "1", `{"c":1}`, "If-Match", first)
			for _, want := range []string{`"changedBy":"eve"`, `"path":"/a","op":"replace","from":1,"to":2,"version":3,"by":"eve"`, `"path":"/b","op":"add","to":1,"version":2,"by":"bob"`} {
				if !strings.Contains(got.body, want) {
					t.Errorf("%s\nlacks %s", got.body, want)
				}
			}
		})
	}
}

// TestCounterLosesNothing has many clients raise one number, each by reading,
// adding one, and writing with the tag that it read.
func TestCounterLosesNothing(t *testing.T) {
	const clients, each = 16, 10
	for over, open := range stores {
		t.Run(over, func(t *testing.T) {
			t.Parallel()
			a := serve(t, open(t), guard.Options{})
			a.must(201, "PUT", "1", `{"n":0}`)
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for done := 0; done < each && !t.Failed(); {
						read := a.do("GET", "1", "")
						var doc struct{ N int }
						if err := json.Unmarshal([]byte(read.body), &doc); err != nil {
							t.Errorf("%v: %s", err, read.body)
							return
						}
						wrote := a.do("PUT", "1", fmt.Sprintf(`{"n":%d}`, doc.N+1), "If-Match", read.header.Get("ETag"))
						switch wrote.status {
						case 200:
							done++
						case 412:
						default:
							t.Errorf("%d %s", wrote.status, wrote.body)
						}
					}
				})
			}
			wg.Wait()
			want := fmt.Sprintf(`{"n":%d}`, clients*each)
			if got := a.must(200, "GET", "1", ""); got.body != want || got.header.Get("ETag") != fmt.Sprintf(`"%d"`, clients*each+1) {
				t.Errorf("%s %s, want %s", got.header.Get("ETag"), got.body, want)
			}
		})
	}
}
