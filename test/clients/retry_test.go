package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	versionBody = "../../examples/version-body"
	elsewhere   = "saved elsewhere; refresh to see the latest"
	attempts    = 3
)

// report is what main.ts prints.
type report struct {
	Runs                       int
	Saved, Elsewhere, Messages []string
	Refused                    []struct {
		Status              int
		Code, CorrelationID string
	}
	Waits []float64
}

// TestRetryLoop compiles the loop that the example documents, as it stands, with
// every check of the compiler, and has it edit records of the example's server.
func TestRetryLoop(t *testing.T) {
	need(t, "node", "npm")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("retry")); err != nil {
		t.Fatal(err)
	}
	loop, err := os.ReadFile(filepath.Join(versionBody, "retry.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "retry.ts"), loop, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: the TypeScript compiler could not be fetched")
	}
	if faults, err := run(t, dir, "node", filepath.Join("node_modules", "typescript", "bin", "tsc")); err != nil {
		t.Fatalf("the compiler says:\n%s", faults)
	}
	policy, err := os.ReadFile(filepath.Join(versionBody, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	editor := &editor{program: filepath.Join(dir, "built", "main.js"), api: serve(t, string(policy))}
	for rivals := range attempts + 1 {
		t.Run(fmt.Sprint(rivals, " rivals"), func(t *testing.T) { editor.againstRivals(t, rivals) })
	}
	t.Run("many writers", editor.manyWriters)
	t.Run("other refusals", editor.otherRefusals)
}

// editor runs main.js against a server.
type editor struct{ program, api string }

// edit has some writers make some edits each, which also set members.
func (e *editor) edit(t *testing.T, url string, writers, edits int, members string) report {
	t.Helper()
	out, err := run(t, "", "node", e.program, url, strconv.Itoa(writers), strconv.Itoa(edits), members)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// againstRivals lets somebody else write after each of the loop's first reads.
// Each attempt must then be made of what is there now.
func (e *editor) againstRivals(t *testing.T, rivals int) {
	path := fmt.Sprintf("/v1/orgs/rivals%d/brand", rivals)
	send(t, "PUT", e.api+path, `{"n":0}`, 201)
	left, states := rivals, []string{`"n":0`}
	seen := record(t, e.api, func(x exchange) { // one request at a time
		if x.method != "GET" || left == 0 {
			return
		}
		left--
		members, version, _ := strings.Cut(strings.Trim(x.answer, "{}"), `,"version":`)
		next := fmt.Sprintf(`%s,"rival%d":true`, members, left)
		send(t, "PUT", e.api+path, fmt.Sprintf(`{%s,"version":%s}`, next, version), 200)
		states = append(states, next)
	})
	got := e.edit(t, seen.url+path, 1, 1, "{}")

	var want []exchange
	for i := range min(rivals+1, attempts) {
		version := i + 1
		edited := strings.Replace(states[i], `"n":0`, `"n":1`, 1)
		put := exchange{"PUT", fmt.Sprintf(`{%s,"version":%d,"writer0edit0":true}`, edited, version), 409, ""}
		if i == rivals {
			put.status = 200
		}
		want = append(want, exchange{"GET", "", 200, ""}, put)
	}
	asked := seen.exchanges()
	for i := range asked {
		if asked[i].status == http.StatusConflict {
			isMismatch(t, asked[i].answer)
		}
		asked[i].answer = ""
	}
	if !sameRequests(asked, want) {
		t.Errorf("the loop asked\n%+v, want\n%+v", asked, want)
	}
	n, now := 1, send(t, "GET", e.api+path, "", 200)
	switch {
	case rivals < attempts:
		if len(got.Saved) != 1 || len(got.Messages) != 0 || !strings.Contains(now, "writer0edit0") {
			t.Errorf("%+v; stored is %s", got, now)
		}
	default:
		n = 0
		if len(got.Saved) != 0 || !slices.Equal(got.Messages, []string{elsewhere}) || len(got.Elsewhere) != 1 || strings.Contains(now, "writer0edit0") {
			t.Errorf("%+v; stored is %s", got, now)
		}
	}
	if !strings.Contains(now, fmt.Sprintf(`"n":%d`, n)) || strings.Count(now, "rival") != rivals {
		t.Errorf("stored is %s", now)
	}
	isPatient(t, got.Waits, min(rivals, attempts-1))
	if got.Runs != min(rivals+1, attempts) {
		t.Errorf("the edit ran %d times", got.Runs)
	}
}

// sameRequests compares what was sent as JSON values, and statuses.
func sameRequests(got, want []exchange) bool {
	return slices.EqualFunc(got, want, func(a, b exchange) bool {
		return a.method == b.method && a.status == b.status && canonical(a.sent) == canonical(b.sent)
	})
}

// canonical orders the members of an object.
func canonical(text string) string {
	var v map[string]any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return fmt.Sprint(v)
}

// isPatient checks the waits between attempts: as many as retries, each as long
// as documented, no two alike.
func isPatient(t *testing.T, waits []float64, retries int) {
	t.Helper()
	outside := func(ms float64) bool { return ms < 50 || ms > 200 }
	distinct := len(slices.Compact(slices.Sorted(slices.Values(waits))))
	if len(waits) != retries || distinct != retries || slices.ContainsFunc(waits, outside) {
		t.Errorf("%d retries waited %v ms", retries, waits)
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// isMismatch checks the words of a mismatch. Members of the server's own follow
// those that the contract names.
func isMismatch(t *testing.T, body string) {
	t.Helper()
	const before = `{"error":{"code":"CONFLICT","message":"Version mismatch — read fresh and retry","correlationId":"`
	rest, ok := strings.CutPrefix(body, before)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok || !uuid.MatchString(id) || !json.Valid([]byte(body)) {
		t.Errorf("a mismatch is %s", body)
	}
}

// manyWriters edit one record at once, all of them through the loop, and the
// first of them after all have read the same. Who is told that it saved has its
// edit in the record, nobody else has, and none of them took away another's.
func (e *editor) manyWriters(t *testing.T) {
	const path, writers, edits = "/v1/orgs/many/brand", 8, 5
	send(t, "PUT", e.api+path, `{"n":0}`, 201)
	var readers sync.WaitGroup
	readers.Add(writers)
	first := make(chan struct{}, writers)
	seen := record(t, e.api, func(x exchange) {
		if x.method != "GET" {
			return
		}
		select {
		case first <- struct{}{}:
			readers.Done()
			readers.Wait()
		default:
		}
	})
	got := e.edit(t, seen.url+path, writers, edits, "{}")

	written, refused, bodies := 0, 0, map[string]bool{}
	for _, x := range seen.exchanges() {
		switch {
		case x.method == "GET" && x.status == 200:
		case x.method == "PUT" && !bodies[x.sent] && x.status == 200:
			written++
		case x.method == "PUT" && !bodies[x.sent] && x.status == 409:
			refused++
			isMismatch(t, x.answer)
		default:
			t.Errorf("the loop sent, the same content again or not: %+v", x)
		}
		if x.method == "PUT" {
			bodies[x.sent] = true
		}
	}
	var now map[string]any
	if err := json.Unmarshal([]byte(send(t, "GET", e.api+path, "", 200)), &now); err != nil {
		t.Fatal(err)
	}
	if len(got.Saved)+len(got.Elsewhere) != writers*edits || written != len(got.Saved) || refused < writers-1 || got.Runs != written+refused {
		t.Errorf("%d written, %d refused: %+v", written, refused, got)
	}
	if now["n"] != float64(written) || now["version"] != float64(written+1) || len(now) != written+2 {
		t.Errorf("after %d writes the record is %v", written, now)
	}
	for _, id := range got.Saved {
		if now[id] != true {
			t.Errorf("the edit %s was lost", id)
		}
	}
	if slices.ContainsFunc(got.Messages, func(m string) bool { return m != elsewhere }) || len(got.Messages) != len(got.Elsewhere) {
		t.Errorf("people were told %q", got.Messages)
	}
	// An edit that was given up has waited once less than it was refused.
	isPatient(t, got.Waits, refused-len(got.Elsewhere))
}

// otherRefusals are none that another attempt could help, and none is made.
func (e *editor) otherRefusals(t *testing.T) {
	const org = "/v1/orgs/other"
	send(t, "PUT", e.api+org+"/users/ann", `{"email":"ann","n":0}`, 201)
	send(t, "PUT", e.api+org+"/users/bob", `{"email":"bob","n":0}`, 201)
	send(t, "PUT", e.api+org+"/brand", `{"n":0}`, 201)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<h1>Bad Gateway</h1>", http.StatusBadGateway)
	}))
	defer broken.Close()
	deleted := func(x exchange) {
		if x.method == "GET" && x.status == 200 {
			send(t, "DELETE", e.api+org+"/brand", "", 204, "If-Match", `"1"`)
		}
	}
	for _, tt := range []struct {
		name, api, path, members string
		answered                 func(exchange)
		asked                    []string
		status                   int
		code                     string
	}{
		{"nothing there", e.api, org, "{}", nil, []string{"GET 404"}, 404, "NOT_FOUND"},
		{"deleted meanwhile", e.api, org + "/brand", "{}", deleted, []string{"GET 200", "PUT 409", "GET 404"}, 404, "NOT_FOUND"},
		{"another conflict", e.api, org + "/users/bob", `{"email":"ann"}`, nil, []string{"GET 200", "PUT 409"}, 409, "DUPLICATE"},
		{"not the API's answer", broken.URL, org, "{}", nil, []string{"GET 502"}, 502, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := record(t, tt.api, tt.answered)
			got := e.edit(t, seen.url+tt.path, 1, 1, tt.members)
			if len(got.Refused) != 1 || len(got.Messages) != 1 || got.Messages[0] == "" {
				t.Fatalf("%+v", got)
			}
			if r := got.Refused[0]; r.Status != tt.status || r.Code != tt.code || uuid.MatchString(r.CorrelationID) != (tt.code != "") {
				t.Errorf("%+v", r)
			}
			var asked []string
			for _, x := range seen.exchanges() {
				asked = append(asked, fmt.Sprint(x.method, " ", x.status))
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("the loop asked %q, want %q", asked, tt.asked)
			}
		})
	}
	if bob := send(t, "GET", e.api+org+"/users/bob", "", 200); bob != `{"email":"bob","n":0,"version":1}` {
		t.Errorf("a refused write has left %s", bob)
	}
}

// send sends a request past the recorder, with header fields in pairs of name and
// value, and returns the content of the answer.
func send(t *testing.T, method, url, body string, status int, header ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Errorf("%s %s: %d, %v: %s", method, url, res.StatusCode, err, got)
	}
	return string(got)
}
