package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const accessPolicy = `
collections:
  - name: docs
    indexes: [{path: /n, type: number}]
    on_stale: {allow: [reject, merge, overwrite, park]}
    links: [{rel: team, path: "/v1/teams/{id}"}, {rel: all, path: /v1/docs}]
    access:
      read: '"admin" in principal.roles || resource.owner == principal.name'
      create: '"admin" in principal.roles || resource.owner == principal.name'
      write: '"admin" in principal.roles || resource.owner == principal.name && (!has(resource.state) || resource.state != "closed")'
      delete: '"admin" in principal.roles'
      history: '"admin" in principal.roles || "editor" in principal.roles && resource.owner == principal.name'
      resolve: '"admin" in principal.roles'
  - name: teams
    access: {read: '"admin" in principal.roles', create: '"admin" in principal.roles', write: 'resource.open == true', delete: true}
  - name: people
    id: {natural_key: [/email]}
    access: {read: 'resource.owner == principal.name', create: true, write: true}
  - name: inbox
    access: {create: '"editor" in principal.roles'}
  - name: closed
`

// accessStores are the stores that rules are asked on.
func accessStores(t *testing.T) map[string]string {
	return map[string]string{"memory": "memory:", "sqlite": "sqlite:" + filepath.Join(t.TempDir(), "docs.db")}
}

// serveAccess serves a policy from a store, to callers who have keys.
func serveAccess(t *testing.T, store, policy string) *ruled {
	t.Helper()
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), credentials()+policy)
	return &ruled{t, serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", store, "--config", file))}
}

// refused sends a request that is refused, and shows that nothing of a document has
// changed by it. It returns the answer without what differs between any two.
func (s *ruled) refused(status int, name, method, path, body string, headers ...string) string {
	s.T.Helper()
	item, _, _ := strings.Cut(path, "/_")
	item, _, _ = strings.Cut(item, "?")
	before := withoutIDs(s.state(item))
	answer, text := s.must(status, name, method, path, body, headers...)
	if after := withoutIDs(s.state(item)); after != before {
		s.T.Errorf("%s: %s %s was refused and has changed\n%sto\n%s", name, method, path, before, after)
	}
	for _, field := range []string{"ETag", "Ifmatch-ETag", "Last-Modified", "Location"} {
		if v := answer.Header.Get(field); v != "" {
			s.T.Errorf("%s: %s %s shows %s: %s", name, method, path, field, v)
		}
	}
	return strings.ReplaceAll(withoutIDs(text), item, "PATH")
}

// withoutIDs returns a text without what differs between any two answers.
func withoutIDs(text string) string {
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(text, "ID")
}

// TestAccess: who may do what is as the policy says, on documents as they are and as
// they would be, and nobody is told of what they may not know of.
func TestAccess(t *testing.T) {
	for name, store := range accessStores(t) {
		t.Run(name, func(t *testing.T) {
			s := serveAccess(t, store, accessPolicy)
			s.must(201, "ann", "PUT", "/v1/docs/a", `{"owner":"ann","n":1}`)
			s.must(201, "bob", "PUT", "/v1/docs/b", `{"owner":"bob","n":2}`)
			s.must(201, "bob", "PUT", "/v1/docs/gone", `{"owner":"bob","n":2}`)
			s.must(204, "adm", "DELETE", "/v1/docs/gone", "", "If-Match", "*")
			s.must(201, "adm", "PUT", "/v1/teams/a", `{"open":false}`)
			asIfNothing(t, s)
			byDocument(t, s)
			s.refused(403, "cy", "POST", "/v1/inbox", `{}`)
			s.must(201, "ann", "POST", "/v1/inbox", `{"a":1}`)
			s.refused(403, "ann", "GET", "/v1/inbox", "")
			s.must(201, "ann", "PUT", "/v1/inbox/1", `{"a":1}`)
			s.refused(403, "ann", "PUT", "/v1/inbox/1", `{"a":2}`, "If-Match", "*")
			for _, of := range [][2]string{{"GET", "/v1/closed"}, {"GET", "/v1/closed/1"}, {"PUT", "/v1/closed/1"}, {"DELETE", "/v1/closed/1"}, {"GET", "/v1/closed/1/_history"}} {
				s.must(403, "adm", of[0], of[1], "{}")
			}
			s.must(404, "adm", "GET", "/v2/nowhere", "")
			said := s.stop()
			if !strings.Contains(said, "let whoever has a key do everything") || !strings.Contains(said, "collections=[closed]") {
				t.Errorf("nothing is said of what is closed: %s", said)
			}
		})
	}
}

// asIfNothing: what a caller may not know of answers like what is not there, byte by
// byte, whatever they ask and under which condition.
func asIfNothing(t *testing.T, s *ruled) {
	t.Helper()
	patch := []string{"Content-Type", "application/json-patch+json"}
	for _, of := range []struct {
		method, sub, body string
		headers           []string
	}{
		{"GET", "", "", nil},
		{"GET", "?include=links,meta,version", "", nil},
		{"GET", "", "", []string{"If-None-Match", "*"}},
		{"GET", "", "", []string{"If-None-Match", `"1"`}},
		{"GET", "", "", []string{"If-Match", `"9"`}},
		{"HEAD", "", "", nil},
		{"PATCH", "", `{"n":3}`, nil},
		{"PATCH", "", `{"n":3}`, []string{"If-Match", `"9"`}},
		{"PATCH", "", `[{"op":"test","path":"/owner","value":"bob"}]`, append(patch, "If-Match", "*")},
		{"GET", "/_history", "", nil},
		{"GET", "/_history/1", "", nil},
		{"GET", "/_history/7", "", nil},
		{"GET", "/_diff?from=1&to=1", "", nil},
		{"GET", "/_blame", "", nil},
		{"POST", "/_lease", `{"ttlMs":1000}`, nil},
	} {
		there := s.refused(404, "ann", of.method, "/v1/docs/b"+of.sub, of.body, of.headers...)
		for _, nothing := range []string{"/v1/docs/none", "/v1/docs/gone"} {
			if none := s.refused(404, "ann", of.method, nothing+of.sub, of.body, of.headers...); none != there {
				t.Errorf("%s %s %v is told apart:\n%s\n%s", of.method, of.sub, of.headers, there, none)
			}
		}
		if strings.Contains(there, "etag") || strings.Contains(there, "deleted") {
			t.Errorf("%s %s tells: %s", of.method, of.sub, there)
		}
	}
	for _, headers := range [][]string{nil, {"If-None-Match", "*"}, {"If-Match", `"1"`}, {"If-Match", `"1"`, "Prefer", "conflict=overwrite"}} {
		there := s.refused(403, "ann", "PUT", "/v1/docs/b", `{"owner":"ann","n":1}`, headers...)
		if !strings.Contains(there, "You may not put a document here.") || strings.Contains(there, "etag") {
			t.Errorf("PUT %v: %s", headers, there)
		}
	}
	s.must(403, "ann", "DELETE", "/v1/docs/b", "") // whatever is there
	s.must(403, "ann", "DELETE", "/v1/docs/none", "")
}

// byDocument: rules about documents are asked about what is there, and about what would
// be.
func byDocument(t *testing.T, s *ruled) {
	t.Helper()
	for _, of := range []struct {
		method, path, body, detail string
		headers                    []string
	}{
		{"PUT", "/v1/docs/new", `{"owner":"bob"}`, "put a document here", nil},
		{"PUT", "/v1/docs/new?dryRun=true", `{"owner":"bob"}`, "put a document here", nil},
		{"PUT", "/v1/docs/new", `{}`, "put a document here", nil},
		{"PUT", "/v1/docs/a", `{"owner":"bob","n":1}`, "may not make of it what you have sent", []string{"If-Match", `"1"`}},
		{"PUT", "/v1/docs/a", `{"owner":"bob","n":1}`, "may not make of it what you have sent", []string{"If-Match", `*`}},
		{"PATCH", "/v1/docs/a", `{"owner":"bob"}`, "may not make of it what you have sent", []string{"If-Match", `"1"`}},
		{"PATCH", "/v1/docs/a", `{"owner":null}`, "may not make of it what you have sent", []string{"If-Match", `"1"`}},
		{"DELETE", "/v1/docs/a", "", "delete this document", []string{"If-Match", `"1"`}},
		{"GET", "/v1/docs/a/_conflicts", "", "parked", nil},
	} {
		if text := s.refused(403, "ann", of.method, of.path, of.body, of.headers...); !strings.Contains(text, of.detail) {
			t.Errorf("%s %s %s: %s", of.method, of.path, of.body, text)
		}
	}
	s.must(404, "adm", "GET", "/v1/docs/new", "")
	s.must(412, "ann", "PUT", "/v1/docs/a", `{"owner":"ann","n":9}`, "If-None-Match", "*")
	s.must(200, "ann", "PATCH", "/v1/docs/a", `{"n":2}`, "If-Match", `"1"`)
	s.must(200, "ann", "GET", "/v1/docs/a/_diff?from=1&to=2", "")
	for _, path := range []string{"/v1/docs/a", "/v1/docs/a/_history/1"} { // who may not tomorrow is not to have it from a cache
		answer, _ := s.must(200, "ann", "GET", path, "")
		if h := answer.Header; h.Get("Cache-Control") != "private, no-cache" || !strings.Contains(h.Get("Vary"), "Authorization") {
			t.Errorf("%s: %v", path, h)
		}
	}
	// What was merged is what would be.
	s.must(200, "adm", "PATCH", "/v1/docs/a", `{"state":"open"}`, "If-Match", `"2"`)
	s.refused(403, "ann", "PATCH", "/v1/docs/a", `{"owner":"bob"}`, "If-Match", `"2"`, "Prefer", "conflict=merge")
	s.refused(403, "ann", "PATCH", "/v1/docs/a", `{"owner":"bob"}`, "If-Match", `"2"`, "Prefer", "conflict=overwrite")
	s.must(200, "ann", "PATCH", "/v1/docs/a", `{"m":1}`, "If-Match", `"2"`, "Prefer", "conflict=merge")
	// A rule of one member that decides is not kept from deciding by another.
	s.must(200, "adm", "PATCH", "/v1/docs/a", `{"state":"closed"}`, "If-Match", `"4"`)
	if text := s.refused(403, "ann", "PATCH", "/v1/docs/a", `{"n":5}`, "If-Match", `"5"`); !strings.Contains(text, "change this document") {
		t.Error(text)
	}
	s.must(200, "ann", "GET", "/v1/docs/a", "")
}

// TestListsShowWhatMayBeRead: a list has the documents that its reader may read, page by
// page, and neither its tags nor its cursors tell of the others.
func TestListsShowWhatMayBeRead(t *testing.T) {
	for name, store := range accessStores(t) {
		t.Run(name, func(t *testing.T) {
			s := serveAccess(t, store, accessPolicy)
			var want []string
			for i := range 40 {
				owner := []string{"ann", "bob", "bob", "cy"}[i%4]
				id := fmt.Sprintf("doc-%02d-of-%s", i, owner)
				s.must(201, owner, "PUT", "/v1/docs/"+id, fmt.Sprintf(`{"owner":%q,"n":%d,"state":"open"}`, owner, i))
				if owner == "ann" {
					want = append(want, id)
				}
			}
			for _, query := range []string{"limit=1", "limit=3", "limit=100", "limit=2&sort=n", "limit=4&n.gte=0&fields=n"} {
				var got []string
				next := ""
				for pages := 0; pages == 0 || next != ""; pages++ {
					_, text := s.must(200, "ann", "GET", "/v1/docs?"+query+next, "")
					page := listOf(t, text)
					got = append(got, page.ids...)
					if next = ""; page.next != "" {
						next = "&cursor=" + url.QueryEscape(page.next)
					}
					raw, _ := base64.RawURLEncoding.DecodeString(page.next)
					if all := text + string(raw); strings.Contains(all, "bob") || strings.Contains(all, "-of-cy") || pages > 100 {
						t.Fatalf("%s shows somebody else's on page %d: %s", query, pages, text)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
			tagOf := func(who string) string {
				answer, _ := s.must(200, who, "GET", "/v1/docs", "")
				return answer.Header.Get("ETag")
			}
			anns, adms := tagOf("ann"), tagOf("adm")
			s.must(200, "bob", "PATCH", "/v1/docs/"+"doc-01-of-bob", `{"n":99}`, "If-Match", `"1"`)
			if after := tagOf("ann"); after != anns || tagOf("adm") == adms {
				t.Errorf("a change that ann may not know of: %s, then %s; adm %s, then %s", anns, after, adms, tagOf("adm"))
			}
			s.must(304, "ann", "GET", "/v1/docs", "", "If-None-Match", anns)
			s.must(200, "ann", "PATCH", "/v1/docs/"+want[0], `{"n":99}`, "If-Match", `"1"`)
			s.must(200, "ann", "GET", "/v1/docs", "", "If-None-Match", anns)
			answer, text := s.must(200, "ann", "GET", "/v1/docs?limit=1", "")
			if answer.Header.Get("Ifmatch-ETag") != "" || answer.Header.Get("Vary") == "" || !strings.Contains(answer.Header.Get("Vary"), "Authorization") {
				t.Errorf("%v", answer.Header)
			}
			s.must(400, "ann", "GET", "/v1/docs?limit=1&cursor=x"+listOf(t, text).next, "")
			_, whole := s.must(200, "adm", "GET", "/v1/docs?limit=1", "")
			s.must(400, "ann", "GET", "/v1/docs?limit=1&cursor="+listOf(t, whole).next, "") // a place that one can make
			// A link tells of what it leads to only who may read that.
			s.must(201, "adm", "PUT", "/v1/teams/"+want[0], `{"open":true}`)
			for who, shown := range map[string]int{"ann": 0, "adm": 2} {
				if _, text := s.must(200, who, "GET", "/v1/docs/"+want[0]+"?include=links", ""); strings.Count(text, `"etag"`) != shown {
					t.Errorf("%s: %s", who, text)
				}
			}
		})
	}
}

// TestNaturalKeysOfOthers: that a key is taken is told, and not by which document.
func TestNaturalKeysOfOthers(t *testing.T) {
	s := serveAccess(t, "memory:", accessPolicy)
	made, _ := s.must(201, "ann", "POST", "/v1/people", `{"email":"a@b.c","owner":"ann"}`)
	again, _ := s.must(200, "ann", "POST", "/v1/people", `{"email":"a@b.c","owner":"ann"}`)
	if again.Header.Get("Location") != made.Header.Get("Location") {
		t.Errorf("%v", again.Header)
	}
	for _, body := range []string{`{"email":"a@b.c","owner":"ann"}`, `{"email":"a@b.c","owner":"bob"}`} {
		answer, text := s.must(409, "bob", "POST", "/v1/people", body)
		if answer.Header.Get("Location") != "" || answer.Header.Get("ETag") != "" || strings.Contains(text, "etag") || strings.Contains(text, "Location") {
			t.Errorf("%v %s", answer.Header, text)
		}
	}
	answer, text := s.must(409, "bob", "PUT", "/v1/people/other", `{"email":"a@b.c","owner":"bob"}`)
	if answer.Header.Get("Location") != "" || strings.Contains(text, "Location") {
		t.Errorf("%v", answer.Header)
	}
}

// TestBatchesAsk: every operation of a batch asks as it would alone.
func TestBatchesAsk(t *testing.T) {
	s := serveAccess(t, "memory:", accessPolicy)
	s.must(201, "bob", "PUT", "/v1/docs/b", `{"owner":"bob"}`)
	s.must(201, "ann", "PUT", "/v1/docs/a", `{"owner":"ann"}`)
	for _, of := range []struct {
		operation string
		status    int
	}{
		{`{"method":"PUT","path":"/v1/docs/b","headers":{"If-Match":"*"},"body":{"owner":"ann"}}`, 403},
		{`{"method":"PUT","path":"/v1/docs/a","headers":{"If-Match":"*"},"body":{"owner":"bob"}}`, 403},
		{`{"method":"PATCH","path":"/v1/docs/b","headers":{"If-Match":"*"},"body":{"x":1}}`, 404},
		{`{"method":"DELETE","path":"/v1/docs/a","headers":{"If-Match":"*"}}`, 403},
		{`{"method":"POST","path":"/v1/docs","body":{"owner":"bob"}}`, 403},
		{`{"method":"POST","path":"/v1/teams","body":{}}`, 403},
	} {
		body := `{"atomic":%t,"operations":[{"method":"PUT","path":"/v1/docs/new","body":{"owner":"ann"}},` + of.operation + `]}`
		before := s.state("/v1/docs/a") + s.state("/v1/docs/b")
		if _, text := s.must(of.status, "ann", "POST", "/_batch", fmt.Sprintf(body, true)); !strings.Contains(text, `"failedIndex":1`) || strings.Contains(text, "currentEtag") {
			t.Errorf("%s: %s", of.operation, text)
		}
		s.must(404, "adm", "GET", "/v1/docs/new", "")
		if _, text := s.must(200, "ann", "POST", "/_batch", fmt.Sprintf(body, false)); !strings.Contains(text, fmt.Sprintf(`{"status":%d,`, of.status)) || !strings.Contains(text, `{"status":201,`) {
			t.Errorf("%s: %s", of.operation, text)
		}
		s.must(204, "adm", "DELETE", "/v1/docs/new", "", "If-Match", "*")
		if after := s.state("/v1/docs/a") + s.state("/v1/docs/b"); after != before {
			t.Errorf("%s: %s\nbefore: %s", of.operation, after, before)
		}
	}
	for path, status := range map[string]int{"/v1/docs/a": 200, "/v1/docs/b": 404, "/v1/docs/none": 404} {
		check := fmt.Sprintf(`{"atomic":true,"operations":[{"method":"CHECK","path":%q,"headers":{"If-Match":"*"}}]}`, path)
		s.must(status, "ann", "POST", "/_batch", check)
	}
}

// TestReplaysAsk: who may not do a thing any more does not get the answer that was
// stored when they might.
func TestReplaysAsk(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "docs.db")
	key := []string{"Idempotency-Key", "8e03978e-40d5-43e8-bc93-6894a57f9324"}
	const may, mayNot = "access: {create: true, read: true}\n", "access: {create: '\"admin\" in principal.roles', read: true}\n"
	s := serveAccess(t, store, may)
	_, first := s.must(201, "ann", "POST", "/v1/notes", `{"a":1}`, key...)
	s.stop()
	s = serveAccess(t, store, mayNot)
	if answer, text := s.must(403, "ann", "POST", "/v1/notes", `{"a":1}`, key...); answer.Header.Get("Idempotent-Replayed") != "" || answer.Header.Get("Location") != "" {
		t.Errorf("%v %s", answer.Header, text)
	}
	s.stop()
	s = serveAccess(t, store, may)
	if answer, text := s.must(201, "ann", "POST", "/v1/notes", `{"a":1}`, key...); answer.Header.Get("Idempotent-Replayed") == "" || text != first {
		t.Errorf("%v %s", answer.Header, text)
	}
}

// TestRulesWithoutAnAnswer: they allow nothing, and the log says why.
func TestRulesWithoutAnAnswer(t *testing.T) {
	s := serveAccess(t, "memory:", `access: {create: true, read: 'resource.missing == 1', write: 'principal.team == "x"'}`+"\n")
	s.must(201, "ann", "PUT", "/v1/notes/1", `{}`)
	s.must(404, "ann", "GET", "/v1/notes/1", "")
	s.must(403, "ann", "PATCH", "/v1/notes/1", `{}`)
	said := s.stop()
	for _, want := range []string{"rule=read method=GET path=/v1/notes/1 cause=\"no such key: missing\"", `rule=write method=PATCH`, `no claim \"team\"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the log does not say %s: %s", want, said)
		}
	}
}

// TestDeniedByDefault: keys alone open nothing, and everybody who has to do with that
// is told.
func TestDeniedByDefault(t *testing.T) {
	s := serveAccess(t, "memory:", "")
	s.must(403, "adm", "GET", "/v1/notes", "")
	s.must(403, "adm", "PUT", "/v1/notes/1", "{}")
	if said := s.stop(); !strings.Contains(said, "access: true") {
		t.Error(said)
	}
	key, line := makeKey(t)
	c := program(t, []string{"IFMATCH_KEYS=" + line}, "serve", "--listen", "127.0.0.1:0", "--store", "memory:")
	fromEnvironment := serve(t, c)
	if status, text := fromEnvironment.as("Bearer "+key, "GET", "/v1/notes"); status != 403 {
		t.Errorf("%d %s", status, text)
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "auth: {mode: upstream, trusted: {header: X-User, from: [127.0.0.0/8]}}\n")
	behind := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))
	if status, text := behind.as("", "PUT", "/v1/notes/1", "X-User", "ann"); status != 403 {
		t.Errorf("%d %s", status, text)
	}
	file = writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), credentials()+"collections: [{name: notes}]\n")
	said, err := program(t, nil, "check", file).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "notes: callers have to say who they are") || !strings.Contains(string(said), "read: \"false\"") {
		t.Errorf("check: %v %s", err, said)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	// Without authentication all is as it was.
	open := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:"))
	if status, text := open.as("", "PUT", "/v1/notes/1"); status != 201 {
		t.Errorf("%d %s", status, text)
	}
}

// TestNewKeysAdvice: what is printed beside a key is a policy that lets its holder in.
func TestNewKeysAdvice(t *testing.T) {
	c := program(t, nil, "key", "new", "--name", "ann")
	var advice strings.Builder
	c.Stderr = &advice
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(advice.String(), "\n\naccess:")
	policy, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("no policy in %s", advice.String())
	}
	file := writeFile(t, filepath.Join(c.Dir, "policy.yaml"), "access:"+policy+"\n")
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))
	if status, text := s.as("Bearer "+strings.Fields(string(out))[1], "PUT", "/v1/notes/1"); status != 201 {
		t.Errorf("%d %s", status, text)
	}
}

// listed is what the tests look at of a page.
type listed struct {
	ids  []string
	next string
}

func listOf(t *testing.T, text string) (l listed) {
	t.Helper()
	var page struct {
		Items []struct{ ID string }
		Next  string
	}
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, item := range page.Items {
		l.ids = append(l.ids, item.ID)
	}
	l.next = page.Next
	return l
}

// TestAccessPageHolds: the policies of the page about access are valid, and let in whom
// it says.
func TestAccessPageHolds(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "access.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d policies", len(blocks))
	}
	for _, block := range blocks {
		file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), block[1])
		if said, err := program(t, nil, "check", file).CombinedOutput(); err != nil || strings.Contains(string(said), "callers have to say") {
			t.Errorf("%v: %s", err, said)
		}
	}
	digests := regexp.MustCompile(`sha256: [0-9a-f]{64}`)
	n := 0
	text := digests.ReplaceAllStringFunc(blocks[1][1], func(string) string {
		sum := sha256.Sum256([]byte(keyOf([]string{"ann", "bob"}[n])))
		n++
		return "sha256: " + hex.EncodeToString(sum[:])
	})
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), text)
	s := &ruled{t, serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))}
	s.must(201, "ann", "PUT", "/v1/notes/1", `{}`)
	s.must(200, "bob", "GET", "/v1/notes/1", "")
	s.must(403, "bob", "PUT", "/v1/notes/2", `{}`)
	s.must(403, "ann", "DELETE", "/v1/notes/1", "", "If-Match", "*")
	s.must(201, "bob", "PUT", "/v1/drafts/1", `{"owner":"bob"}`)
	s.must(403, "bob", "PUT", "/v1/drafts/2", `{"owner":"ann"}`)
	s.must(404, "ann", "GET", "/v1/drafts/1", "")
	s.must(403, "bob", "GET", "/v1/drafts/1/_history", "")
	s.must(403, "bob", "PATCH", "/v1/drafts/1", `{"owner":"ann"}`, "If-Match", `"1"`)
	s.must(204, "bob", "DELETE", "/v1/drafts/1", "", "If-Match", `"1"`)
}
