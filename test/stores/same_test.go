package stores_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/testdata"
	"github.com/ifmatch/ifmatch/test/process"
	"github.com/ifmatch/ifmatch/test/stores"
)

var binary string

func TestMain(m *testing.M) { os.Exit(process.Main(m, &binary)) }

// TestSameAnswers sends the same requests to a server over each store. Apart from times
// and what is made up, the answers are those that the reference gives, byte for byte.
func TestSameAnswers(t *testing.T) {
	script := readScript(t, "testdata/requests.http")
	tellAll := func(t *testing.T, s stores.Store) []string {
		t.Helper()
		teller := &teller{url: start(t, s.DSN(t), "--config", policyFile(t)).URL, said: make(map[string]string), seen: &aliases{names: make(map[string]string)}}
		var told []string
		for _, q := range script {
			answer, err := teller.tell(q)
			if err != nil {
				t.Fatalf("line %d: %v", q.line, err)
			}
			told = append(told, answer)
		}
		return told
	}
	all := stores.All()
	var want []string
	t.Run(all[0].Name, func(t *testing.T) { want = tellAll(t, all[0]) })
	if want == nil {
		t.Fatal("the reference gives no answers")
	}
	for _, s := range all[1:] {
		t.Run(s.Name, func(t *testing.T) {
			for i, got := range tellAll(t, s) {
				if got != want[i] {
					t.Errorf("line %d: %s", script[i].line, firstDifference(got, want[i]))
				}
			}
		})
	}
}

// firstDifference shows the first line in which two texts differ, and the text.
func firstDifference(got, want string) string {
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			return "answers\n  " + line + "\nwant\n  " + strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], "") + "\nof\n" + want
		}
	}
	return "answers less than\n" + want
}

// TestPreconditionTable asks the table of RFC 9110 over each store.
func TestPreconditionTable(t *testing.T) {
	run := testdata.Preconditions(t)
	for _, s := range stores.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			run(t, start(t, s.DSN(t)).URL+"/v1/docs/", "require-preconditions")
		})
	}
}
