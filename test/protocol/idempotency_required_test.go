package protocol_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// demanding are collections of which one takes no write without a key.
var demanding = []httpapi.Collection{
	{Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{}},
	{Name: "orders", Path: "/v1/orders", Rules: &engine.Rules{KeyRequired: true}},
}

// TestKeyRequired: where a collection demands keys nothing writes without one, dry runs
// and operations of batches included, and everything does with one. Reads and leases need
// none.
func TestKeyRequired(t *testing.T) {
	const order, other = "/v1/orders/1", "/v1/notes/1"
	onEveryStore(t, setup{collections: demanding}, func(t *testing.T, a *api) {
		missing := func(method, path, body string, headers ...string) {
			t.Helper()
			p := a.refused(400, "malformed", method, path, body, headers...)
			if !strings.HasPrefix(p.Detail, "Idempotency-Key is missing") {
				t.Errorf("%s %s: %s", method, path, p.Detail)
			}
		}
		a.must(201, "PUT", other, `{"n":1}`)
		missing("PUT", order, `{"n":1}`)
		missing("POST", "/v1/orders", `{"n":1}`)
		a.once(201, "PUT", order, `{"n":1}`)
		missing("PUT", order, `{"n":2}`, "If-Match", `"1"`)
		missing("PUT", order+"?dryRun=true", `{"n":2}`, "If-Match", `"1"`)
		missing("PATCH", order, `{"n":2}`, "If-Match", `"1"`)
		missing("DELETE", order, "", "If-Match", `"1"`)
		missing("PUT", order+"/_fields/n", `2`, "If-Match", "*")
		a.must(200, "GET", order, "")
		a.must(201, "POST", order+"/_lease", `{"ttlMs":60000}`)

		const both = `[{"method":"PATCH","path":"/v1/notes/1","body":{"n":2},"headers":{"If-Match":"*"}},{"method":"PUT","path":"/v1/orders/2","body":{"n":2}}]`
		const check = `[{"method":"CHECK","path":"/v1/orders/1","headers":{"If-Match":"*"}},{"method":"PATCH","path":"/v1/notes/1","body":{"n":3},"headers":{"If-Match":"*"}}]`
		before := a.dump()
		if got := a.must(400, "POST", "/_batch", `{"atomic":true,"operations":`+both+`}`); !strings.Contains(got.body, `"failedIndex":1`) || a.dump() != before {
			t.Errorf("%s\n%s, was %s", got.body, a.dump(), before)
		}
		a.must(200, "POST", "/_batch", `{"atomic":true,"operations":`+check+`}`)
		if got := a.must(200, "POST", "/_batch", `{"atomic":false,"operations":`+both+`}`); strings.Count(got.body, `{"status":400`) != 1 {
			t.Error(got.body)
		}
		a.must(200, "POST", "/_batch", `{"atomic":true,"operations":`+both+`}`, withKey()...)
	})
}
