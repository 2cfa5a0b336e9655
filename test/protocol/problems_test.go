package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// TestProblems walks the problems that a request can bring about by itself.
// Each leaves document, history and feed as they were; isProblem holds what
// all of them have in common.
func TestProblems(t *testing.T) {
	const item = "/v1/notes/1"
	ops := []string{"Content-Type", jsonPatch}
	big := `{"s":"` + strings.Repeat("x", 2000) + `"}`
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		slug, detail             string // detail: a part of it
		current                  bool   // carries the current tag
		faults                   int
	}{
		{"malformed body", "PUT", item, `{"a":1,"a":2}`, nil, 400, "malformed", "The content cannot be read", false, 1},
		{"malformed condition", "PUT", item, `{}`, []string{"If-Match", "1"}, 400, "malformed", `If-Match: "5"`, false, 0},
		{"malformed query", "PUT", item + "?dry_run=true", `{}`, nil, 400, "malformed", "dryRun", false, 0},
		{"malformed patch", "PATCH", item, `[{"op":"frob","path":""}]`, ops, 400, "malformed", "", false, 1},
		{"patch that is no array", "PATCH", item, `{}`, ops, 400, "malformed", "", false, 1},
		{"malformed page", "GET", "/v1/notes?page=2", "", nil, 400, "malformed", "limit, cursor and fields", false, 0},
		{"no such path", "GET", "/v1", "", nil, 404, "not-found", "/v1/{collection}/{id}", false, 0},
		{"no such document", "PATCH", "/v1/notes/none", `{}`, nil, 404, "not-found", "Check the path", false, 0},
		{"deleted document", "DELETE", "/v1/notes/gone", "", nil, 404, "not-found", "It was deleted", false, 0},
		{"no such method", "POST", item, `{}`, nil, 405, "method-not-allowed", "PATCH, PUT", false, 0},
		{"test of a patch", "PATCH", item, `[{"op":"test","path":"/n","value":7}]`, ops, 409, "patch-test-failed", "", true, 1},
		{"inapplicable patch", "PATCH", item, `[{"op":"remove","path":"/none"}]`, ops, 409, "patch-inapplicable", "", true, 1},
		{"stale", "PUT", item, `{"n":3}`, []string{"If-Match", `"1"`}, 412, "stale", "You sent version 1; the current version is 2", true, 0},
		{"unknown tag", "PUT", item, `{"n":3}`, []string{"If-Match", `"x"`}, 412, "stale", "names no state", true, 0},
		{"unwanted tag", "PUT", item, `{"n":3}`, []string{"If-None-Match", `"2"`}, 412, "stale", "If-None-Match names the state", true, 0},
		{"date", "PUT", item, `{"n":3}`, []string{"If-Unmodified-Since", httpDate(noon)}, 412, "stale", "modified after the date", true, 0},
		{"nothing to match", "PUT", "/v1/notes/none", `{}`, []string{"If-Match", "*"}, 412, "stale", "no document here", false, 0},
		{"deleted, to match", "PUT", "/v1/notes/gone", `{}`, []string{"If-Match", "*"}, 412, "stale", "was deleted", false, 0},
		{"weak tag", "PUT", item, `{"n":3}`, []string{"If-Match", `W/"2"`}, 412, "weak-validator", `If-Match: "2"`, true, 0},
		{"exists", "PUT", item, `{"n":3}`, []string{"If-None-Match", "*"}, 412, "exists", `If-Match: "2"`, true, 0},
		{"body too large", "PUT", item, big, nil, 413, "too-large", "1000 bytes", false, 0},
		{"patch too large", "PATCH", item, big, ops, 413, "too-large", "1000 bytes", false, 0},
		{"too many operations", "PATCH", item, "[" + strings.Repeat(`{"op":"test","path":"","value":1},`, 10) + `{"op":"test","path":"","value":1}]`, ops, 413, "too-large", "", false, 1},
		{"a patch that grows", "PATCH", item, `[{"op":"add","path":"/a","value":"` + strings.Repeat("x", 650) + `"},` +
			strings.TrimSuffix(strings.Repeat(`{"op":"copy","from":"/a","path":"/b"},`, 7), ",") + `]`,
			ops, 413, "too-large", "", false, 1},
		{"a patch that nests", "PATCH", "/v1/notes/deep", `[{"op":"add","path":"` + strings.Repeat("/a", 6) + `","value":{"a":{"a":{}}}}]`, ops, 413, "too-large", "", false, 1},
		{"media type", "PUT", item, `{}`, []string{"Content-Type", "text/plain"}, 415, "unsupported-media-type", "application/json", false, 0},
		{"two media types", "PUT", item, `{"n":3}`, []string{"content-type", "text/plain"}, 400, "malformed", "Content-Type was sent 2 times", false, 0},
		{"two media types, alike", "PUT", item, `{"n":3}`, []string{"content-type", "application/json"}, 400, "malformed", "Send it once", false, 0},
		{"two media types of a patch", "PATCH", item, `[{"op":"remove","path":"/n"}]`, append(ops, "content-type", "application/merge-patch+json"), 400, "malformed", "Send it once", false, 0},
		{"two media types of a batch", "POST", "/_batch", `{"operations":[]}`, []string{"content-type", "text/plain"}, 400, "malformed", "Send it once", false, 0},
		{"two ranges", "PUT", item, `{"n":3}`, []string{"Content-Range", " ", "Content-Range", "bytes 0-1/7"}, 400, "malformed", "without Content-Range", false, 0},
		{"not a document", "PUT", item, `[1]`, nil, 422, "invalid", "", false, 1},
		{"patched to no document", "PATCH", item, `[{"op":"replace","path":"","value":[1]}]`, ops, 422, "invalid", "", false, 1},
	}
	rules := engine.Rules{Contract: optional}
	onEveryStore(t, setup{rules: rules, limits: engine.Limits{Body: 1000, Depth: 8, PatchOps: 10}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		a.must(200, "PUT", item, `{"n":2}`)
		a.must(201, "PUT", "/v1/notes/gone", `{}`)
		a.must(204, "DELETE", "/v1/notes/gone", "")
		a.must(201, "PUT", "/v1/notes/deep", strings.Repeat(`{"a":`, 6)+"{}"+strings.Repeat("}", 6))
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				p := a.in(t).refused(test.status, test.slug, test.method, test.path, test.body, test.headers...)
				if !strings.Contains(p.Detail, test.detail) {
					t.Errorf("the detail is %q, want %q in it", p.Detail, test.detail)
				}
				if (p.CurrentEtag == `"2"`) != test.current {
					t.Errorf("currentEtag %q", p.CurrentEtag)
				}
				if len(p.Faults) != test.faults {
					t.Errorf("faults %+v, want %d", p.Faults, test.faults)
				}
			})
		}
		got := a.raw("PUT " + item + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big))
		a.isProblem(got, 413, "too-large", "PUT", item)
		long := "/v1/notes/1?x=" + strings.Repeat("x", 8192)
		a.refused(414, "too-large", "PUT", long, `{"n":3}`)
		exact := `{"s":"` + strings.Repeat("x", 1000-8) + `"}`
		a.refused(413, "too-large", "PUT", item, exact+" ")
		a.body(a.must(200, "PUT", item, exact), exact) // the limit itself is within
		a.verify()
	})
}

// storeFailures are what a store may fail with, and what callers are told of it.
var storeFailures = func() []storeFailure {
	secret := errors.New("secret: SELECT body FROM documents, store.go:1")
	return []storeFailure{
		{"read-only", "read-only", fmt.Errorf("%w: %w", store.ErrReadOnly, secret), 503, "10"},
		{"closed", "read-only", store.ErrClosed, 503, "1"},
		{"full", "storage-full", fmt.Errorf("%w: %w", store.ErrFull, secret), 507, ""},
		{"contended", "contended", fmt.Errorf("%w: %w", store.ErrContended, secret), 503, "1"},
		{"too large", "too-large", fmt.Errorf("%w: %w", store.ErrTooLarge, secret), 413, ""},
		{"invalid", "internal", fmt.Errorf("%w: %w", store.ErrInvalid, secret), 500, ""},
		{"unknown error", "internal", secret, 500, ""},
		{"locked", "locked", &store.LockedError{Until: time.Now().Add(-time.Hour)}, 423, "1"},
	}
}()

type storeFailure struct {
	name, slug string
	err        error
	status     int
	retry      string
}

// TestStoreFailures: what storage refuses, or fails at, reaches the caller as
// its problem. Nothing was written, whatever it was about to be.
func TestStoreFailures(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}, faulty: true}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, test := range storeFailures {
			for _, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
				t.Run(test.name+" "+method, func(t *testing.T) {
					a, path, fired := a.in(t), "/v1/notes/1", 0
					if method == "POST" {
						path = "/v1/notes"
					}
					a.faults.onCommit(func(*store.Commit, func() (store.Receipt, error)) (store.Receipt, error) {
						fired++
						return store.Receipt{}, test.err
					})
					before := a.dump()
					got := a.do(method, path, strings.Replace(bodyFor(method), "1", "2", 1))
					a.faults.onCommit(nil)
					p := a.isProblem(got, test.status, test.slug, method, path)
					a.header(got, "Retry-After", test.retry)
					if (p.RetryAfterMs > 0) != (test.retry != "") || fired != 1 {
						t.Errorf("retryAfterMs %d; the store was asked %d times", p.RetryAfterMs, fired)
					}
					if a.dump() != before {
						t.Error("something was written")
					}
				})
			}
		}
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"n":1}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.verify()
	})
}

// TestStoreFailuresOfReads: whatever a store fails with, a read tells of it in the same
// way as a write.
func TestStoreFailuresOfReads(t *testing.T) {
	onEveryStore(t, setup{faulty: true}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, test := range storeFailures {
			a.faults.onGet(func(context.Context) error { return test.err })
			got := a.do("GET", "/v1/notes/1", "")
			a.faults.onGet(nil)
			a.isProblem(got, test.status, test.slug, "GET", "/v1/notes/1")
		}
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"n":1}`)
	})
}

// TestContention: a write that loses every race is told so, and has not happened.
func TestContention(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}, faulty: true}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		before, turns := a.dump(), 0
		a.faults.onCommit(func(c *store.Commit, _ func() (store.Receipt, error)) (store.Receipt, error) {
			turns++
			return store.Receipt{}, &store.StaleError{Heads: []store.Head{{Ref: c.Writes[0].Ref, Rev: 99}}}
		})
		got := a.do("PATCH", "/v1/notes/1", `{"n":2}`)
		a.faults.onCommit(nil)
		a.isProblem(got, 503, "contended", "PATCH", "/v1/notes/1")
		a.header(got, "Retry-After", "1")
		if a.dump() != before || turns < 2 {
			t.Errorf("after %d turns the store is another", turns)
		}
		a.must(200, "PATCH", "/v1/notes/1", `{"n":2}`)
	})
}

// TestUnknownOutcomes: an outcome that running the commit again settles is
// answered as what it was; any other is called unknown.
func TestUnknownOutcomes(t *testing.T) {
	lost := fmt.Errorf("%w: connection lost", store.ErrOutcomeUnknown)
	none := store.Receipt{}
	tests := []struct {
		name    string
		landed  bool  // the first commit did happen
		again   error // what every further one gets; nil runs it
		status  int
		written bool
	}{
		{"landed, settled", true, nil, 200, true},
		{"not landed, settled", false, nil, 200, true},
		{"landed, never settled", true, lost, 503, true},
		{"not landed, never settled", false, lost, 503, false},
		{"landed, then storage fails", true, store.ErrReadOnly, 503, true},
		{"landed, then storage is full", true, store.ErrFull, 503, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onEveryStore(t, setup{faulty: true}, func(t *testing.T, a *api) {
				a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
				first := true
				a.faults.onCommit(func(_ *store.Commit, run func() (store.Receipt, error)) (store.Receipt, error) {
					if first {
						first = false
						if test.landed {
							if _, err := run(); err != nil {
								t.Errorf("the first commit: %v", err)
							}
						}
						return none, lost
					}
					if test.again != nil {
						return none, test.again
					}
					return run()
				})
				got := a.do("PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
				a.faults.onCommit(nil)
				if test.status == 200 {
					a.status(got, 200)
					a.header(got, "ETag", `"2"`)
					a.header(got, "Ifmatch-Outcome", "replaced")
				} else {
					p := a.isProblem(got, 503, "outcome-unknown", "PUT", "/v1/notes/1")
					a.header(got, "Retry-After", "1")
					if !strings.Contains(p.Detail, "read the document") {
						t.Errorf("the detail does not say how to find out: %q", p.Detail)
					}
					if got.header.Get("Ifmatch-Outcome") == "rejected" {
						t.Error("a write that may have happened is called rejected")
					}
				}
				want := `{"n":1}`
				if test.written {
					want = `{"n":2}`
				}
				a.body(a.must(200, "GET", "/v1/notes/1", ""), want)
				if n := len(a.history("/v1/notes/1").Items); n != strings.Count(want, "2")+1 {
					t.Errorf("%d entries in the history", n)
				}
				a.verify()
			})
		})
	}
}
