package main

import (
	"strings"
	"testing"
)

// TestHiddenChangesAreNobodys: a change of what the reader does not see is not what a
// change that they see is put down to, although it is the later one.
func TestHiddenChangesAreNobodys(t *testing.T) {
	s := serveRuled(t, `collections:
  - name: notes
    fields: [{path: /box/salary, read: '"editor" in principal.roles || "admin" in principal.roles'}]
`)
	s.must(201, "adm", "PUT", "/v1/notes/1", `{"box":1}`)
	s.must(200, "adm", "PUT", "/v1/notes/1", `{"box":{"open":1,"salary":5}}`, "If-Match", `"1"`)
	s.must(200, "ann", "PUT", "/v1/notes/1", `{"box":{"open":1,"salary":6}}`, "If-Match", `"2"`)
	for name, want := range map[string]string{
		"bob": `"to":{"open":1,"salary":6},"version":3,"by":"ann"`,
		"cy":  `"to":{"open":1},"version":2,"by":"adm"`,
	} {
		if _, text := s.must(412, name, "PUT", "/v1/notes/1", `{"box":2}`, "If-Match", `"1"`); !strings.Contains(text, want) {
			t.Errorf("%s is told %s, want %s", name, text, want)
		}
	}
}
