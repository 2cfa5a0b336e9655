package guard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/merge"
)

var merging = ifmatch.OnStale{Default: ifmatch.StrategyMerge}

func compiled(t *testing.T, r merge.Rules) *merge.Policy {
	t.Helper()
	p, err := merge.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMergeUnderRules: the rules of a policy hold for a service's own store, and
// those that go by authority know the roles that it keeps.
func TestMergeUnderRules(t *testing.T) {
	rules := compiled(t, merge.Rules{Fields: []merge.Field{
		{Path: "/tags", Type: merge.Set},
		{Path: "/title", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor"}}},
	}})
	a := serve(t, newMapStore(), guard.Options{
		OnStale: merging, Merge: rules, Actor: writer, Roles: func(r *http.Request) []string { return r.Header["X-Role"] },
	})
	a.must(201, "PUT", "1", `{"title":"A","tags":["x"]}`)
	a.must(200, "PATCH", "1", `{"title":"admin's","tags":["x","y"]}`, "If-Match", `"1"`, "X-Role", "admin")
	got := a.must(200, "PATCH", "1", `{"title":"editor's","tags":["x","z"]}`, "If-Match", `"1"`, "X-Role", "editor")
	if want := `{"title":"admin's","tags":["x","y","z"]}`; got.body != want || got.header.Get("Ifmatch-ETag") != `"3"` || got.header.Get("ETag") != "" {
		t.Errorf("%s under %v, want %s", got.body, got.header, want)
	}
}

// TestMergeTakesAHistory: a store that knows no earlier version cannot tell what
// a stale writer had read.
func TestMergeTakesAHistory(t *testing.T) {
	a := serve(t, &forgetful{docs: map[string]guard.Document{}}, guard.Options{OnStale: merging})
	a.must(201, "PUT", "1", `{"a":1,"b":1}`)
	a.must(200, "PATCH", "1", `{"a":2}`, "If-Match", `"1"`)
	a.is(a.must(412, "PATCH", "1", `{"b":2}`, "If-Match", `"1"`), "base-unavailable")
	if is := a.must(200, "GET", "1", ""); is.body != `{"a":2,"b":1}` {
		t.Errorf("stored is %s", is.body)
	}
}

// TestMergedIsValidated: what a merge gives is valid like anything else.
func TestMergedIsValidated(t *testing.T) {
	a := serve(t, newMapStore(), guard.Options{OnStale: merging, Validate: func(doc []byte) map[string]string {
		if strings.Contains(string(doc), `"a":2,"b":2`) {
			return map[string]string{"/b": "must not be 2 where a is"}
		}
		return nil
	}})
	a.must(201, "PUT", "1", `{"a":1,"b":1}`)
	a.must(200, "PATCH", "1", `{"a":2}`, "If-Match", `"1"`)
	got := a.must(412, "PATCH", "1", `{"b":2}`, "If-Match", `"1"`)
	a.is(got, "merge-conflict")
	if !strings.Contains(got.body, `"faults":[{"pointer":"/b","detail":"must not be 2 where a is"}]`) {
		t.Errorf("the faults are not quoted: %s", got.body)
	}
	a.is(a.must(422, "PUT", "1", `{"a":2,"b":2}`, "If-Match", `"2"`), "invalid")
}

// TestImmutableOfAService: a field that does not change once it is there is refused,
// merged or not, and nothing has changed.
func TestImmutableOfAService(t *testing.T) {
	rules := compiled(t, merge.Rules{Fields: []merge.Field{{Path: "/id", Type: merge.Immutable}}})
	a := serve(t, newMapStore(), guard.Options{OnStale: merging, Merge: rules})
	a.must(201, "PUT", "1", `{"id":7,"a":1}`)
	a.is(a.must(422, "PUT", "1", `{"id":8,"a":1}`, "If-Match", `"1"`), "invalid")
	a.must(200, "PATCH", "1", `{"a":2}`, "If-Match", `"1"`)
	got := a.must(422, "PATCH", "1", `{"id":null}`, "If-Match", `"1"`)
	if a.is(got, "invalid"); !strings.Contains(got.body, `"pointer":"/id"`) {
		t.Errorf("the field is not named: %s", got.body)
	}
	if is := a.must(200, "GET", "1", ""); is.body != `{"id":7,"a":2}` || is.header.Get("ETag") != `"2"` {
		t.Errorf("stored is %s under %s", is.body, is.header.Get("ETag"))
	}
}

// TestDialectOfAService: versions in bodies and the envelope, over a service's own
// store.
func TestDialectOfAService(t *testing.T) {
	a := serve(t, newMapStore(), guard.Options{Dialect: ifmatch.Dialect{
		BodyVersion: ifmatch.BodyVersionAlways, StaleStatus: http.StatusConflict, Envelope: true,
	}})
	a.must(201, "PUT", "1", `{"a":1}`)
	if got := a.must(200, "PUT", "1", `{"a":2,"version":1}`); got.body != `{"a":2,"version":2}` {
		t.Errorf("shown is %s", got.body)
	}
	got := a.must(409, "PUT", "1", `{"a":3,"version":1}`)
	if !strings.HasPrefix(got.body, `{"error":{"code":"CONFLICT","message":"Version mismatch — read fresh and retry"`) {
		t.Errorf("refused with %s", got.body)
	}
}

// TestImpossibleOptions: what cannot be meant is told at once.
func TestImpossibleOptions(t *testing.T) {
	for name, o := range map[string]guard.Options{
		"a pointer that is none":     {Dialect: ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/~2"}},
		"who may, without an answer": {OnStale: ifmatch.OnStale{Overwrite: "true"}},
		"a strategy that is none":    {OnStale: ifmatch.OnStale{Default: "merge-it-all"}},
		"a place to park conflicts":  {OnStale: ifmatch.OnStale{Allow: []ifmatch.Strategy{ifmatch.StrategyPark}}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.HasPrefix(said, "guard: Options.") {
					t.Errorf("it says %q", said)
				}
			}()
			guard.New(newMapStore(), o)
		})
	}
}
