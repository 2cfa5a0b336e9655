package protocol_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// batchRefusal is a batch that is refused, and with it all of its operations.
type batchRefusal struct {
	name   string
	body   string
	status int
	slug   string
	failed int    // the operation that it is for, -1 for none
	says   string // a part of the detail
}

// fine is an operation that would be carried out.
var fine = oper("PUT", "/v1/notes/fine", `{"n":1}`)

// batchRefusals are about a collection of notes, of which kept is at its second version,
// and of users under a natural key, of whom there is ann.
func batchRefusals() []batchRefusal {
	malformed := func(name, body string, failed int, says string) batchRefusal {
		return batchRefusal{name, body, 400, "malformed", failed, says}
	}
	form := func(name, member, says string) batchRefusal {
		return malformed(name, together(fine, `{"method":"PUT","path":"/v1/notes/x","body":{}`+member+`}`), 1, says)
	}
	second := func(name string, status int, slug, operation, says string) batchRefusal {
		return batchRefusal{name, together(fine, operation), status, slug, 1, says}
	}
	return []batchRefusal{
		malformed("no JSON", `{"operations":`, -1, "cannot be read"),
		malformed("a member twice", `{"atomic":true,"atomic":true,"operations":[`+fine+`]}`, -1, "cannot be read"),
		malformed("no object", `[`+fine+`]`, -1, `{"operations"`),
		malformed("an unknown member", `{"operations":[`+fine+`],"atomic":true,"dryRun":true}`, -1, `"dryRun"`),
		malformed("no operations", `{"atomic":true}`, -1, "array"),
		malformed("operations of none", together(), -1, "at least one"),
		malformed("operations that are an object", `{"operations":{},"atomic":true}`, -1, "array"),
		malformed("atomic is not said", `{"operations":[`+fine+`]}`, -1, "atomic"),
		malformed("atomic is a text", `{"operations":[`+fine+`],"atomic":"true"}`, -1, "atomic"),
		malformed("too many", together(strings.Split(strings.Repeat(fine+"\n", 1001)[:1001*(len(fine)+1)-1], "\n")...), -1, "1000"),
		malformed("too deep", together(fine, oper("PUT", "/v1/notes/x", `{"a":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}`)), -1, "cannot be read"),

		malformed("an operation that is none", together(fine, `7`), 1, "Operation 1"),
		form("an unknown member of an operation", `,"if":1`, `"if"`),
		malformed("no method", together(fine, `{"path":"/v1/notes/x"}`), 1, "method"),
		malformed("GET", together(fine, oper("GET", kept, "")), 1, "method"),
		malformed("a method in lower case", together(fine, oper("put", kept, `{}`)), 1, "upper case"),
		malformed("no path", together(fine, `{"method":"DELETE"}`), 1, "path"),
		malformed("a path with a host", together(fine, oper("DELETE", "http://elsewhere.example/v1/notes/kept", "", "If-Match", "*")), 1, "path"),
		malformed("a path that is a host", together(fine, oper("DELETE", "//elsewhere.example/v1/notes/kept", "", "If-Match", "*")), 1, "path"),
		malformed("a path with a fragment", together(fine, oper("DELETE", kept+"#x", "", "If-Match", "*")), 1, "path"),
		malformed("a path that cannot be read", together(fine, oper("DELETE", "/v1/notes/%zz", "", "If-Match", "*")), 1, "path"),
		malformed("a dry run of one", together(fine, oper("PUT", "/v1/notes/x?dryRun=true", `{}`)), 1, "/_batch?dryRun=true"),
		malformed("a PUT without a body", together(fine, oper("PUT", "/v1/notes/x", "")), 1, "without a body"),
		malformed("a DELETE with a body", together(fine, oper("DELETE", kept, `{}`, "If-Match", "*")), 1, "no body"),
		malformed("a CHECK with a body", together(fine, oper("CHECK", kept, `{}`, "If-Match", "*")), 1, "no body"),
		malformed("a CHECK of nothing", together(fine, oper("CHECK", kept, "")), 1, "If-Match or"),
		malformed("a CHECK of two things", together(fine, oper("CHECK", kept, "", "If-Match", "*", "If-None-Match", "*")), 1, "If-Match or"),
		malformed("a CHECK of another state", together(fine, oper("CHECK", kept, "", "If-None-Match", `"1"`)), 1, "If-Match or"),
		malformed("a CHECK with a strategy", together(fine, oper("CHECK", kept, "", "If-Match", "*", "Prefer", "conflict=merge")), 1, "If-Match or"),
		malformed("a CHECK of what is not atomic", apart(fine, oper("CHECK", kept, "", "If-Match", "*")), 1, "atomic is false"),

		form("headers that are no object", `,"headers":[]`, "headers"),
		form("headers that are null", `,"headers":null`, "headers"),
		form("a key of one", `,"headers":{"idempotency-key":"8e03978e-40d5-43e8-bc93-6894a57f9324"}`, "Idempotency-Key"),
		form("Host", `,"headers":{"Host":"elsewhere.example"}`, `"Host"`),
		form("Authorization", `,"headers":{"authorization":"Bearer x"}`, `"authorization"`),
		form("Cookie", `,"headers":{"Cookie":"a=b"}`, `"Cookie"`),
		form("Content-Length", `,"headers":{"Content-Length":"2"}`, `"Content-Length"`),
		form("Origin", `,"headers":{"Origin":"https://a.example"}`, `"Origin"`),
		form("X-Request-Id", `,"headers":{"X-Request-Id":"1"}`, `"X-Request-Id"`),
		form("a header that is no token", `,"headers":{"If-Match ":"*"}`, `"If-Match "`),
		form("a header twice", `,"headers":{"If-Match":"*","if-match":"*"}`, "twice"),
		form("a header that is a number", `,"headers":{"If-Match":1}`, "no text"),
		form("a header of two lines", `,"headers":{"If-Match":"*\r\nHost: x"}`, "no text"),

		malformed("a batch in a batch", together(fine, oper("POST", "/_batch", `{}`)), 1, "not written in batches"),
		malformed("a decision in a batch", together(fine, oper("POST", kept+"/_conflicts/1/resolve", `{}`)), 1, "not written in batches"),
		malformed("a lease in a batch", together(fine, oper("POST", kept+"/_lease", `{"ttlMs":5000}`)), 1, "not written in batches"),
		malformed("a history in a batch", together(fine, oper("DELETE", kept+"/_history", "")), 1, "not written in batches"),
		malformed("a resolution that is not atomic", apart(fine, oper("POST", kept+"/_conflicts/1/resolve", `{}`)), 1, "not written in batches"),

		malformed("two writes of one document", together(fine, oper("PATCH", "/v1/notes/fine", `{"n":2}`)), 1, "Operations 0 and 1"),
		malformed("a write and a check of one document", together(fine, oper("CHECK", kept, "", "If-Match", "*"), oper("DELETE", kept, "", "If-Match", "*")), 2, "Operations 1 and 2"),
		malformed("a document under two spellings", together(fine, oper("DELETE", kept, "", "If-Match", "*"), oper("DELETE", kept+"?include=version", "", "If-Match", "*")), 2, "Operations 1 and 2"),
		malformed("two creations of one id", together(fine, oper("POST", "/v1/users", `{"email":"bob"}`), oper("POST", "/v1/users", `{"email":"bob","n":1}`)), 2, "Operations 1 and 2"),
		malformed("a creation of an id that another has", together(fine, oper("POST", "/v1/users", `{"email":"bob"}`), oper("PUT", "/v1/users/bob", `{"email":"rob"}`)), 2, "Operations 1 and 2"),

		second("a path that nothing has", 404, "not-found", oper("PUT", "/v2/notes/x", `{}`), "No document can have this path"),
		second("a method that the path has not", 405, "method-not-allowed", oper("POST", kept, `{}`), "CHECK, DELETE, PATCH, PUT"),
		second("a PUT of a collection", 405, "method-not-allowed", oper("PUT", "/v1/notes", `{}`), "POST"),
		second("a media type", 415, "unsupported-media-type", oper("PUT", "/v1/notes/x", `{}`, "Content-Type", "text/plain"), "application/json"),
		second("a precondition that cannot be read", 400, "malformed", oper("PUT", kept, `{}`, "If-Match", "2"), "If-Match cannot be read"),
		second("more tags than are taken", 400, "malformed", oper("PUT", kept, `{}`, "If-Match", strings.Repeat(`"1",`, 10_000)+`"2"`), "If-Match cannot be read"),
		second("a precondition of a POST", 400, "malformed", oper("POST", "/v1/notes", `{}`, "If-None-Match", "*"), "no precondition"),
		second("a parameter misspelt", 400, "malformed", oper("PUT", "/v1/notes/x?dry_run=true", `{}`), "dryRun"),
		second("no precondition", 428, "precondition-required", oper("PUT", kept, `{"n":3}`), `If-Match: "2"`),
		second("a stale write", 412, "stale", oper("PUT", kept, `{"n":3}`, "If-Match", `"1"`), "version 1"),
		second("a stale check", 412, "stale", oper("CHECK", kept, "", "If-Match", `"1"`), "version 1"),
		second("a check of what is there", 412, "exists", oper("CHECK", kept, "", "If-None-Match", "*"), "document here already"),
		second("a check of what is not there", 412, "stale", oper("CHECK", "/v1/notes/none", "", "If-Match", "*"), "no document"),
		second("a weak tag", 412, "weak-validator", oper("PUT", kept, `{"n":3}`, "If-Match", `W/"2"`), "weak"),
		second("a document that is not there", 404, "not-found", oper("PATCH", "/v1/notes/none", `{"n":3}`, "If-Match", "*"), ""),
		second("a patch that does not fit", 409, "patch-inapplicable", oper("PATCH", kept, `[{"op":"remove","path":"/x"}]`, "If-Match", `"2"`, "Content-Type", jsonPatch), ""),
		second("what is no document", 422, "invalid", oper("PUT", "/v1/notes/x", `[3]`), ""),
		second("a key that is taken", 409, "duplicate", oper("POST", "/v1/users", `{"email":"ann","n":2}`), ""),
		second("a key that is taken by a PUT", 409, "duplicate", oper("PUT", "/v1/users/other", `{"email":"ann"}`), ""),
		{"one key for two", together(fine, oper("PUT", "/v1/users/a", `{"email":"x"}`), oper("PUT", "/v1/users/b", `{"email":"x"}`)), 409, "duplicate", 2, "Operations 1 and 2"},
		{"the first that fails", together(fine, oper("PUT", kept, `{}`, "If-Match", `"1"`), oper("PUT", kept+"2", `[]`)), 412, "stale", 1, ""},
	}
}

// refusedCollections are those that batchRefusals are about.
func refusedCollections(t *testing.T) setup {
	t.Helper()
	key, err := engine.NewNaturalKey("/email")
	if err != nil {
		t.Fatal(err)
	}
	return setup{collections: []httpapi.Collection{
		{Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{}},
		{Name: "users", Path: "/v1/users", Rules: &engine.Rules{Key: key}},
		{Name: "pages", Path: "/v1/pages", Rules: &engine.Rules{}, Dialect: ifmatch.Dialect{Envelope: true, StaleStatus: 409}},
	}}
}

// TestBatchRefusals: a batch that is refused changes no document, no history and no key,
// and says which operation it was.
func TestBatchRefusals(t *testing.T) {
	onEveryStore(t, refusedCollections(t), func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"n":1}`)
		a.must(200, "PUT", kept, `{"n":2}`, "If-Match", `"1"`)
		a.must(201, "POST", "/v1/users", `{"email":"ann"}`)
		for i, c := range batchRefusals() {
			t.Run(c.name, func(t *testing.T) {
				a := a.in(t)
				key := fmt.Sprintf("8e03978e-40d5-43e8-bc93-%012d", i)
				before := a.everything()
				got := a.do("POST", "/_batch", c.body, "Idempotency-Key", key)
				a.refusedFor(got, c)
				if after := a.everything(); after != before {
					t.Errorf("it has changed something:\n%s\nbefore:\n%s", after, before)
				}
				a.results(a.do("POST", "/_batch?dryRun=true", together(fine), "Idempotency-Key", key))
				path := "/v1/notes/of-" + strconv.Itoa(i)
				first := a.do("POST", "/_batch", together(oper("PUT", path, `{}`)), "Idempotency-Key", key)
				a.tells(first, `201 Content-Type: application/json ETag: "1" Ifmatch-Outcome: created {}`)
			})
		}
		a.verify()
	})
}

// refusedFor checks the problem of a batch that was refused.
func (a *api) refusedFor(got answer, c batchRefusal) {
	a.t.Helper()
	a.status(got, c.status)
	a.header(got, "ETag", "")
	a.header(got, "Content-Type", "application/problem+json")
	a.header(got, "Cache-Control", "no-store")
	a.header(got, "Ifmatch-Outcome", "rejected")
	var p struct {
		problem
		FailedIndex *int
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		a.t.Fatal(err, got.body)
	}
	if p.Type != "urn:ifmatch:problem:"+c.slug || p.Status != c.status || !strings.Contains(p.Detail, c.says) {
		a.t.Errorf("%+v; want %s, and %q said", p.problem, c.slug, c.says)
	}
	failed := -1
	if p.FailedIndex != nil {
		failed = *p.FailedIndex
	}
	if failed != c.failed {
		a.t.Errorf("it is for operation %d, want %d: %s", failed, c.failed, got.body)
	}
	a.isUUID(p.CorrelationID)
}

// TestBatchAsAWhole: what is refused of the request that carries a batch.
func TestBatchAsAWhole(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.refused(415, "unsupported-media-type", "POST", "/_batch", together(fine), "Content-Type", "text/plain")
		a.refused(400, "malformed", "POST", "/_batch", together(fine), "If-Match", `"1"`)
		a.refused(400, "malformed", "POST", "/_batch", together(fine), "If-None-Match", `*`)
		a.refused(400, "malformed", "POST", "/_batch?dry_run=true", together(fine))
		a.refused(400, "malformed", "POST", "/_batch", together(fine), "Idempotency-Key", "weak")
		a.refused(413, "too-large", "POST", "/_batch", `"`+strings.Repeat("x", 1<<20)+`"`)
		p := a.refused(405, "method-not-allowed", "PUT", "/_batch", together(fine))
		if strings.Join(p.Allowed, " ") != "OPTIONS POST" {
			t.Errorf("allowed: %v", p.Allowed)
		}
		a.must(405, "GET", "/_batch", "")
		got := a.must(204, "OPTIONS", "/_batch", "")
		a.header(got, "Allow", "OPTIONS, POST")
		a.must(404, "POST", "/_batch/", together(fine))
	})
}

// TestBatchDialect: an operation is refused as its own collection words it.
func TestBatchDialect(t *testing.T) {
	onEveryStore(t, refusedCollections(t), func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/pages/1", `{"n":1}`)
		a.must(200, "PUT", "/v1/pages/1", `{"n":2}`, "If-Match", `"1"`)
		stale := oper("PUT", "/v1/pages/1", `{"n":3}`, "If-Match", `"1"`)
		before := a.dump()
		got := a.must(409, "POST", "/_batch", together(fine, stale))
		var body struct {
			Error struct {
				Code        string
				FailedIndex *int
			}
		}
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Error.Code != "CONFLICT" || body.Error.FailedIndex == nil || *body.Error.FailedIndex != 1 {
			t.Errorf("%v: %s", err, got.body)
		}
		a.header(got, "ETag", "")
		if a.dump() != before {
			t.Error("it has changed something")
		}
		results := a.results(a.do("POST", "/_batch", apart(fine, stale)))
		if results[0].Status != 201 || results[1].Status != 409 || results[1].Headers["ETag"] != `"2"` || !strings.Contains(string(results[1].Body), `"CONFLICT"`) {
			t.Errorf("%+v", results)
		}
	})
}
