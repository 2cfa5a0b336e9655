package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// hashTokens is the contract with tags made of content.
var hashTokens = ifmatch.Contract{Token: ifmatch.TokenHash}

func TestNames(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, name := range []string{
			"a", "Z", "0", "~", "-", "--", "a.", "a..", "-.", "~_", "a_b", "a.b~c-d_e", "9", "v1", "healthz",
			strings.Repeat("a", 128), "-" + strings.Repeat("_", 127),
		} {
			t.Run(name, func(t *testing.T) {
				a := a.in(t)
				a.must(201, "PUT", "/v1/things/"+name, `{"n":1}`)
				a.body(a.must(200, "GET", "/v1/things/"+name, ""), `{"n":1}`)
				a.must(201, "PUT", "/v1/"+name+"/1", `{"n":2}`)
				a.body(a.must(200, "GET", "/v1/"+name+"/1", ""), `{"n":2}`)
			})
		}
		for _, name := range []string{
			".", "..", "...", ".a", "_", "_a", "_history", "%61", "a%62", "a%2Fb", "a%20b", "%C3%A9", "%2e%2e", "%2E", "a%00",
			"a+b", "a:b", "a;b", "a@b", "a,b", "a'b", "a!", "a$", "a&b", "a=b", "a*", "(a)", "a%7Cb", "a%7cb",
			strings.Repeat("a", 129), "~" + strings.Repeat("b", 128),
		} {
			t.Run("not "+name, func(t *testing.T) {
				a := a.in(t)
				for _, path := range []string{"/v1/things/" + name, "/v1/" + name + "/1", "/v1/" + name} {
					for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "POST"} {
						a.refused(404, "not-found", method, path, bodyFor(method))
					}
				}
			})
		}
		a.verify()
	})
}

func bodyFor(method string) string {
	if method == "GET" || method == "DELETE" || method == "HEAD" {
		return ""
	}
	return `{"n":1}`
}

func TestPathsAreTakenAsTheyCame(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, path := range []string{
			"/", "/v1", "/v1/", "/V1/notes/1", "/v2/notes/1", "/v1/notes/", "/v1/notes/1/", "/v1/notes//1", "/v1//notes/1",
			"//v1/notes/1", "/v1/notes/./1", "/v1/x/../notes/1", "/v1/notes/1/..", "/v1/notes/1/.", "/./v1/notes/1",
			"/v1/notes%2F1", "/v1/notes/1%2F", "/v1/notes/%31", "/%761/notes/1", "/v1/notes/1/2", "/v1/notes/1/_",
			"/v1/notes/1/_History", "/v1/notes/1/_history/", "/v1/notes/1/_history/0", "/v1/notes/1/_history/01",
			"/v1/notes/1/_history/-1", "/v1/notes/1/_history/+1", "/v1/notes/1/_history/1.0", "/v1/notes/1/_history/1/",
			"/v1/notes/1/_history/9007199254740992", "/v1/notes/1/_history/99999999999999999999", "/v1/notes/1/_diff/", "/v1/notes/1/_blame/", "/v1/notes/1/_Blame",
			"/v1/notes/1/_conflicts/", "/v1/notes/1/_conflicts/_x", "/v1/notes/1/_conflicts/x/", "/v1/notes/1/_conflicts/x/y", "/v1/notes/1/_conflicts/resolve/",
			"/v1/notes/1/_conflicts//resolve", "/v1/notes/1/_conflicts/x/resolve/", "/v1/notes/1/_conflicts/x/resolve/resolve", "/v1/notes/_conflicts",
			"/v1/notes/_history", "/v1/_history", "/_", "/_x", "/healthz/", "/readyz/",
		} {
			t.Run(path, func(t *testing.T) {
				a := a.in(t)
				for _, method := range []string{"GET", "PUT", "DELETE", "POST", "OPTIONS"} {
					a.refusedWithoutOutcome(404, "not-found", method, path)
				}
			})
		}
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"n":1}`)
	})
}

// refusedWithoutOutcome is refused for methods that may or may not be writes.
func (a *api) refusedWithoutOutcome(status int, slug, method, path string) {
	a.t.Helper()
	before := a.dump()
	got := a.do(method, path, bodyFor(method))
	if got.status != status {
		a.t.Errorf("%s %s: %d, want %d: %s", method, path, got.status, status, got.body)
		return
	}
	if p := a.problem(got); p.Type != "urn:ifmatch:problem:"+slug {
		a.t.Errorf("%s %s: %s, want %s", method, path, p.Type, slug)
	}
	if got.header.Get("ETag") != "" || got.header.Get("Location") != "" {
		a.t.Errorf("%s %s: header %v of another answer", method, path, got.header)
	}
	if a.dump() != before {
		a.t.Errorf("%s %s has changed something", method, path)
	}
}

func TestPut(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		got := a.must(201, "PUT", "/v1/notes/1", ` { "b" : 1 , "a":[ 1, 2 ] } `)
		a.header(got, "ETag", `"1"`)
		a.header(got, "Ifmatch-Outcome", "created")
		a.header(got, "Content-Type", "application/json")
		a.body(got, `{"b":1,"a":[1,2]}`)
		got = a.must(200, "PUT", "/v1/notes/1", `{"b":2}`, "If-Match", `"1"`, "Content-Type", `application/vnd.note+json; charset="UTF-8"`)
		a.header(got, "ETag", `"2"`)
		a.header(got, "Ifmatch-Outcome", "replaced")
		a.body(got, `{"b":2}`)
		a.body(a.must(200, "GET", "/v1/notes/1", ""), `{"b":2}`)
		got = a.must(204, "DELETE", "/v1/notes/1", "", "If-Match", `"2"`)
		a.header(got, "ETag", "")
		a.header(got, "Last-Modified", "")
		a.header(got, "Content-Type", "")
		a.header(got, "Ifmatch-Outcome", "deleted")
		a.verify()
	})
}

func TestPatch(t *testing.T) {
	const merge, ops = "application/merge-patch+json", "application/json-patch+json"
	tests := []struct {
		name, media, doc, patch, want string
	}{
		{"merge patch", merge, `{"a":1,"b":{"c":1,"d":2}}`, `{"b":{"c":null,"e":3},"f":[null]}`, `{"a":1,"b":{"d":2,"e":3},"f":[null]}`},
		{"plain JSON is a merge patch", "application/json", `{"a":1}`, `{"a":null,"b":2}`, `{"b":2}`},
		{"media types do not mind case", "Application/Merge-Patch+JSON; charset=utf-8", `{"a":1}`, `{"a":2}`, `{"a":2}`},
		{"JSON Patch", ops, `{"a":[1,2]}`, `[{"op":"test","path":"/a/0","value":1},{"op":"add","path":"/a/-","value":3},{"op":"remove","path":"/a/0"}]`, `{"a":[2,3]}`},
		{"JSON Patch sets null", ops, `{"a":1}`, `[{"op":"replace","path":"/a","value":null}]`, `{"a":null}`},
		{"JSON Patch replaces all", ops, `{"a":1}`, `[{"op":"replace","path":"","value":{"z":1}}]`, `{"z":1}`},
		{"order and digits of what is left alone", merge, `{"z":1.0,"a":9007199254740993,"m":1e2}`, `{"m":-0}`, `{"z":1.0,"a":9007199254740993,"m":-0}`},
	}
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a, path := a.in(t), fmt.Sprintf("/v1/notes/p%d", i)
				a.must(201, "PUT", path, test.doc)
				got := a.must(200, "PATCH", path, test.patch, "If-Match", `"1"`, "Content-Type", test.media)
				a.header(got, "ETag", `"2"`)
				a.header(got, "Ifmatch-Outcome", "patched")
				a.body(got, test.want)
				a.body(a.must(200, "GET", path, ""), test.want)
			})
		}
		a.verify()
	})
}

func TestMediaTypes(t *testing.T) {
	const accepted = "application/merge-patch+json, application/json-patch+json, application/json"
	tests := []struct {
		name, method, path string
		headers            []string
		acceptPatch        string
		acceptEncoding     string
	}{
		{"PUT of text", "PUT", "/v1/notes/1", []string{"Content-Type", "text/plain"}, "", ""},
		{"PUT of nothing said", "PUT", "/v1/notes/1", []string{"Content-Type", ""}, "", ""},
		{"PUT of a broken media type", "PUT", "/v1/notes/1", []string{"Content-Type", "application/json; charset"}, "", ""},
		{"PUT of a form", "PUT", "/v1/notes/1", []string{"Content-Type", "application/x-www-form-urlencoded"}, "", ""},
		{"PUT of another charset", "PUT", "/v1/notes/1", []string{"Content-Type", "application/json; charset=latin1"}, "", ""},
		{"PUT of a patch", "PUT", "/v1/notes/1", []string{"Content-Type", "application/merge-patch+json"}, "", ""},
		{"PUT of a JSON Patch", "PUT", "/v1/notes/1", []string{"Content-Type", "application/json-patch+json"}, "", ""},
		{"PUT of almost JSON", "PUT", "/v1/notes/1", []string{"Content-Type", "application/jsonx"}, "", ""},
		{"POST of text", "POST", "/v1/notes", []string{"Content-Type", "text/plain"}, "", ""},
		{"PATCH of text", "PATCH", "/v1/notes/1", []string{"Content-Type", "text/plain"}, accepted, ""},
		{"PATCH of nothing said", "PATCH", "/v1/notes/1", []string{"Content-Type", ""}, accepted, ""},
		{"PATCH of some JSON", "PATCH", "/v1/notes/1", []string{"Content-Type", "application/vnd.x+json"}, accepted, ""},
		{"PUT compressed", "PUT", "/v1/notes/1", []string{"Content-Encoding", "gzip"}, "", "identity"},
		{"PATCH compressed", "PATCH", "/v1/notes/1", []string{"Content-Encoding", "br"}, "", "identity"},
		{"POST compressed", "POST", "/v1/notes", []string{"Content-Encoding", "deflate, gzip"}, "", "identity"},
		{"coding on a second line", "PUT", "/v1/notes/1", []string{"Content-Encoding", "identity", "Content-Encoding", "gzip"}, "", "identity"},
		{"coding in a list", "PUT", "/v1/notes/1", []string{"Content-Encoding", "identity, gzip"}, "", "identity"},
	}
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a := a.in(t)
				before := a.dump()
				got := a.do(test.method, test.path, `{"n":2}`, test.headers...)
				a.isProblem(got, 415, "unsupported-media-type", test.method, test.path)
				a.header(got, "Accept-Patch", test.acceptPatch)
				a.header(got, "Accept-Encoding", test.acceptEncoding)
				if a.dump() != before {
					t.Error("something was written")
				}
			})
		}
		for _, media := range []string{"application/json", "application/json;charset=utf-8", "application/geo+json", "model/gltf+json"} {
			a.must(200, "PUT", "/v1/notes/1", `{"media":"`+media+`"}`, "Content-Type", media)
		}
		a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "Content-Encoding", "identity")
		a.refused(400, "malformed", "PUT", "/v1/notes/1", `{"n":4}`, "Content-Range", "bytes 0-6/7")
		a.must(200, "PATCH", "/v1/notes/1", `{"n":4}`, "Content-Range", "bytes 0-6/7") // RFC 9110 §14.4: ignored where it means nothing
	})
}

func TestMethods(t *testing.T) {
	const item, collection, reading = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT", "GET, HEAD, OPTIONS, POST", "GET, HEAD, OPTIONS"
	const parked, resolving = "DELETE, GET, HEAD, OPTIONS", "OPTIONS, POST"
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, test := range []struct{ method, path, allow string }{
			{"POST", "/v1/notes/1", item}, {"TRACE", "/v1/notes/1", item}, {"BREW", "/v1/notes/none", item},
			{"PUT", "/v1/notes", collection}, {"PATCH", "/v1/notes", collection}, {"DELETE", "/v1/notes", collection},
			{"PUT", "/v1/notes/1/_history", reading}, {"DELETE", "/v1/notes/1/_history/1", reading}, {"POST", "/v1/notes/1/_diff", reading}, {"PUT", "/v1/notes/1/_blame", reading}, {"POST", "/v1/notes/1/_fields/n", item}, {"TRACE", "/v1/notes/1/_fields", item},
			{"POST", "/v1/notes/1/_conflicts", reading}, {"DELETE", "/v1/notes/1/_conflicts", reading},
			{"PUT", "/v1/notes/1/_conflicts/x", parked}, {"POST", "/v1/notes/1/_conflicts/x", parked},
			{"GET", "/v1/notes/1/_conflicts/x/resolve", resolving}, {"DELETE", "/v1/notes/1/_conflicts/x/resolve", resolving},
		} {
			t.Run(test.method+" "+test.path, func(t *testing.T) {
				a := a.in(t)
				before := a.dump()
				got := a.do(test.method, test.path, bodyFor(test.method))
				p := a.isProblem(got, 405, "method-not-allowed", test.method, test.path)
				a.header(got, "Allow", test.allow)
				if strings.Join(p.Allowed, ", ") != test.allow {
					t.Errorf("allowed %q", p.Allowed)
				}
				if a.dump() != before {
					t.Error("something was written")
				}
			})
		}
		for _, test := range []struct{ path, allow, patch string }{
			{"/v1/notes/1", item, "application/merge-patch+json, application/json-patch+json, application/json"},
			{"/v1/notes/none", item, "application/merge-patch+json, application/json-patch+json, application/json"},
			{"/v1/notes", collection, ""}, {"/v1/notes/1/_history", reading, ""}, {"/v1/notes/1/_blame", reading, ""},
			{"/v1/notes/1/_fields/none", item, "application/merge-patch+json, application/json-patch+json, application/json"},
			{"/v1/notes/1/_conflicts", reading, ""}, {"/v1/notes/1/_conflicts/x", parked, ""}, {"/v1/notes/1/_conflicts/x/resolve", resolving, ""}, {"/healthz", reading, ""},
		} {
			got := a.must(204, "OPTIONS", test.path, "")
			a.header(got, "Allow", test.allow)
			a.header(got, "Accept-Patch", test.patch)
			a.body(got, "")
		}
		got := a.raw("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		a.status(got, 204)
		a.header(got, "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
		a.status(a.raw("GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 404)
	})
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		for _, path := range []string{
			"/v1/notes/1", "/v1/notes", "/v1/notes/1/_history", "/v1/notes/1/_history/1", "/v1/notes/1/_diff?from=1&to=2", "/v1/notes/1/_blame", "/v1/notes/none/_blame",
			"/v1/notes/1/_fields/n", "/v1/notes/1/_fields/m", "/v1/notes/1/_fields?pointer=/n", "/v1/notes/1/_fields",
			"/v1/notes/none", "/v1/notes/_", "/v1/notes/1/_history/9", "/v1/notes?page=2", "/healthz", "/readyz",
		} {
			for _, headers := range [][]string{nil, {"If-None-Match", "*"}, {"If-Match", `"nothing"`}} {
				headers := append(headers, "X-Request-Id", "0199a0b1-0000-7000-8000-000000000001")
				get, head := a.do("GET", path, "", headers...), a.do("HEAD", path, "", headers...)
				if head.body != "" {
					a.t.Errorf("HEAD %s has a body: %s", path, head.body)
				}
				get.header.Del("Date")
				head.header.Del("Date")
				if get.status != 304 { // what action a problem names is one letter longer
					get.header.Del("Content-Length")
					head.header.Del("Content-Length")
				}
				if get.status != head.status || fmt.Sprint(get.header) != fmt.Sprint(head.header) {
					a.t.Errorf("%s %v: HEAD answers %d %v, GET %d %v", path, headers, head.status, head.header, get.status, get.header)
				}
			}
		}
		if get, head := a.must(200, "GET", "/v1/notes/1", ""), a.must(200, "HEAD", "/v1/notes/1", ""); get.header.Get("Content-Length") != head.header.Get("Content-Length") {
			a.t.Errorf("Content-Length %q by HEAD, %q by GET", head.header.Get("Content-Length"), get.header.Get("Content-Length"))
		}
	})
}

func TestPostCreates(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionTag}}}}, func(t *testing.T, a *api) {
		seen := map[string]bool{}
		for range 3 {
			got := a.must(201, "POST", "/v1/notes", `{"n":1}`)
			location := got.header.Get("Location")
			id, ok := strings.CutPrefix(location, "/v1/notes/")
			parsed, err := uuid.Parse(id)
			if !ok || err != nil || parsed.Version() != 7 || parsed.String() != id || seen[id] {
				a.t.Fatalf("Location %q: not a fresh UUIDv7: %v", location, err)
			}
			seen[id] = true
			a.header(got, "ETag", `"1"`)
			a.header(got, "Ifmatch-Outcome", "created")
			a.body(got, `{"n":1}`)
			read := a.must(200, "GET", location, "")
			a.header(read, "ETag", `"1"`)
			a.body(read, `{"n":1}`)
		}
		got := a.must(201, "POST", "/v1/notes", `{"n":1}`, "Prefer", "return=minimal")
		a.body(got, "")
		a.must(200, "GET", got.header.Get("Location"), "")
		a.verify()
	})
}
