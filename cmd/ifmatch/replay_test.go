package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestReplaysAskOfTheDocument: whoever may not see a document as it is now, or less of it,
// is not shown again what they were answered when they might. What was all their own, and
// what is gone, is.
func TestReplaysAskOfTheDocument(t *testing.T) {
	const policy = `collections:
  - name: notes
    contract: {precondition: optional}
    fields: [{path: /salary, read: 'principal.name == "adm" || resource.open == true'}]
    access:
      read: 'principal.name == "adm" || resource.owner == principal.name'
      create: true
      write: 'principal.name == "adm" || resource.owner == principal.name'
      delete: 'principal.name == "adm" || resource.owner == principal.name'
`
	const bobs, lost, closed = `{"owner":"bob","open":true,"salary":"secret-5"}`, `{"owner":"cid","open":true,"salary":"secret-5"}`, `{"owner":"bob","open":false,"salary":"secret-5"}`
	key := func(n int, media string) []string {
		return []string{"Idempotency-Key", fmt.Sprintf("8e03978e-40d5-43e8-bc93-6894a57f9%03d", n), "Content-Type", media}
	}
	const edit, edits = `{"n":1}`, `{"atomic":true,"operations":[{"method":"PATCH","path":"/v1/notes/1","body":{"n":1}}]}`
	asking := []struct {
		method, path, body, media string
	}{
		{"PATCH", "/v1/notes/1", edit, "application/merge-patch+json"},
		{"POST", "/_batch", edits, "application/json"},
	}
	for store, where := range accessStores(t) {
		t.Run(store, func(t *testing.T) {
			s := serveAccess(t, where, policy)
			for i, ask := range asking {
				for j, since := range []string{lost, closed} {
					headers := key(10*i+j, ask.media)
					s.by("adm", "PUT", "/v1/notes/1", bobs)
					_, first := s.must(200, "bob", ask.method, ask.path, ask.body, headers...)
					if !strings.Contains(first, "secret-5") {
						t.Fatalf("%s shows nothing: %s", ask.path, first)
					}
					if _, again := s.must(200, "bob", ask.method, ask.path, ask.body, headers...); again != first {
						t.Errorf("%s again: %s, was %s", ask.path, again, first)
					}
					s.must(200, "adm", "PUT", "/v1/notes/1", since)
					answer, text := s.must(403, "bob", ask.method, ask.path, ask.body, headers...)
					if strings.Contains(text, "secret-5") || answer.Header.Get("ETag") != "" || answer.Header.Get("Idempotent-Replayed") != "" {
						t.Errorf("%s, after %s: %v %s", ask.path, since, answer.Header, text)
					}
				}
			}
			s.must(200, "adm", "PUT", "/v1/notes/1", bobs)
			s.must(204, "bob", "DELETE", "/v1/notes/1", "", key(40, "")[:2]...)
			s.must(204, "bob", "DELETE", "/v1/notes/1", "", key(40, "")[:2]...)
			s.must(201, "bob", "PUT", "/v1/notes/2", bobs, key(41, "application/json")...)
			s.must(200, "adm", "PUT", "/v1/notes/2", lost)
			if answer, _ := s.must(201, "bob", "PUT", "/v1/notes/2", bobs, key(41, "application/json")...); answer.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("what was all bob's: %v", answer.Header)
			}
		})
	}
}
