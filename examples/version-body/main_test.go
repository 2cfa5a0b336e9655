package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func TestVersionBody(t *testing.T) {
	policy, err := filepath.Abs("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{"memory:", "sqlite:test.db"} {
		t.Run(store, func(t *testing.T) {
			address := session.Serve(t, "--config", policy, "--store", store)
			t.Run("session", func(t *testing.T) { session.Run(t, "README.md", "127.0.0.1:8080", address) })
			api := "http://" + address
			t.Run("words", func(t *testing.T) { words(t, api) })
			t.Run("POST", func(t *testing.T) { post(t, api) })
			t.Run("retries", func(t *testing.T) { retries(t, api) })
		})
	}
}

// TestREADMEShowsTheLoop: what is shown is the file that is tested.
func TestREADMEShowsTheLoop(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	loop, err := os.ReadFile("retry.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, slices.Concat([]byte("```ts\n"), loop, []byte("```\n"))) {
		t.Error("README.md shows something else than retry.ts")
	}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, method, url, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// is checks status and body, to the byte.
func is(t *testing.T, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s; want %d %s", got.status, got.header.Get("Content-Type"), got.body, status, body)
	}
}

// conflict checks a mismatch, to the word, and returns the current version that
// it tells.
func conflict(t *testing.T, got answer) int {
	t.Helper()
	var body struct {
		Error struct {
			Code, Message, CorrelationID string
			CurrentVersion               int
		}
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	prefix := fmt.Sprintf(`{"error":{"code":"CONFLICT","message":"Version mismatch — read fresh and retry","correlationId":%q`, body.Error.CorrelationID)
	if got.status != http.StatusConflict || got.header.Get("Content-Type") != "application/json" ||
		!strings.HasPrefix(got.body, prefix) || !uuid.MatchString(body.Error.CorrelationID) {
		t.Fatalf("%d %s: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	return body.Error.CurrentVersion
}

// words goes through every record that can be changed.
func words(t *testing.T, api string) {
	for _, path := range []string{"/v1/orgs/words", "/v1/orgs/words/users/ann", "/v1/orgs/words/templates/welcome", "/v1/orgs/words/brand"} {
		t.Run(path, func(t *testing.T) {
			url := api + path
			is(t, do(t, "PUT", url, `{"email":"a","n":1}`), 201, `{"email":"a","n":1,"version":1}`)
			is(t, do(t, "GET", url, ""), 200, `{"email":"a","n":1,"version":1}`)
			is(t, do(t, "PUT", url, `{"email":"a","n":2,"version":1}`), 200, `{"email":"a","n":2,"version":2}`)
			if current := conflict(t, do(t, "PUT", url, `{"email":"a","n":3,"version":1}`)); current != 2 {
				t.Errorf("the current version is said to be %d", current)
			}
			conflict(t, do(t, "PUT", url, `{"email":"a","n":3,"version":3}`))
			if got := do(t, "PUT", url, `{"email":"a","n":3}`); got.status != 428 || !strings.HasPrefix(got.body, `{"error":{"code":"PRECONDITION_REQUIRED",`) {
				t.Errorf("without a version: %d %s", got.status, got.body)
			}
			for _, bad := range []string{`0`, `-1`, `1.5`, `"2"`, `null`} {
				if got := do(t, "PUT", url, `{"email":"a","n":3,"version":`+bad+`}`); got.status != 400 {
					t.Errorf("version %s: %d %s", bad, got.status, got.body)
				}
			}
			is(t, do(t, "GET", url, ""), 200, `{"email":"a","n":2,"version":2}`)
		})
	}
	if got := do(t, "POST", api+"/v1/orgs/words/brand", `{}`); got.status != 405 || got.header.Get("Allow") != "DELETE, GET, HEAD, OPTIONS, PATCH, PUT" {
		t.Errorf("POST to a brand: %d %s", got.status, got.header.Get("Allow"))
	}
	if got := do(t, "GET", api+"/v1/orgs/words/brands", ""); got.status != 404 || !strings.Contains(got.body, "/v1/orgs/{orgId}/users/{userId}") {
		t.Errorf("a path that is not served: %d %s", got.status, got.body)
	}
}

// post creates with and without a natural key.
func post(t *testing.T, api string) {
	users := api + "/v1/orgs/post/users"
	got := do(t, "POST", users, `{"email":"bob@example.org"}`)
	is(t, got, 201, `{"email":"bob@example.org","version":1}`)
	location := got.header.Get("Location")
	again := do(t, "POST", users, `{"email":"bob@example.org"}`)
	is(t, again, 200, `{"email":"bob@example.org","version":1}`)
	if location != "/v1/orgs/post/users/bob~40example.org" || again.header.Get("Location") != location || again.header.Get("Ifmatch-Outcome") != "unchanged" {
		t.Errorf("%s, then %v", location, again.header)
	}
	other := do(t, "POST", users, `{"email":"bob@example.org","name":"Bob"}`)
	if other.status != 409 || !strings.HasPrefix(other.body, `{"error":{"code":"DUPLICATE",`) || other.header.Get("Location") != location {
		t.Errorf("%d %s %s", other.status, other.header.Get("Location"), other.body)
	}
	is(t, do(t, "GET", api+location, ""), 200, `{"email":"bob@example.org","version":1}`)
	is(t, do(t, "POST", api+"/v1/orgs/elsewhere/users", `{"email":"bob@example.org"}`), 201, `{"email":"bob@example.org","version":1}`)

	templates := api + "/v1/orgs/post/templates"
	seen := map[string]bool{}
	for range 2 {
		got := do(t, "POST", templates, `{"subject":"Hi"}`)
		is(t, got, 201, `{"subject":"Hi","version":1}`)
		id, ok := strings.CutPrefix(got.header.Get("Location"), "/v1/orgs/post/templates/")
		if !ok || !uuid.MatchString(id) || seen[id] {
			t.Errorf("Location %s", got.header.Get("Location"))
		}
		seen[id] = true
	}
}

// retries has clients edit one record at once: whoever is told that it saved has
// its edit in the record, and nobody else has.
func retries(t *testing.T, api string) {
	url := api + "/v1/orgs/retries/brand"
	is(t, do(t, "PUT", url, `{"n":0}`), 201, `{"n":0,"version":1}`)
	told := make([]error, 4)
	var wg sync.WaitGroup
	for i := range told {
		wg.Go(func() {
			told[i] = save(t.Context(), url, func(r record) { r[fmt.Sprint("by", i)] = true })
		})
	}
	wg.Wait()
	now := do(t, "GET", url, "").body
	for i, err := range told {
		if err != nil && !errors.Is(err, errSavedElsewhere) {
			t.Error(err)
		}
		if stored := strings.Contains(now, fmt.Sprintf(`"by%d":true`, i)); stored != (err == nil) {
			t.Errorf("client %d was told %v, and the record is %s", i, err, now)
		}
	}
	rivals := 0
	err := save(t.Context(), url, func(r record) {
		rivals++
		is := do(t, "GET", url, "").body
		if got := do(t, "PUT", url, strings.Replace(is, `"n":`, fmt.Sprintf(`"rival%d":1,"n":`, rivals), 1)); got.status != 200 {
			t.Errorf("the rival was refused: %s", got.body)
		}
		r["mine"] = true
	})
	if !errors.Is(err, errSavedElsewhere) || rivals != attempts || strings.Contains(do(t, "GET", url, "").body, "mine") {
		t.Errorf("%v after %d attempts", err, rivals)
	}
	if err := save(t.Context(), api+"/v1/orgs/none/brand", func(record) {}); err == nil || errors.Is(err, errSavedElsewhere) {
		t.Errorf("a record that is not there: %v", err)
	}
}
