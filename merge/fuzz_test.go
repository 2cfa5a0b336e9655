package merge_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// fuzzed are the policies that FuzzThree picks from.
var fuzzed = []merge.Rules{
	{},
	{IgnoreValues: true},
	{IgnoreStructure: true},
	{Fields: []merge.Field{{Path: "/**", Type: merge.Atomic}}},
	{Fields: []merge.Field{{Path: "/**", Type: merge.Set}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.List, Key: "/id"}, {Path: "/*/*/*", Type: merge.List, Key: "/id"}}},
	{Fields: []merge.Field{{Path: "/**", Type: merge.List, Key: "/id"}, {Path: "/**/*/*"}, {Path: "/*/*"}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.Sequence}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.Append}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.Counter, Min: "0", Max: "1e3"}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.Counter}}},
	{Fields: []merge.Field{{Path: "/*", Type: merge.Text}}},
	{Fields: []merge.Field{{Path: "", Type: merge.Text}}},
	{Fields: []merge.Field{{Path: "", OnConflict: merge.OnConflict{Rule: merge.RuleTheirs}}, {Path: "/a/**", OnConflict: merge.OnConflict{Rule: merge.RuleMine}}}},
	{Fields: []merge.Field{{Path: "/**", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: "/at"}}, {Path: "/l", Type: merge.List, Key: "/id"}}},
	{Fields: []merge.Field{{Path: "/a", OnConflict: merge.OnConflict{Rule: merge.RuleHighest}}, {Path: "/**/b", OnConflict: merge.OnConflict{Rule: merge.RuleLowest, By: "/n"}}}},
	{Fields: []merge.Field{{Path: "/**", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor"}}}}},
	{Together: []merge.Group{{Paths: []string{"/a", "/b"}}, {Paths: []string{"/o/a", "/l/0"}, OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: "/at"}}}},
	{Fields: []merge.Field{{Path: "/o", Type: merge.Atomic}}, Together: []merge.Group{{Paths: []string{"/o/a", "/b"}, OnConflict: merge.OnConflict{Rule: merge.RuleHighest, By: "/n"}}, {Paths: []string{"/o/b", "/n"}}}},
	{Fields: []merge.Field{
		{Path: "/l", Type: merge.List, Key: "/id"}, {Path: "/l/*/m", Type: merge.List, Key: "/k"}, {Path: "/t", Type: merge.Set}, {Path: "/s", Type: merge.Sequence},
		{Path: "/n", Type: merge.Counter}, {Path: "/log", Type: merge.Append}, {Path: "/x", Type: merge.Text}, {Path: "/o", Type: merge.Atomic},
	}},
}

// uses reports whether rules have a field of one of these types, or one of these
// rules.
func uses(r merge.Rules, types []merge.Type, rules []merge.Rule) bool {
	return slices.ContainsFunc(r.Fields, func(f merge.Field) bool {
		return slices.Contains(types, f.Type) || slices.Contains(rules, f.OnConflict.Rule)
	}) || slices.ContainsFunc(r.Together, func(g merge.Group) bool { return slices.Contains(rules, g.OnConflict.Rule) })
}

// FuzzThree holds the laws over whatever documents there are.
func FuzzThree(f *testing.F) {
	seedVectors(f)
	f.Fuzz(func(t *testing.T, base, theirs, mine []byte, policy byte) {
		rules := fuzzed[int(policy)%len(fuzzed)]
		p, err := merge.Compile(rules)
		if err != nil {
			t.Fatal(err)
		}
		var v triple
		for text, into := range map[*[]byte]*jsonvalue.Value{&base: &v.base, &theirs: &v.theirs, &mine: &v.mine} {
			if len(*text) == 0 {
				continue // absent
			}
			if *into, err = jsonvalue.Parse(*text, jsonvalue.Limits{}); err != nil {
				return
			}
		}
		checkLaws(t, v, p, rules)
	})
}

func checkLaws(t *testing.T, v triple, p *merge.Policy, rules merge.Rules) {
	who := merge.Writers{Mine: []string{"editor"}, Theirs: []merge.Authorship{{Roles: []string{"admin"}}}}
	r := merge.Three(v.base, v.theirs, v.mine, p, who)
	if !r.Value.IsAbsent() {
		if back := parse(t, text(r.Value)); !jsonvalue.Identical(back, r.Value) {
			t.Fatalf("%s reads back as %s", text(r.Value), text(back))
		}
	}
	checkShared(t, v, p, who)
	checkNothingIsLost(t, v, r, rules)
	checkOneSide(t, v.base, v.theirs, p, who)
	checkOneSide(t, v.base, v.mine, p, who)
	repeats := uses(rules, []merge.Type{merge.Counter, merge.Append}, nil)
	if again := merge.Three(v.base, v.mine, v.mine, p, who); !repeats && (text(again.Value) != text(v.mine) || !again.Clean()) {
		t.Fatalf("twice %s is %s", text(v.mine), outcome(again))
	}
	if !rules.IgnoreValues && !uses(rules, []merge.Type{merge.Append}, []merge.Rule{merge.RuleTheirs, merge.RuleMine}) {
		checkSwapped(t, v, p, rules)
	}
	if !repeats && !uses(rules, []merge.Type{merge.Sequence, merge.Text}, nil) {
		checkMergedAgain(t, v, p, rules, who)
	}
}

// seedVectors adds the documents of the vectors, each with every third policy.
func seedVectors(f *testing.F) {
	files, err := filepath.Glob("../vectors/merge/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	seeds := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var vectors struct{ Cases []vector }
		if err := json.Unmarshal(text, &vectors); err != nil {
			f.Fatal(err)
		}
		for _, c := range vectors.Cases {
			for policy := seeds % 3; policy < len(fuzzed); policy += 3 {
				f.Add([]byte(c.Base), []byte(c.Theirs), []byte(c.Mine), byte(policy))
			}
			seeds++
		}
	}
}
