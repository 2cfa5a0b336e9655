package policy

import (
	"reflect"
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

func TestMerge(t *testing.T) {
	at := func(rule merge.Rule, by string) merge.OnConflict { return merge.OnConflict{Rule: rule, By: by} }
	for _, tt := range []struct {
		name, rules string
		want        merge.Rules
	}{
		{"types", "fields: [{path: /a, type: atomic}, {path: /b, type: set}, {path: /c, type: sequence}, {path: /d, type: append}, {path: /e, type: text}, {path: /f, type: immutable}]",
			merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Atomic}, {Path: "/b", Type: merge.Set}, {Path: "/c", Type: merge.Sequence},
				{Path: "/d", Type: merge.Append}, {Path: "/e", Type: merge.Text}, {Path: "/f", Type: merge.Immutable}}}},
		{"list", "fields: [{path: /phones, type: list, key: /label/en}]",
			merge.Rules{Fields: []merge.Field{{Path: "/phones", Type: merge.List, Key: "/label/en"}}}},
		{"bounds keep their digits", "fields: [{path: /a, type: counter, min: 0.1, max: 1.10}, {path: /b, type: counter, min: -1E+2}, {path: /c, type: counter, max: 9007199254740993}, {path: /d, type: counter, max: 1e400}, {path: /e, type: counter, min: -0}]",
			merge.Rules{Fields: []merge.Field{
				{Path: "/a", Type: merge.Counter, Min: "0.1", Max: "1.10"}, {Path: "/b", Type: merge.Counter, Min: "-1E+2"},
				{Path: "/c", Type: merge.Counter, Max: "9007199254740993"}, {Path: "/d", Type: merge.Counter, Max: "1e400"}, {Path: "/e", Type: merge.Counter, Min: "-0"}}}},
		{"rules", "fields: [{path: /a, on_conflict: reject}, {path: /b, on_conflict: theirs}, {path: /c, on_conflict: mine}, {path: /d, on_conflict: newest, by: /at}, {path: /e, on_conflict: highest}, {path: /f, on_conflict: lowest, by: /g}]",
			merge.Rules{Fields: []merge.Field{
				{Path: "/a", OnConflict: at(merge.RuleReject, "")}, {Path: "/b", OnConflict: at(merge.RuleTheirs, "")}, {Path: "/c", OnConflict: at(merge.RuleMine, "")},
				{Path: "/d", OnConflict: at(merge.RuleNewest, "/at")}, {Path: "/e", OnConflict: at(merge.RuleHighest, "")}, {Path: "/f", OnConflict: at(merge.RuleLowest, "/g")}}}},
		{"authority, on lines", "fields:\n      - path: /a\n        type: set\n        on_conflict:\n          authority:\n            - admin\n            - 'a: b'\n",
			merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Set, OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "a: b"}}}}}},
		{"wildcards", "fields: [{path: '/**', on_conflict: mine}, {path: '/a/*/b', type: immutable}, {path: '/a/*'}, {path: '/**/tags', type: set}, {path: '/**/id', type: immutable}, {path: '/**/a/*'}, {path: '/*/a/**'}]",
			merge.Rules{Fields: []merge.Field{{Path: "/**", OnConflict: at(merge.RuleMine, "")}, {Path: "/a/*/b", Type: merge.Immutable}, {Path: "/a/*"},
				{Path: "/**/tags", Type: merge.Set}, {Path: "/**/id", Type: merge.Immutable}, {Path: "/**/a/*"}, {Path: "/*/a/**"}}}},
		{"groups", "together: [[/startsAt, /endsAt], {fields: [/a/x, /a/y, /b~1c], on_conflict: newest, by: /at}, {fields: [/d, /e], on_conflict: {authority: [admin]}}]",
			merge.Rules{Together: []merge.Group{
				{Paths: []string{"/startsAt", "/endsAt"}, OnConflict: at(merge.RuleReject, "")},
				{Paths: []string{"/a/x", "/a/y", "/b~1c"}, OnConflict: at(merge.RuleNewest, "/at")},
				{Paths: []string{"/d", "/e"}, OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin"}}}}}},
		{"groups on lines", "together:\n      - [/a, /b]\n      - - /c\n        - /d\n      - fields: [/e, /f]\n",
			merge.Rules{Together: []merge.Group{{Paths: []string{"/a", "/b"}, OnConflict: at(merge.RuleReject, "")}, {Paths: []string{"/c", "/d"}, OnConflict: at(merge.RuleReject, "")},
				{Paths: []string{"/e", "/f"}, OnConflict: at(merge.RuleReject, "")}}}},
		{"detects both", "detect: [structure, value, value]", merge.Rules{}},
		{"detects values", "detect: [value]", merge.Rules{IgnoreStructure: true}},
		{"detects structure", "detect: [structure]", merge.Rules{IgnoreValues: true}},
		{"detects neither", "detect: []", merge.Rules{IgnoreValues: true, IgnoreStructure: true}},
		{"beside and around what the contract adds", "contract: {preset: version-body, version_field: /meta/version, digest_field: sum}\n    together: [[/summary, /meta/versions]]\n    fields: [{path: /meta, type: atomic}, {path: '/*', on_conflict: mine}, {path: /_links}]",
			merge.Rules{
				Together: []merge.Group{{Paths: []string{"/summary", "/meta/versions"}, OnConflict: at(merge.RuleReject, "")}},
				Fields:   []merge.Field{{Path: "/meta", Type: merge.Atomic}, {Path: "/*", OnConflict: at(merge.RuleMine, "")}, {Path: "/_links"}}}},
		{"by what elements of a list may have", "contract: {preset: version-body}\n    fields: [{path: /a, type: list, key: /id, on_conflict: highest, by: /version}]",
			merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.List, Key: "/id", OnConflict: at(merge.RuleHighest, "/version")}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte("collections:\n  - name: notes\n    "+tt.rules))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Collections[0].Merge; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			text, err := p.MarshalYAML()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse("printed", text); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, text)
			}
		})
	}
	p, err := Parse("p.yaml", []byte("default: {fields: [{path: /a, type: set}], detect: [value]}"))
	if want := (merge.Rules{Fields: []merge.Field{{Path: "/a", Type: merge.Set}}, IgnoreStructure: true}); err != nil || !reflect.DeepEqual(p.Default.Merge, want) {
		t.Errorf("of the default: %+v, %v", p, err)
	}
}

// Whatever the package merge knows has a word in the file.
func TestMergeWords(t *testing.T) {
	var types, rules []string
	for _, typ := range merge.Types() {
		types = append(types, string(typ))
	}
	for _, rule := range merge.RuleNames() {
		if rule != merge.RuleAuthority { // which is a block
			rules = append(rules, string(rule))
		}
	}
	for _, k := range fieldKeys {
		words := k.supportedWords()
		if k.name == "type" && !slices.Equal(words, types) || k.name == "on_conflict" && !slices.Equal(words, rules) {
			t.Errorf("%s: %q", k.name, words)
		}
	}
}

// What a file says is what a merge does.
func TestMergeIsByTheFile(t *testing.T) {
	p, err := Parse("p.yaml", []byte(`default:
  fields:
    - {path: /n, type: counter, max: 10.0}
    - {path: /tags, type: set}
    - {path: /phones, type: list, key: /label}
    - {path: /bio, type: text}
    - {path: /log, type: append}
    - {path: /rows, type: sequence}
    - {path: /box, type: atomic, on_conflict: mine}
    - {path: /best, on_conflict: highest}
    - {path: /late, on_conflict: newest, by: /at}
    - {path: /role, on_conflict: {authority: [admin, editor]}}
    - {path: '/deep/**/kept', on_conflict: theirs}
  together: [[/from, /to], {fields: [/x, /y], on_conflict: mine}]
  detect: [value]
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := merge.Compile(p.Default.Merge)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, base, theirs, mine, want, disputed string }{
		{"counter", `{"n":1}`, `{"n":3}`, `{"n":2.5}`, `{"n":4.5}`, ""},
		{"counter above its bound", `{"n":1}`, `{"n":8}`, `{"n":5}`, `{"n":8}`, "/n"},
		{"set", `{"tags":["a"]}`, `{"tags":["a","b"]}`, `{"tags":["c","a"]}`, `{"tags":["a","b","c"]}`, ""},
		{"list", `{"phones":[{"label":"a","n":1,"m":1}]}`, `{"phones":[{"label":"a","n":2,"m":1}]}`, `{"phones":[{"label":"a","n":1,"m":2}]}`, `{"phones":[{"label":"a","n":2,"m":2}]}`, ""},
		{"text", `{"bio":"a\nb\nc\n"}`, `{"bio":"A\nb\nc\n"}`, `{"bio":"a\nb\nC\n"}`, `{"bio":"A\nb\nC\n"}`, ""},
		{"append", `{"log":[1]}`, `{"log":[1,2]}`, `{"log":[1,3]}`, `{"log":[1,2,3]}`, ""},
		{"sequence", `{"rows":[1,2,3]}`, `{"rows":[0,1,2,3]}`, `{"rows":[1,2,3,4]}`, `{"rows":[0,1,2,3,4]}`, ""},
		{"atomic, mine", `{"box":{"a":1,"b":1}}`, `{"box":{"a":2,"b":1}}`, `{"box":{"a":1,"b":2}}`, `{"box":{"a":1,"b":2}}`, ""},
		{"highest", `{"best":1}`, `{"best":9}`, `{"best":8}`, `{"best":9}`, ""},
		{"newest", `{"late":"a","at":"2026-01-01T00:00:00Z"}`, `{"late":"b","at":"2026-01-03T00:00:00Z"}`, `{"late":"c","at":"2026-01-02T00:00:00Z"}`, `{"late":"b","at":"2026-01-03T00:00:00Z"}`, ""},
		{"authority", `{"role":"a"}`, `{"role":"b"}`, `{"role":"c"}`, `{"role":"c"}`, ""},
		{"far below", `{"deep":{"a":{"b":{"kept":1}}}}`, `{"deep":{"a":{"b":{"kept":2}}}}`, `{"deep":{"a":{"b":{"kept":3}}}}`, `{"deep":{"a":{"b":{"kept":2}}}}`, ""},
		{"no rule", `{"title":"a"}`, `{"title":"b"}`, `{"title":"c"}`, `{"title":"b"}`, "/title"},
		{"a group", `{"from":1,"to":2}`, `{"from":0,"to":2}`, `{"from":1,"to":3}`, `{"from":0,"to":2}`, "/from"},
		{"a group with a rule", `{"x":1,"y":2}`, `{"x":0,"y":2}`, `{"x":1,"y":3}`, `{"x":1,"y":3}`, ""},
		{"structure is not detected", `{"a":{"b":1}}`, `{}`, `{"a":{"b":2}}`, `{"a":{"b":2}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v [4]jsonvalue.Value
			for i, text := range []string{tt.base, tt.theirs, tt.mine, tt.want} {
				if v[i], err = jsonvalue.Parse([]byte(text), jsonvalue.Limits{}); err != nil {
					t.Fatal(err)
				}
			}
			who := merge.Writers{Mine: []string{"admin"}, Theirs: []merge.Authorship{{Path: jsonvalue.Pointer{"role"}, Roles: []string{"editor"}}}}
			r := merge.Three(v[0], v[1], v[2], rules, who)
			disputed := ""
			for _, d := range r.Disputes {
				disputed += d.Path.String()
			}
			if !jsonvalue.Equal(r.Value, v[3]) || disputed != tt.disputed {
				t.Errorf("%s, disputed %q; want %s, %q", r.Value.Append(nil), disputed, tt.want, tt.disputed)
			}
		})
	}
}
