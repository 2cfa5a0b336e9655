package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const linksPolicy = `
default:
  id: {param: key}
  links: [{rel: list, path: "/v1/{collection}"}, {rel: twin, path: "/v1/twins/{key}"}]
collections:
  - name: orgs
    path: /v2/orgs
    id: {param: orgId}
    contract: {preset: version-body}
    links:
      - {rel: brand, path: "/v2/orgs/{orgId}/brand"}
      - {rel: users, path: "/v2/orgs/{orgId}/users"}
      - {rel: owner, path: "/v2/orgs/{orgId}/users/owner"}
  - {name: brand, path: "/v2/orgs/{orgId}/brand", singleton: true, contract: {token: hash}, links: [{rel: org, path: "/v2/orgs/{orgId}"}]}
  - {name: users, path: "/v2/orgs/{orgId}/users"}
`

// TestLinkedDocuments: what a policy says about links holds as the reference
// describes it, for callers who have a key as for those who need none.
func TestLinkedDocuments(t *testing.T) {
	const item = "/v2/orgs/o1"
	key, keyLine := makeKey(t, "--name", "ann")
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "access: true\n"+linksPolicy)
	for name, env := range map[string][]string{"open": nil, "keys": {"IFMATCH_KEYS=" + keyLine}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, program(t, env, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))
			must := func(status int, method, path, body, want string, headers ...string) (tag, own string) {
				t.Helper()
				resp, got := ask(t, method, s.url+path, body, append(headers, "Authorization", "Bearer "+key)...)
				if matched, err := regexp.MatchString("^"+want+"$", got); err != nil || resp.StatusCode != status || !matched {
					t.Errorf("%s %s %s: %s %s, want %d %s, %v", method, path, body, resp.Status, got, status, want, err)
				}
				return resp.Header.Get("ETag"), resp.Header.Get("Ifmatch-ETag")
			}
			must(201, "PUT", item, `{"name":"A"}`, `{"name":"A","version":1}`)
			must(201, "PUT", item+"/brand", `{"logo":"x"}`, `{"logo":"x"}`)
			must(201, "PUT", item+"/users/owner", `{}`, `{}`)
			must(200, "PUT", item+"/users/owner", `{"a":1}`, `{"a":1}`, "If-Match", `"1"`)
			tag, own := must(200, "GET", item+"?include=links", "", `\{"name":"A","version":1,"_links":\{"brand":\{"href":"/v2/orgs/o1/brand","etag":"\\"[A-Za-z0-9_-]{22}\\""\},`+
				`"users":\{"href":"/v2/orgs/o1/users","etag":"W/\\".*\\""\},"owner":\{"href":"/v2/orgs/o1/users/owner","etag":"\\"2\\""\}\}\}`)
			must(304, "GET", item+"?include=links", "", "", "If-None-Match", tag)
			must(200, "PUT", item+"/brand", `{"logo":"y"}`, `{"logo":"y"}`, "If-Match", "*")
			if other, same := must(200, "GET", item+"?include=links", "", ".*", "If-None-Match", tag); other == tag || same != own || own != `"1"` {
				t.Errorf("%s with %s after %s with %s", other, same, tag, own)
			}
			must(409, "PUT", item, `{"name":"B"}`, `\{"error":\{"code":"WEAK_VALIDATOR",.*send If-Match: \\"1\\", which stood in its Ifmatch-ETag.*`, "If-Match", tag)
			must(200, "GET", item+"/brand?include=links", "", `\{"logo":"y","_links":\{"org":\{"href":"/v2/orgs/o1","etag":"\\"1\\""\}\}\}`)
			must(200, "GET", item+"?include=meta", "", `\{"name":"A","version":1,"_meta":\{"version":1,"etag":"\\"1\\"","action":"put","outcome":"created","at":".*",("by":"ann",)?"sha256":"[0-9a-f]{64}","correlationId":".*"\}\}`)
			must(201, "PUT", "/v1/notes/n1", `{"_links":1,"_meta":1}`, `{}`)
			must(200, "GET", "/v1/notes/n1?include=links", "", `\{"_links":\{"list":\{"href":"/v1/notes","etag":"W/.*"\},"twin":\{"href":"/v1/twins/n1"\}\}\}`)
			s.stop()
		})
	}
}

// TestMembersWithoutConfiguration: documents may have links of their own, and no
// _meta.
func TestMembersWithoutConfiguration(t *testing.T) {
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:"))
	for _, path := range []string{"/v1/notes/1", "/v1/notes/1?include=links"} {
		ask(t, "PUT", s.url+"/v1/notes/1", `{"_links":{"self":"x"},"_meta":1}`)
		if resp, got := ask(t, "GET", s.url+path, ""); got != `{"_links":{"self":"x"}}` || resp.Header.Get("ETag") != `"1"` {
			t.Errorf("%s: %s %s %s", path, resp.Status, resp.Header.Get("ETag"), got)
		}
	}
	if _, got := ask(t, "GET", s.url+"/v1/notes/1?include=meta", ""); !strings.HasPrefix(got, `{"_links":{"self":"x"},"_meta":{"version":1,"etag":"\"1\"","action":"put",`) {
		t.Errorf("%s", got)
	}
}
