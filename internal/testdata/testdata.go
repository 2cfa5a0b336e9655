// Package testdata finds and runs the test data that is read from outside the
// repository: public suites of third parties, which are not copied into it.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Shared returns the path of a file under shared/vectors, which stands beside
// the checkout or where IFMATCH_SHARED points. Where it is not there the test is
// skipped, and the message says what was not checked for want of which file.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("IFMATCH_SHARED")
	if root == "" {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "vectors"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: %s needs test data that is not here: %v (set IFMATCH_SHARED to the folder that holds vectors/)", t.Name(), err)
	}
	return path
}
