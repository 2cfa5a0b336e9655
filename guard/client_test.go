package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
)

// optional asks no precondition of anybody.
var optional = ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional,
}}

// api is one service over a socket.
type api struct {
	t   *testing.T
	url string
}

// serve mounts a guarded store under /v1/docs/{id}.
func serve(t *testing.T, s guard.Store, o guard.Options) api {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/v1/docs/{id}", guard.New(s, o))
	return serveHandler(t, mux)
}

func serveHandler(t *testing.T, h http.Handler) api {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return api{t: t, url: server.URL}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request about a document. Headers come in pairs of name and value.
// PUT and PATCH are JSON and merge patch unless the headers say otherwise.
func (a api) do(method, target, body string, headers ...string) answer {
	a.t.Helper()
	r, err := http.NewRequest(method, a.url+"/v1/docs/"+target, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	switch method {
	case http.MethodPut:
		r.Header.Set("Content-Type", "application/json")
	case http.MethodPatch:
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Content-Type" {
			r.Header.Del(headers[i])
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(data)}
}

// must is do for what has to give a status.
func (a api) must(status int, method, target, body string, headers ...string) answer {
	a.t.Helper()
	got := a.do(method, target, body, headers...)
	if got.status != status {
		a.t.Fatalf("%s %s %q: %d, want %d: %s", method, target, headers, got.status, status, got.body)
	}
	return got
}

// is checks that an answer is a problem of a kind.
func (a api) is(got answer, slug string) {
	a.t.Helper()
	if !strings.Contains(got.body, `"type":"urn:ifmatch:problem:`+slug+`"`) {
		a.t.Errorf("%d %s, want the problem %s", got.status, got.body, slug)
	}
}
