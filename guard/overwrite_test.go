package guard_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
)

// TestMayOverwrite: a stale write wins only where the service says so of its caller
// and of the document as it is stored, also where overwriting is the default.
func TestMayOverwrite(t *testing.T) {
	owner := func(r *http.Request, document []byte) bool {
		return bytes.Contains(document, []byte(`"owner":"`+r.Header.Get("X-Writer")+`"`))
	}
	for name, onStale := range map[string]ifmatch.OnStale{
		"as a wish":      {Allow: []ifmatch.Strategy{ifmatch.StrategyOverwrite}, Overwrite: "resource.owner == principal.name"},
		"as the default": {Default: ifmatch.StrategyOverwrite},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, newMapStore(), guard.Options{OnStale: onStale, MayOverwrite: owner, Actor: writer})
			a.must(201, "PUT", "1", `{"owner":"ann","n":1}`)
			a.must(200, "PATCH", "1", `{"n":2}`, "If-Match", `"1"`)
			stale := []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite", "X-Writer"}
			for _, try := range []struct{ method, query, body string }{
				{"PUT", "", `{"owner":"bob"}`}, {"PATCH", "", `{"n":3}`}, {"PATCH", "", `{"owner":"bob"}`}, {"DELETE", "", ""}, {"PUT", "?dryRun=true", `{}`},
			} {
				got := a.must(412, try.method, "1"+try.query, try.body, append(stale, "bob")...)
				if strings.Contains(got.body, `"overwrite"`) || got.header.Get("Preference-Applied") != "" || got.header.Get("Ifmatch-Outcome") != "rejected" {
					t.Errorf("%s %s: %v %s", try.method, try.body, got.header, got.body)
				}
				if is := a.must(200, "GET", "1", ""); is.body != `{"owner":"ann","n":2}` || is.header.Get("ETag") != `"2"` {
					t.Fatalf("after %s %s stored is %s under %s", try.method, try.body, is.body, is.header.Get("ETag"))
				}
			}
			if got := a.must(200, "PATCH", "1", `{"n":3}`, append(stale, "ann")...); got.header.Get("Ifmatch-Outcome") != "overwritten" {
				t.Errorf("%v", got.header)
			}
		})
	}
}
