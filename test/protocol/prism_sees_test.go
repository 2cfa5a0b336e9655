package protocol_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	problems "github.com/ifmatch/ifmatch/problem"
)

// TestPrismSees: what a server answers and does not describe is found out, whichever
// part of an answer it is in.
func TestPrismSees(t *testing.T) {
	if !*withPrism { // scripts/prism.sh asks for it
		return
	}
	const list, page = "GET /v1/notes", `{"items":[]}`
	refusal := func(code problems.Code) string {
		d := problems.Document{Code: code, CorrelationID: "0199a4c1-7e00-7000-8000-000000000000"}
		return string(d.Append(nil))
	}
	problem := []string{"Content-Type", "application/problem+json"}
	for _, tt := range []struct {
		name, request string
		status        int
		body          string
		header        []string // beside that of a page; "" is none
		want          string   // in what is found, "" for nothing
	}{
		{"what is described", list, 200, page, nil, ""},
		{"a status", list, 418, page, nil, "status code"},
		{"a status of success", list, 202, page, nil, "status code"},
		{"a header that is missing", list, 200, page, []string{"ETag", ""}, "etag"},
		{"a header of another form", list, 200, page, []string{"ETag", "1"}, "etag"},
		{"a header that is not described", list, 200, page, []string{"Ifmatch-New", "1"}, "ifmatch-new"},
		{"a member that is missing", list, 200, `{}`, nil, "items"},
		{"a member of another type", list, 200, `{"items":[{"id":1,"etag":"\"1\"","version":1,"data":{}}]}`, nil, "id"},
		{"a media type", list, 200, page, []string{"Content-Type", "text/plain"}, "media type"},
		{"a problem", "PUT /v1/notes/1", 412, refusal(problems.Stale), problem, ""},
		{"another problem of that status", "PUT /v1/notes/1", 412, refusal(problems.MergeConflict), problem, "type"},
		{"a problem of another operation", "GET /v1/notes/1/_history", 412, refusal(problems.Stale), problem, "status code"},
		{"a path", "GET /v2/notes", 200, page, nil, "no such path"},
		{"a path that is refused", "GET /v2/notes", 404, refusal(problems.NotFound), problem, ""},
		{"a method", "POST /v1/notes/1", 200, page, nil, "no such path or method"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				for _, pairs := range [][]string{{"Content-Type", "application/json", "ETag", `W/"1"`, "Cache-Control", "no-store", "Vary", "Accept"}, tt.header} {
					for i := 0; i < len(pairs); i += 2 {
						if h.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
							h.Del(pairs[i])
						}
					}
				}
				w.WriteHeader(tt.status)
				if _, err := w.Write([]byte(tt.body)); err != nil {
					t.Error(err)
				}
			}))
			t.Cleanup(server.Close)
			c := httpapi.Config{Default: &engine.Rules{}}
			p := startPrism(t)
			url := p.open(t, string(c.OpenAPI().JSON()), server.URL)
			a := &api{t: t, url: url, direct: server.URL}
			method, path, _ := strings.Cut(tt.request, " ")
			a.do(method, path, "")
			found := p.judge(t, url)
			if tt.want == "" && len(found) > 0 || tt.want != "" && !strings.Contains(strings.ToLower(strings.Join(found, "\n")), tt.want) {
				t.Errorf("it finds %q, want %q", found, tt.want)
			}
		})
	}
}
