package main

import (
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	const closing = `{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}` + "\n"
	for name, c := range map[string]struct{ in, want string }{
		"a passed test says nothing": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"    a.go:1: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
` + closing, "ok  \tp\t0.1s\n"},
		"a skipped one says why": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a.go:1: no node\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
` + closing, "    a.go:1: no node\n--- SKIP: TestA\nok  \tp\t0.1s\n1 tests were skipped; their reasons stand above\n"},
		"a failed one says everything": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"    a.go:1: 1, want 2\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`, "    a.go:1: 1, want 2\n--- FAIL: TestA\nFAIL\tp\t0.1s\n"},
		"a panic brings out the test it stopped": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`, "FAIL\tp\t0.1s\npanic: boom\n"},
		"a package that does not compile":   {`{"Action":"build-output","ImportPath":"p","Output":"p.go:1: no\n"}` + "\n", "p.go:1: no\n"},
		"what is no event is printed as is": {"go: cannot find module\n", "go: cannot find module\n"},
		"nor is a last line without an end": {`{"Action":"out`, `{"Action":"out`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := filter(strings.NewReader(c.in), &out); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), c.want)
			}
		})
	}
}
