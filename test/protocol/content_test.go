package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

func TestContentThatIsNoDocument(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		slug       string
	}{
		{"nothing", " ", 400, "malformed"},
		{"not JSON", `{n:1}`, 400, "malformed"},
		{"cut off", `{"n":1`, 400, "malformed"},
		{"duplicate name", `{"a":1,"b":2,"a":1}`, 400, "malformed"},
		{"duplicate name, escaped", `{"a":1,"\u0061":1}`, 400, "malformed"},
		{"duplicate name below", `{"x":[{"a":1,"a":2}]}`, 400, "malformed"},
		{"lone high surrogate", `{"a":"\ud800"}`, 400, "malformed"},
		{"lone low surrogate", `{"a":"\udc00x"}`, 400, "malformed"},
		{"surrogates in the wrong order", `{"a":"\udc00\ud800"}`, 400, "malformed"},
		{"lone surrogate in a name", `{"\ud800":1}`, 400, "malformed"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", 400, "malformed"},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", 400, "malformed"},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", 400, "malformed"},
		{"byte order mark", "\ufeff{}", 400, "malformed"},
		{"two documents", `{"a":1}{"a":2}`, 400, "malformed"},
		{"garbage behind", `{"a":1} x`, 400, "malformed"},
		{"a NUL behind", "{\"a\":1}\x00", 400, "malformed"},
		{"too deep", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), 400, "malformed"},
		{"leading zero", `{"a":01}`, 400, "malformed"},
		{"NaN", `{"a":NaN}`, 400, "malformed"},
		{"exponent", `{"a":1e10001}`, 400, "malformed"},
		{"control character", "{\"a\":\"\x01\"}", 400, "malformed"},
		{"an array", `[1]`, 422, "invalid"},
		{"a string", `"a"`, 422, "invalid"},
		{"a number", `1`, 422, "invalid"},
		{"null", `null`, 422, "invalid"},
		{"true", `true`, 422, "invalid"},
	}
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				a := a.in(t)
				for _, to := range []struct{ method, path string }{
					{"PUT", "/v1/notes/1"}, {"PUT", "/v1/notes/new"}, {"POST", "/v1/notes"}, {"PATCH", "/v1/notes/1"},
				} {
					before := a.dump()
					got := a.do(to.method, to.path, test.body)
					p := a.problem(got)
					if got.status != test.status || p.Type != "urn:ifmatch:problem:"+test.slug || len(p.Faults) != 1 || p.Faults[0].Detail == "" {
						t.Errorf("%s: %d %s %v, want %d %s with its fault", to.method, got.status, p.Type, p.Faults, test.status, test.slug)
					}
					if a.dump() != before {
						t.Errorf("%s has written something", to.method)
					}
				}
			})
		}
		a.must(201, "PUT", "/v1/notes/deep", strings.Repeat(`{"a":`, 63)+"{}"+strings.Repeat("}", 63))
	})
}

func TestContentSurvivesTheRoundTrip(t *testing.T) {
	for i, doc := range []string{
		`{}`,
		`{"n":9007199254740993}`,
		`{"n":1.0,"m":1,"e":1E+2,"z":-0,"z2":-0.0,"f":0.1000}`,
		`{"n":123456789012345678901234567890.123456789012345678901234567890}`,
		`{"n":1e10000,"m":-1e-10000}`,
		`{"z":1,"a":2,"m":{"y":1,"b":[3,1,2]},"":0}`,
		`{"s":"é😀\u0000\u001f\"\\/","é":1}`,
		`{"null":null,"a":[null,{}],"t":true,"f":false}`,
	} {
		onEveryStore(t, setup{}, func(t *testing.T, a *api) {
			path := fmt.Sprintf("/v1/notes/%d", i)
			for _, got := range []answer{
				a.must(201, "PUT", path, doc), a.must(200, "GET", path, ""), a.must(200, "GET", path+"/_history/1", ""), a.must(201, "POST", "/v1/notes", doc),
			} {
				a.body(got, doc)
			}
			list := a.must(200, "GET", "/v1/notes", "").body
			if !strings.Contains(list, `"data":`+doc+`}`) {
				t.Errorf("the list shows it otherwise: %s", list)
			}
			a.verify()
		})
	}
}

func TestTombstones(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				var before []string // every tag of earlier lives
				created := a.must(201, "PUT", path, `{"n":1}`)
				for life := range 3 {
					first := created.header.Get("ETag")
					second := a.must(200, "PUT", path, `{"n":2}`, "If-Match", first).header.Get("ETag")
					a.must(204, "DELETE", path, "", "If-Match", second)
					before = append(before, first, second)
					a.refused(404, "not-found", "GET", path, "")
					a.refused(404, "not-found", "GET", path, "", "If-Match", "*")
					a.refused(404, "not-found", "PATCH", path, `{"n":3}`, "If-Match", second)
					a.refused(404, "not-found", "DELETE", path, "", "If-Match", second)
					for _, tag := range append(before, "*") {
						p := a.refused(412, "stale", "PUT", path, `{"n":3}`, "If-Match", tag)
						if !p.Deleted || p.CurrentEtag != "" || p.CurrentVersion != 0 {
							t.Errorf("life %d: deleted %v, current %q %d", life, p.Deleted, p.CurrentEtag, p.CurrentVersion)
						}
					}
					created = a.must(201, "PUT", path, `{"n":1}`, "If-None-Match", "*")
					a.header(created, "Ifmatch-Outcome", "created")
					for _, tag := range before {
						a.must(200, "GET", path, "", "If-None-Match", tag)
						p := a.refused(412, "stale", "PUT", path, `{"n":1}`, "If-Match", tag)
						if p.YourVersion != 0 || p.Strategies != nil || p.Changes != nil {
							t.Errorf("the tag %s of an earlier life is explained: %+v", tag, p)
						}
						a.refused(412, "stale", "DELETE", path, "", "If-Match", tag)
					}
				}
				version := a.must(200, "GET", "/v1/notes", "").body
				if !strings.Contains(version, `"version":10,`) { // 3 versions and a re-creation, three times over
					t.Errorf("the version did not go on: %s", version)
				}
				a.verify()
			})
		})
	}
}
