package merge_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/testdata"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// realMerge is one file of a merge commit that people made.
type realMerge struct {
	ID, Category              string
	Base, Ours, Theirs, Human string
	HumanEquals               string `json:"human_equals"`
	ArraysResolve             *bool  `json:"array_diff3_resolves_all"`
	Conflicts                 []struct{ Path string }
}

func realMerges(t testing.TB) []realMerge {
	t.Helper()
	f, err := os.Open(testdata.Shared(t, "third-party", "merge3-sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []realMerge
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var m realMerge
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if err := lines.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%d merges: %v", len(all), err)
	}
	return all
}

// TestRealMerges merges what people have merged: without a dispute where they
// touched different places, with exactly the disputes that there were, and to
// what they committed where that was no choice of theirs.
func TestRealMerges(t *testing.T) {
	for _, m := range realMerges(t) {
		t.Run(m.ID, func(t *testing.T) {
			base, theirs, mine, human := parse(t, m.Base), parse(t, m.Theirs), parse(t, m.Ours), parse(t, m.Human)
			r := merge.Three(base, theirs, mine, nil, merge.Writers{})
			var got, want []string
			for _, d := range r.Disputes {
				got = append(got, d.Path.String())
			}
			for _, c := range m.Conflicts {
				want = append(want, c.Path)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("disputes at %q, want %q", got, want)
			}
			if m.HumanEquals == "auto" && !jsonvalue.Equal(r.Value, human) {
				t.Errorf("got %s, and people committed %s", text(r.Value), text(human))
			}
			m.checkArrays(t, base, theirs, mine, human)
		})
	}
}

// checkArrays takes every array for a sequence.
func (m *realMerge) checkArrays(t *testing.T, base, theirs, mine, human jsonvalue.Value) {
	if m.ArraysResolve == nil {
		return
	}
	var rules merge.Rules
	for _, c := range m.Conflicts {
		rules.Fields = append(rules.Fields, merge.Field{Path: c.Path, Type: merge.Sequence})
	}
	p, err := merge.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	r := merge.Three(base, theirs, mine, p, merge.Writers{})
	if r.Clean() != *m.ArraysResolve {
		t.Errorf("as sequences: %s, and they resolve: %t", outcome(r), *m.ArraysResolve)
	}
	if strings.HasPrefix(m.HumanEquals, "auto") && !jsonvalue.Equal(r.Value, human) {
		t.Errorf("as sequences: got %s, and people committed %s", text(r.Value), text(human))
	}
}
