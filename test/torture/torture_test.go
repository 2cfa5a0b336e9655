//go:build unix

// Package torture_test is the proof that nothing is lost: many clients work on a real
// server while processes die, networks break and disks fill. What each of them was told
// must be the history of one store that does one thing after the other.
package torture_test

import (
	"flag"
	"os"
	"testing"

	"github.com/ifmatch/ifmatch/test/process"
)

var torture = flag.Bool("torture", false, "break things many more times")

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(process.Main(m, &binary))
}
