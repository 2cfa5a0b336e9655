package main

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestChangesOfTheirOwn: a feed has the changes of those documents that its reader may
// read, with their history: those of a deleted one for who might have read it last.
func TestChangesOfTheirOwn(t *testing.T) {
	const policy = `
collections:
  - name: docs
    contract: {precondition: optional}
    access: {read: '"admin" in principal.roles || resource.owner == principal.name', history: true, create: true, write: true, delete: true}
  - name: secrets
    access: {read: '"admin" in principal.roles', history: true, create: true}
  - name: past
    access: {read: true, history: '"admin" in principal.roles', create: true}
  - name: open
    access: {read: true, history: true, create: true}
`
	for name, store := range accessStores(t) {
		t.Run(name, func(t *testing.T) {
			s := serveAccess(t, store, policy)
			for _, path := range []string{"/v1/docs/a", "/v1/docs/b", "/v1/docs/c", "/v1/secrets/d", "/v1/past/e", "/v1/open/f"} {
				owner := "ann"
				if path == "/v1/docs/b" {
					owner = "bob"
				}
				s.must(201, "adm", "PUT", path, `{"owner":"`+owner+`"}`)
			}
			s.must(200, "adm", "PUT", "/v1/docs/c", `{"owner":"bob"}`)
			s.must(204, "adm", "DELETE", "/v1/docs/a", "")
			s.must(204, "adm", "DELETE", "/v1/docs/b", "")
			seen := func(name, path string) []string {
				t.Helper()
				_, body := s.must(200, name, "GET", path, "")
				var page struct{ Items []struct{ ID, Action string } }
				if err := json.Unmarshal([]byte(body), &page); err != nil {
					t.Fatal(err)
				}
				all := []string{}
				for _, item := range page.Items {
					all = append(all, item.ID+" "+item.Action)
				}
				return all
			}
			for _, tt := range []struct {
				name, path string
				want       []string
			}{
				{"adm", "/v1/docs/_changes", []string{"a put", "b put", "c put", "c put", "a delete", "b delete"}},
				{"ann", "/v1/docs/_changes", []string{"a put", "a delete"}},
				{"ann", "/v1/docs/_changes?id=b", []string{}},
				{"ann", "/v1/docs/_changes?limit=1", []string{"a put"}},
				{"ann", "/v1/open/_changes", []string{"f put"}},
				{"ann", "/_changes?limit=2&include=data", []string{"a put"}},
				{"ann", "/_changes", []string{"a put", "f put", "a delete"}},
				{"adm", "/_changes", []string{"a put", "b put", "c put", "d put", "e put", "f put", "c put", "a delete", "b delete"}},
			} {
				if got := seen(tt.name, tt.path); !slices.Equal(got, tt.want) {
					t.Errorf("%s sees in %s %q, want %q", tt.name, tt.path, got, tt.want)
				}
			}
			for _, path := range []string{"/v1/secrets/_changes", "/v1/past/_changes"} {
				s.must(403, "ann", "GET", path, "")
				s.must(403, "ann", "GET", path, "", "Accept", "text/event-stream")
				s.must(403, "ann", "GET", path+"?since=now", "", "Prefer", "wait=50")
			}
			s.must(401, "", "GET", "/_changes", "")
		})
	}
}
