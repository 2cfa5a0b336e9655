package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What only those may see who have the role: any of these in an answer to somebody
// else is a leak.
const (
	salary = "salary-51d0c6"
	older  = "salary-9e77b2"
	bonus  = "bonus-cc04f1"
	pay    = "pay-7a3be9"
)

const readPolicy = `
collections:
  - name: staff
    on_stale: {allow: [reject, merge, park, overwrite]}
    contract: {digest_field: sum, precondition: optional}
    links: [{rel: all, path: /v1/staff}]
    indexes: [/name, /salary, /home/zip]
    schema:
      type: object
      properties: {salary: {type: string, minLength: 3}, name: {type: string}}
    fields:
      - {path: /salary, read: '"admin" in principal.roles'}
      - {path: /home/bonus, read: '"admin" in principal.roles'}
      - {path: /home/zip, read: 'resource.owner == principal.name || "admin" in principal.roles'}
      - {path: /team, type: list, key: /id}
      - {path: '/team/*/pay', read: '"admin" in principal.roles'}
  - name: facts
    contributions: on
    contract: {precondition: optional}
    fields:
      - {path: /salary, on_conflict: highest, by: confidence, read: '"admin" in principal.roles'}
  - name: keyed
    id: {natural_key: [/email]}
    fields: [{path: /salary, read: '"admin" in principal.roles'}]
  - name: enveloped
    contract: {preset: version-body}
    on_stale: {allow: [reject, merge]}
    fields: [{path: /salary, read: '"admin" in principal.roles'}]
`

// employee is a document with something hidden in every place that has it.
func employee(salary, name string) string {
	return fmt.Sprintf(`{"name":%q,"owner":"ann","salary":%q,"home":{"city":"x","zip":%q,"bonus":%q},"team":[{"id":1,"pay":%q},{"id":2,"pay":%q}]}`,
		name, salary, bonus+"z", bonus, pay, pay)
}

// leaks returns what of the hidden an answer shows, header and body.
func leaks(answer reply, text string, more ...string) []string {
	all := text
	for name, values := range answer.Header {
		all += "\n" + name + ": " + strings.Join(values, ", ")
	}
	var found []string
	for _, secret := range append([]string{salary, older, bonus, pay}, more...) {
		if secret != "" && strings.Contains(all, secret) {
			found = append(found, secret)
		}
	}
	return found
}

// request is one of a walk over all routes.
type request struct {
	method, path, body string
	headers            []string
	status             int
	shows              bool // to who may see everything, and asks the same without a change
}

// TestHiddenEverywhere walks over every route and every kind of answer, as somebody
// who may not see a field and as somebody who may.
func TestHiddenEverywhere(t *testing.T) {
	s := serveRuled(t, readPolicy)
	const at, fact = "/v1/staff/1", "/v1/facts/1"
	s.must(201, "adm", "PUT", at, employee(older, "a"))
	s.must(200, "adm", "PUT", at, employee(salary, "b"), "If-Match", `"1"`)
	s.must(201, "adm", "PUT", "/v1/staff/gone", employee(salary, "b"))
	s.must(204, "adm", "DELETE", "/v1/staff/gone", "")
	parked, _ := s.must(202, "adm", "PUT", at, employee(pay, "c"), "If-Match", `"1"`, "Prefer", "conflict=park")
	conflict := parked.Header.Get("Location")
	s.must(201, "adm", "PUT", "/v1/enveloped/1", `{"salary":"`+older+`","a":1}`)
	s.must(200, "adm", "PUT", "/v1/enveloped/1", `{"salary":"`+salary+`","a":2,"version":1}`)
	s.must(201, "adm", "POST", fact+"/_contributions", `{"source":"crm","confidence":0.9,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":"`+salary+`","name":"a"}}`)
	made, _ := s.must(201, "adm", "POST", fact+"/_contributions", `{"source":"erp","confidence":0.2,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":"`+older+`"}}`)
	s.must(201, "adm", "POST", "/v1/keyed", `{"email":"a@b.c","salary":"`+salary+`"}`)
	_, history := s.must(200, "adm", "GET", at+"/_history", "")
	sums := sumsIn(history)
	if len(sums) < 2 {
		t.Fatalf("no digests in %s", history)
	}

	merging := []string{"If-Match", `"1"`, "Prefer", "conflict=merge"}
	jsonPatch := []string{"Content-Type", "application/json-patch+json", "If-Match", `"2"`}
	walk := []request{
		{"GET", at, "", nil, 200, true},
		{"HEAD", at, "", nil, 200, false},
		{"GET", at + "?include=meta,links,version,sha256", "", nil, 200, true},
		{"GET", at, "", []string{"If-Match", `"1"`}, 412, false},
		{"GET", at, "", []string{"Want-Repr-Digest", "sha-256=1"}, 200, true},
		{"GET", "/v1/staff", "", nil, 200, true},
		{"GET", "/v1/staff?sort=name", "", nil, 200, true},
		{"GET", "/v1/staff/_changes?include=data", "", nil, 200, true},
		{"GET", "/v1/staff/_changes?include=data&id=gone", "", nil, 200, true},
		{"GET", "/v1/facts/_changes?include=data", "", nil, 200, true},
		{"GET", "/_changes?include=data", "", nil, 200, true},
		{"GET", "/v1/staff?name=b&fields=salary,home.bonus,team", "", nil, 200, true},
		{"GET", "/v1/staff?sort=salary", "", nil, 403, false},
		{"GET", "/v1/staff?sort=-home.zip", "", nil, 403, false},
		{"GET", "/v1/staff?salary.gte=a", "", nil, 403, false},
		{"GET", "/v1/staff?salary=" + salary, "", nil, 403, false},
		{"HEAD", "/v1/staff", "", nil, 200, false},
		{"GET", at + "/_history", "", nil, 200, false},
		{"GET", "/_/api/audit", "", nil, 200, false},
		{"GET", "/_/api/audit?document=" + at, "", []string{"Accept", "application/jsonl"}, 200, false},
		{"GET", at + "/_history/1", "", nil, 200, true},
		{"GET", at + "/_history/2?include=meta", "", nil, 200, true},
		{"GET", "/v1/staff/gone/_history", "", nil, 200, false},
		{"GET", "/v1/staff/gone/_history/1", "", nil, 200, true},
		{"GET", at + "/_diff?from=1&to=2", "", nil, 200, true},
		{"GET", at + "/_diff?from=1&to=2", "", []string{"Accept", "application/merge-patch+json"}, 200, true},
		{"GET", at + "/_blame", "", nil, 200, false},
		{"GET", at + "/_fields/name", "", nil, 200, false},
		{"GET", at + "/_fields/salary", "", nil, 404, true},
		{"GET", at + "/_fields/home", "", nil, 200, true},
		{"GET", at + "/_fields?pointer=/team/0", "", nil, 200, true},
		{"GET", at + "/_fields/team/0/pay", "", nil, 404, true},
		{"PUT", at + "/_fields/home?dryRun=true", `{"city":"y"}`, nil, 200, false},
		{"PATCH", at + "/_fields/home?dryRun=true", `{"city":"y"}`, nil, 200, true},
		{"PUT", at + "/_fields/salary?dryRun=true", `"any"`, nil, 403, false},
		{"PUT", at + "/_fields/home", `{"city":"y"}`, []string{"If-Match", `"2"`}, 412, false},
		{"PUT", at + "/_fields/home", `{"city":"y"}`, []string{"If-None-Match", "*"}, 412, false},
		{"PATCH", at + "/_fields/home", `[{"op":"copy","from":"/bonus","path":"/city"}]`, []string{"Content-Type", "application/json-patch+json", "If-Match", "*"}, 403, false},
		{"DELETE", at + "/_fields/salary", "", []string{"If-Match", "*"}, 404, false},
		{"GET", at + "/_conflicts", "", nil, 200, true},
		{"GET", conflict, "", nil, 200, true},
		{"POST", conflict + "/resolve", `{"choices":{}}`, []string{"If-Match", `"2"`}, 412, true},
		{"POST", conflict + "/resolve", `{"choices":{}}`, []string{"If-Match", `"1"`}, 412, true},
		{"POST", conflict + "/resolve?dryRun=true", `{"choices":{"/name":"yours","/salary":"yours"}}`, []string{"If-Match", `"2"`}, 200, true},
		{"POST", conflict + "/resolve?dryRun=true", `{"document":{"name":"d"}}`, []string{"If-Match", `"2"`}, 200, false},
		{"DELETE", conflict + "?dryRun=true", "", nil, 204, false},
		{"PUT", at + "?dryRun=true", `{"name":"d","home":{}}`, nil, 200, false},
		{"PUT", at + "?dryRun=true", `{"name":"d","home":{},"owner":"cy"}`, nil, 200, false},
		{"PATCH", at + "?dryRun=true", `{"name":"d"}`, nil, 200, true},
		{"PATCH", at + "?dryRun=true", `{"owner":"cy"}`, nil, 200, true},
		{"PATCH", at + "?dryRun=true", `[{"op":"add","path":"/name","value":"d"}]`, jsonPatch, 200, true},
		{"PATCH", at + "?dryRun=true", `{"name":"d"}`, merging, 412, true},
		{"PATCH", at + "?dryRun=true", `{"more":1}`, merging, 200, true},
		{"PATCH", at + "?dryRun=true", `{"name":"d"}`, []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite"}, 200, true},
		{"PATCH", at + "?dryRun=true", `{"name":"d"}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}, 202, false},
		{"PATCH", at, `{"name":"d"}`, []string{"If-Match", `"1"`}, 412, true},
		{"PUT", at, `{"name":"d"}`, []string{"If-Match", `"1"`}, 412, true},
		{"PUT", at, `{"name":"d","salary":"` + strings.ToUpper(salary) + `"}`, []string{"If-Match", `"1"`}, 412, true},
		{"DELETE", at, "", []string{"If-Match", `"1"`}, 412, true},
		{"PUT", at, `{"name":"d"}`, []string{"If-None-Match", "*"}, 412, false},
		{"PUT", at, `{"name":1}`, []string{"If-Match", `"2"`}, 422, false},
		{"PATCH", at, `{"name":1}`, []string{"If-Match", `"2"`}, 422, false},
		{"PATCH", at, `[{"op":"test","path":"/name","value":"z"}]`, jsonPatch, 409, false},
		{"PATCH", at, `[{"op":"remove","path":"/nothing"}]`, jsonPatch, 409, false},
		{"GET", fact + "?include=provenance", "", nil, 200, true},
		{"GET", fact + "/_contributions", "", nil, 200, true},
		{"GET", made.Header.Get("Location"), "", nil, 200, true},
		{"GET", fact + "/_history/1", "", nil, 200, true},
		{"POST", fact + "/_contributions?dryRun=true", `{"source":"x","confidence":0.5,"observedAt":"2026-01-01T00:00:00Z","data":{"name":"z"}}`, nil, 201, false},
		{"PATCH", fact + "?dryRun=true", `{"name":"z"}`, nil, 200, true},
		{"POST", "/v1/keyed", `{"email":"a@b.c"}`, nil, 200, false},
		{"POST", "/v1/keyed", `{"email":"a@b.c","other":1}`, nil, 409, false},
		{"GET", "/v1/enveloped/1", "", nil, 200, true},
		{"PUT", "/v1/enveloped/1", `{"a":3,"version":1}`, nil, 409, true},
		{"PATCH", "/v1/enveloped/1", `{"a":3,"version":1}`, []string{"Prefer", "conflict=merge"}, 409, true},
	}
	before := s.state(at) + s.state(fact)
	for _, r := range walk {
		answer, text := s.by("cy", r.method, r.path, r.body, r.headers...)
		if answer.StatusCode != r.status {
			t.Errorf("%s %s %s %q: %s %s, want %d", r.method, r.path, r.body, r.headers, answer.Status, text, r.status)
		}
		if found := leaks(answer, text, sums...); found != nil {
			t.Errorf("%s %s %s %q shows %q: %v %s", r.method, r.path, r.body, r.headers, found, answer.Header, text)
		}
		if !r.shows {
			continue
		}
		if answer, text := s.by("adm", r.method, r.path, r.body, r.headers...); leaks(answer, text) == nil {
			t.Errorf("%s %s %s %q does not show who may see it: %s %s", r.method, r.path, r.body, r.headers, answer.Status, text)
		}
	}
	for who, shown := range map[string]bool{"adm": true, "cy": false} { // not its values alone: where they stand, and whose they are
		if _, text := s.must(200, who, "GET", at+"/_blame", ""); strings.Contains(text, "/salary") != shown || strings.Contains(text, "/team/0/pay") != shown || !strings.Contains(text, "/home/city") {
			t.Errorf("%s is told of %s", who, text)
		}
	}
	if after := s.state(at) + s.state(fact); after != before {
		t.Errorf("something changed: before\n%s\nafter\n%s", before, after)
	}
	for _, path := range []string{at, "/v1/staff", at + "/_history/1"} {
		_, text := s.must(200, "ann", "GET", path, "")
		if !strings.Contains(text, bonus+"z") && path != "/v1/staff" || strings.Contains(text, salary) || strings.Contains(text, older) {
			t.Errorf("whose it is sees of %s %s", path, text)
		}
	}
}

// sumsIn are the digests that a history shows.
func sumsIn(history string) []string {
	sums := make(map[string]bool)
	for rest := history; ; {
		_, after, found := strings.Cut(rest, `"sha256":"`)
		if !found {
			return slices.Collect(maps.Keys(sums))
		}
		sums[after[:64]] = true
		rest = after
	}
}
