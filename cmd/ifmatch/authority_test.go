package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"
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
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), credentials()+"access: true\n"+policy)
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
	for _, of := range []string{"", "/_history?limit=2", "/_conflicts"} {
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

const resolvePolicy = `
collections:
  - name: docs
    on_stale: {allow: [merge, park, overwrite]}
    fields:
      - {path: /email, may_resolve: '"admin" in principal.roles'}
      - {path: /home, may_resolve: 'resource.owner == principal.name'}
      - {path: /home/zip, type: atomic}
      - {path: '/keys/*', may_resolve: '"admin" in principal.roles || "editor" in principal.roles'}
      - {path: /to, may_resolve: '"admin" in principal.roles'}
    together: [[/from, /to]]
  - name: last
    on_stale: {default: overwrite, allow: [park]}
    fields: [{path: /email, may_resolve: '"admin" in principal.roles'}]
`

// docWas and docChange make a document and what somebody has changed of it since
// the others read it.
const (
	docWas    = `{"owner":"ann","email":"a","home":{"zip":1,"city":"x"},"keys":{"k":1},"from":1,"to":1,"open":1}`
	docChange = `{"email":"b","home":{"zip":2},"keys":{"k":2},"from":2,"open":2}`
	docIs     = `{"owner":"ann","email":"b","home":{"zip":2,"city":"x"},"keys":{"k":2},"from":2,"to":1,"open":2}`
)

// TestOverwritingReservedFields: whoever may overwrite takes nothing back of what
// was changed in a field that others decide about.
func TestOverwritingReservedFields(t *testing.T) {
	const docs, last, jsonPatch = "/v1/docs/1", "/v1/last/1", "application/json-patch+json"
	with := func(was, is string) string { return strings.Replace(docIs, was, is, 1) }
	s := serveRuled(t, resolvePolicy)
	defer s.stop()
	for _, tt := range []struct {
		name, path, who, method, body, media string
		wins                                 bool
	}{
		{"another value", docs, "bob", "PUT", with(`"b"`, `"c"`), "", false},
		{"what it was", docs, "bob", "PUT", with(`"b"`, `"a"`), "", false},
		{"the whole of what was read", docs, "bob", "PUT", docWas, "", false},
		{"nothing", docs, "bob", "PUT", with(`"email":"b",`, ``), "", false},
		{"as it is now", docs, "bob", "PUT", with(`"open":2`, `"open":3`), "", true},
		{"a patch", docs, "bob", "PATCH", `{"email":"c"}`, "", false},
		{"a patch that removes", docs, "bob", "PATCH", `{"email":null}`, "", false},
		{"a patch of another member", docs, "bob", "PATCH", `{"open":3}`, "", true},
		{"a JSON Patch", docs, "bob", "PATCH", `[{"op":"replace","path":"/email","value":"c"}]`, jsonPatch, false},
		{"a JSON Patch that moves it away", docs, "bob", "PATCH", `[{"op":"move","from":"/email","path":"/old"}]`, jsonPatch, false},
		{"a JSON Patch of all", docs, "bob", "PATCH", `[{"op":"replace","path":"","value":{}}]`, jsonPatch, false},
		{"a JSON Patch of another member", docs, "bob", "PATCH", `[{"op":"remove","path":"/open"}]`, jsonPatch, true},
		{"a deletion", docs, "bob", "DELETE", "", "", false},
		{"below the field", docs, "bob", "PATCH", `{"home":{"zip":3}}`, "", false},
		{"below the field, of the owner", docs, "ann", "PATCH", `{"home":{"zip":3}}`, "", true},
		{"beside what was changed", docs, "bob", "PATCH", `{"home":{"city":"y"}}`, "", true},
		{"what is around", docs, "cy", "PATCH", `{"keys":null}`, "", false},
		{"what is around, by a role", docs, "bob", "PATCH", `{"keys":null}`, "", true},
		{"half of what goes together", docs, "bob", "PATCH", `{"to":3}`, "", false},
		{"half of what goes together, by the admin", docs, "adm", "PATCH", `{"to":3}`, "", true},
		{"all of it, by the admin", docs, "adm", "PATCH", `{"email":"c","keys":{"k":3}}`, "", true},
		{"more than the admin may", docs, "adm", "PATCH", `{"email":"c","home":null}`, "", false},
		{"by default", last, "bob", "PUT", with(`"b"`, `"c"`), "", false},
		{"by default, a deletion", last, "bob", "DELETE", "", "", false},
		{"by default, another member", last, "bob", "PATCH", `{"open":3}`, "", true},
		{"by default, the admin", last, "adm", "DELETE", "", "", true},
	} {
		for _, query := range []string{"?dryRun=true", ""} {
			t.Run(tt.name+query, func(t *testing.T) {
				s := &ruled{t, s.server}
				was := s.stale(tt.path, docWas, docChange)
				before := s.state(tt.path)
				headers := []string{"If-Match", was.tag}
				if tt.path == docs {
					headers = append(headers, "Prefer", "conflict=overwrite")
				}
				if tt.media != "" {
					headers = append(headers, "Content-Type", tt.media)
				}
				answer, text := s.by(tt.who, tt.method, tt.path+query, tt.body, headers...)
				if tt.wins != (answer.Header.Get("Ifmatch-Outcome") == "overwritten") {
					t.Errorf("%s %v %s", answer.Status, answer.Header, text)
				}
				if !tt.wins && (answer.StatusCode != 412 || slices.Contains(toldBy(t, text).Strategies, "overwrite") || !strings.HasSuffix(toldBy(t, text).Type, ":stale")) {
					t.Errorf("%s %s", answer.Status, text)
				}
				if after := s.state(tt.path); (!tt.wins || query != "") && after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
			})
		}
	}
	t.Run("a write on the current version is no resolution", func(t *testing.T) {
		s := &ruled{t, s.server}
		s.stale(docs, docWas, docChange)
		answer, _ := s.must(200, "bob", "GET", docs, "")
		s.must(200, "bob", "PATCH", docs, `{"email":"c"}`, "If-Match", answer.Header.Get("ETag"))
	})
}

// TestResolvingReservedFields: a parked write is decided by whom the policy lets
// decide about each field in dispute, and by nobody else in any way.
func TestResolvingReservedFields(t *testing.T) {
	const path = "/v1/docs/1"
	s := serveRuled(t, resolvePolicy)
	defer s.stop()
	for _, tt := range []struct {
		name, parked, choices string
		disputed              string // with the roles that may
		refused               map[string]string
		may                   string
	}{
		{"a field", `{"email":"c"}`, `{"/email":"yours"}`, "/email [admin]", map[string]string{"ann": "/email", "bob": "/email", "cy": "/email"}, "adm"},
		{"a field below", `{"home":{"zip":3}}`, `{"/home/zip":"yours"}`, "/home/zip []", map[string]string{"adm": "/home/zip", "bob": "/home/zip"}, "ann"},
		{"by one of several roles", `{"keys":{"k":3}}`, `{"/keys/k":"theirs"}`, "/keys/k [admin editor]", map[string]string{"cy": "/keys/k"}, "bob"},
		{"what is around a field", `{"keys":null}`, `{"/keys":"yours"}`, "/keys [admin editor]", map[string]string{"cy": "/keys"}, "bob"},
		{"a group with a field", `{"to":3}`, `{"/from":"yours"}`, "/from [admin]", map[string]string{"bob": "/from, /to"}, "adm"},
		{"an open field", `{"open":3}`, `{"/open":"yours"}`, "/open []", nil, "cy"},
		{"several", `{"email":"c","home":{"zip":3},"open":3}`, `{"/email":"yours","/home/zip":"yours","/open":"yours"}`, "/email [admin], /home/zip [], /open []",
			map[string]string{"adm": "/home/zip", "ann": "/email", "bob": "/email, /home/zip"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ruled{t, s.server}
			was := s.stale(path, docWas, docChange)
			said := func(text string) string {
				var all []string
				for _, c := range toldBy(t, text).Conflicts {
					all = append(all, c.Path+" ["+strings.Join(c.MayResolve, " ")+"]")
				}
				return strings.Join(all, ", ")
			}
			_, text := s.must(412, "bob", "PATCH", path, tt.parked, "If-Match", was.tag, "Prefer", "conflict=merge")
			if said(text) != tt.disputed {
				t.Errorf("disputed are %s, want %s", said(text), tt.disputed)
			}
			answer, text := s.must(202, "bob", "PATCH", path, tt.parked, "If-Match", was.tag, "Prefer", "conflict=park")
			at := answer.Header.Get("Location")
			if _, shown := s.must(200, "cy", "GET", at, ""); said(text) != tt.disputed || said(shown) != tt.disputed {
				t.Errorf("parked are %s, shown %s, want %s", said(text), said(shown), tt.disputed)
			}
			answer, _ = s.must(200, "adm", "GET", path, "")
			tag, before := answer.Header.Get("ETag"), s.state(path)
			for who, named := range tt.refused {
				for _, try := range []struct{ method, path, body string }{
					{"POST", at + "/resolve", `{"choices":` + tt.choices + `}`},
					{"POST", at + "/resolve?dryRun=true", `{"choices":` + tt.choices + `}`},
					{"POST", at + "/resolve", `{"choices":` + strings.ReplaceAll(tt.choices, "yours", "theirs") + `}`},
					{"POST", at + "/resolve", `{"document":` + docIs + `}`},
					{"DELETE", at, ""},
					{"DELETE", at + "?dryRun=true", ""},
				} {
					_, text := s.must(403, who, try.method, try.path, try.body, "If-Match", tag)
					if c := toldBy(t, text); !strings.HasSuffix(c.Type, ":forbidden") || !strings.HasPrefix(c.Detail, "You may not decide about "+named+".") {
						t.Errorf("%s: %s", who, text)
					}
					if after := s.state(path); after != before {
						t.Fatalf("%s, %s %s: before\n%s\nafter\n%s", who, try.method, try.path, before, after)
					}
				}
			}
			if tt.may != "" {
				s.must(200, tt.may, "POST", at+"/resolve", `{"choices":`+tt.choices+`}`, "If-Match", tag)
				if _, text := s.must(200, "adm", "GET", path+"/_conflicts", ""); text != `{"items":[]}` {
					t.Errorf("open are %s", text)
				}
			}
		})
	}
	t.Run("discarding", func(t *testing.T) {
		s := &ruled{t, s.server}
		was := s.stale(path, docWas, docChange)
		answer, _ := s.must(202, "bob", "PATCH", path, `{"email":"c"}`, "If-Match", was.tag, "Prefer", "conflict=park")
		s.must(204, "adm", "DELETE", answer.Header.Get("Location"), "")
	})
}
