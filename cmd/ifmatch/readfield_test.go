package main

import "testing"

// TestHiddenIsNotSetUnderAField: the tag of a field covers what its reader sees of it, so
// that a value which they do not see is not written through it: they would overwrite what
// somebody else has written meanwhile. It is set under the document's tag.
func TestHiddenIsNotSetUnderAField(t *testing.T) {
	s := serveRuled(t, `
collections:
  - name: staff
    fields:
      - {path: /salary, read: '"admin" in principal.roles'}
      - {path: /bonus, read: '"admin" in principal.roles'}
      - {path: /home/zip, read: '"admin" in principal.roles'}
      - {path: /team, type: list, key: /id}
      - {path: '/team/*/pay', read: '"admin" in principal.roles'}
`)
	const at = "/v1/staff/1"
	s.must(201, "adm", "PUT", at, `{"name":"a","salary":1,"home":{"city":"x","zip":"1"},"team":[{"id":1,"pay":1},{"id":2}]}`)
	home, _ := s.must(200, "cy", "GET", at+"/_fields/home", "")
	mine := home.Header.Get("ETag")
	before := s.state(at)
	const jsonPatch = "application/json-patch+json"
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
	}{
		{"unconditionally", "PUT", "/salary", `2`, nil},
		{"as new", "PUT", "/salary", `2`, []string{"If-None-Match", "*"}},
		{"what is not there", "PUT", "/bonus", `2`, []string{"If-None-Match", "*"}},
		{"a dry run", "PUT", "/salary?dryRun=true", `2`, nil},
		{"within what is seen", "PUT", "/home", `{"city":"y","zip":"2"}`, []string{"If-Match", mine}},
		{"a place within", "PUT", "/home/zip", `"2"`, nil},
		{"a merge patch", "PATCH", "/home", `{"zip":"2"}`, []string{"If-Match", mine}},
		{"a JSON Patch", "PATCH", "/home", `[{"op":"add","path":"/zip","value":"2"}]`, []string{"Content-Type", jsonPatch, "If-Match", mine}},
		{"taken away with what holds it", "DELETE", "/home", "", []string{"If-Match", mine}},
		{"taken away blindly", "DELETE", "/home", "", []string{"If-Match", "*"}},
		{"a value in the place of what holds it", "PUT", "/home", `"x"`, []string{"If-Match", mine}},
		{"a merge patch that is no object", "PATCH", "/home", `1`, []string{"If-Match", mine}},
		{"a JSON Patch of another kind", "PATCH", "/home", `[{"op":"replace","path":"","value":[]}]`, []string{"Content-Type", jsonPatch, "If-Match", mine}},
		{"an element that may hold it", "DELETE", "/team/0", "", []string{"If-Match", "*"}},
		{"fewer elements", "PUT", "/team", `[{"id":2}]`, []string{"If-Match", "*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ruled{t, s.server}
			s.must(403, "cy", tt.method, at+"/_fields"+tt.path, tt.body, tt.headers...)
			if after := s.state(at); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		})
	}
	s.must(412, "cy", "PATCH", at, `{"salary":2}`, "If-Match", `"0"`)
	s.must(200, "cy", "PATCH", at, `{"salary":2}`, "If-Match", `"1"`)
	s.must(200, "cy", "PUT", at+"/_fields/home", `{"city":"y"}`, "If-Match", mine)
	s.must(200, "adm", "PUT", at+"/_fields/salary", `3`, "If-Match", "*")
	s.must(200, "cy", "PUT", at+"/_fields/team", `[{"id":2},{"id":1,"n":1},{"id":3}]`, "If-Match", "*")
	if _, is := s.must(200, "adm", "GET", at, ""); !sameJSON(t, is, `{"name":"a","salary":3,"home":{"city":"y","zip":"1"},"team":[{"id":2},{"id":1,"n":1,"pay":1},{"id":3}]}`) {
		t.Errorf("stored is %s", is)
	}
	s.must(204, "cy", "DELETE", at+"/_fields/name", "", "If-Match", "*")
	s.must(204, "adm", "DELETE", at+"/_fields/home", "", "If-Match", "*")
}
