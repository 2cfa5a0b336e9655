package main

import (
	"strings"
	"testing"
)

// TestHelp: help is what --help is, of a command too.
func TestHelp(t *testing.T) {
	for asked, means := range map[string][]string{"": {"--help"}, "help": {"--help"}, "help serve": {"serve", "--help"}, "help key new": {"key", "new", "--help"}} {
		out := func(args ...string) string {
			text, err := program(t, nil, args...).CombinedOutput()
			if err != nil {
				t.Errorf("%q: %v", args, err)
			}
			return string(text)
		}
		if got, want := out(strings.Fields(asked)...), out(means...); got != want || !strings.HasPrefix(got, "Usage: ifmatch") {
			t.Errorf("%q says\n%s\nand %q\n%s", asked, got, means, want)
		}
	}
}
