package guard_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/guard"
)

// TestLeasesAreRefused: a store of two methods keeps no leases. Whoever sends one
// believes to have the document alone, so that it is not ignored.
func TestLeasesAreRefused(t *testing.T) {
	a := serve(t, newMapStore(), guard.Options{})
	a.must(201, "PUT", "1", `{"n":1}`)
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		for _, id := range []string{"1", "none"} {
			got := a.must(412, method, id, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", "any")
			a.is(got, "lease-expired")
			if !strings.Contains(got.body, "Write without Ifmatch-Lease") {
				t.Error(got.body)
			}
		}
	}
	a.is(a.must(400, "PUT", "1", `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", "a, b"), "malformed")
	a.is(a.must(412, "PUT", "none", `{"n":2}`, "Ifmatch-Lease", "any"), "lease-expired")
	a.must(404, "GET", "none", "")
	if got := a.must(200, "GET", "1", "", "Ifmatch-Lease", "any"); got.body != `{"n":1}` || got.header.Get("ETag") != `"1"` {
		t.Errorf("after refusals: %s %s", got.header.Get("ETag"), got.body)
	}
	if got := a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`, "Prefer", "wait=20"); got.header.Get("Preference-Applied") != "" {
		t.Error("it has waited for a lease")
	}
}
