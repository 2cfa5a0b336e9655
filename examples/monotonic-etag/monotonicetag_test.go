package monotonicetag

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

func TestMonotonicETag(t *testing.T) {
	policy, err := filepath.Abs("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{"memory:", "sqlite:test.db"} {
		t.Run(store, func(t *testing.T) {
			address := session.Serve(t, "--config", policy, "--store", store)
			t.Run("session", func(t *testing.T) { session.Run(t, "README.md", "127.0.0.1:8080", address) })
			a := api{t, "http://" + address + "/v1/models/m"}
			t.Run("counter", func(t *testing.T) { a.T = t; a.counter() })
			t.Run("records", func(t *testing.T) { a.T = t; a.records() })
			t.Run("contributions", func(t *testing.T) { a.T = t; a.contributions() })
		})
	}
}

// api is the part of the API below one model.
type api struct {
	*testing.T
	url string
}

// does sends a request and checks status, tag and body, the latter to the byte
// unless it is "…". It returns the body.
func (a api) does(method, path, body, condition string, status int, etag, want string) string {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, value, given := strings.Cut(condition, ": "); given {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		a.Fatal(err)
	}
	if res.StatusCode != status || res.Header.Get("ETag") != etag || want != "…" && string(text) != want {
		a.Fatalf("%s %s with %q: %s, ETag %s, %s; want %d, %s, %s",
			method, path, condition, res.Status, res.Header.Get("ETag"), text, status, etag, want)
	}
	return string(text)
}

// counter walks one rule through its states: each mutation raises the number by
// one, a deletion too, and no number comes again.
func (a api) counter() {
	const rule = "/rules/r"
	a.does("PUT", rule, `{"if":"x"}`, "", 201, `"1"`, `{"if":"x"}`)
	a.does("GET", rule, "", "", 200, `"1"`, `{"if":"x"}`)
	a.does("GET", rule+"?include=version", "", "", 200, `"1"`, `{"if":"x","version":1}`)
	a.does("GET", rule, "", `If-None-Match: "1"`, 304, `"1"`, "")
	a.does("PUT", rule, `{"if":"x"}`, "", 200, `"1"`, `{"if":"x"}`) // nothing changed
	a.does("PUT", rule, `{"if":"y"}`, "", 200, `"2"`, `{"if":"y"}`) // If-Match is optional
	a.does("PATCH", rule, `{"then":"z"}`, `If-Match: "2"`, 200, `"3"`, `{"if":"y","then":"z"}`)
	a.does("GET", rule, "", `If-None-Match: "2"`, 200, `"3"`, `{"if":"y","then":"z"}`)
	a.does("PUT", rule, `{"if":"w"}`, `If-Match: "2"`, 412, `"3"`, "…")
	a.does("DELETE", rule, "", `If-Match: "2"`, 412, `"3"`, "…")
	a.does("GET", rule, "", "", 200, `"3"`, `{"if":"y","then":"z"}`)
	a.does("DELETE", rule, "", `If-Match: "3"`, 204, "", "")
	a.does("PUT", rule, `{"if":"v"}`, "", 201, `"5"`, `{"if":"v"}`) // the deletion was the fourth
	a.does("PUT", rule, `{"if":"u"}`, `If-Match: "3"`, 412, `"5"`, "…")
}

// records carry the digest of their content, and only of that.
func (a api) records() {
	digest := func(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }
	first, second := digest(`{"a":1,"b":2}`), digest(`{"a":2,"b":2}`)
	a.does("PUT", "/records/1", `{"b":2,"a":1}`, "", 201, `"1"`, `{"b":2,"a":1,"sha256":"`+first+`"}`)
	a.does("PUT", "/records/2", `{"a":1,"b":2.0}`, "", 201, `"1"`, `{"a":1,"b":2.0,"sha256":"`+first+`"}`)
	a.does("GET", "/records/1?include=version", "", "", 200, `"1"`, `{"b":2,"a":1,"version":1,"sha256":"`+first+`"}`)
	// Read, edit, write back: the digest that was read is nothing that was written.
	a.does("PUT", "/records/1", `{"b":2,"a":2,"sha256":"`+first+`"}`, `If-Match: "1"`, 200, `"2"`, `{"b":2,"a":2,"sha256":"`+second+`"}`)
	a.does("PUT", "/records/1", `{"b":2,"a":2,"sha256":"made up"}`, `If-Match: "2"`, 200, `"2"`, `{"b":2,"a":2,"sha256":"`+second+`"}`)
}

// contributions come of several sources; each field goes by its own rule, and the
// digest is that of what came of it.
func (a api) contributions() {
	const record = "/records/c"
	digest := func(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }
	is := func(version int, canonical, body string) {
		a.Helper()
		a.does("GET", record, "", "", 200, fmt.Sprintf(`"%d"`, version), strings.TrimSuffix(body, "}")+`,"sha256":"`+digest(canonical)+`"}`)
	}
	says := func(source, confidence string, day int, data string) (id string) {
		a.Helper()
		body := fmt.Sprintf(`{"source":%q,"confidence":%s,"observedAt":"2026-05-%02dT00:00:00Z","data":%s}`, source, confidence, day, data)
		return strings.Split(a.does("POST", record+"/_contributions", body, "", 201, "", "…"), `"`)[3]
	}
	crm := says("crm", "0.8", 1, `{"name":"Ann","plan":"basic","seats":3,"tags":["eu"]}`)
	is(1, `{"name":"Ann","plan":"basic","seats":3,"tags":["eu"]}`, `{"name":"Ann","plan":"basic","seats":3,"tags":["eu"]}`)
	says("web", "0.5", 2, `{"name":"Anne","plan":"pro","seats":5,"tags":["trial"]}`) // newer, and less sure
	is(2, `{"name":"Ann","plan":"basic","seats":5,"tags":["eu","trial"]}`, `{"name":"Ann","plan":"basic","seats":5,"tags":["eu","trial"]}`)
	billing := says("billing", "0.1", 1, `{"plan":"team"}`) // which has the authority
	is(3, `{"name":"Ann","plan":"team","seats":5,"tags":["eu","trial"]}`, `{"name":"Ann","plan":"team","seats":5,"tags":["eu","trial"]}`)
	says("import", "0.2", 1, `{"name":"ANN"}`) // which wins nothing: the version stays
	is(3, `{"name":"Ann","plan":"team","seats":5,"tags":["eu","trial"]}`, `{"name":"Ann","plan":"team","seats":5,"tags":["eu","trial"]}`)

	a.does("PATCH", record, `{"name":"Eve"}`, `If-Match: "3"`, 409, `"3"`, "…")
	a.does("PATCH", record, `{"name":"Eve"}`, `If-Match: "2"`, 412, `"3"`, "…")
	a.does("PATCH", record, `{"city":"Ulm"}`, `If-Match: "3"`, 200, `"4"`, "…")
	a.does("DELETE", record+"/_contributions/"+billing, "", `If-Match: "3"`, 412, `"4"`, "…")
	a.does("DELETE", record+"/_contributions/"+billing, "", `If-Match: "4"`, 204, "", "")
	is(5, `{"city":"Ulm","name":"Ann","plan":"basic","seats":5,"tags":["eu","trial"]}`, `{"name":"Ann","plan":"basic","seats":5,"tags":["eu","trial"],"city":"Ulm"}`)
	a.does("DELETE", record+"/_contributions/"+crm, "", "", 204, "", "")
	is(6, `{"city":"Ulm","name":"Anne","plan":"pro","seats":5,"tags":["trial"]}`, `{"name":"Anne","plan":"pro","seats":5,"tags":["trial"],"city":"Ulm"}`)
}
