package clients

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestKubernetes has eight writers increment one counter with the Kubernetes
// client, which finds the version in the body and retries on 409 by itself.
func TestKubernetes(t *testing.T) {
	program := filepath.Join(t.TempDir(), "kubernetes")
	if _, err := run(t, "kubernetes", "go", "build", "-o", program, "."); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: the Kubernetes client could not be fetched and built")
	}
	url := serve(t, `collections:
  - name: counters
    path: /apis/example.com/v1/namespaces/{namespace}/counters
    contract:
      preset: version-body
      version_field: /metadata/resourceVersion
      version_as: string
`)
	const counter = `{"apiVersion":"example.com/v1","kind":"Counter","metadata":{"name":"hits","namespace":"default"},"spec":{"count":0}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
		url+"/apis/example.com/v1/namespaces/default/counters/hits", strings.NewReader(counter))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("creating the counter: %s, %v", answer.Status, err)
	}
	out, err := run(t, "", program, url)
	if err != nil || out != "count 200, resourceVersion 201\n" {
		t.Errorf("the client says %q, %v; want count 200, resourceVersion 201", out, err)
	}
}
