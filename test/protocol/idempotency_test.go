package protocol_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
)

// A key as clients send it, bare and as the String of a Structured Field.
const (
	bareKey   = "8e03978e-40d5-43e8-bc93-6894a57f9324"
	quotedKey = `"` + bareKey + `"`
)

// withKey returns headers with an idempotency key.
func withKey(headers ...string) []string {
	return append(slices.Clone(headers), "Idempotency-Key", bareKey)
}

// sameAnswer: status, body and every header field are those of the first answer,
// but for what is about the answer and not about the request.
func (a *api) sameAnswer(first, again answer) {
	a.t.Helper()
	strip := func(h http.Header) http.Header {
		h = h.Clone()
		for _, name := range []string{"Date", "X-Request-Id", "Idempotent-Replayed"} {
			h.Del(name)
		}
		return h
	}
	if first.status != again.status || first.body != again.body || !maps.EqualFunc(strip(first.header), strip(again.header), slices.Equal) {
		a.t.Errorf("answered %d %v %s\nfirst was %d %v %s", again.status, again.header, again.body, first.status, first.header, first.body)
	}
}

// once sends a request under a key until it has been answered twice, and checks
// that it was carried out once.
func (a *api) once(status int, method, path, body string, headers ...string) answer {
	a.t.Helper()
	first := a.must(status, method, path, body, withKey(headers...)...)
	a.header(first, "Idempotent-Replayed", "")
	before := a.dump()
	again := a.do(method, path, body, append(headers, "Idempotency-Key", quotedKey)...)
	a.header(again, "Idempotent-Replayed", "true")
	a.sameAnswer(first, again)
	if after := a.dump(); after != before {
		a.t.Errorf("the same %s again has written something:\n%s\nbefore:\n%s", method, after, before)
	}
	return first
}

// keyedWrite is a write under a key, and what it is answered.
type keyedWrite struct {
	name         string
	setup        setup
	before       func(a *api) (path string) // what was there, and what the request goes to; "" is the item
	method, body string
	headers      []string
	status       int
	outcome      string
}

func keyedWrites(t *testing.T) []keyedWrite {
	t.Helper()
	empty := func(*api) string { return "" }
	one := func(a *api) string { a.must(201, "PUT", item, `{"a":1,"b":1}`); return "" }
	two := func(a *api) string { a.twoVersions(`{"a":1,"b":1}`, `{"a":2,"b":1}`); return "" }
	natural, err := engine.NewNaturalKey("/email")
	if err != nil {
		t.Fatal(err)
	}
	unique := setup{collections: []httpapi.Collection{{Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{Key: natural}}}}
	list := func(*api) string { return "/v1/notes" }
	taken := func(a *api) string { a.must(201, "POST", "/v1/notes", `{"email":"ann"}`); return "/v1/notes" }
	counts := setup{rules: merging(t, merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Counter}}})}
	parks := setup{rules: parking(t, merge.Rules{})}
	parked := func(a *api) string { two(a); return a.parked(`{"a":3}`) }
	sources := setup{rules: contributed(t, "1")}
	beside := func(*api) string { return contributions }
	said := func(a *api) string { a.contribute(says("crm", "0.8", 1, `{"a":1}`)); return contributions }
	overwriting := setup{rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyOverwrite}}}
	return []keyedWrite{
		{"POST", setup{}, list, "POST", `{"a":1}`, nil, 201, "created"},
		{"POST with a natural key", unique, list, "POST", `{"email":"ann"}`, nil, 201, "created"},
		{"POST of what is there", unique, taken, "POST", `{"email":"ann"}`, nil, 200, "unchanged"},
		{"PUT, creating", setup{}, empty, "PUT", `{"a":1}`, []string{"If-None-Match", "*"}, 201, "created"},
		{"PUT", setup{}, one, "PUT", `{"a":2}`, []string{"If-Match", `"1"`}, 200, "replaced"},
		{"PUT of what is there", setup{}, one, "PUT", `{"a":1,"b":1}`, []string{"If-Match", `"1"`}, 200, "unchanged"},
		{"PUT without an answer's body", setup{}, one, "PUT", `{"a":2}`, []string{"If-Match", `"1"`, "Prefer", "return=minimal"}, 204, "replaced"},
		{"merge patch", setup{}, one, "PATCH", `{"a":2}`, []string{"If-Match", `"1"`}, 200, "patched"},
		{"JSON Patch", setup{}, one, "PATCH", `[{"op":"replace","path":"/a","value":2}]`, []string{"If-Match", `"1"`, "Content-Type", jsonPatch}, 200, "patched"},
		{"DELETE", setup{}, one, "DELETE", "", []string{"If-Match", `"1"`}, 204, "deleted"},
		{"a counter that is merged", counts, two, "PATCH", `{"a":5}`, []string{"If-Match", `"1"`}, 200, "merged"},
		{"overwriting", overwriting, two, "PUT", `{"a":5}`, []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite"}, 200, "overwritten"},
		{"parking", parks, two, "PATCH", `{"a":3}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}, 202, "parked"},
		{"parking what is parked", parks, func(a *api) string { parked(a); return "" }, "PATCH", `{"a":3}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}, 202, "parked"},
		{"deciding", parks, func(a *api) string { return parked(a) + "/resolve" }, "POST", `{"choices":{"/a":"yours"}}`, []string{"If-Match", `"2"`}, 200, "merged"},
		{"deciding for what is there", parks, func(a *api) string { return parked(a) + "/resolve" }, "POST", `{"choices":{"/a":"theirs"}}`, []string{"If-Match", `"2"`}, 200, "unchanged"},
		{"throwing away", parks, parked, "DELETE", "", nil, 204, "deleted"},
		{"contributing", sources, beside, "POST", says("crm", "0.8", 1, `{"a":1}`), nil, 201, "contributed"},
		{"contributing again", sources, said, "POST", says("crm", "0.8", 1, `{"a":1}`), nil, 200, "unchanged"},
		{"contributing without an answer's body", sources, beside, "POST", says("crm", "0.8", 1, `{"a":1}`), []string{"Prefer", "return=minimal"}, 201, "contributed"},
		{"withdrawing", sources, func(a *api) string {
			a.contribute(says("erp", "0.1", 1, `{"b":1}`))
			return contributions + "/" + a.contribute(says("crm", "0.8", 1, `{"a":1}`)).ID
		}, "DELETE", "", nil, 204, "withdrawn"},
	}
}

// TestKeyReplays: whatever is written, the same request under the same key is
// answered alike to the byte and changes nothing, also after others have written.
func TestKeyReplays(t *testing.T) {
	for _, k := range keyedWrites(t) {
		t.Run(k.name, func(t *testing.T) {
			k.setup.actor = writerName
			onEveryStore(t, k.setup, func(t *testing.T, a *api) {
				path := k.before(a)
				if path == "" {
					path = item
				}
				headers := append(slices.Clone(k.headers), "X-Writer", "ann")
				first := a.once(k.status, k.method, path, k.body, headers...)
				a.header(first, "Ifmatch-Outcome", k.outcome)
				if k.outcome == "created" && first.header.Get("Location") == "" && path != item {
					t.Error("there is no Location")
				}
				if at := a.do("GET", item, ""); at.status == 200 {
					a.must(204, "DELETE", item, "", "If-Match", "*", "X-Writer", "bob")
				} else {
					a.do("PUT", item, `{"email":"else","z":1}`, "X-Writer", "bob")
				}
				before := a.dump()
				again := a.do(k.method, path, k.body, withKey(headers...)...)
				a.header(again, "Idempotent-Replayed", "true")
				a.sameAnswer(first, again)
				if after := a.dump(); after != before {
					t.Errorf("a replay has written something:\n%s\nbefore:\n%s", after, before)
				}
				a.verify()
			})
		})
	}
}

// TestKeyCountsOnce: what a merge would count twice is counted once for each key.
func TestKeyCountsOnce(t *testing.T) {
	rules := merging(t, merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}, {Path: "/log", Type: merge.Append}}})
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":1,"log":["a"]}`, `{"n":2,"log":["a","b"]}`)
		const body = `{"n":11,"log":["a","c"]}`
		p := a.refused(412, "stale", "PATCH", item, body, "If-Match", `"1"`)
		if !strings.Contains(p.Detail, "Idempotency-Key") || p.Advice != "retry" {
			t.Errorf("advised to %s: %s", p.Advice, p.Detail)
		}
		dry := a.must(200, "PATCH", item+"?dryRun=true", body, withKey("If-Match", `"1"`)...)
		a.header(dry, "Ifmatch-Outcome", "merged")
		got := a.once(200, "PATCH", item, body, "If-Match", `"1"`)
		a.body(got, `{"n":12,"log":["a","b","c"]}`)
		another := a.must(200, "PATCH", item, body, "If-Match", `"1"`, "Idempotency-Key", "another-key-of-enough-characters")
		a.body(another, `{"n":22,"log":["a","b","c","c"]}`)
	})
}

// TestKeyOfARefusal: a refusal frees the key, for the same request and for another.
func TestKeyOfARefusal(t *testing.T) {
	rules := parkingByDefault(t, merge.Rules{})
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.twoVersions(`{"a":1,"b":1}`, `{"a":2,"b":1}`)
		a.refused(412, "exists", "PUT", item, `{"a":3}`, withKey("If-None-Match", "*")...)
		a.refused(428, "precondition-required", "PUT", item, `{"a":3}`, withKey()...)
		a.refused(400, "malformed", "PUT", item, `{"a":`, withKey("If-Match", `"2"`)...)
		// It is parked, and told as a refusal: it is judged afresh, and parked once.
		for range 2 {
			got := a.must(412, "PATCH", item, `{"a":3}`, withKey("If-Match", `"1"`)...)
			a.header(got, "Ifmatch-Outcome", "parked")
			a.header(got, "Idempotent-Replayed", "")
		}
		a.once(200, "PUT", item, `{"a":4}`, "If-Match", `"2"`)
	})
}

// TestKeyOfADryRun: a dry run neither reads a key nor claims it.
func TestKeyOfADryRun(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item+"?dryRun=true", `{"a":1}`, withKey()...)
		a.once(201, "PUT", item, `{"a":2}`)
		got := a.must(200, "PUT", item+"?dryRun=true", `{"a":3}`, withKey("If-Match", `"1"`)...)
		a.header(got, "Idempotent-Replayed", "")
		a.body(got, `{"a":3}`)
	})
}

// TestKeyScopes: a key is its caller's, in one part of a collection.
func TestKeyScopes(t *testing.T) {
	scoped := setup{actor: writerName, collections: []httpapi.Collection{{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: &engine.Rules{}}, {Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{}}}}
	onEveryStore(t, scoped, func(t *testing.T, a *api) {
		for _, path := range []string{"/v1/orgs/1/users", "/v1/orgs/2/users", "/v1/notes"} {
			for _, writer := range []string{"ann", "bob", `ann" users`, ""} {
				a.once(201, "POST", path, `{"a":1}`, "X-Writer", writer)
			}
		}
	})
}

// TestKeyExpires: a key is remembered for as long as it is said, by the clock of
// the server, and after that is a new one. What has expired is forgotten.
func TestKeyExpires(t *testing.T) {
	for name, open := range chosen() {
		t.Run(name, func(t *testing.T) {
			now := &clock{now: noon}
			a := newAPI(t, open(t), setup{now: now.Now})
			first := a.once(201, "POST", "/v1/notes", `{"a":1}`)
			now.set(noon.Add(24*time.Hour - time.Microsecond))
			a.sameAnswer(first, a.do("POST", "/v1/notes", `{"a":1}`, withKey()...))
			now.set(noon.Add(24 * time.Hour))
			second := a.once(201, "POST", "/v1/notes", `{"a":2}`)
			if first.header.Get("Location") == second.header.Get("Location") {
				t.Error("an expired key was replayed")
			}
			now.set(noon.Add(72 * time.Hour))
			a.must(201, "PUT", item, `{"a":1}`, "Idempotency-Key", "another-key-of-enough-characters")
			if _, err := a.store.Answer(t.Context(), " notes/", bareKey); !errors.Is(err, store.ErrNoEntry) {
				t.Errorf("what has expired is still there: %v", err)
			}
			a.verify()
		})
	}
}

// TestKeyDates: Date is that of each answer, and never before Last-Modified.
func TestKeyDates(t *testing.T) {
	now := &clock{now: time.Now().Add(time.Hour)}
	a := newAPI(t, openSQLite(t), setup{now: now.Now})
	a.once(201, "PUT", item, `{"a":1}`)
	now.set(now.Now().Add(-2 * time.Hour))
	got := a.do("PUT", item, `{"a":1}`, withKey()...)
	date, err := http.ParseTime(got.header.Get("Date"))
	modified, err2 := http.ParseTime(got.header.Get("Last-Modified"))
	if err != nil || err2 != nil || date.Before(modified) {
		t.Errorf("Date %s, Last-Modified %s", got.header.Get("Date"), got.header.Get("Last-Modified"))
	}
}

// TestKeyOfSomebodyLess: who has lost a role since is not shown again what it was
// answered with.
func TestKeyOfSomebodyLess(t *testing.T) {
	roles := func(r *http.Request) store.Actor { return store.Actor{Name: "ann", Roles: r.Header["X-Role"]} }
	onEveryStore(t, setup{actor: roles}, func(t *testing.T, a *api) {
		a.once(201, "PUT", item, `{"a":1}`, "X-Role", "editor")
		got := a.must(201, "PUT", item, `{"a":1}`, withKey("X-Role", "admin", "X-Role", "editor")...)
		a.header(got, "Idempotent-Replayed", "true")
		a.refused(403, "forbidden", "PUT", item, `{"a":1}`, withKey("X-Role", "reader")...)
	})
}

// TestKeyOfAnIdenticalWrite: a write that changes nothing is remembered too. Sent
// again it does not undo what others have written meanwhile.
func TestKeyOfAnIdenticalWrite(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"a":1}`)
		got := a.once(200, "PUT", item, `{"a":1}`)
		a.header(got, "Ifmatch-Outcome", "unchanged")
		a.must(200, "PUT", item, `{"a":2}`)
		a.sameAnswer(got, a.do("PUT", item, `{"a":1}`, withKey()...))
		a.body(a.must(200, "GET", item, ""), `{"a":2}`)
	})
}

// TestKeyOfReads: a key means nothing to what writes nothing.
func TestKeyOfReads(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"a":1}`)
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if got := a.do(method, item, "", "Idempotency-Key", `"not a key`); got.status > 204 {
				t.Errorf("%s: %d %s", method, got.status, got.body)
			}
		}
	})
}

// TestKeyShowsMembers: what a contract adds to bodies is in the replay as it was.
func TestKeyShowsMembers(t *testing.T) {
	onEveryStore(t, speaking(t, always, ifmatch.Contract{}), func(t *testing.T, a *api) {
		a.once(201, "POST", "/v1/notes", `{"a":1}`)
	})
}
