package protocol_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

func TestDryRun(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyOverwrite}}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		current := a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.must(201, "PUT", "/v1/notes/gone", `{"n":1}`)
		a.must(204, "DELETE", "/v1/notes/gone", "", "If-Match", `"1"`)
		tests := []struct {
			name, method, path, body string
			headers                  []string
			status                   int
			outcome, etag, want      string
		}{
			{"create", "PUT", "/v1/notes/new", `{"n":1}`, nil, 201, "created", "", `{"n":1}`},
			{"create anew", "PUT", "/v1/notes/gone", `{"n":1}`, nil, 201, "created", "", `{"n":1}`},
			{"POST", "POST", "/v1/notes", `{"n":1}`, nil, 201, "created", "", `{"n":1}`},
			{"replace", "PUT", "/v1/notes/1", `{"n":3}`, []string{"If-Match", `"2"`}, 200, "replaced", `"2"`, `{"n":3}`},
			{"patch", "PATCH", "/v1/notes/1", `{"m":3}`, []string{"If-Match", `"2"`}, 200, "patched", `"2"`, `{"n":2,"m":3}`},
			{"unchanged", "PATCH", "/v1/notes/1", `{}`, []string{"If-Match", `"2"`}, 200, "unchanged", `"2"`, `{"n":2}`},
			{"overwrite", "PUT", "/v1/notes/1", `{"n":3}`, []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite"}, 200, "overwritten", `"2"`, `{"n":3}`},
			{"minimal", "PUT", "/v1/notes/1", `{"n":3}`, []string{"If-Match", `"2"`, "Prefer", "return=minimal"}, 204, "replaced", `"2"`, ""},
			{"delete", "DELETE", "/v1/notes/1", "", []string{"If-Match", `"2"`}, 204, "deleted", `"2"`, ""},
			{"stale", "PUT", "/v1/notes/1", `{"n":3}`, []string{"If-Match", `"1"`}, 412, "rejected", `"2"`, "stale"},
			{"unconditional", "DELETE", "/v1/notes/1", "", nil, 428, "rejected", `"2"`, "precondition-required"},
			{"missing", "PATCH", "/v1/notes/new", `{}`, nil, 404, "rejected", "", "not-found"},
			{"no document", "PUT", "/v1/notes/1", `[]`, []string{"If-Match", `"2"`}, 422, "rejected", "", "invalid"},
			{"not JSON", "POST", "/v1/notes", `{`, nil, 400, "rejected", "", "malformed"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a := a.in(t)
				before := a.dump()
				got := a.must(test.status, test.method, test.path+"?dryRun=true", test.body, test.headers...)
				a.header(got, "Ifmatch-Dry-Run", "true")
				a.header(got, "Ifmatch-Outcome", test.outcome)
				a.header(got, "ETag", test.etag)
				a.header(got, "Location", "")
				a.header(got, "Cache-Control", "no-store")
				if test.status >= 400 {
					a.isProblem(got, test.status, test.want, test.method, test.path)
				} else {
					a.body(got, test.want)
					if test.etag != "" {
						a.header(got, "Last-Modified", current.header.Get("Last-Modified"))
					}
				}
				if a.dump() != before {
					t.Error("a dry run has written something")
				}
			})
		}
		a.must(200, "PUT", "/v1/notes/1?dryRun=false", `{"n":3}`, "If-Match", `"2"`)
		a.body(a.must(200, "GET", "/v1/notes/1?dryRun=true", ""), `{"n":3}`)
		a.verify()
	})
}

// TestQueryOfAnItem: a misspelt dry run must not write.
func TestQueryOfAnItem(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, query := range []string{
			"dryRun", "dryRun=", "dryRun=1", "dryRun=TRUE", "dryRun=yes", "dryRun=true%20", "dryRun=true&dryRun=true", "dryRun=true&dryRun=false",
			"dryRun=false&x=1&dryRun=true", "dry_run=true", "dryrun=true", "DryRun=true", "DRYRUN=true", "dry-run=true", "dry.run=true", "d+ryRun=true",
			"dryRun%5B%5D=true", "%20dryRun=true", "dry%5frun=true", "dry_run=false", "Include=version", "in_clude=x", "Fields=x",
			"x=1;dryRun=true", "dryRun=true;x=1", "dryRun=%zz", "a=%",
		} {
			for _, to := range []struct{ method, path string }{
				{"PUT", "/v1/notes/1"}, {"PATCH", "/v1/notes/1"}, {"DELETE", "/v1/notes/1"}, {"POST", "/v1/notes"}, {"PUT", "/v1/notes/new"},
			} {
				a.refused(400, "malformed", to.method, to.path+"?"+query, strings.Replace(bodyFor(to.method), "1", "2", 1))
			}
		}
		for _, query := range []string{"", "x=1", "page=2", "dry=run", "dryRunning=true", "isDryRun=true", "include=version", "dry%52un=false", "x=1&x=2"} {
			a.must(200, "PUT", "/v1/notes/1?"+query, `{"n":1}`)
		}
		before := a.dump()
		a.header(a.must(200, "PUT", "/v1/notes/1?dry%52un=true", `{"n":2}`), "Ifmatch-Dry-Run", "true")
		if a.dump() != before {
			t.Error("an escaped dryRun has written something")
		}
	})
}

func TestPreferReturn(t *testing.T) {
	tests := []struct {
		name    string
		prefer  []string
		minimal bool
		applied string
	}{
		{"nothing", nil, false, ""},
		{"minimal", []string{"return=minimal"}, true, "return=minimal"},
		{"representation", []string{"return=representation"}, false, "return=representation"},
		{"quoted", []string{`return="minimal"`}, true, "return=minimal"},
		{"name without case", []string{"RETURN=minimal"}, true, "return=minimal"},
		{"with spaces and parameters", []string{`wait=5 , return = minimal ; x="a, b"`}, true, "return=minimal"},
		{"inside a quoted string", []string{`x="return=minimal, return=minimal"`}, false, ""},
		{"the first counts", []string{"return=representation, return=minimal"}, false, "return=representation"},
		{"on two lines", []string{"x", "return=minimal"}, true, "return=minimal"},
		{"unknown value", []string{"return=maximal"}, false, ""},
		{"no value", []string{"return"}, false, ""},
		{"open quote", []string{`x="a, return=minimal`}, false, ""},
	}
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a, path := a.in(t), "/v1/notes/"+string(rune('a'+i))
				var headers []string
				for _, line := range test.prefer {
					headers = append(headers, "Prefer", line)
				}
				check := func(status, minimalStatus int, method, path, body, want string) {
					t.Helper()
					if test.minimal {
						status, want = minimalStatus, ""
					}
					got := a.must(status, method, path, body, headers...)
					a.body(got, want)
					a.header(got, "Preference-Applied", test.applied)
					if got.header.Get("ETag") == "" || got.header.Get("Last-Modified") == "" {
						t.Errorf("%s: no validators: %v", method, got.header)
					}
				}
				check(201, 201, "PUT", path, `{"n":1}`, `{"n":1}`)
				check(200, 204, "PUT", path, `{"n":2}`, `{"n":2}`)
				check(200, 204, "PATCH", path, `{"m":3}`, `{"n":2,"m":3}`)
				check(200, 204, "PATCH", path, `{}`, `{"n":2,"m":3}`)
				check(201, 201, "POST", "/v1/notes", `{"n":1}`, `{"n":1}`)
				got := a.must(204, "DELETE", path, "", headers...)
				a.header(got, "Preference-Applied", "")
			})
		}
	})
}

func TestRequestIDs(t *testing.T) {
	const id = "0199A0B1-1234-7000-8000-00000000000A"
	tests := []struct {
		name        string
		sent        []string
		echo        string
		correlation string // "": a fresh one
	}{
		{"a UUID", []string{id}, id, strings.ToLower(id)},
		{"a name", []string{"req-42"}, "req-42", ""},
		{"none", nil, "", ""},
		{"two", []string{"a", "b"}, "", ""},
		{"too long", []string{strings.Repeat("x", 201)}, "", ""},
		{"nearly a UUID", []string{"0199A0B1-1234-7000-8000-00000000000Z"}, "0199A0B1-1234-7000-8000-00000000000Z", ""},
		{"36 characters", []string{strings.Repeat("a", 36)}, strings.Repeat("a", 36), ""},
		{"a UUID as a URN", []string{"urn:uuid:" + id}, "urn:uuid:" + id, ""},
		{"markup", []string{`"><script>`}, `"><script>`, ""},
	}
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a, path := a.in(t), "/v1/notes/"+string(rune('a'+i))
				var headers []string
				for _, line := range test.sent {
					headers = append(headers, "X-Request-Id", line)
				}
				with := func(more ...string) []string { return append(more, headers...) }
				answers := []answer{
					a.must(201, "PUT", path, `{"n":1}`, with()...),
					a.must(200, "PATCH", path, `{"n":2}`, with("If-Match", `"1"`)...),
					a.must(200, "GET", path, "", with()...),
					a.must(200, "HEAD", path, "", with()...),
					a.must(304, "GET", path, "", with("If-None-Match", "*")...),
					a.must(201, "POST", "/v1/notes", `{}`, with()...),
					a.must(200, "GET", "/v1/notes", "", with()...),
					a.must(200, "GET", path+"/_history", "", with()...),
					a.must(200, "GET", path+"/_history/1", "", with()...),
					a.must(200, "GET", path+"/_diff?from=1&to=2", "", with()...),
					a.must(204, "OPTIONS", path, "", with()...),
					a.must(204, "OPTIONS", "/v1/notes", "", with()...),
					a.must(200, "GET", "/healthz", "", with()...),
				}
				problems := []answer{
					a.must(412, "PUT", path, `{}`, with("If-Match", `"1"`)...), a.must(404, "GET", "/v1/notes/none", "", with()...),
					a.must(405, "POST", path, `{}`, with()...), a.must(404, "GET", "/", "", with()...), a.must(400, "GET", "/v1/notes?x=1", "", with()...),
				}
				for _, got := range problems {
					p := a.problem(got)
					a.isUUID(p.CorrelationID)
					if test.correlation != "" && p.CorrelationID != test.correlation {
						t.Errorf("correlationId %s, want %s", p.CorrelationID, test.correlation)
					}
				}
				for _, got := range append(answers, problems...) {
					a.header(got, "X-Request-Id", test.echo)
				}
				for _, e := range a.history(path).Items {
					a.isUUID(e.CorrelationID)
					if test.correlation != "" && e.CorrelationID != test.correlation {
						t.Errorf("recorded %s, want %s", e.CorrelationID, test.correlation)
					}
				}
			})
		}
	})
}

// TestOutcomes: every answer to a write says what became of it, no other does.
func TestOutcomes(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, step := range []struct {
			method, path, body, tag, want string
		}{
			{"PUT", "/v1/notes/1", `{"n":1}`, "", "created"},
			{"POST", "/v1/notes", `{"n":1}`, "", "created"},
			{"PUT", "/v1/notes/1", `{"n":2}`, `"1"`, "replaced"},
			{"PUT", "/v1/notes/1", `{"n":2}`, `"2"`, "unchanged"},
			{"PATCH", "/v1/notes/1", `{"n":3}`, `"2"`, "patched"},
			{"PATCH", "/v1/notes/1", `{"n":3}`, `"3"`, "unchanged"},
			{"PATCH", "/v1/notes/1", `{"n":3}`, `"2"`, "rejected"},
			{"PATCH", "/v1/notes/none", `{"n":3}`, "", "rejected"},
			{"PUT", "/v1/notes/_x", `{"n":3}`, "", "rejected"},
			{"PUT", "/v1/notes", `{"n":3}`, "", "rejected"},
			{"POST", "/v1/notes?dry_run=true", `{"n":3}`, "", "rejected"},
			{"GET", "/v1/notes/1", "", "", ""},
			{"GET", "/v1/notes/1", "", `"1"`, ""},
			{"HEAD", "/v1/notes/none", "", "", ""},
			{"OPTIONS", "/v1/notes/1", "", "", ""},
			{"DELETE", "/v1/notes/1", "", `"3"`, "deleted"},
			{"DELETE", "/v1/notes/1", "", `"3"`, "rejected"},
			{"PUT", "/v1/notes/1", `{"n":1}`, "", "created"},
		} {
			a.header(a.do(step.method, step.path, step.body, "If-Match", step.tag), "Ifmatch-Outcome", step.want)
		}
		a.verify()
	})
}
