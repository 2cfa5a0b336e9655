package main

import (
	"strings"
	"testing"
)

const livesPolicy = `
collections:
  - name: drafts
    id: {natural_key: [/name]}
    access:
      read: '"admin" in principal.roles || resource.owner == principal.name'
      create: resource.owner == principal.name
      write: resource.owner == principal.name
      delete: resource.owner == principal.name
      history: '"admin" in principal.roles || resource.owner == principal.name'
  - name: notes
    access: true
    fields: [{path: /mine, read: '"admin" in principal.roles || resource.owner == principal.name'}]
`

// TestLivesApart: whoever creates a document under an id, or a natural key, that somebody
// else had before learns nothing of what that one was.
func TestLivesApart(t *testing.T) {
	for name, store := range accessStores(t) {
		t.Run(name, func(t *testing.T) {
			s := serveAccess(t, store, livesPolicy)
			made, _ := s.must(201, "ann", "POST", "/v1/drafts", `{"name":"x","owner":"ann","text":"secret"}`)
			at := made.Header.Get("Location")
			s.must(204, "ann", "DELETE", at, "", "If-Match", `"1"`)
			again, _ := s.must(201, "bob", "POST", "/v1/drafts", `{"name":"x","owner":"bob"}`)
			if again.Header.Get("Location") != at {
				t.Fatalf("made at %s, want %s", again.Header.Get("Location"), at)
			}
			s.must(200, "bob", "PUT", at, `{"name":"x","owner":"bob","n":1}`, "If-Match", `"3"`)
			_, id, _ := strings.Cut(at, "/v1/drafts/")
			for _, path := range []string{at + "/_history", at + "/_history?limit=1", at + "/_history/3", at + "/_history/4", at + "/_diff?from=3&to=4", at + "/_blame",
				"/v1/drafts/_changes?include=data", "/v1/drafts/_changes?include=data&id=" + id, "/_changes?include=data"} {
				answer, text := s.must(200, "bob", "GET", path, "")
				if all := text + answer.Header.Get("Link"); strings.Contains(all, "secret") || strings.Contains(all, "ann") || strings.Contains(all, `"version":1,`) || strings.Contains(all, "_history/2") {
					t.Errorf("%s: %s %s", path, text, answer.Header.Get("Link"))
				}
			}
			if _, text := s.must(200, "bob", "GET", at+"/_history?limit=2", ""); strings.Count(text, `"version"`) != 2 || strings.Contains(text, "next") {
				t.Errorf("%s", text)
			}
			for _, path := range []string{"/_history/1", "/_history/2", "/_diff?from=1&to=4", "/_diff?from=4&to=1", "/_diff?from=1&to=1"} {
				s.must(404, "bob", "GET", at+path, "")
			}
			if _, text := s.must(200, "adm", "GET", at+"/_history", ""); strings.Count(text, `"version"`) != 4 {
				t.Errorf("%s", text)
			}
			s.must(200, "adm", "GET", at+"/_diff?from=1&to=4", "")
			if _, text := s.must(200, "adm", "GET", "/v1/drafts/_changes?include=data", ""); !strings.Contains(text, "secret") {
				t.Errorf("%s", text)
			}
		})
	}
}

// TestHiddenLivesApart: so it is with a value, where it depends on the document who sees
// it.
func TestHiddenLivesApart(t *testing.T) {
	s := serveAccess(t, "memory:", livesPolicy)
	const at = "/v1/notes/1"
	s.must(201, "ann", "PUT", at, `{"owner":"ann","mine":"secret"}`)
	s.must(204, "ann", "DELETE", at, "", "If-Match", `"1"`)
	s.must(201, "bob", "PUT", at, `{"owner":"bob","mine":"own"}`)
	for path, own := range map[string]bool{at + "/_history/1": false, at + "/_diff?from=1&to=3": true, at + "/_diff?from=3&to=1": false, "/v1/notes/_changes?include=data": true} {
		if _, text := s.must(200, "bob", "GET", path, ""); strings.Contains(text, "secret") || strings.Contains(text, `"own"`) != own {
			t.Errorf("%s: %s", path, text)
		}
	}
	if _, text := s.must(200, "bob", "GET", at+"/_history", ""); strings.Count(text, "sha256") != 1 {
		t.Errorf("the digest of what bob does not see: %s", text)
	}
	if _, text := s.must(200, "adm", "GET", at+"/_history/1", ""); !strings.Contains(text, "secret") {
		t.Errorf("%s", text)
	}
}

// TestAuditOfLives: nor does the audit tell what was done to it, or what tells of it.
func TestAuditOfLives(t *testing.T) {
	s := serveAccess(t, "memory:", `
collections:
  - name: own
    access: {read: resource.owner == principal.name, create: true, delete: true, audit: '"admin" in principal.roles || resource.owner == principal.name'}
  - name: tagged
    contract: {token: hash}
    access: {read: resource.owner == principal.name, create: true, delete: true, audit: true}
`)
	for _, at := range []string{"/v1/own/1", "/v1/tagged/1"} {
		made, _ := s.must(201, "ann", "PUT", at, `{"owner":"ann"}`)
		s.must(204, "ann", "DELETE", at, "", "If-Match", made.Header.Get("ETag"))
		s.must(201, "bob", "PUT", at, `{"owner":"bob"}`)
	}
	for _, tt := range []struct {
		who, collection string
		rows, tags      int
	}{{"bob", "own", 1, 1}, {"adm", "own", 3, 2}, {"bob", "tagged", 3, 1}, {"ann", "own", 0, 0}} {
		_, text := s.must(200, tt.who, "GET", "/_/api/audit?collection="+tt.collection, "")
		if rows, tags := strings.Count(text, `"version"`), strings.Count(text, `"etag"`); rows != tt.rows || tags != tt.tags {
			t.Errorf("%s is told %d rows of %s and %d tags, want %d and %d: %s", tt.who, rows, tt.collection, tags, tt.rows, tt.tags, text)
		}
	}
}
