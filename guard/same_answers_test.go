package guard_test

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// request is one of a recorded sequence. In headers, {1:3} stands for the tag
// that document 1 had after its third successful write.
type request struct {
	method, target, body string
	headers              []string
}

func put(target, body string, headers ...string) request {
	return request{http.MethodPut, target, body, headers}
}

func patch(target, body string, headers ...string) request {
	return request{http.MethodPatch, target, body, headers}
}

func jsonPatch(target, body string, headers ...string) request {
	return patch(target, body, append([]string{"Content-Type", "application/json-patch+json"}, headers...)...)
}

func remove(target string, headers ...string) request {
	return request{http.MethodDelete, target, "", headers}
}

func get(target string, headers ...string) request {
	return request{http.MethodGet, target, "", headers}
}

const (
	longAgo = "Thu, 01 Jan 1970 00:00:01 GMT"
	farAway = "Fri, 01 Jan 2100 00:00:00 GMT"
)

var recorded = []request{
	get("1"),
	patch("1", `{"a":1}`),
	remove("1"),
	put("1", `{"a":1}`, "If-Match", `"1"`),
	put("1", `{"a":1}`, "If-Match", "*"),
	put("1", `{"a":1}`, "If-None-Match", "*", "X-Writer", "ann"),
	put("1", `{"a":2}`, "If-None-Match", "*"),
	get("1"),
	{http.MethodHead, "1", "", nil},
	get("1", "If-None-Match", "{1:1}"),
	get("1", "If-None-Match", "W/{1:1}"),
	get("1", "If-None-Match", "*"),
	get("1", "If-Match", `"other"`),
	get("1", "If-Match", `garbage`),
	get("1", "If-Modified-Since", farAway),
	get("1", "If-Modified-Since", longAgo),
	get("1", "If-Unmodified-Since", longAgo),
	put("1", `{"a":2}`),
	patch("1", `{"p":0}`),
	remove("1?dryRun=true"),
	put("1", `{"a":2,"b":{"x":1.50}}`, "If-Match", "{1:1}", "X-Writer", "bob"),
	put("1", `{"a":3}`, "If-Match", "{1:1}"),
	put("1", `{"a":2,"b":{"x":1.50}}`, "If-Match", "{1:1}"),
	put("1", `{"b":{"x":1.50},"a":2}`, "If-Match", "{1:2}"),
	put("1", `{"a":3}`, "If-Match", `W/{1:2}`),
	put("1", `{"a":3}`, "If-Match", `{1:1}, "zz"`),
	put("1", `{"a":3}`, "If-Match", `nonsense`),
	put("1", `{"a":3}`, "If-Match", `*, "1"`),
	put("1", `{"a":3}`, "If-Match", ``),
	put("1", `{"a":3}`, "If-None-Match", "{1:2}"),
	put("1", `{"a":3}`, "If-Unmodified-Since", longAgo),
	put("1", `{"a":3}`, "If-Unmodified-Since", farAway, "X-Writer", "eve"),
	patch("1", `{"b":{"y":2},"a":null}`, "If-Match", "{1:3}", "X-Writer", "ann"),
	patch("1", `{"b":{"y":3}}`, "If-Match", "{1:2}"),
	patch("1", `{"b":{"y":3}}`, "If-Match", "{1:2}", "Prefer", "conflict=overwrite", "X-Writer", "bob"),
	patch("1", `{"c":3}`, "If-Match", "{1:2}", "Prefer", "conflict=merge"),
	patch("1", `{"c":`, "If-Match", "{1:5}"),
	patch("1", `{"c":1,"c":2}`, "If-Match", "{1:5}"),
	patch("1", `[1]`, "If-Match", "{1:5}"),
	jsonPatch("1", `[{"op":"test","path":"/b/y","value":9}]`, "If-Match", "{1:5}"),
	jsonPatch("1", `[{"op":"remove","path":"/nowhere"}]`, "If-Match", "{1:5}"),
	jsonPatch("1", `{"op":"remove"}`, "If-Match", "{1:5}"),
	jsonPatch("1", `[{"op":"add","path":"/list","value":[1,null]}]`, "If-Match", "{1:5}", "Prefer", "return=minimal"),
	patch("1", `{}`, "If-Match", "{1:6}"),
	patch("1", `{"z":1}`, "If-Match", "{1:6}", "Content-Type", "text/plain"),
	put("1", `{"z":1}`, "If-Match", "{1:6}", "Content-Type", "text/plain"),
	put("1", `{"z":1}`, "If-Match", "{1:6}", "Content-Encoding", "gzip"),
	put("1", `{"z":1}`, "If-Match", "{1:6}", "Content-Range", "bytes 0-1/2"),
	put("1", `7`, "If-Match", "{1:6}"),
	put("1?dryRun=true", `{"z":1}`, "If-Match", "{1:6}"),
	put("1?dry_run=true", `{"z":1}`, "If-Match", "{1:6}"),
	put("1?dryRun=yes", `{"z":1}`, "If-Match", "{1:6}"),
	{http.MethodPost, "1", `{}`, []string{"Content-Type", "application/json"}},
	{http.MethodOptions, "1", "", nil},
	put("1", `{"z":"`+strings.Repeat("x", 1<<20)+`"}`, "If-Match", "{1:6}"),
	put("1", `{"z":1}`, "If-Match", strings.Repeat(`"x",`, 101)),
	remove("1", "If-Match", "{1:5}"),
	remove("1", "If-Match", "{1:6}", "X-Writer", "eve"),
	get("1"),
	remove("1", "If-Match", "{1:6}"),
	put("1", `{"a":1}`, "If-Match", "{1:6}"),
	put("1", `{"a":1}`, "Prefer", "return=minimal", "X-Writer", "ann"),
	put("1", `{"a":5}`, "If-Match", "{1:1}"),
	put("1", `{"a":5}`, "If-Match", "{1:1}", "Prefer", "conflict=overwrite"),
	put("1", `{"a":1,"n":1}`, "If-Match", "{1:8}"),
	put("1", `{"a":1}`, "If-Match", "{1:9}"),
	put("1", `{"a":1,"n":2}`, "If-Match", "{1:9}"),
	get("1", "If-None-Match", "{1:8}"),
	put("2", `{"m":12345678901234567890,"e":1E400}`),
	get("2", "Accept", "text/html"),
	get("2", "X-Request-Id", "not a uuid"),
}

// TestSameAnswersAsTheServer sends one sequence of requests to the server and to
// a guarded store, and compares every answer.
func TestSameAnswersAsTheServer(t *testing.T) {
	hash := ifmatch.Contract{Token: ifmatch.TokenHash}
	applied := ifmatch.Contract{AcceptApplied: true, AcceptWeak: true}
	overwriting := ifmatch.OnStale{Allow: []ifmatch.Strategy{ifmatch.StrategyOverwrite}}
	merging := ifmatch.OnStale{Default: ifmatch.StrategyMerge, Allow: overwriting.Allow}
	for name, promised := range map[string]struct {
		contract ifmatch.Contract
		onStale  ifmatch.OnStale
	}{
		"required": {ifmatch.Contract{}, overwriting}, "optional": {optional, overwriting}, "hash": {hash, overwriting},
		"weak": {ifmatch.Contract{Weak: true}, overwriting}, "lenient": {applied, overwriting}, "merging": {ifmatch.Contract{}, merging},
	} {
		for over, open := range stores {
			t.Run(name+"/"+over, func(t *testing.T) {
				t.Parallel()
				guarded := serve(t, open(t), guard.Options{Contract: promised.contract, OnStale: promised.onStale, Actor: writer})
				server := serveDocuments(t, promised.contract, promised.onStale)
				tags := make(map[string]string)
				successes := make(map[string]int)
				for i, q := range recorded {
					method, target, headers := q.method, q.target, fill(t, q.headers, tags)
					headers = append(headers, "X-Request-Id", fmt.Sprintf("0199aaaa-0000-7000-8000-%012d", i))
					want, got := server.do(method, target, q.body, headers...), guarded.do(method, target, q.body, headers...)
					id, query, _ := strings.Cut(target, "?")
					compare(t, fmt.Sprintf("%d: %s %s %s %q", i, method, target, shorten(q.body), q.headers), got, want)
					if want.status < 300 && query == "" && method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions &&
						want.header.Get("Ifmatch-Outcome") != "unchanged" {
						successes[id]++
						tags[fmt.Sprintf("{%s:%d}", id, successes[id])] = cmp.Or(want.header.Get("ETag"), want.header.Get("Ifmatch-ETag"))
					}
				}
			})
		}
	}
}

func shorten(s string) string { return s[:min(len(s), 80)] }

func writer(r *http.Request) string { return r.Header.Get("X-Writer") }

// serveDocuments serves the same path by the server.
func serveDocuments(t *testing.T, contract ifmatch.Contract, onStale ifmatch.OnStale) api {
	t.Helper()
	rules := &engine.Rules{Contract: contract, OnStale: engine.Strategy(onStale.Default)}
	for _, s := range onStale.Allow {
		rules.Allow = append(rules.Allow, engine.Strategy(s))
	}
	return serveHandler(t, httpapi.New(httpapi.Config{
		Door: &door.Door{
			Engine: engine.New(memory.Open(memory.Options{}), engine.Config{}),
			Actor:  func(r *http.Request) store.Actor { return store.Actor{Name: writer(r)} },
		},
		Default: rules,
	}))
}

// fill puts the tags that the server gave in the place of their names.
func fill(t *testing.T, headers []string, tags map[string]string) []string {
	t.Helper()
	filled := make([]string, len(headers))
	for i, h := range headers {
		filled[i] = placeholder.ReplaceAllStringFunc(h, func(name string) string {
			if tag, ok := tags[name]; ok {
				return strings.TrimPrefix(tag, "W/")
			}
			return `"unknown"` // this contract has refused the write that would have made it
		})
	}
	return filled
}

var (
	placeholder = regexp.MustCompile(`\{\d+:\d+\}`)
	dates       = regexp.MustCompile(`"changedAt":"[^"]*"`)
	waits       = regexp.MustCompile(`"retryAfterMs":\d+`)
	ids         = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// compare reports where two answers differ, but for dates, fresh ids and the
// lengths of waits, which are drawn.
func compare(t *testing.T, what string, got, want answer) {
	t.Helper()
	if got.status != want.status {
		t.Errorf("%s\nguard %d %s\nserver %d %s", what, got.status, got.body, want.status, want.body)
		return
	}
	if g, w := mask(got.body), mask(want.body); g != w {
		t.Errorf("%s\nguard  %s\nserver %s", what, g, w)
	}
	for _, h := range []http.Header{got.header, want.header} {
		for _, name := range []string{"Date", "Last-Modified"} {
			if h.Get(name) != "" {
				h.Set(name, "a date")
			}
		}
		if h.Get("Retry-After") != "" {
			h.Set("Content-Length", "as long as its wait")
		}
	}
	if !reflect.DeepEqual(got.header, want.header) {
		t.Errorf("%s\nguard  %v\nserver %v", what, got.header, want.header)
	}
}

func mask(body string) string {
	body = dates.ReplaceAllString(body, `"changedAt":"a date"`)
	return ids.ReplaceAllString(waits.ReplaceAllString(body, `"retryAfterMs":"a while"`), "an id")
}

// TestSequenceSaysSomething holds the recorded sequence to being worth its
// comparison: it must meet every kind of answer.
func TestSequenceSaysSomething(t *testing.T) {
	if len(recorded) < 60 {
		t.Errorf("only %d requests", len(recorded))
	}
	server := serveDocuments(t, ifmatch.Contract{}, ifmatch.OnStale{Allow: []ifmatch.Strategy{ifmatch.StrategyOverwrite}})
	met := make(map[int]bool)
	tags, successes := make(map[string]string), 0
	for _, q := range recorded {
		got := server.do(q.method, q.target, q.body, fill(t, q.headers, tags)...)
		met[got.status] = true
		if outcome := got.header.Get("Ifmatch-Outcome"); got.status < 300 && outcome != "" && outcome != "unchanged" && got.header.Get("Ifmatch-Dry-Run") == "" {
			successes++
			tags[fmt.Sprintf("{1:%d}", successes)] = got.header.Get("ETag")
		}
	}
	for _, status := range []int{200, 201, 204, 304, 400, 404, 405, 409, 412, 413, 415, 422, 428} {
		if !met[status] {
			t.Errorf("nothing in the sequence is answered with %d", status)
		}
	}
	if successes < 9 {
		t.Errorf("only %d writes succeed", successes)
	}
}

// TestCompareFindsDifferences shows that the comparison can fail.
func TestCompareFindsDifferences(t *testing.T) {
	base := func() answer {
		return answer{200, http.Header{"Etag": {`"1"`}, "Date": {"now"}}, `{"changedAt":"2026","id":"0199aaaa-0000-7000-8000-000000000001"}`}
	}
	for name, change := range map[string]func(*answer){
		"status": func(a *answer) { a.status = 201 },
		"header": func(a *answer) { a.header.Set("ETag", `"2"`) },
		"date":   func(a *answer) { a.header.Del("Date") },
		"body":   func(a *answer) { a.body = `{}` },
	} {
		other := base()
		change(&other)
		if !differs(base(), other) {
			t.Errorf("another %s is not found", name)
		}
	}
	same := base()
	same.header.Set("Date", "later")
	if differs(base(), same) {
		t.Error("another date is taken for a difference")
	}
}

func differs(a, b answer) bool {
	probe := &testing.T{}
	compare(probe, "", a, b)
	return probe.Failed()
}
