package protocol_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	problems "github.com/ifmatch/ifmatch/problem"
)

// provocation is a request that is answered with one code.
type provocation struct {
	method, path, body string
	headers            []string
	setup              setup
	commit             error           // what storage answers to a commit; nil commits
	front              func(*api) *api // serves the same store in another way; nil is newAPI's
}

// kept is the document that provocations are about, at its second version.
const kept = "/v1/notes/kept"

// provocations holds, for each code that a request can be answered with, one such
// request.
func provocations(t *testing.T) map[problems.Code]provocation {
	failing := func(err error) provocation {
		return provocation{method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"2"`}, setup: setup{faulty: true}, commit: err}
	}
	put := func(body string, headers ...string) provocation {
		return provocation{method: "PUT", path: kept, body: body, headers: headers}
	}
	patch := func(body string) provocation {
		return provocation{method: "PATCH", path: kept, body: body, headers: []string{"Content-Type", jsonPatch, "If-Match", `"2"`}}
	}
	key, err := engine.NewNaturalKey("/n")
	if err != nil {
		t.Fatal(err)
	}
	unique := setup{collections: []httpapi.Collection{{Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{Key: key}}}}
	return map[problems.Code]provocation{
		problems.Malformed:            put(`{"n":3`, "If-Match", `"2"`),
		problems.UnsupportedVersion:   {method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"2"`, "Api-Version", "3"}, setup: setup{apiVersions: []string{"1", "2"}}},
		problems.Unauthenticated:      {method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"2"`}, front: (*api).askingForKeys},
		problems.Forbidden:            put(`{"n":3}`, "If-Match", `"2"`, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"),
		problems.NotFound:             {method: "DELETE", path: "/v1/notes/none", headers: []string{"If-Match", "*"}},
		problems.MethodNotAllowed:     {method: "POST", path: kept, body: `{"n":3}`},
		problems.Duplicate:            {method: "POST", path: "/v1/notes", body: `{"n":2,"m":1}`, setup: unique},
		problems.PatchTestFailed:      patch(`[{"op":"replace","path":"/n","value":3},{"op":"test","path":"/n","value":2}]`),
		problems.PatchInapplicable:    patch(`[{"op":"replace","path":"/n","value":3},{"op":"remove","path":"/none"}]`),
		problems.Stale:                put(`{"n":3}`, "If-Match", `"1"`),
		problems.MergeConflict:        {method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"1"`}, setup: setup{rules: engine.Rules{OnStale: engine.StrategyMerge}}},
		problems.BaseUnavailable:      {method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"1"`}, setup: setup{rules: engine.Rules{OnStale: engine.StrategyMerge, Keep: 1}}},
		problems.WeakValidator:        put(`{"n":3}`, "If-Match", `W/"2"`),
		problems.Exists:               put(`{"n":3}`, "If-None-Match", "*"),
		problems.TooLarge:             {method: "PUT", path: kept, body: `{"n":"` + strings.Repeat("3", 100) + `"}`, headers: []string{"If-Match", `"2"`}, setup: setup{limits: engine.Limits{Body: 100}}},
		problems.UnsupportedMediaType: put(`{"n":3}`, "If-Match", `"2"`, "Content-Type", "text/plain"),
		problems.Invalid:              put(`[3]`, "If-Match", `"2"`),
		problems.PreconditionRequired: put(`{"n":3}`),
		problems.RateLimited:          {method: "PUT", path: kept, body: `{"n":3}`, headers: []string{"If-Match", `"2"`}, front: (*api).afterTooMuch},
		problems.LeaseExpired:         put(`{"n":3}`, "If-Match", `"2"`, "Ifmatch-Lease", "none-that-there-is"),
		problems.Locked:               failing(&store.LockedError{}),
		problems.Contended:            failing(store.ErrContended),
		problems.ReadOnly:             failing(store.ErrReadOnly),
		problems.StorageFull:          failing(store.ErrFull),
		problems.Internal:             failing(errors.New("storage is not well")),
	}
}

// elsewhere names, for each code that takes more than one request, a test of this
// package.
var elsewhere = map[problems.Code]string{
	problems.Overloaded:     "TestOverload",        // others have to be in the way
	problems.OutcomeUnknown: "TestUnknownOutcomes", // the one code that may leave something written
	problems.Outranked:      "TestDirectWrites",    // two sources have to meet
	problems.TokenForged:    "TestForgedTags",      // its document has signed tags

	problems.Resync:              "TestChangesResync", // two stores have to meet
	problems.IdempotencyInFlight: "TestKeyInFlight",
	problems.IdempotencyMismatch: "TestKeyMismatch",
}

// unanswered are the codes that no request is answered with yet.
var unanswered []problems.Code

// TestEveryCodeIsProvoked: a code that is added to the table of package problem
// needs a request that brings it about, here or in a test that is named, and one
// that is called unanswered stands in no code that could answer with it.
func TestEveryCodeIsProvoked(t *testing.T) {
	rows := map[problems.Code]int{}
	for code := range provocations(t) {
		rows[code]++
	}
	for code, test := range elsewhere {
		rows[code]++
		if err := findTest(test, code); err != nil {
			t.Errorf("%s is said to be tested by %s: %v", code, test, err)
		}
	}
	for _, code := range unanswered {
		rows[code]++
	}
	for code, n := range rows {
		if !code.Known() || n != 1 {
			t.Errorf("%s has %d rows, and is in the table of codes: %v", code, n, code.Known())
		}
	}
	for _, code := range problems.Codes() {
		if rows[code] == 0 {
			t.Errorf("%s has no row: add a request to provocations that is answered with it", code)
		}
	}
	used := codesInSource(t)
	for _, code := range unanswered {
		if where := used[code]; where != "" {
			t.Errorf("%s is called unanswered and stands in %s: add a request to provocations that is answered with it", code, where)
		}
	}
	if used[problems.Stale] == "" || used[problems.Unauthenticated] == "" {
		t.Errorf("the source was not read well; it is said to use %v", used)
	}
}

// TestEveryProblemChangesNothing: whatever a request is refused for, document,
// history, list and log are what they were, to the byte, and its key is free.
func TestEveryProblemChangesNothing(t *testing.T) {
	for code, p := range provocations(t) {
		t.Run(string(code), func(t *testing.T) {
			onEveryStore(t, p.setup, func(t *testing.T, a *api) {
				a.must(201, "PUT", kept, `{"n":1}`)
				a.must(200, "PUT", kept, `{"n":2}`, "If-Match", `"1"`)
				a.must(201, "PUT", "/v1/notes/other", `{"n":9}`)
				before := a.everything()
				asked := a
				if p.front != nil {
					asked = p.front(a)
				}
				if p.commit != nil {
					a.faults.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
						return store.Receipt{}, p.commit
					})
				}
				for _, headers := range [][]string{p.headers, withKey(p.headers...)} {
					got := asked.do(p.method, p.path, p.body, headers...)
					a.status(got, code.Status())
					a.header(got, "Ifmatch-Outcome", "rejected")
					if is := a.problem(got).Type; is != code.Type() {
						t.Errorf("the problem is %s, want %s", is, code.Type())
					}
				}
				if p.commit != nil {
					a.faults.onCommit(nil)
				}
				if after := a.everything(); after != before {
					t.Errorf("it has left something behind:\n%s\nbefore:\n%s", after, before)
				}
				if answer, err := a.store.Answer(t.Context(), " notes/", bareKey); !errors.Is(err, store.ErrNoEntry) {
					t.Errorf("its key is used up: %+v, %v", answer, err)
				}
				a.verify()
				a.must(200, "PUT", kept, `{"n":3}`, "If-Match", `"2"`)
			})
		})
	}
}

// everything is what clients can see of the kept document and its collection, and
// what the store holds.
func (a *api) everything() string {
	a.t.Helper()
	var b strings.Builder
	for _, p := range []string{kept, kept + "/_history", kept + "/_history/2", path.Dir(kept)} {
		got := a.must(200, "GET", p, "")
		fmt.Fprintln(&b, p, got.header.Get("ETag"), got.header.Get("Last-Modified"), got.body)
	}
	return b.String() + a.dump()
}

// askingForKeys serves a's store to those who have a key, of whom there are none.
func (a *api) askingForKeys() *api {
	a.t.Helper()
	keys, err := access.NewKeys([]access.Key{{Principal: access.Principal{Name: "ann"}, Digest: sha256.Sum256([]byte("a key that nobody sends"))}})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.behind(httpapi.Config{Auth: httpapi.Auth{Keys: keys}})
}

// afterTooMuch serves a's store to a caller who has asked for as much as they may.
func (a *api) afterTooMuch() *api {
	a.t.Helper()
	b := a.behind(httpapi.Config{Admission: httpapi.Admission{Burst: 1, Per: time.Hour}})
	b.must(200, "GET", kept, "")
	return b
}

// behind serves a's store in another way.
func (a *api) behind(c httpapi.Config) *api {
	a.t.Helper()
	c.Door = &door.Door{Engine: engine.New(a.store, engine.Config{Chain: a.chain})}
	c.Default = &engine.Rules{}
	b := *a
	b.serve(c)
	return &b
}
