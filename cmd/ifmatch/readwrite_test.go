package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const writePolicy = `
collections:
  - name: staff
    on_stale: {allow: [reject, merge, park, overwrite]}
    contract: {already_applied: accept, precondition: optional}
    schema: {type: object, properties: {salary: {type: integer}, code: {enum: [1, 2, 3]}}}
    fields:
      - {path: /salary, read: '"admin" in principal.roles'}
      - {path: /code, type: immutable, read: '"admin" in principal.roles'}
      - {path: /team, type: list, key: /id}
      - {path: '/team/*/pay', read: '"admin" in principal.roles'}
      - {path: '/rows/*/pay', read: '"admin" in principal.roles'}
      - {path: /home/zip, read: '"admin" in principal.roles'}
  - name: owned
    contract: {precondition: optional}
    fields: [{path: /mine, read: 'resource.owner == principal.name'}]
  - name: facts
    contributions: on
    contract: {precondition: optional}
    fields: [{path: /salary, on_conflict: highest, by: confidence, read: '"admin" in principal.roles'}]
  - name: keyed
    id: {natural_key: [/email]}
    fields: [{path: /salary, read: '"admin" in principal.roles'}]
`

// TestHiddenIsKept: who writes without what they may not see leaves it as it is.
func TestHiddenIsKept(t *testing.T) {
	s := serveRuled(t, writePolicy)
	const was = `{"name":"a","salary":1,"team":[{"id":1,"pay":1},{"id":2,"pay":2}],"rows":[{"n":1,"pay":1},{"n":1,"pay":2}]}`
	const jsonPatch = "application/json-patch+json"
	for _, tt := range []struct {
		name, method, body, media string
		status                    int
		sees, is                  string
	}{
		{"what was read", "PUT", `{"name":"a","team":[{"id":1},{"id":2}],"rows":[{"n":1},{"n":1}]}`, "", 200,
			`{"name":"a","team":[{"id":1},{"id":2}],"rows":[{"n":1},{"n":1}]}`, was},
		{"a change", "PUT", `{"name":"b","rows":[{"n":1},{"n":1}]}`, "", 200,
			`{"name":"b","rows":[{"n":1},{"n":1}]}`, `{"name":"b","rows":[{"n":1,"pay":1},{"n":1,"pay":2}],"salary":1}`},
		{"an element goes", "PUT", `{"team":[{"id":2}]}`, "", 200, `{"team":[{"id":2}]}`, `{"team":[{"id":2,"pay":2}],"salary":1}`},
		{"one of two that look the same goes", "PUT", `{"rows":[{"n":1}]}`, "", 403, "", was},
		{"a merge patch", "PATCH", `{"name":null,"rows":null,"team":null}`, "", 200, `{}`, `{"salary":1}`},
		{"a merge patch that takes it away", "PATCH", `{"salary":null}`, "", 200,
			`{"name":"a","team":[{"id":1},{"id":2}],"rows":[{"n":1},{"n":1}]}`, was},
		{"a merge patch that sets it", "PATCH", `{"salary":7,"team":null,"rows":null}`, "", 200, `{"name":"a"}`, `{"name":"a","salary":7}`},
		{"a JSON Patch", "PATCH", `[{"op":"remove","path":"/team/0"},{"op":"remove","path":"/rows"}]`, jsonPatch, 200,
			`{"name":"a","team":[{"id":2}]}`, `{"name":"a","team":[{"id":2,"pay":2}],"salary":1}`},
		{"a JSON Patch that sets it", "PATCH", `[{"op":"add","path":"/salary","value":7}]`, jsonPatch, 200,
			`{"name":"a","team":[{"id":1},{"id":2}],"rows":[{"n":1},{"n":1}]}`, strings.Replace(was, `"salary":1`, `"salary":7`, 1)},
		{"a test of what is seen", "PATCH", `[{"op":"test","path":"/team/0","value":{"id":1}},{"op":"move","from":"/name","path":"/title"}]`, jsonPatch, 200,
			`{"title":"a","team":[{"id":1},{"id":2}],"rows":[{"n":1},{"n":1}]}`, strings.Replace(was, `"name"`, `"title"`, 1)},
		{"a test of it", "PATCH", `[{"op":"test","path":"/salary","value":1}]`, jsonPatch, 403, "", was},
		{"a test of what is not there", "PATCH", `[{"op":"test","path":"/code","value":1}]`, jsonPatch, 403, "", was},
		{"a test within", "PATCH", `[{"op":"test","path":"/team/0/pay","value":1}]`, jsonPatch, 403, "", was},
		{"a copy of it", "PATCH", `[{"op":"copy","from":"/salary","path":"/name"}]`, jsonPatch, 403, "", was},
		{"a move of it", "PATCH", `[{"op":"move","from":"/salary","path":"/name"}]`, jsonPatch, 403, "", was},
		{"a copy of what holds it", "PATCH", `[{"op":"copy","from":"/team/0","path":"/first"}]`, jsonPatch, 403, "", was},
		{"a copy of all", "PATCH", `[{"op":"copy","from":"","path":"/all"}]`, jsonPatch, 403, "", was},
		{"a replacement of it", "PATCH", `[{"op":"replace","path":"/salary","value":1}]`, jsonPatch, 409, "", was},
		{"a removal of it", "PATCH", `[{"op":"remove","path":"/salary"}]`, jsonPatch, 409, "", was},
		{"immutable, and another", "PATCH", `{"code":2}`, "", 422, "", was},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ruled{t, s.server}
			s.by("adm", "DELETE", "/v1/staff/1", "")
			answer, _ := s.must(201, "adm", "PUT", "/v1/staff/1", was)
			tag := answer.Header.Get("ETag")
			before := s.state("/v1/staff/1")
			var media []string
			if tt.media != "" {
				media = []string{"Content-Type", tt.media}
			}
			answer, text := s.must(tt.status, "cy", tt.method, "/v1/staff/1", tt.body, append(media, "If-Match", tag)...)
			if tt.status != 200 {
				if after := s.state("/v1/staff/1"); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
				return
			}
			if !sameJSON(t, text, tt.sees) || answer.Header.Get("ETag") != "" || answer.Header.Get("Last-Modified") != "" || answer.Header.Get("Content-Location") != "/v1/staff/1" {
				t.Errorf("answered %s %v, want %s", text, answer.Header, tt.sees)
			}
			read, is := s.must(200, "adm", "GET", "/v1/staff/1", "")
			if !sameJSON(t, is, tt.is) || answer.Header.Get("Ifmatch-ETag") != read.Header.Get("ETag") {
				t.Errorf("stored is %s under %s, want %s under %s", is, read.Header.Get("ETag"), tt.is, answer.Header.Get("Ifmatch-ETag"))
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%v: %s", err, a)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	one, _ := json.Marshal(x)
	two, _ := json.Marshal(y)
	return string(one) == string(two)
}

// TestHiddenIsNotGuessed: whoever may write what they may not see is told the same,
// whether what they write is what stands there, is something else, or stands nowhere.
// Each guess is tried on documents that differ in what is hidden alone.
func TestHiddenIsNotGuessed(t *testing.T) {
	s := serveRuled(t, writePolicy)
	const jsonPatch = "application/json-patch+json"
	stored := []string{
		`{"name":"a","salary":1,"code":1,"home":{"zip":1}}`,
		`{"name":"a","salary":2,"code":2,"home":{}}`,
		`{"name":"a","home":{"zip":{"n":1}}}`,
	}
	type step struct {
		method, path, body string
		headers            []string
	}
	for name, steps := range map[string][]step{
		"PUT":                 {{"PUT", "", `{"name":"a","salary":1}`, []string{"If-Match", `"2"`}}},
		"PUT, dry":            {{"PUT", "?dryRun=true", `{"name":"a","salary":1}`, []string{"If-Match", `"2"`}}},
		"PUT, unconditional":  {{"PUT", "", `{"name":"a","salary":1}`, nil}},
		"merge patch":         {{"PATCH", "", `{"salary":1}`, []string{"If-Match", "*"}}},
		"JSON Patch":          {{"PATCH", "", `[{"op":"add","path":"/salary","value":1}]`, []string{"Content-Type", jsonPatch, "If-Match", `"2"`}}},
		"JSON Patch, test":    {{"PATCH", "", `[{"op":"test","path":"/salary","value":1}]`, []string{"Content-Type", jsonPatch, "If-Match", `"2"`}}},
		"test of all":         {{"PATCH", "", `[{"op":"test","path":"","value":{"name":"a","salary":1,"code":1}}]`, []string{"Content-Type", jsonPatch, "If-Match", `"2"`}}},
		"test of the meta":    {{"PATCH", "", `[{"op":"test","path":"/_meta/sha256","value":"x"}]`, []string{"Content-Type", jsonPatch, "If-Match", `"2"`}}},
		"immutable":           {{"PATCH", "", `{"code":1}`, []string{"If-Match", `"2"`}}},
		"immutable, not PUT":  {{"PUT", "", `{"name":"b"}`, []string{"If-Match", `"2"`}}},
		"stale":               {{"PUT", "", `{"name":"a","salary":1}`, []string{"If-Match", `"1"`}}},
		"stale, merged":       {{"PATCH", "", `{"salary":1}`, []string{"If-Match", `"1"`, "Prefer", "conflict=merge"}}},
		"stale, parked":       {{"PATCH", "", `{"salary":3}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}}},
		"stale, overwritten":  {{"PATCH", "", `{"salary":1}`, []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite"}}},
		"stale by date":       {{"PUT", "", `{"name":"a","salary":1}`, []string{"If-Unmodified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"}}},
		"field":               {{"PUT", "/_fields/salary", `1`, nil}, {"GET", "/_history", "", nil}, {"GET", "/_fields/salary", "", nil}},
		"field, new":          {{"PUT", "/_fields/salary", `1`, []string{"If-None-Match", "*"}}},
		"field, named":        {{"PUT", "/_fields/salary", `1`, []string{"If-Match", "*"}}, {"DELETE", "/_fields/salary", "", []string{"If-Match", "*"}}},
		"field, dry":          {{"PUT", "/_fields/salary?dryRun=true", `1`, nil}},
		"field, immutable":    {{"PUT", "/_fields/code", `1`, nil}, {"PUT", "/_fields/code", `3`, nil}},
		"field, test":         {{"PATCH", "/_fields/salary", `[{"op":"test","path":"","value":1}]`, []string{"Content-Type", jsonPatch, "If-Match", "*"}}},
		"field, not valid":    {{"PUT", "/_fields/salary", `"1"`, nil}},
		"field, that holds":   {{"DELETE", "/_fields/home", "", []string{"If-Match", "*"}}, {"PUT", "/_fields/home", `1`, []string{"If-Match", "*"}}},
		"stale, taken away":   {{"PATCH", "", `{"home":null}`, []string{"If-Match", `"1"`, "Prefer", "conflict=merge"}}, {"PATCH", "", `{"home":1}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}}},
		"not valid":           {{"PATCH", "", `{"salary":"1"}`, []string{"If-Match", `"2"`}}},
		"written, then diffs": {{"PATCH", "", `{"salary":1}`, []string{"If-Match", `"2"`}}, {"GET", "/_diff?from=2&to=3", "", nil}, {"GET", "/_history", "", nil}},
		"written, then stale": {{"PATCH", "", `{"salary":1}`, []string{"If-Match", `"2"`}}, {"PATCH", "", `{"name":"b"}`, []string{"If-Match", `"2"`}},
			{"PUT", "", `{"name":"a"}`, []string{"If-Match", `"2"`}}, {"DELETE", "", "", []string{"If-Match", `"2"`}},
			{"PATCH", "", `{"name":"c"}`, []string{"If-Match", `"2"`, "Prefer", "conflict=merge"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &ruled{t, s.server}
			var told []string
			for n, document := range stored {
				at := "/v1/staff/" + strings.NewReplacer(" ", "", ",", "").Replace(name) + string(rune('a'+n))
				s.must(201, "adm", "PUT", at, strings.Replace(document, `"a"`, `"z"`, 1))
				s.must(200, "adm", "PUT", at, document, "If-Match", `"1"`)
				all := ""
				for _, step := range steps {
					answer, text := s.by("cy", step.method, at+step.path, step.body, step.headers...)
					all += answer.Status + " " + answer.Header.Get("Ifmatch-ETag") + answer.Header.Get("ETag") + answer.Header.Get("Ifmatch-Outcome") + " " + timeless(text, at) + "\n"
				}
				answer, text := s.by("cy", "GET", at, "")
				told = append(told, all+answer.Header.Get("ETag")+text)
			}
			for _, other := range told[1:] {
				if told[0] != other {
					t.Errorf("told\n%s\nand\n%s", told[0], other)
				}
			}
		})
	}
}

// timeless is an answer without what is of its own time and path.
func timeless(text, at string) string {
	text = strings.ReplaceAll(text, at, "PATH")
	for _, name := range []string{"instance", "correlationId", "changedAt", "at", "retryAfterMs"} {
		for rest := ""; ; {
			before, after, found := strings.Cut(text, `"`+name+`":`)
			if !found {
				text = rest + text
				break
			}
			end := strings.IndexAny(after, ",}]")
			rest, text = rest+before, after[end:]
		}
	}
	return text
}

// TestHiddenIsNotMergedAway: a stale write takes nothing away that may hold a hidden value
// which somebody has changed since. Under the tag of what is there it does.
func TestHiddenIsNotMergedAway(t *testing.T) {
	s := serveRuled(t, writePolicy)
	const at = "/v1/staff/1"
	s.must(201, "adm", "PUT", at, `{"name":"a","home":{"city":"x","zip":"1"},"team":[{"id":1,"pay":1}]}`)
	s.must(200, "adm", "PATCH", at, `{"home":{"zip":"2"}}`, "If-Match", `"1"`)
	before := s.state(at)
	for _, body := range []string{`{"home":null}`, `{"home":1}`, `{"name":"b","team":[]}`} {
		for _, strategy := range []string{"merge", "park"} {
			_, text := s.must(412, "cy", "PATCH", at, body, "If-Match", `"1"`, "Prefer", "conflict="+strategy)
			if !strings.Contains(text, "problem:stale") || !strings.Contains(text, `"strategies":["reject"]`) || strings.Contains(text, "mergeable") {
				t.Errorf("%s: %s", body, text)
			}
			if after := s.state(at); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		}
	}
	s.must(200, "cy", "PATCH", at, `{"name":"b"}`, "If-Match", `"1"`, "Prefer", "conflict=merge")
	s.must(200, "cy", "PATCH", at, `{"home":null}`, "If-Match", `"3"`)
	if _, is := s.must(200, "adm", "GET", at, ""); !sameJSON(t, is, `{"name":"b","team":[{"id":1,"pay":1}]}`) {
		t.Errorf("stored is %s", is)
	}
}

// TestHiddenAndContributed: contributions are like writes, and a write of the document
// cannot try whether it is outranked.
func TestHiddenAndContributed(t *testing.T) {
	s := serveRuled(t, writePolicy)
	told := make([]string, 2)
	for n, salary := range []string{"1", "2"} {
		at := "/v1/facts/" + salary
		s.must(201, "adm", "POST", at+"/_contributions", `{"source":"crm","confidence":0.5,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":`+salary+`,"n":1}}`)
		for _, body := range []string{
			`{"source":"crm","confidence":0.5,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":1,"n":1}}`,
			`{"source":"x","confidence":0.9,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":1}}`,
			`{"source":"x","confidence":0.1,"observedAt":"2026-01-01T00:00:00Z","data":{"salary":1}}`,
		} {
			answer, text := s.must(201, "cy", "POST", at+"/_contributions", body)
			id := answer.Header.Get("Location")
			gone, _ := s.must(204, "cy", "DELETE", id, "")
			told[n] += answer.Header.Get("Ifmatch-Outcome") + answer.Header.Get("Ifmatch-ETag") + gone.Header.Get("Ifmatch-ETag") + strings.ReplaceAll(text, id[strings.LastIndex(id, "/")+1:], "ID")
		}
		before := s.state(at)
		answer, text := s.must(403, "cy", "PATCH", at, `{"salary":1}`)
		if s.state(at) != before {
			t.Error("a refused write has changed something")
		}
		told[n] += answer.Status + timeless(text, at)
	}
	if told[0] != told[1] {
		t.Errorf("told\n%s\nand\n%s", told[0], told[1])
	}
}

// TestHiddenAndKeyed: who creates what is there already is not told whether a hidden
// value is the same.
func TestHiddenAndKeyed(t *testing.T) {
	s := serveRuled(t, writePolicy)
	s.must(201, "adm", "POST", "/v1/keyed", `{"email":"a@b.c","salary":1}`)
	for _, body := range []string{`{"email":"a@b.c","salary":1}`, `{"email":"a@b.c","salary":2}`} {
		if _, text := s.must(409, "cy", "POST", "/v1/keyed", body); !strings.Contains(text, "duplicate") {
			t.Error(text)
		}
	}
	s.must(200, "cy", "POST", "/v1/keyed", `{"email":"a@b.c"}`)
	s.must(200, "adm", "POST", "/v1/keyed", `{"email":"a@b.c","salary":1}`)
}

// TestHiddenByWhoseItIs: a rule is asked about the document as it is stored, and about
// none where there is none.
func TestHiddenByWhoseItIs(t *testing.T) {
	s := serveRuled(t, writePolicy)
	const at = "/v1/owned/1"
	answer, text := s.must(201, "cy", "PUT", at, `{"owner":"ann","mine":"hidden"}`)
	if strings.Contains(text, "hidden") || answer.Header.Get("ETag") != "" || answer.Header.Get("Ifmatch-ETag") != `"1"` {
		t.Errorf("who created it for somebody else sees %s %v", text, answer.Header)
	}
	answer, text = s.must(200, "cy", "PATCH", at+"?dryRun=true", `{"owner":"cy"}`)
	if strings.Contains(text, "hidden") || answer.Header.Get("ETag") != "" {
		t.Errorf("who tries to have it sees %s %v", text, answer.Header)
	}
	if _, text = s.must(200, "ann", "GET", at, ""); !strings.Contains(text, "hidden") {
		t.Errorf("whose it is sees %s", text)
	}
	s.must(204, "ann", "DELETE", at, "")
	if _, text = s.must(200, "ann", "GET", at+"/_history/1", ""); strings.Contains(text, "hidden") {
		t.Errorf("of what is gone is seen %s", text)
	}
}

// TestHiddenTags: an answer that does not show all is under a weak tag of its own.
func TestHiddenTags(t *testing.T) {
	s := serveRuled(t, writePolicy)
	const at = "/v1/staff/1"
	s.must(201, "adm", "PUT", at, `{"name":"a","salary":1}`)
	full, _ := s.must(200, "adm", "GET", at, "")
	less, _ := s.must(200, "cy", "GET", at, "")
	head, _ := s.must(200, "cy", "HEAD", at, "")
	tag := less.Header.Get("ETag")
	if full.Header.Get("ETag") != `"1"` || full.Header.Get("Last-Modified") == "" {
		t.Errorf("who sees all gets %v", full.Header)
	}
	if !strings.HasPrefix(tag, `W/"1+`) || less.Header.Get("Ifmatch-ETag") != `"1"` || less.Header.Get("Last-Modified") != "" || head.Header.Get("ETag") != tag ||
		less.Header.Get("Cache-Control") != "private, no-cache" || !strings.Contains(less.Header.Get("Vary"), "Authorization") {
		t.Errorf("who does not gets %v, and by HEAD %v", less.Header, head.Header)
	}
	for _, path := range []string{at, at + "/_history/1", "/v1/staff"} {
		read, _ := s.must(200, "cy", "GET", path, "")
		is := read.Header.Get("ETag")
		again, text := s.must(304, "cy", "GET", path, "", "If-None-Match", is)
		if again.Header.Get("ETag") != is || text != "" || strings.Contains(read.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v, then %v", path, read.Header, again.Header)
		}
		s.must(304, "cy", "HEAD", path, "", "If-None-Match", is)
		s.must(200, "cy", "GET", path, "", "If-None-Match", read.Header.Get("Ifmatch-ETag"))
		s.must(200, "adm", "GET", path, "", "If-None-Match", is)
	}
	s.must(412, "cy", "PATCH", at, `{"name":"b"}`, "If-Match", tag)
	s.must(200, "cy", "PATCH", at, `{"name":"b"}`, "If-Match", less.Header.Get("Ifmatch-ETag"))
	s.must(200, "cy", "GET", at, "", "If-None-Match", tag)
}
