package main

import (
	"strings"
	"testing"
)

const decidePolicy = `
collections:
  - name: staff
    on_stale: {allow: [reject, merge, park]}
    contract: {already_applied: accept, precondition: optional, digest_field: sum}
    schema: {type: object, not: {properties: {a: {const: 2}, salary: {const: 2}}, required: [a, salary]}}
    fields: [{path: /salary, read: '"admin" in principal.roles'}, {path: /home/bonus, read: '"admin" in principal.roles'}]
  - name: rated
    on_stale: {allow: [reject, park]}
    schema: {if: {properties: {a: {const: 2}}, required: [a]}, then: {properties: {salary: {maximum: 1}}}}
    fields: [{path: /salary, read: '"admin" in principal.roles'}]
  - name: facts
    contributions: on
    fields: [{path: /salary, on_conflict: highest, by: confidence, read: '"admin" in principal.roles'}]
`

// TestHiddenAndDecided: who decides about a parked write without seeing all of it can
// choose a side, and what they give keeps what they do not see.
func TestHiddenAndDecided(t *testing.T) {
	s := serveRuled(t, decidePolicy)
	for _, tt := range []struct{ name, content, is string }{
		{"a side", `{"choices":{"/salary":"yours","/home":"theirs"}}`, `{"salary":9,"home":{"city":"b","bonus":2}}`},
		{"a value of what holds it", `{"choices":{"/salary":"theirs","/home":{"value":{"city":"c"}}}}`, `{"salary":3,"home":{"city":"c","bonus":2}}`},
		{"a value for it", `{"choices":{"/salary":{"value":3},"/home":"theirs"}}`, `{"salary":3,"home":{"city":"b","bonus":2}}`},
		{"a document", `{"document":{"home":{"city":"d"}}}`, `{"salary":3,"home":{"city":"d","bonus":2}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ruled{t, s.server}
			at := "/v1/staff/" + strings.ReplaceAll(tt.name, " ", "")
			s.must(201, "adm", "PUT", at, `{"salary":1,"home":{"city":"a","bonus":1}}`)
			s.must(200, "adm", "PUT", at, `{"salary":3,"home":{"city":"b","bonus":2}}`, "If-Match", `"1"`)
			parked, _ := s.must(202, "adm", "PUT", at, `{"salary":9}`, "If-Match", `"1"`, "Prefer", "conflict=park")
			answer, text := s.must(200, "cy", "POST", parked.Header.Get("Location")+"/resolve", tt.content, "If-Match", `"2"`)
			if strings.Contains(text, "salary") || strings.Contains(text, "bonus") || answer.Header.Get("ETag") != "" {
				t.Errorf("answered %v %s", answer.Header, text)
			}
			if _, is := s.must(200, "adm", "GET", at, ""); !sameJSON(t, withoutSum(is), tt.is) {
				t.Errorf("stored is %s, want %s", is, tt.is)
			}
		})
	}
}

func withoutSum(text string) string {
	before, _, _ := strings.Cut(text, `,"sum"`)
	return before + "}"
}

// TestHiddenFaults: that a document is not valid for what its writer does not see is
// told without it.
func TestHiddenFaults(t *testing.T) {
	s := serveRuled(t, decidePolicy)
	s.must(201, "adm", "PUT", "/v1/staff/1", `{"a":1,"salary":2}`)
	_, text := s.must(422, "cy", "PATCH", "/v1/staff/1", `{"a":2}`, "If-Match", `"1"`)
	if !strings.Contains(text, "not valid together with what you may not see") || strings.Contains(text, "salary") {
		t.Error(text)
	}
	if _, text = s.must(422, "adm", "PATCH", "/v1/staff/1", `{"a":2}`, "If-Match", `"1"`); strings.Contains(text, "may not see") {
		t.Error(text)
	}
}

// TestHiddenFaultsOfMerges: what a parked write would come to is in dispute at the same
// place for everybody, and who does not see that is told no more.
func TestHiddenFaultsOfMerges(t *testing.T) {
	s := serveRuled(t, decidePolicy)
	const at = "/v1/rated/1"
	s.must(201, "adm", "PUT", at, `{"a":1,"salary":1}`)
	s.must(200, "adm", "PUT", at, `{"a":2,"salary":1}`, "If-Match", `"1"`)
	s.must(202, "adm", "PUT", at, `{"a":1,"salary":777}`, "If-Match", `"1"`, "Prefer", "conflict=park")
	first, _ := s.must(202, "adm", "PUT", at, `{"a":1,"salary":777}`, "If-Match", `"1"`, "Prefer", "conflict=park")
	other, _ := s.must(202, "adm", "PUT", at, `{"a":1,"salary":778}`, "If-Match", `"1"`, "Prefer", "conflict=park")
	s.must(204, "adm", "DELETE", other.Header.Get("Location"), "")
	s.must(204, "adm", "DELETE", first.Header.Get("Location"), "")
	again, _ := s.must(202, "adm", "PUT", at, `{"a":1,"salary":777}`, "If-Match", `"1"`, "Prefer", "conflict=park")
	if first.Header.Get("Location") == other.Header.Get("Location") || first.Header.Get("Location") == again.Header.Get("Location") {
		t.Errorf("the id of a parked write is made of it: %v, %v", first.Header, again.Header)
	}
	for who, sees := range map[string]bool{"adm": true, "cy": false} {
		_, text := s.must(200, who, "GET", at+"/_conflicts", "")
		if strings.Count(text, `"id"`) != 1 {
			t.Errorf("parked are %s", text)
		}
		text = withoutIDs(text) // one may have these digits too
		if !strings.Contains(text, `"path":"/salary"`) || strings.Contains(text, "777") != sees || strings.Contains(text, "Must be at most") != sees {
			t.Errorf("%s is told %s", who, text)
		}
	}
}

// TestHiddenSince: that a hidden value has changed is neither told nor in the way.
func TestHiddenSince(t *testing.T) {
	s := serveRuled(t, decidePolicy)
	const at = "/v1/staff/1"
	s.must(201, "adm", "PUT", at, `{"b":1,"salary":1}`)
	s.must(200, "adm", "PUT", at, `{"b":2,"salary":3}`, "If-Match", `"1"`)
	answer, _ := s.must(200, "cy", "PUT", at, `{"b":2}`, "If-Match", `"1"`)
	if answer.Header.Get("Ifmatch-Outcome") != "unchanged" {
		t.Errorf("what is there as far as it is seen is answered %v", answer.Header)
	}
	answer, text := s.must(412, "cy", "PATCH", at, `{"salary":4}`, "If-Match", `"1"`, "Prefer", "conflict=merge")
	if c := toldBy(t, text); !strings.HasSuffix(c.Type, ":stale") || len(c.Strategies) != 1 || c.Strategies[0] != "reject" || c.Conflicts != nil || strings.Contains(text, "/salary") {
		t.Errorf("a stale write of what is hidden is answered %v %s", answer.Header, text)
	}
	s.must(412, "cy", "PATCH", at, `{"salary":4}`, "If-Match", `"1"`, "Prefer", "conflict=park")
	if _, open := s.must(200, "adm", "GET", at+"/_conflicts", ""); open != `{"items":[]}` {
		t.Errorf("parked is %s", open)
	}
	if _, text = s.must(200, "cy", "PATCH", at, `{"c":1}`, "If-Match", `"1"`, "Prefer", "conflict=merge"); !sameJSON(t, text, `{"b":2,"c":1}`) {
		t.Errorf("merged to %s", text)
	}
	if _, text = s.must(200, "adm", "GET", at, ""); !sameJSON(t, withoutSum(text), `{"b":2,"salary":3,"c":1}`) {
		t.Errorf("merged to %s", text)
	}
	sum := text[strings.Index(text, `"sum":`)+len(`"sum":`):]
	test := `[{"op":"test","path":"/sum","value":` + strings.TrimSuffix(sum, "}") + `}]`
	s.must(200, "adm", "PATCH", at, test, "Content-Type", "application/json-patch+json", "If-Match", "*")
	s.must(409, "cy", "PATCH", at, test, "Content-Type", "application/json-patch+json", "If-Match", "*")
}

// TestHiddenProvenance: where a hidden value comes of is hidden too.
func TestHiddenProvenance(t *testing.T) {
	s := serveRuled(t, decidePolicy)
	s.must(201, "adm", "POST", "/v1/facts/1/_contributions", `{"source":"crm","confidence":0.9,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":1,"n":1}}`)
	for who, sees := range map[string]bool{"adm": true, "cy": false} {
		if _, text := s.must(200, who, "GET", "/v1/facts/1?include=provenance", ""); strings.Contains(text, `"/salary"`) != sees || !strings.Contains(text, `"/n"`) {
			t.Errorf("%s is told %s", who, text)
		}
	}
}
