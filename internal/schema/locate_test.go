package schema

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

func TestLocate(t *testing.T) {
	const text = "\n{\n  \"a\": {\"b/c\": [1, {\"d\": 2}]},\n  \"ab\": 3\n}"
	for pointer, at := range map[string]string{
		"":            "{\n",
		"/a":          `"a"`,
		"/a/b~1c":     `"b/c"`,
		"/a/b~1c/0":   "1,",
		"/a/b~1c/1":   `{"d"`,
		"/a/b~1c/1/d": `"d"`,
		"/ab":         `"ab"`,
		"/a/x":        `"a"`,
		"/x":          "{\n",
	} {
		p, err := jsonvalue.ParsePointer(pointer)
		if err != nil {
			t.Fatal(err)
		}
		if offset := Locate([]byte(text), p); !strings.HasPrefix(text[offset:], at) {
			t.Errorf("%q: at %q, want %q", pointer, text[offset:], at)
		}
	}
}
