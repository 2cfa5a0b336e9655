package session_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

func TestCheck(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: sessions need bash: %v", err)
	}
	for name, tt := range map[string]struct {
		lines []string
		fault string // "" for none
	}{
		"as shown":         {[]string{"$ printf 'a\\nb\\nc\\n'", "a", "c"}, ""},
		"anything within":  {[]string{"$ echo '{\"id\":\"0199\",\"n\":1}'", `{"id":"…","n":1}`}, ""},
		"the address":      {[]string{"$ echo http://here:1/x", "http://there:2/x"}, ""},
		"variables last":   {[]string{"$ x=7", "$ echo $x", "7"}, ""},
		"several lines":    {[]string{"$ echo a \\", ">   b", "a b"}, ""},
		"other output":     {[]string{"$ echo a", "b"}, "missing"},
		"a part of a line": {[]string{"$ echo abc", "ab"}, "missing"},
		"another order":    {[]string{"$ printf 'a\\nb\\n'", "b", "a"}, "missing"},
		"no status line":   {[]string{"$ : curl -i", ""}, "no status line"},
		"no answer":        {[]string{"$ : curl", "$ echo a", "a"}, "no answer"},
		"headers and body": {[]string{
			`$ printf 'HTTP/1.1 200 OK\r\nDate: today\r\nEtag: "2"\r\n\r\n{"n":1}' # as curl -i does`, "HTTP/1.1 200 OK", `Etag: "2"`, `{"n":1}`,
		}, ""},
		"another status":        {[]string{`$ printf 'HTTP/1.1 200 OK\r\n' # as curl -i does`, "HTTP/1.1 412 Precondition Failed"}, "missing"},
		"a variable never set":  {[]string{"$ echo $nowhere", ""}, "ended with"},
		"output of nothing":     {[]string{"a"}, "without a command"},
		"nothing at all":        {nil, "no session"},
		"a dot is only a dot":   {[]string{"$ echo abc", "a.c"}, "missing"},
		"carriage returns pass": {[]string{"$ printf 'a\\r\\nb'", "a", "b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "README.md")
			text := "# Title\n\n```console\n" + strings.Join(append(tt.lines, ""), "\n") + "```\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := session.Check(t.Context(), path, t.TempDir(), "here:1", "there:2")
			if tt.fault == "" && err != nil || tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("got %v, want %q", err, tt.fault)
			}
		})
	}
}
