package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestPreconditionRules runs every rule against every way to state a
// precondition, for every method that writes.
func TestPreconditionRules(t *testing.T) {
	hour := time.Hour
	conditions := []struct {
		name           string
		headers        []string
		stated, tagged bool
	}{
		{"none", nil, false, false},
		{"the tag", []string{"If-Match", `"1"`}, true, true},
		{"a list", []string{"If-Match", `"0" , ,"1"`}, true, true},
		{"two lines", []string{"If-Match", `"0"`, "If-Match", `"1"`}, true, true},
		{"any", []string{"If-Match", "*"}, true, false},
		{"not this tag", []string{"If-None-Match", `"0"`}, true, false},
		{"a date", []string{"If-Unmodified-Since", httpDate(time.Now().Add(hour))}, true, false},
		{"an invalid date", []string{"If-Unmodified-Since", "tomorrow"}, false, false},
		{"a date for readers", []string{"If-Modified-Since", httpDate(time.Now().Add(-hour))}, false, false},
		{"tag and none", []string{"If-Match", `"1"`, "If-None-Match", `"0"`}, true, true},
	}
	for _, rule := range []ifmatch.Precondition{ifmatch.PreconditionRequired, ifmatch.PreconditionOptional, ifmatch.PreconditionTag} {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			t.Run(rule.String()+" "+method, func(t *testing.T) {
				// The other methods have another rule, so that a mix-up shows.
				other := ifmatch.PreconditionOptional
				if rule == other {
					other = ifmatch.PreconditionTag
				}
				m := ifmatch.MethodPreconditions{Put: other, Patch: other, Delete: other}
				switch method {
				case "PUT":
					m.Put = rule
				case "PATCH":
					m.Patch = rule
				case "DELETE":
					m.Delete = rule
				}
				onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Precondition: m}}}, func(t *testing.T, a *api) {
					for i, c := range conditions {
						path := fmt.Sprintf("/v1/notes/%d", i)
						a.must(201, "PUT", path, `{"n":1}`)
						if rule == ifmatch.PreconditionRequired && !c.stated || rule == ifmatch.PreconditionTag && !c.tagged {
							p := a.refused(428, "precondition-required", method, path, bodyFor(method), c.headers...)
							if p.CurrentEtag != `"1"` || !strings.Contains(p.Detail, `If-Match: "1"`) ||
								strings.Contains(p.Detail, "*") != (rule == ifmatch.PreconditionRequired) {
								t.Errorf("%s: current %q, detail %q", c.name, p.CurrentEtag, p.Detail)
							}
							continue
						}
						got := a.do(method, path, strings.Replace(bodyFor(method), "1", "2", 1), c.headers...)
						if got.status != 200 && got.status != 204 {
							t.Errorf("%s: %d %s", c.name, got.status, got.body)
							continue
						}
						want := entry{Version: 2, Blind: c.stated && !c.tagged}
						if c.tagged {
							want.YourVersion = 1
						}
						if e := a.newest(path); e.Version != want.Version || e.Blind != want.Blind || e.YourVersion != want.YourVersion {
							t.Errorf("%s: recorded %+v, want %+v", c.name, e, want)
						}
					}
					a.verify()
				})
			})
		}
	}
}

// TestCreating: where nothing exists no precondition is due, and any tag is false.
func TestCreating(t *testing.T) {
	for _, rule := range []ifmatch.Precondition{ifmatch.PreconditionRequired, ifmatch.PreconditionOptional, ifmatch.PreconditionTag} {
		t.Run(rule.String(), func(t *testing.T) {
			rules := engine.Rules{Contract: ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: rule, Patch: rule, Delete: rule}}}
			onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
				for i, headers := range [][]string{nil, {"If-None-Match", "*"}, {"If-None-Match", `"1"`}, {"If-Unmodified-Since", httpDate(noon)}} {
					got := a.must(201, "PUT", fmt.Sprintf("/v1/notes/%d", i), `{"n":1}`, headers...)
					a.header(got, "Ifmatch-Outcome", "created")
				}
				for _, tag := range []string{"*", `"1"`, `W/"1"`, `"1", "2"`, ","} {
					p := a.refused(412, "stale", "PUT", "/v1/notes/none", `{"n":1}`, "If-Match", tag)
					if p.Deleted || p.CurrentEtag != "" {
						t.Errorf("%+v", p)
					}
					a.refused(404, "not-found", "PATCH", "/v1/notes/none", `{"n":1}`, "If-Match", tag)
					a.refused(404, "not-found", "DELETE", "/v1/notes/none", "", "If-Match", tag)
					a.refused(404, "not-found", "GET", "/v1/notes/none", "", "If-Match", tag)
				}
				a.refused(404, "not-found", "PATCH", "/v1/notes/none", `{"n":1}`)
				a.refused(404, "not-found", "DELETE", "/v1/notes/none", "")
				a.refused(404, "not-found", "DELETE", "/v1/notes/none", "", "If-Match", "unquoted") // it must exist before its condition is read
			})
		})
	}
}

func TestMalformedConditions(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, field := range []string{"If-Match", "If-None-Match"} {
			for _, value := range []string{`1`, `"1`, `1"`, `*, "1"`, `"1", *`, `"1" "2"`, `w/"1"`, `W/1`, `"a b"`, `**`, `'1'`, `"1";q=1`,
				strings.TrimSuffix(strings.Repeat(`"x",`, 101), ",")} {
				for _, method := range []string{"PUT", "PATCH", "DELETE"} {
					p := a.refused(400, "malformed", method, "/v1/notes/1", strings.Replace(bodyFor(method), "1", "2", 1), field, value)
					if !strings.Contains(p.Detail, field+`: "5"`) {
						t.Errorf("%s: %s: the detail does not show the right form: %s", field, value, p.Detail)
					}
				}
				a.refused(400, "malformed", "PUT", "/v1/notes/new", `{}`, field, value)
				a.refused(400, "malformed", "POST", "/v1/notes", `{}`, field, value)
				a.must(200, "GET", "/v1/notes/1", "", field, value)
				a.must(200, "GET", "/v1/notes", "", field, value)
			}
		}
		hundred := strings.Repeat(`"x",`, 99) + `"1"`
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", hundred)
		got := a.raw("PUT /v1/notes/1 HTTP/1.1\r\nHost: x\r\nIf-Match: \r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
		a.isProblem(got, 412, "stale", "PUT", "/v1/notes/1") // present without members
	})
}

// TestConditionsOfACollection: a POST writes, so its preconditions are judged
// against the collection that it is sent to.
func TestConditionsOfACollection(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		tag := a.must(200, "GET", "/v1/notes", "").header.Get("ETag")
		for _, method := range []string{"POST", "GET"} {
			a.refused(412, "stale", method, "/v1/notes", bodyFor(method), "If-Match", `"1"`)
			a.refused(412, "weak-validator", method, "/v1/notes", bodyFor(method), "If-Match", tag)
		}
		a.refused(412, "exists", "POST", "/v1/notes", `{}`, "If-None-Match", "*")
		a.refused(412, "stale", "POST", "/v1/notes", `{}`, "If-None-Match", tag)
		a.refused(415, "unsupported-media-type", "POST", "/v1/notes", `{}`, "If-Match", `"1"`, "Content-Type", "text/plain")
		a.must(201, "POST", "/v1/notes", `{}`, "If-Match", "*")
		a.must(201, "POST", "/v1/notes", `{}`, "If-None-Match", tag) // the tag of before
		a.must(201, "POST", "/v1/notes", `{}`, "If-Unmodified-Since", httpDate(noon))
	})
}

func TestExists(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			p := a.refused(412, "exists", method, "/v1/notes/1", bodyFor(method), "If-None-Match", "*")
			if p.CurrentEtag != `"1"` || p.CurrentVersion != 1 {
				t.Errorf("%+v", p)
			}
			a.refused(412, "exists", method, "/v1/notes/1", bodyFor(method), "If-None-Match", "*", "If-Match", `"1"`)
			a.refused(412, "stale", method, "/v1/notes/1", bodyFor(method), "If-None-Match", `"0", W/"1"`)
			a.refused(412, "stale", method, "/v1/notes/1", bodyFor(method), "If-None-Match", "*", "If-Match", `"9"`)
		}
	})
}
