package protocol_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// result is one of the results of a batch.
type result struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

// together is the body of an atomic batch of operations, each a JSON text.
func together(operations ...string) string {
	return `{"operations":[` + strings.Join(operations, ",") + `],"atomic":true}`
}

// apart is the body of a batch that is not atomic.
func apart(operations ...string) string {
	return `{"operations":[` + strings.Join(operations, ",") + `],"atomic":false}`
}

// oper is an operation. Headers come in pairs; a body of "" is none.
func oper(method, path, body string, headers ...string) string {
	members := map[string]any{"method": method, "path": path}
	if body != "" {
		members["body"] = json.RawMessage(body)
	}
	if len(headers) > 0 {
		named := map[string]string{}
		for i := 0; i < len(headers); i += 2 {
			named[headers[i]] = headers[i+1]
		}
		members["headers"] = named
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// results returns the results of a batch that was carried out.
func (a *api) results(got answer) []result {
	a.t.Helper()
	a.status(got, 200)
	a.header(got, "ETag", "")
	a.header(got, "Content-Type", "application/json")
	var body struct{ Results []result }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		a.t.Fatalf("%v: %s", err, got.body)
	}
	return body.Results
}

// told is a result in a line: its status, headers and body.
func (r result) told() string {
	var b strings.Builder
	fmt.Fprint(&b, r.Status)
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if name != "Last-Modified" {
			fmt.Fprintf(&b, " %s: %s", name, r.Headers[name])
		}
	}
	if r.Body != nil {
		fmt.Fprintf(&b, " %s", r.Body)
	}
	return b.String()
}

// tells checks the results of a batch that was carried out.
func (a *api) tells(got answer, want ...string) {
	a.t.Helper()
	results := a.results(got)
	if len(results) != len(want) {
		a.t.Fatalf("%d results, want %d: %s", len(results), len(want), got.body)
	}
	for i, r := range results {
		if told := r.told(); told != want[i] {
			a.t.Errorf("operation %d is answered\n%s\nwant\n%s", i, told, want[i])
		}
	}
}

// TestBatch: an atomic batch of every kind of write, each answered as it would be alone.
func TestBatch(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, path := range []string{"/v1/notes/1", "/v1/notes/2", "/v1/notes/3", "/v1/plans/4", "/v1/plans/7"} {
			a.must(201, "PUT", path, `{"n":1}`)
		}
		got := a.do("POST", "/_batch", together(
			oper("PUT", "/v1/notes/1", `{"n":2.50}`, "If-Match", `"1"`),
			oper("PATCH", "/v1/notes/2", `[{"op":"add","path":"/m","value":1}]`, "if-match", `"1"`, "content-type", jsonPatch),
			oper("DELETE", "/v1/notes/3", "", "IF-MATCH", `"1"`),
			oper("CHECK", "/v1/plans/4", "", "If-Match", `"1"`),
			oper("CHECK", "/v1/plans/none", "", "If-None-Match", `*`),
			oper("PUT", "/v1/plans/5", `{"n":5}`, "Prefer", "return=minimal"),
			oper("PATCH", "/v1/plans/7?include=version", `{"n":1}`, "If-Match", "*"),
		))
		a.tells(got,
			`200 Content-Type: application/json ETag: "2" Ifmatch-Outcome: replaced {"n":2.50}`,
			`200 Content-Type: application/json ETag: "2" Ifmatch-Outcome: patched {"n":1,"m":1}`,
			`204 Ifmatch-Outcome: deleted`,
			`204 ETag: "1" Ifmatch-Outcome: unchanged`,
			`204 Ifmatch-Outcome: unchanged`,
			`201 ETag: "1" Ifmatch-Outcome: created Preference-Applied: return=minimal`,
			`200 Content-Type: application/json ETag: "1" Ifmatch-Outcome: unchanged {"n":1}`,
		)
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"n":2.50}`)
		a.must(404, "GET", "/v1/notes/3", "")
		a.body(a.must(200, "GET", "/v1/plans/5", ""), `{"n":5}`)
		if h := a.history("/v1/plans/4"); len(h.Items) != 1 {
			t.Errorf("a CHECK stands in the history: %+v", h)
		}
		a.verify()
	})
}
