package readme_test

import "testing"

// TestMerging runs the session of docs/merging.md against a server under the policy that
// the page shows.
func TestMerging(t *testing.T) { runPage(t, "merging.md") }
