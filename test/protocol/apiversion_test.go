package protocol_test

import (
	"slices"
	"strings"
	"testing"
)

// TestAPIVersions: a version that is served is repeated in every answer and changes
// nothing, another one is refused whatever is asked for, and none is no fault.
func TestAPIVersions(t *testing.T) {
	const path = "/v1/notes/1"
	served := []string{"2025-01-01", "2026-11-01"}
	onEveryStore(t, setup{apiVersions: served}, func(t *testing.T, a *api) {
		a.header(a.must(201, "PUT", path, `{"n":1}`), "Api-Version", "")
		for _, version := range served {
			for _, got := range []answer{
				a.must(200, "GET", path, "", "Api-Version", version), a.must(304, "GET", path, "", "Api-Version", version, "If-None-Match", `"1"`),
				a.must(412, "PUT", path, `{"n":2}`, "Api-Version", version, "If-Match", `"9"`), a.must(428, "PUT", path, `{"n":2}`, "Api-Version", version),
				a.must(404, "GET", "/nowhere", "", "Api-Version", version), a.must(200, "GET", "/v1/notes", "", "Api-Version", version),
			} {
				a.header(got, "Api-Version", version)
			}
			a.header(a.must(200, "GET", path, "", "Api-Version", version), "ETag", `"1"`)
		}
		for _, version := range []string{"1", "2026-11-01 ", "2026-11-01, 2025-01-01", strings.Repeat("x", 300), "\"2026-11-01\""} {
			if strings.TrimSpace(version) == served[1] { // which is the same value in a header
				a.must(200, "GET", path, "", "Api-Version", version)
				continue
			}
			for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
				p := a.refused(400, "unsupported-version", method, path, bodyFor(method), "Api-Version", version, "If-Match", "*")
				if !slices.Equal(p.Allowed, served) {
					t.Errorf("allowed are %q", p.Allowed)
				}
			}
		}
		a.refused(400, "unsupported-version", "PUT", path, `{"n":2}`, "Api-Version", served[0], "Api-Version", served[1], "If-Match", "*")
	})
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.header(a.must(201, "PUT", path, `{"n":1}`, "Api-Version", "any"), "Api-Version", "any")
		a.header(a.must(200, "GET", path, "", "Api-Version", strings.Repeat("x", 300)), "Api-Version", "")
	})
}

// An answer that is sent again repeats the version of the request that it answers.
func TestAPIVersionOfReplays(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, version := range []string{"1", "2", ""} {
			headers := withKey()
			if version != "" {
				headers = append(headers, "Api-Version", version)
			}
			a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":1}`, headers...), "Api-Version", version)
		}
	})
}
