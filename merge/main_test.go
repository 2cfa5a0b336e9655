package merge_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var torture = flag.Bool("torture", false, "check every law on many more documents")

// TestMain says how often a law is checked, unless -rapid.checks says it.
func TestMain(m *testing.M) {
	flag.Parse()
	checks := "2000"
	if *torture {
		checks = "100000"
	}
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
