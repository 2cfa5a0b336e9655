package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// auditRow is what tests look at of a row.
type auditRow struct {
	Path, Action, Outcome, By string
	Roles                     []string
	ETag, Sha256              string
	Decisions                 []struct{ Path, Winner, Rule string }
}

// audit returns the rows that somebody is shown.
func (s *ruled) audit(name, query string) []auditRow {
	s.T.Helper()
	_, text := s.must(200, name, "GET", "/_/api/audit"+query, "")
	var page struct{ Items []auditRow }
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		s.T.Fatalf("%v: %s", err, text)
	}
	return page.Items
}

// inShort is the rows in short.
func inShort(rows []auditRow) []string {
	all := []string{}
	for _, r := range rows {
		all = append(all, r.Path+" "+r.Action)
	}
	return all
}

// TestAuditOfTheirOwn: a caller sees the rows of the documents whose rule about the audit
// they pass, whether they may read them or not, and without a rule nobody sees any.
func TestAuditOfTheirOwn(t *testing.T) {
	const policy = `
collections:
  - name: docs
    contract: {precondition: optional}
    access: {read: '"admin" in principal.roles', create: true, write: true, delete: true, audit: '"admin" in principal.roles || resource.owner == principal.name'}
  - name: orgs
    path: /v1/orgs/{org}/docs
    access: {read: true, create: true, audit: params.org == principal.name}
  - name: closed
    access: {read: true, create: true, history: true}
  - name: open
    access: {read: true, create: true, audit: true}
`
	for name, store := range accessStores(t) {
		t.Run(name, func(t *testing.T) {
			s := serveAccess(t, store, policy)
			for _, path := range []string{"/v1/docs/a", "/v1/docs/b", "/v1/orgs/ann/docs/c", "/v1/orgs/bob/docs/d", "/v1/closed/e", "/v1/open/f"} {
				owner := "ann"
				if strings.HasSuffix(path, "b") {
					owner = "bob"
				}
				s.must(201, "adm", "PUT", path, `{"owner":"`+owner+`"}`)
			}
			s.must(204, "adm", "DELETE", "/v1/docs/a", "")
			for _, tt := range []struct {
				name, query string
				want        []string
			}{
				{"adm", "", []string{"/v1/docs/a put", "/v1/docs/b put", "/v1/open/f put", "/v1/docs/a delete"}},
				{"ann", "", []string{"/v1/docs/a put", "/v1/orgs/ann/docs/c put", "/v1/open/f put", "/v1/docs/a delete"}},
				{"bob", "", []string{"/v1/docs/b put", "/v1/orgs/bob/docs/d put", "/v1/open/f put"}},
				{"ann", "?collection=docs", []string{"/v1/docs/a put", "/v1/docs/a delete"}},
				{"ann", "?collection=closed", []string{}},
				{"ann", "?document=/v1/docs/b", []string{}},
				{"ann", "?document=/v1/orgs/bob/docs/d", []string{}},
				{"ann", "?document=/v1/orgs/ann/docs/c", []string{"/v1/orgs/ann/docs/c put"}},
				{"ann", "?limit=1", []string{"/v1/docs/a put"}},
			} {
				if got := inShort(s.audit(tt.name, tt.query)); !slices.Equal(got, tt.want) {
					t.Errorf("%s %s: %q, want %q", tt.name, tt.query, got, tt.want)
				}
			}
			if _, body := s.must(400, "ann", "GET", "/_/api/audit?collection=dosc", ""); !strings.Contains(body, `no collection \"dosc\"`) {
				t.Errorf("of a collection that there is not is told %s", body)
			}
			if status, body := s.as("", "GET", "/_/api/audit"); status != 401 || strings.Contains(body, "docs") {
				t.Errorf("nobody in particular is answered %d %s", status, body)
			}
		})
	}
}

// TestAuditTellsNoValues: who may see what was done, and not the document, is told of no
// digest of it, nor of what a merge decided about; who sees a part of it is told of the
// decisions about that part.
func TestAuditTellsNoValues(t *testing.T) {
	const policy = `
collections:
  - name: staff
    contract: {token: TOKEN}
    on_stale: {allow: [reject, merge]}
    access: {read: '"admin" in principal.roles || READ', create: true, write: true, audit: true}
    fields:
      - {path: /salary, on_conflict: mineFIELD}
      - {path: /name, on_conflict: mine}
`
	for name, tt := range map[string]struct {
		token, read, field string
		tag                bool
		decided            []string
	}{
		"may not read":                {"hash", "false", "", false, nil},
		"may not read, versions":      {"version", "false", "", true, nil},
		"reads all":                   {"hash", "true", "", true, []string{"/name", "/salary"}},
		"reads all but for one field": {"version", "true", `, read: '"admin" in principal.roles'`, true, []string{"/name"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("TOKEN", tt.token, "READ", tt.read, "FIELD", tt.field).Replace(policy)
			s := serveAccess(t, "memory:", text)
			first, _ := s.must(201, "adm", "PUT", "/v1/staff/1", `{"salary":1,"name":"a"}`)
			tag := first.Header.Get("ETag")
			s.must(200, "adm", "PUT", "/v1/staff/1", `{"salary":2,"name":"b"}`, "If-Match", tag)
			s.must(200, "adm", "PUT", "/v1/staff/1", `{"salary":3,"name":"c"}`, "If-Match", tag, "Prefer", "conflict=merge")
			rows := s.audit("cy", "")
			if len(rows) != 3 {
				t.Fatalf("%+v", rows)
			}
			for _, r := range rows {
				if (r.ETag != "") != tt.tag || r.Sha256 != "" || r.By != "adm" {
					t.Errorf("%+v", r)
				}
			}
			var decided []string
			for _, d := range rows[2].Decisions {
				decided = append(decided, d.Path)
			}
			if rows[2].Outcome != "merged" || !slices.Equal(decided, tt.decided) {
				t.Errorf("%+v, want decisions about %q", rows[2], tt.decided)
			}
		})
	}
}
