package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestOpenAPI: what is printed is what a server with the policy serves.
func TestOpenAPI(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte("collections: [{name: notes, path: /notes, fields: [{path: /pay, read: \"false\"}], schema: {type: object, properties: {pay: {const: secret}}}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	printed, err := program(t, nil, "openapi", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	page, err := program(t, nil, "openapi", "--html", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--config", file))
	var first, second any
	if err := json.Unmarshal(printed, &first); err != nil {
		t.Fatal(err)
	}
	if body := fetch(t, s.url+"/openapi.json"); json.Unmarshal(body, &second) != nil || !reflect.DeepEqual(first, second) {
		t.Error("the server's description is another one")
	}
	if !bytes.Equal(fetch(t, s.url+"/_/api-docs"), page) {
		t.Error("the server's page is another one")
	}
	if strings.Contains(string(printed)+string(page), "secret") || !strings.Contains(string(printed), "\n") {
		t.Error("a member that nobody may read is given away, or all is one line")
	}
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, res.StatusCode, err)
	}
	return body
}

// TestOpenAPIOfNothing: without a file it is that of zero configuration, and a file that
// is wrong is told so.
func TestOpenAPIOfNothing(t *testing.T) {
	out, err := program(t, nil, "openapi").Output()
	if err != nil || !strings.Contains(string(out), `"/v1/{collection}/{id}"`) {
		t.Errorf("%v: %s", err, out)
	}
	wrong := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(wrong, []byte("collectoins: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := program(t, nil, "openapi", wrong).CombinedOutput(); err == nil || !strings.Contains(string(out), "did you mean collections?") {
		t.Errorf("%v: %s", err, out)
	}
}
