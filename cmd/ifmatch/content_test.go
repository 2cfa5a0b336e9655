package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ask makes a request and returns its status and its answer's body.
func ask(t *testing.T, method, url, body string, headers ...string) (reply, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Status, resp.Header}, string(text)
}

// reply is the head of an answer.
type reply struct {
	StatusCode int
	Status     string
	Header     http.Header
}

const contentPolicy = `
collections:
  - name: users
    schema: schemas/user.json
    fields:
      - {path: /id, type: immutable}
      - {path: /phones/*/label, type: immutable}
`

const userSchema = `{
  "type": "object",
  "required": ["email"],
  "properties": {
    "email": {"type": "string", "format": "email"},
    "age": {"type": "integer", "maximum": 9007199254740993},
    "phones": {"type": "array", "items": {"required": ["label"]}}
  }
}`

// TestContentRules: what a policy says about the content of documents holds for
// every way of writing one, and a refused write has changed nothing.
func TestContentRules(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(mkdir(t, dir, "schemas"), "user.json"), userSchema)
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:",
		"--config", writeFile(t, filepath.Join(dir, "policy.yaml"), contentPolicy)))
	users, ann := s.url+"/v1/users", s.url+"/v1/users/ann"
	const was = `{"email":"ann@example.com","age":9007199254740993,"id":7,"phones":[{"label":"home"}]}`
	if resp, body := ask(t, "PUT", ann, was); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	const merge, jsonPatch = "application/merge-patch+json", "application/json-patch+json"
	for name, c := range map[string]struct {
		method, url, body, mediaType, ifMatch string
		pointers                              string
	}{
		"create":           {"PUT", s.url + "/v1/users/bob", `{}`, "", "", ""},
		"post":             {"POST", users, `{"email":1}`, "", "", "/email"},
		"replace":          {"PUT", ann, `{"email":"nobody","age":9007199254740994,"id":7,"phones":[{"label":"home"}]}`, "", `"1"`, "/age /email"},
		"merge patch":      {"PATCH", ann, `{"email":null}`, merge, `"1"`, ""},
		"JSON Patch":       {"PATCH", ann, `[{"op":"add","path":"/phones/-","value":{}}]`, jsonPatch, `"1"`, "/phones/1"},
		"dry run":          {"PATCH", ann + "?dryRun=true", `{"age":0.5}`, merge, `"1"`, "/age"},
		"immutable":        {"PATCH", ann, `{"id":8}`, merge, `"1"`, "/id"},
		"immutable, gone":  {"PATCH", ann, `[{"op":"remove","path":"/id"}]`, jsonPatch, `"1"`, "/id"},
		"immutable within": {"PATCH", ann, `[{"op":"replace","path":"/phones/0/label","value":"work"}]`, jsonPatch, `"1"`, "/phones/0/label"},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{}
			if c.mediaType != "" {
				headers = append(headers, "Content-Type", c.mediaType)
			}
			if c.ifMatch != "" {
				headers = append(headers, "If-Match", c.ifMatch)
			}
			resp, body := ask(t, c.method, c.url, c.body, headers...)
			var p struct {
				Type   string
				Faults []struct{ Pointer, Detail string }
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			var pointers []string
			for _, fault := range p.Faults {
				pointers = append(pointers, fault.Pointer)
				if !strings.HasSuffix(fault.Detail, ".") {
					t.Errorf("%q is no sentence", fault.Detail)
				}
			}
			if resp.StatusCode != http.StatusUnprocessableEntity || p.Type != "urn:ifmatch:problem:invalid" || strings.Join(pointers, " ") != c.pointers || len(pointers) == 0 {
				t.Errorf("%s: %s", resp.Status, body)
			}
		})
	}
	if _, body := ask(t, "GET", users, ""); strings.Count(body, `"etag"`) != 1 || !strings.Contains(body, was) {
		t.Errorf("refused writes left %s", body)
	}
	if resp, body := ask(t, "GET", ann+"/_history", ""); resp.StatusCode != http.StatusOK || strings.Count(body, `"version"`) != 1 {
		t.Errorf("the history has %s", body)
	}
	if resp, body := ask(t, "PATCH", ann, `{"age":3}`, "Content-Type", merge, "If-Match", `"1"`); resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", resp.Status, body)
	}
}

// TestBadSchema: a schema that cannot be used keeps the server from starting.
func TestBadSchema(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(mkdir(t, dir, "schemas"), "user.json"), "{\n \"$ref\": \"other.json\"\n}")
	said := fails(t, program(t, nil, "serve", "--store", "memory:", "--config", writeFile(t, filepath.Join(dir, "policy.yaml"), contentPolicy)))
	if !strings.Contains(said, filepath.Join(dir, "schemas", "user.json")+":2:2: collections[0].schema: ") {
		t.Errorf("it says %s", said)
	}
}

func mkdir(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
