package protocol_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// policies are policy files whose descriptions are looked at, beside those of examples.
var policies = map[string]string{
	"nothing": "",
	"a default and a collection": `
default: {contract: {preset: version-body}}
collections: [{name: notes, path: /notes}]
`,
	"everything": `
api_versions: ["2026-11-01", "2026-12-01"]
cors: {origins: ["https://app.example.com"]}
auth: {}
access: true
limits: {page: 10}
collections:
- name: orgs
  path: /v1/orgs
  id: {param: orgId}
  contract: {token: hash, weak: true, precondition: optional, body_version: include}
- name: users
  path: /v1/orgs/{orgId}/users
  id: {param: userId, natural_key: [/email]}
  indexes: [/email, {path: /age, type: number}, {path: /address/city, type: string}, {path: /seen, type: time}, {path: /on, type: boolean}]
  contract: {precondition: {put: required, patch: optional, delete: tag}, already_applied: accept, body_version: always, version_field: /metadata/resourceVersion, version_as: string, digest_field: sha256, stale_status: 409, errors: envelope}
  on_stale: {default: merge, allow: [reject, merge, park, overwrite]}
  access: {read: "true", write: "'editor' in principal.roles"}
  links: [{rel: brand, path: "/v1/orgs/{orgId}/brand"}]
  fields: [{path: /age, type: counter}, {path: /pay, read: "'hr' in principal.roles"}]
  schema:
    type: object
    required: [email]
    additionalProperties: false
    properties:
      email: {type: string, format: email}
      age: {type: integer, minimum: 0, maximum: 200}
      seen: {type: string, format: date-time}
      on: {type: boolean}
      pay: {type: number, default: 7}
      address: {$ref: "#/$defs/address"}
      metadata: {type: object}
    $defs:
      address: {type: object, properties: {city: {type: string}}}
- name: brand
  path: /v1/orgs/{orgId}/brand
  singleton: true
  contributions: on
  history: off
  schema: {$id: "urn:brand", type: object, properties: {name: {$ref: "#name"}}, $defs: {name: {$anchor: name, type: string}}}
- name: closed
  path: /closed
  schema: {allOf: [{type: object, properties: {title: {type: string, minLength: 3}}, required: [title]}], unevaluatedProperties: false}
`,
}

// TestDescriptionsAreValid: what a policy's description says is OpenAPI 3.1, by the
// schema that is published for it, and by a linter that is not ours; examples fit their
// schemas.
func TestDescriptionsAreValid(t *testing.T) {
	if !*withPrism { // scripts/prism.sh asks for it
		return
	}
	p, dir := startPrism(t), t.TempDir()
	program := filepath.Join(dir, "ifmatch")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/ifmatch/ifmatch/cmd/ifmatch").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := filepath.Glob("../../examples/*/policy.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no policies among the examples: %v", err)
	}
	for name, text := range policies {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), ".yaml"), func(t *testing.T) {
			command := exec.CommandContext(t.Context(), program, "openapi", file)
			command.Stderr = os.Stderr
			document, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			p.lint(t, string(document))
		})
	}
}
