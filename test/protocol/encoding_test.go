package protocol_test

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// large is a document that is compressed where that is asked for.
var large = `{"title":"A","text":"` + strings.Repeat("something to compress ", 100) + `"}`

// decoded returns an answer's body without its content coding.
func (a *api) decoded(got answer) string {
	a.t.Helper()
	var r io.Reader = strings.NewReader(got.body)
	var err error
	switch got.header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

var codings = []string{"gzip", "br", "zstd"}

// Each coding has a tag of its own, which names the same state as any other.
func TestCodings(t *testing.T) {
	contracts := map[string]ifmatch.Contract{
		"version": {}, "hash": {Token: ifmatch.TokenHash}, "weak": {Weak: true}, "signed": {Token: ifmatch.TokenSigned}, "tag": {Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionTag}},
	}
	for name, contract := range contracts {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				plainTag := a.must(201, "PUT", "/v1/docs/1", large).header.Get("ETag")
				for _, coding := range codings {
					a.codingRoundTrip(t, coding, plainTag, contract.Weak)
					a.must(200, "PUT", "/v1/docs/1", large, "If-Match", plainTag) // unchanged
				}
				a.verify()
			})
		})
	}
}

func (a *api) codingRoundTrip(t *testing.T, coding, plainTag string, weak bool) {
	a = a.in(t)
	want := strings.TrimSuffix(plainTag, `"`) + ";" + coding + `"`
	if weak {
		want = plainTag
	}
	got := a.must(200, "GET", "/v1/docs/1", "", "Accept-Encoding", coding)
	a.header(got, "Content-Encoding", coding)
	a.header(got, "ETag", want)
	a.header(got, "Content-Length", strconv.Itoa(len(got.body)))
	if len(got.body) >= len(large)/2 || a.decoded(got) != large {
		t.Errorf("%s: %d bytes do not come back as %d", coding, len(got.body), len(large))
	}
	if !strings.Contains(got.header.Get("Vary"), "Accept-Encoding") {
		t.Errorf("Vary: %s", got.header.Get("Vary"))
	}
	head := a.must(200, "HEAD", "/v1/docs/1", "", "Accept-Encoding", coding)
	for _, name := range []string{"Content-Encoding", "ETag", "Content-Length", "Content-Type", "Last-Modified", "Vary", "Cache-Control"} {
		a.header(head, name, got.header.Get(name))
	}
	for _, method := range []string{"GET", "HEAD"} {
		same := a.must(304, method, "/v1/docs/1", "", "Accept-Encoding", coding, "If-None-Match", want)
		a.header(same, "ETag", want)
		a.header(same, "Content-Encoding", "")
	}
	a.must(200, "GET", "/v1/docs/1", "", "If-Match", want)
	put := a.must(200, "PUT", "/v1/docs/1", large, "If-Match", want, "Accept-Encoding", coding)
	a.header(put, "Ifmatch-Outcome", "unchanged")
	a.header(put, "ETag", plainTag)
	a.header(put, "Content-Encoding", "")
}

// A write that names the tag of a coding replaces what it names, and is refused
// once that is stale, with an explanation.
func TestCodedTagsGuardWrites(t *testing.T) {
	for name, token := range map[string]ifmatch.Token{"version": ifmatch.TokenVersion, "hash": ifmatch.TokenHash} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Token: token}}}, func(t *testing.T, a *api) {
				for i, coding := range codings {
					path := "/v1/docs/" + coding
					a.must(201, "PUT", path, large)
					tag := a.must(200, "GET", path, "", "Accept-Encoding", coding).header.Get("ETag")
					a.must(200, "PATCH", path, `{"title":"`+strconv.Itoa(i)+`"}`, "If-Match", tag)
					p := a.refused(412, "stale", "PATCH", path, `{"title":"lost"}`, "If-Match", tag)
					if p.YourVersion != 1 || p.CurrentVersion != 2 {
						t.Errorf("%+v", p)
					}
					a.refused(412, "stale", "DELETE", path, "", "If-Match", tag)
				}
				a.verify()
			})
		})
	}
}

func TestAcceptEncoding(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/docs/1", large)
		a.must(201, "PUT", "/v1/docs/small", `{"text":"`+strings.Repeat("x", 1023-11)+`"}`)
		for _, c := range []struct{ accept, want string }{
			{"", ""}, {"identity", ""}, {"deflate", ""}, {"gzip;q=0", ""}, {"*;q=0", ""}, {"gzip;q=2", ""}, {"gzip;level=1", ""},
			{"gzip", "gzip"}, {"GZIP", "gzip"}, {"x-gzip", "gzip"}, {"gzip ; q=0.001", "gzip"}, {"identity;q=0, br", "br"},
			{"gzip, deflate, br, zstd", "zstd"}, {"gzip, deflate", "gzip"}, {"gzip, br", "gzip"}, {"br;q=1.0, gzip;q=0.8", "br"},
			{"gzip;q=0.5, identity", ""}, {"gzip;q=0.5, identity;q=0.4", "gzip"}, {"*", "zstd"}, {"zstd;q=0, *", "gzip"},
			{"gzip;q=0.5, *;q=0.1", "gzip"}, {"compress, gzip;q=0.7", "gzip"}, {",, br ,", "br"},
		} {
			got := a.must(200, "GET", "/v1/docs/1", "", "Accept-Encoding", c.accept)
			if have := got.header.Get("Content-Encoding"); have != c.want || a.decoded(got) != large {
				t.Errorf("Accept-Encoding: %s has the coding %q, want %q", c.accept, have, c.want)
			}
		}
		lines := a.must(200, "GET", "/v1/docs/1", "", "Accept-Encoding", "gzip;q=0.5", "Accept-Encoding", "br")
		a.header(lines, "Content-Encoding", "br")
		small := a.must(200, "GET", "/v1/docs/small", "", "Accept-Encoding", "gzip")
		if len(small.body) != 1023 {
			t.Fatalf("%d bytes", len(small.body))
		}
		a.header(small, "Content-Encoding", "")
		a.header(small, "ETag", `"1"`)
		a.must(200, "PUT", "/v1/docs/small", strings.Replace(small.body, "x", "xy", 1), "If-Match", `"1"`)
		a.header(a.must(200, "GET", "/v1/docs/small", "", "Accept-Encoding", "gzip"), "ETag", `"2;gzip"`)
		missing := a.do("GET", "/v1/docs/"+strings.Repeat("n", 128), "", "Accept-Encoding", "gzip")
		a.status(missing, 404)
		a.header(missing, "Content-Encoding", "")
	})
}

// A 304 has the tag that a 200 to the same request would have had; where the
// reader lists what it has, in a coding that it accepts, it is that one.
func TestNotModifiedInACoding(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/docs/1", large)
		for _, c := range []struct{ accept, noneMatch, want string }{
			{"", `"1"`, `"1"`},
			{"", `"1;gzip"`, `"1"`},
			{"gzip", `"1"`, `"1"`},
			{"gzip", `*`, `"1;gzip"`},
			{"gzip", `W/"1"`, `"1"`},
			{"gzip", `"1-gzip"`, `"1;gzip"`},
			{"gzip", `W/"1;gzip"`, `"1;gzip"`},
			{"gzip, identity;q=0", `"1"`, `"1;gzip"`},
			{"gzip, br, zstd", `"1;gzip"`, `"1;gzip"`},
			{"gzip, br, zstd", `"1;br", "1;zstd"`, `"1;zstd"`},
			{"gzip, br, zstd", `"1;br", "1"`, `"1"`},
			{"gzip", `"1;br"`, `"1;gzip"`},
			{"identity", `"1;br"`, `"1"`},
		} {
			got := a.must(304, "GET", "/v1/docs/1", "", "Accept-Encoding", c.accept, "If-None-Match", c.noneMatch)
			if have := got.header.Get("ETag"); have != c.want {
				t.Errorf("Accept-Encoding: %s, If-None-Match: %s has %s, want %s", c.accept, c.noneMatch, have, c.want)
			}
			a.body(got, "")
		}
		for _, other := range []string{`"2;gzip"`, `"1;deflate"`, `"1;gzip;gzip"`, `"01;gzip"`, `"1+gzip"`} {
			a.must(200, "GET", "/v1/docs/1", "", "Accept-Encoding", "gzip", "If-None-Match", other)
		}
	})
}

// Versions of the history have tags in codings too; a list's tag is weak, and
// that of all codings.
func TestCodingsOfOtherReads(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/docs/1", large)
		a.must(200, "PATCH", "/v1/docs/1", `{"title":"B"}`, "If-Match", `"1"`)
		for _, coding := range codings {
			const path = "/v1/docs/1/_history/1"
			got := a.must(200, "GET", path, "", "Accept-Encoding", coding)
			a.header(got, "Content-Encoding", coding)
			a.header(got, "ETag", `"1;`+coding+`"`)
			if a.decoded(got) != large {
				t.Errorf("%s: another body", coding)
			}
			a.header(a.must(304, "GET", path, "", "Accept-Encoding", coding, "If-None-Match", `"1;`+coding+`"`), "ETag", `"1;`+coding+`"`)

			plain, list := a.must(200, "GET", "/v1/docs", ""), a.must(200, "GET", "/v1/docs", "", "Accept-Encoding", coding)
			a.header(list, "Content-Encoding", coding)
			a.header(list, "ETag", plain.header.Get("ETag"))
			if a.decoded(list) != plain.body {
				t.Errorf("%s: another list", coding)
			}
			a.must(304, "GET", "/v1/docs", "", "Accept-Encoding", coding, "If-None-Match", list.header.Get("ETag"))
		}
	})
}

// Whatever is read, the tag that comes with it is accepted.
func TestPublishedTagsAreAccepted(t *testing.T) {
	a := newAPI(t, openSQLite(t), setup{rules: engine.Rules{Contract: ifmatch.Contract{Token: ifmatch.TokenHash}}})
	a.must(201, "PUT", "/v1/docs/1", large)
	version := 1
	rapid.Check(t, func(rt *rapid.T) {
		accept := strings.Join(rapid.SliceOfN(rapid.SampledFrom(append(codings, "identity;q=0", "*;q=0.1", "gzip;q=0.2")), 1, 3).Draw(rt, "accept"), ", ")
		got, err := a.send("GET", "/v1/docs/1", "", "Accept-Encoding", accept)
		if err != nil || got.status != 200 {
			rt.Fatalf("%d, %v", got.status, err)
		}
		tag := got.header.Get("ETag")
		again, err := a.send("GET", "/v1/docs/1", "", "Accept-Encoding", accept, "If-None-Match", tag)
		if err != nil || again.status != 304 || again.header.Get("ETag") != tag {
			rt.Fatalf("If-None-Match: %s: %d with %s, %v", tag, again.status, again.header.Get("ETag"), err)
		}
		version++
		var next bytes.Buffer
		next.WriteString(`{"title":"` + strconv.Itoa(version) + `"}`)
		put, err := a.send("PATCH", "/v1/docs/1", next.String(), "If-Match", tag)
		if err != nil || put.status != 200 {
			rt.Fatalf("If-Match: %s: %d, %s, %v", tag, put.status, put.body, err)
		}
	})
	a.verify()
}
