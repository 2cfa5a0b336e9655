package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// versions is a server of documents that counts their versions and takes a write
// only with the current one, in If-Match or in the content. Patches it also merges,
// if it is told to.
type versions struct {
	sync.Mutex
	of      map[string]int
	members map[string]map[string]any
	inBody  int // writes whose content named the version
	key     string

	merges  bool
	refused int                  // patches
	lose    func(patch int) bool // which patches are answered and not stored; nil is none
	patches int
}

func newVersions() *versions {
	return &versions{of: map[string]int{}, members: map[string]map[string]any{}, key: "Bearer x"}
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.Lock()
	defer v.Unlock()
	current := v.of[r.URL.Path]
	tag := fmt.Sprintf(`"%d"`, current)
	name, status := "ETag", 200
	switch {
	case r.Header.Get("Authorization") != v.key:
		status = 401
	case r.Method == "GET" && r.Header.Get("If-None-Match") == tag:
		status = 304
	case r.Method == "PUT":
		status = v.put(r, tag)
	case r.Method == "PATCH":
		if status = v.patch(r, tag); r.Header.Get("If-Match") != tag {
			name = "Ifmatch-ETag"
		}
	}
	body, err := json.Marshal(v.members[r.URL.Path])
	if err != nil {
		status = 500
	}
	w.Header().Set(name, fmt.Sprintf(`"%d"`, v.of[r.URL.Path]))
	w.WriteHeader(status)
	if status != 304 {
		_, _ = w.Write(body) // a client that is gone fails by itself
	}
}

func (v *versions) put(r *http.Request, tag string) int {
	current := v.of[r.URL.Path]
	members := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&members); err != nil {
		return 400
	}
	number, inBody := members["version"].(float64)
	if inBody {
		v.inBody++
	}
	created := current == 0 && r.Header.Get("If-None-Match") == "*"
	if !created && r.Header.Get("If-Match") != tag && int(number) != current {
		return 412
	}
	v.of[r.URL.Path]++
	v.members[r.URL.Path] = members
	if created {
		return 201
	}
	return 200
}

func (v *versions) patch(r *http.Request, tag string) int {
	if r.Header.Get("If-Match") != tag && !v.merges {
		v.refused++
		return 412
	}
	members := map[string]any{}
	err := json.NewDecoder(r.Body).Decode(&members)
	if err != nil || len(members) != 1 || r.Header.Get("Content-Type") != "application/merge-patch+json" {
		return 400
	}
	v.patches++
	v.of[r.URL.Path]++
	if v.lose == nil || !v.lose(v.patches) {
		maps.Copy(v.members[r.URL.Path], members)
	}
	return 200
}

func (v *versions) plan(t *testing.T, documents int) Plan {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return Plan{
		Addr: strings.TrimPrefix(server.URL, "http://"), Clients: 3, Corpus: NewCorpus(documents),
		Duration: 20 * time.Millisecond, Header: "Authorization: Bearer x\r\n",
	}
}

// drive runs kinds in turn; none may fail. It returns what the last one measured.
func drive(t *testing.T, plan Plan, kinds ...Kind) *Result {
	t.Helper()
	var result *Result
	for _, kind := range kinds {
		plan.Kind = kind
		var err error
		if result, err = Run(t.Context(), plan); err != nil {
			t.Fatalf("kind %d: %v", kind, err)
		}
	}
	return result
}

// TestRun drives every kind that keeps to its own documents, in an order in which
// each needs the tags that those before it have seen.
func TestRun(t *testing.T) {
	v := newVersions()
	plan := v.plan(t, 10)
	drive(t, plan, Create, Replace, ReplaceInBody, Replace, ReplaceInBody, Patch, Read, Patch, Unchanged)
	if len(v.of) != plan.Corpus.Len() || v.inBody == 0 || v.patches == 0 {
		t.Errorf("%d documents, %d versions in bodies, %d patches", len(v.of), v.inBody, v.patches)
	}
	for path := range v.of {
		v.of[path]++ // by somebody else
	}
	for _, kind := range []Kind{ReplaceInBody, Replace, Patch} {
		plan.Kind = kind
		if _, err := Run(t.Context(), plan); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "status 412") {
			t.Errorf("kind %d, refused writes: %v", kind, err)
		}
	}
	plan.Kind, plan.Header = Read, ""
	if _, err := Run(t.Context(), plan); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "status 401") {
		t.Errorf("without the header: %v", err)
	}
}

// TestRunShared alternates the kinds that share a document with those that do not:
// each leaves behind the tags that the next one needs.
func TestRunShared(t *testing.T) {
	v := newVersions()
	plan := v.plan(t, 3)
	r := drive(t, plan, CreateFields, Patch, PatchRetry, Patch, PatchRetry)
	if v.refused == 0 || r.Requests <= 2*r.Done || r.RequestsEach() <= 2 {
		t.Errorf("%d refusals, %d requests for %d successes", v.refused, r.Requests, r.Done)
	}
	v.refused, v.merges = 0, true
	r = drive(t, plan, PatchShared, Patch, PatchShared)
	if v.refused > 0 || r.Requests != r.Done || r.RequestsEach() != 1 {
		t.Errorf("merged: %d refusals, %d requests for %d successes", v.refused, r.Requests, r.Done)
	}
}

// TestRunSharedFinds has the server answer writes that it does not keep, or keep
// what nobody wrote.
func TestRunSharedFinds(t *testing.T) {
	const shared = "/v1/docs/doc-00000000"
	for _, tt := range []struct {
		name, want string
		kind       Kind
		fault      func(*versions)
	}{
		{"last writes are lost", "was told that", PatchShared, func(v *versions) {
			v.merges, v.lose = true, func(patch int) bool { return patch > 3 }
		}},
		{"last writes are lost to who retries", "was told that", PatchRetry, func(v *versions) {
			v.lose = func(patch int) bool { return patch > 3 }
		}},
		{"versions beyond the writes", "made version", PatchShared, func(v *versions) { v.merges, v.of[shared] = true, 7 }},
		{"it does not merge", "status 412", PatchShared, func(*versions) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVersions()
			plan := v.plan(t, 3)
			drive(t, plan, CreateFields)
			tt.fault(v)
			plan.Kind = tt.kind
			if _, err := Run(t.Context(), plan); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRunRefusesPlans(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    Kind
		clients int
		corpus  int
	}{
		{"nobody", Read, 0, 3},
		{"fewer documents than writers", Patch, 4, 3},
		{"more writers than members", PatchShared, Writers + 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Run(t.Context(), Plan{Kind: tt.kind, Clients: tt.clients, Corpus: NewCorpus(tt.corpus)}); err == nil {
				t.Error("it ran")
			}
		})
	}
}
