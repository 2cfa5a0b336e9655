package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const dialectPolicy = `
collections:
  - {name: orgs, path: /v1/orgs, id: {param: orgId}, contract: {preset: version-body}}
  - {name: users, path: "/v1/orgs/{orgId}/users", id: {natural_key: [/email]}, contract: {preset: version-body}}
  - {name: brand, path: "/v1/orgs/{orgId}/brand", singleton: true, contract: {preset: version-body}}
  - {name: plain, contract: {preset: version-body, stale_status: 412, errors: problem}}
  - {name: kube, contract: {preset: version-body, version_field: /metadata/resourceVersion, version_as: string}}
  - {name: records, contract: {precondition: optional, body_version: include, digest_field: sha256}}
  - {name: notes}
default: {contract: {preset: version-body}}
`

var conflict = regexp.MustCompile(`^\{"error":\{"code":"CONFLICT","message":"Version mismatch — read fresh and retry",` +
	`"correlationId":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",.*"currentVersion":2,.*\}\}$`)

// TestDialects: what a policy says about versions in bodies and about refusals
// holds as the reference describes it.
func TestDialects(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), dialectPolicy)
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))
	must := func(status int, method, path, body, want string, headers ...string) string {
		t.Helper()
		resp, got := ask(t, method, s.url+path, body, headers...)
		if resp.StatusCode != status || want != "" && got != want {
			t.Errorf("%s %s %s: %s %s, want %d %s", method, path, body, resp.Status, got, status, want)
		}
		return got
	}
	for _, path := range []string{"/v1/orgs/acme", "/v1/orgs/acme/users/ann", "/v1/orgs/acme/brand", "/v1/others/1"} {
		must(201, "PUT", path, `{"email":"a"}`, `{"email":"a","version":1}`)
		must(200, "PUT", path, `{"email":"b","version":1}`, `{"email":"b","version":2}`)
		must(200, "GET", path, "", `{"email":"b","version":2}`)
		if got := must(409, "PUT", path, `{"email":"c","version":1}`, ""); !conflict.MatchString(got) {
			t.Errorf("%s: %s", path, got)
		}
		if got := must(428, "PUT", path, `{"email":"c"}`, ""); !strings.HasPrefix(got, `{"error":{"code":"PRECONDITION_REQUIRED","message":"`) {
			t.Errorf("%s: %s", path, got)
		}
		must(200, "GET", path, "", `{"email":"b","version":2}`)
	}
	must(201, "POST", "/v1/orgs/acme/users", `{"email":"eve"}`, `{"email":"eve","version":1}`)
	must(200, "POST", "/v1/orgs/acme/users", `{"email":"eve","version":3}`, `{"email":"eve","version":1}`)
	must(409, "POST", "/v1/orgs/acme/users", `{"email":"eve","n":1}`, "")

	must(201, "PUT", "/v1/plain/1", `{"a":1}`, `{"a":1,"version":1}`)
	if got := must(412, "PUT", "/v1/plain/1", `{"a":2,"version":9}`, ""); !strings.HasPrefix(got, `{"type":"urn:ifmatch:problem:stale"`) {
		t.Errorf("%s", got)
	}
	must(201, "PUT", "/v1/kube/1", `{"metadata":{"name":"x"}}`, `{"metadata":{"name":"x","resourceVersion":"1"}}`)
	must(200, "PUT", "/v1/kube/1", `{"metadata":{"name":"y","resourceVersion":"1"}}`, `{"metadata":{"name":"y","resourceVersion":"2"}}`)
	must(400, "PUT", "/v1/kube/1", `{"metadata":{"name":"z","resourceVersion":2}}`, "")

	const sum = `"sha256":"015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"`
	must(201, "PUT", "/v1/records/1", `{"a":1}`, `{"a":1,`+sum+`}`)
	must(200, "PUT", "/v1/records/1", `{"a":1,"version":7,`+sum+`}`, `{"a":1,`+sum+`}`)
	must(200, "GET", "/v1/records/1?include=version", "", `{"a":1,"version":1,`+sum+`}`)
	must(412, "PUT", "/v1/records/1", `{"a":2}`, "", "If-Match", `"9"`)
	must(201, "PUT", "/v1/notes/1", `{"version":"mine"}`, `{"version":"mine"}`)
	must(200, "GET", "/v1/notes/1?include=version", "", `{"version":"mine"}`)
}
