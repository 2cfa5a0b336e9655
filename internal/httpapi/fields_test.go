package httpapi

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// FuzzFieldAt checks that what a URL says of a field is one JSON Pointer, that the
// other form of a URL can say the same, and that nothing in a path is left to whoever
// passes it on.
func FuzzFieldAt(f *testing.F) {
	for _, s := range [][2]string{
		{"", ""}, {"", "pointer="}, {"", "pointer=/a/b"}, {"", "pointer=%2Fa~1b%2F~0"}, {"", "pointer=/a&pointer=/b"}, {"/a", "pointer=/a"}, {"", "pointer=/%FF"}, {"", "pointer=//.."},
		{"/a", ""}, {"/a/0/-", ""}, {"/a~1b/~0", ""}, {"/a%7E1b", ""}, {"/a%2Fb", ""}, {"/a%2fb", ""}, {"/%2e%2E", ""}, {"/..", ""}, {"/.", ""}, {"/", ""}, {"/a//b", ""}, {"/%", ""}, {"/%FF", ""}, {"/~", ""}, {"/%00", ""}, {"/+", "dryRun=true"}, {"/a%25", "x=%zz"}, {"/%C3%BC", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, escaped, query string) {
		if escaped != "" && escaped[0] != '/' {
			return // which is no path below _fields
		}
		at, code, detail := fieldAt(escaped, query)
		if detail != "" {
			if !code.Known() || at != nil {
				t.Fatalf("%q %q is refused as %q with %q", escaped, query, code, at)
			}
			return
		}
		text := at.String()
		if again, err := jsonvalue.ParsePointer(text); err != nil || again.String() != text || len(at) == 0 {
			t.Fatalf("%q %q names %q: %v", escaped, query, at, err)
		}
		if same, _, detail := fieldAt("", "pointer="+url.QueryEscape(text)); detail != "" || same.String() != text {
			t.Fatalf("%q %q names %q, and as a pointer %q: %s", escaped, query, text, same, detail)
		}
		if escaped == "" {
			return
		}
		if plain, err := url.PathUnescape(escaped); err != nil || plain != text && strings.Count(plain, "/") != len(at) {
			t.Fatalf("%q names %q: %v", escaped, text, err)
		}
		for _, token := range at {
			if token == "" || token == "." || token == ".." {
				t.Fatalf("%q names %q, which others would take out of a path", escaped, text)
			}
		}
	})
}
