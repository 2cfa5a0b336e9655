package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// people are the callers of these tests: their keys, and what a policy says of them.
var people = []struct{ name, rest string }{
	{"adm", "roles: [admin]"},
	{"ann", "roles: [editor], claims: {org: acme}"},
	{"bob", "roles: [editor], claims: {org: other}"},
	{"cy", ""},
}

func keyOf(name string) string { return "a key for tests only, of " + name }

func credentials() string {
	text := "auth:\n  keys:\n"
	for _, p := range people {
		digest := sha256.Sum256([]byte(keyOf(p.name)))
		text += "    - {name: " + p.name + ", sha256: " + hex.EncodeToString(digest[:])
		if p.rest != "" {
			text += ", " + p.rest
		}
		text += "}\n"
	}
	return text
}

// ruled is a server whose callers have keys.
type ruled struct {
	*testing.T
	*server
}

func serveRuled(t *testing.T, policy string) *ruled {
	t.Helper()
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), credentials()+policy)
	return &ruled{t, serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))}
}

// by sends a request of somebody.
func (s *ruled) by(name, method, path, body string, headers ...string) (reply, string) {
	s.T.Helper()
	return ask(s.T, method, s.url+path, body, append(headers, "Authorization", "Bearer "+keyOf(name))...)
}

// must sends a request that is to have a status.
func (s *ruled) must(status int, name, method, path, body string, headers ...string) (reply, string) {
	s.T.Helper()
	answer, text := s.by(name, method, path, body, headers...)
	if answer.StatusCode != status {
		s.T.Fatalf("%s: %s %s %s: %s %s, want %d", name, method, path, body, answer.Status, text, status)
	}
	return answer, text
}

// state is all that can be read of a document: what a refusal must not change.
func (s *ruled) state(path string) string {
	s.T.Helper()
	all := ""
	for _, of := range []string{"", "/_history"} {
		answer, text := s.by("adm", "GET", path+of, "")
		all += answer.Status + " " + answer.Header.Get("ETag") + " " + text + "\n"
	}
	return all
}

// earlier is a version of a document that is no longer the current one.
type earlier struct{ tag, number string }

// stale makes a document anew, changes it by a merge patch, and returns the version
// before that.
func (s *ruled) stale(path, was, change string) earlier {
	s.T.Helper()
	if answer, _ := s.by("adm", "GET", path, ""); answer.StatusCode == 200 {
		s.must(204, "adm", "DELETE", path, "", "If-Match", "*")
	}
	answer, _ := s.must(201, "adm", "PUT", path, was)
	tag := answer.Header.Get("ETag")
	s.must(200, "adm", "PATCH", path, change, "If-Match", tag)
	return earlier{tag, strings.Trim(tag, `"`)}
}

// told is what a refusal tells of a stale write.
type told struct {
	Type       string
	Strategies []string
	Conflicts  []struct {
		Path       string
		MayResolve []string
	}
	Detail string
}

// toldBy reads a refusal in either dialect.
func toldBy(t *testing.T, text string) told {
	t.Helper()
	var c struct {
		told
		Error *told
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if c.Error != nil {
		return *c.Error
	}
	return c.told
}

const overwritePolicy = `
default:
  on_stale: {overwrite: 'params.collection == "mine" && params.id == principal.name'}
collections:
  - name: notes
    on_stale:
      allow: [reject, merge, overwrite]
      overwrite: |
        "admin" in principal.roles ||
          resource.owner == principal.name && request.method != "DELETE"
  - name: last
    on_stale: {default: overwrite, overwrite: 'principal.org == "acme"'}
  - name: merged
    on_stale: {default: merge, overwrite: 'principal.org == "acme"'}
  - name: users
    path: /v1/orgs/{orgId}/users
    id: {param: userId}
    contract: {preset: version-body}
    on_stale: {overwrite: 'principal.org == params.orgId && params.userId != "root" && request.path.startsWith("/v1/orgs/")'}
  - name: brand
    path: /v1/orgs/{orgId}/brand
    singleton: true
    on_stale: {overwrite: 'principal.org == params.orgId'}
  - name: exact
    on_stale: {overwrite: 'resource.n > 9007199254740992'}
  - name: open
    on_stale: {allow: [overwrite]}
`

// TestOverwriteIsForSome: a stale write wins only where the policy's expression says
// so for this caller and this document, however it is asked for. Else it is what it
// would be without that, nothing changes, and nobody is offered what they cannot
// have.
func TestOverwriteIsForSome(t *testing.T) {
	const was = `{"owner":"ann","n":9007199254740993,"t":1}`
	const put, merge, patch = `{"owner":"ann","t":3}`, `{"t":3}`, `[{"op":"replace","path":"/t","value":3}]`
	overwrite := []string{"Prefer", "conflict=overwrite"}
	s := serveRuled(t, overwritePolicy)
	defer s.stop()
	for _, tt := range []struct {
		name, path, who, method, body string
		wish                          []string
		wins                          bool
		offered                       string // where it does not
	}{
		{"an admin", "/v1/notes/1", "adm", "PUT", put, overwrite, true, ""},
		{"an admin patches", "/v1/notes/1", "adm", "PATCH", merge, overwrite, true, ""},
		{"an admin deletes", "/v1/notes/1", "adm", "DELETE", "", overwrite, true, ""},
		{"the owner", "/v1/notes/1", "ann", "PUT", put, overwrite, true, ""},
		{"the owner deletes", "/v1/notes/1", "ann", "DELETE", "", overwrite, false, "reject merge"},
		{"somebody else", "/v1/notes/1", "bob", "PUT", put, overwrite, false, "reject merge"},
		{"somebody else makes themselves the owner", "/v1/notes/1", "bob", "PUT", `{"owner":"bob"}`, overwrite, false, "reject merge"},
		{"somebody else patches", "/v1/notes/1", "bob", "PATCH", merge, overwrite, false, "reject merge"},
		{"somebody else sends a JSON Patch", "/v1/notes/1", "bob", "PATCH", patch, append(overwrite, "Content-Type", "application/json-patch+json"), false, "reject merge"},
		{"somebody else deletes", "/v1/notes/1", "bob", "DELETE", "", overwrite, false, "reject merge"},
		{"somebody without roles", "/v1/notes/1", "cy", "PUT", put, overwrite, false, "reject merge"},
		{"a dry run of somebody else", "/v1/notes/1?dryRun=true", "bob", "PUT", put, overwrite, false, "reject merge"},
		{"somebody who asks for nothing", "/v1/notes/1", "adm", "PUT", put, nil, false, "reject merge overwrite"},
		{"the default, for those of the organisation", "/v1/last/1", "ann", "PUT", put, nil, true, ""},
		{"the default, for others", "/v1/last/1", "bob", "PUT", put, nil, false, "reject"},
		{"the default, for others who patch", "/v1/last/1", "bob", "PATCH", merge, nil, false, "reject"},
		{"the default, for others who delete", "/v1/last/1", "bob", "DELETE", "", nil, false, "reject"},
		{"the default, asked for by others", "/v1/last/1", "bob", "PUT", put, overwrite, false, "reject"},
		{"the default, for whom the expression has no answer", "/v1/last/1", "cy", "PUT", put, nil, false, "reject"},
		{"beside another default", "/v1/merged/1", "ann", "PATCH", merge, overwrite, true, ""},
		{"beside another default, which holds for others", "/v1/merged/1", "bob", "PATCH", merge, overwrite, false, "reject merge"},
		{"by the path", "/v1/orgs/acme/users/1", "ann", "PUT", `{"t":3,"version":`, overwrite, true, ""},
		{"by the path of others", "/v1/orgs/other/users/1", "ann", "PUT", `{"t":3,"version":`, overwrite, false, "reject"},
		{"by the id", "/v1/orgs/acme/users/root", "ann", "PUT", `{"t":3,"version":`, overwrite, false, "reject"},
		{"of a singleton", "/v1/orgs/other/brand", "bob", "PUT", put, overwrite, true, ""},
		{"of another singleton", "/v1/orgs/acme/brand", "bob", "PUT", put, overwrite, false, "reject"},
		{"by the name of the collection", "/v1/mine/ann", "ann", "PUT", put, overwrite, true, ""},
		{"by another name of the collection", "/v1/others/ann", "ann", "PUT", put, overwrite, false, "reject"},
		{"by an exact number", "/v1/exact/1", "cy", "PUT", put, overwrite, true, ""},
		{"where nothing is said", "/v1/open/1", "cy", "PUT", put, overwrite, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ruled{t, s.server}
			path, _, _ := strings.Cut(tt.path, "?")
			versions := s.stale(path, was, `{"t":2}`)
			before := s.state(path)
			headers := append([]string{"If-Match", versions.tag}, tt.wish...)
			if strings.HasSuffix(tt.body, `"version":`) { // the content has the precondition
				tt.body, headers = tt.body+versions.number+"}", tt.wish
			}
			answer, text := s.by(tt.who, tt.method, tt.path, tt.body, headers...)
			if tt.wins {
				if answer.StatusCode/100 != 2 || answer.Header.Get("Ifmatch-Outcome") != "overwritten" || (answer.Header.Get("Preference-Applied") == "conflict=overwrite") != (tt.wish != nil) {
					t.Errorf("%s %v %s", answer.Status, answer.Header, text)
				}
				return
			}
			if answer.StatusCode != 412 && answer.StatusCode != 409 || answer.Header.Get("Ifmatch-Outcome") != "rejected" || answer.Header.Get("Preference-Applied") != "" {
				t.Errorf("%s %v %s", answer.Status, answer.Header, text)
			}
			if offered := strings.Join(toldBy(t, text).Strategies, " "); offered != tt.offered {
				t.Errorf("offers %s, want %s", offered, tt.offered)
			}
			if after := s.state(path); after != before {
				t.Errorf("before\n%s\nafter\n%s", before, after)
			}
		})
	}
}
