package ifmatch_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

// TestValidName holds it against its form, for each byte at the start and behind it.
func TestValidName(t *testing.T) {
	form := regexp.MustCompile(`\A(?:` + ifmatch.NameForm + `)\z`)
	names := []string{"", "a\n", "é", "..", "a/b", "a%20b", strings.Repeat("a", ifmatch.MaxName), strings.Repeat("a", ifmatch.MaxName+1), "_history"}
	for c := range 256 {
		names = append(names, string([]byte{byte(c)}), string([]byte{'a', byte(c)}), string([]byte{'a', byte(c), 'z'}))
	}
	for _, s := range names {
		if got := ifmatch.ValidName(s); got != form.MatchString(s) {
			t.Errorf("%q is a name: %t", s, got)
		}
	}
	if !ifmatch.ValidName(strings.Repeat("a", ifmatch.MaxName)) {
		t.Error("the longest name is none")
	}
}
