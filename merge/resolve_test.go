package merge_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// choicesOf reads choices as they are sent: yours, theirs, or an object with a
// value; {} is a value that is not there.
func choicesOf(t testing.TB, text string) map[string]merge.Choice {
	t.Helper()
	choices := make(map[string]merge.Choice)
	for _, m := range parse(t, text).Members() {
		switch m.Value.Text() {
		case "yours":
			choices[m.Name] = merge.Choice{Winner: merge.Mine}
		case "theirs":
			choices[m.Name] = merge.Choice{Winner: merge.Theirs}
		default:
			choices[m.Name] = merge.Choice{Winner: merge.Given, Value: m.Value.Lookup("value")}
		}
	}
	return choices
}

func TestResolve(t *testing.T) {
	list := merge.Rules{Fields: []merge.Field{{Path: "/l", Type: merge.List, Key: "/id"}, {Path: "/l/*/in", Type: merge.List, Key: "/k"}}}
	group := merge.Rules{Together: []merge.Group{{Paths: []string{"/from", "/to"}}}}
	counter := merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter, Max: "5"}}}
	tests := []struct {
		name               string
		rules              merge.Rules
		base, theirs, mine string
		choices            string
		want               string
		decisions          string
	}{
		{name: "each in its way", base: `{"a":1,"b":1,"c":1,"d":1}`, theirs: `{"a":2,"b":2,"c":2,"d":1}`, mine: `{"a":3,"b":3,"c":3,"d":4}`,
			choices: `{"/a":"yours","/b":"theirs","/c":{"value":[0]}}`, want: `{"a":3,"b":2,"c":[0],"d":4}`,
			decisions: "/a mine chosen; /b theirs chosen; /c value chosen"},
		{name: "nothing is left to choose", base: `{"a":1,"b":1}`, theirs: `{"a":2,"b":1}`, mine: `{"a":1,"b":2}`, choices: `{}`, want: `{"a":2,"b":2}`},
		{name: "to remove it", base: `{"a":1,"b":1}`, theirs: `{"a":2,"b":1}`, mine: `{"b":1}`, choices: `{"/a":"yours"}`, want: `{"b":1}`, decisions: "/a mine chosen"},
		{name: "that nothing is there", base: `{"a":1,"b":1}`, theirs: `{"a":2,"b":1}`, mine: `{"a":3,"b":1}`, choices: `{"/a":{}}`, want: `{"b":1}`, decisions: "/a value chosen"},
		{name: "a name that wants escaping", base: `{"a/b":1}`, theirs: `{"a/b":2}`, mine: `{"a/b":3}`, choices: `{"/a~1b":"yours"}`, want: `{"a/b":3}`, decisions: "/a~1b mine chosen"},
		{name: "the whole document", base: `1`, theirs: `2`, mine: `3`, choices: `{"":"yours"}`, want: `3`, decisions: " mine chosen"},
		{name: "beside what a rule settles", rules: merge.Rules{Fields: []merge.Field{{Path: "/a", OnConflict: merge.OnConflict{Rule: merge.RuleMine}}}},
			base: `{"a":1,"b":1}`, theirs: `{"a":2,"b":2}`, mine: `{"a":3,"b":3}`, choices: `{"/b":"theirs"}`, want: `{"a":3,"b":2}`,
			decisions: "/a mine mine; /b theirs chosen"},
		{name: "a counter, which is not added again", rules: counter, base: `{"n":1}`, theirs: `{"n":4}`, mine: `{"n":4}`, choices: `{"/n":{"value":5}}`, want: `{"n":5}`, decisions: "/n value chosen"},
		{name: "an element by its index in theirs, wherever it comes to stand", rules: list,
			base:    `{"l":[{"id":"x","q":1},{"id":"y","q":1}]}`,
			theirs:  `{"l":[{"id":"y","q":2},{"id":"x","q":1}]}`,
			mine:    `{"l":[{"id":"x","q":1},{"id":"y","q":3},{"id":"a","q":0}]}`,
			choices: `{"/l/0/q":"yours"}`, want: `{"l":[{"id":"y","q":3},{"id":"x","q":1},{"id":"a","q":0}]}`, decisions: "/l both list; /l/0/q mine chosen"},
		{name: "an element that theirs has not, behind the one that it stood behind", rules: list,
			base:    `{"l":[{"id":"x"},{"id":"y","q":1},{"id":"z"}]}`,
			theirs:  `{"l":[{"id":"x"},{"id":"z"}]}`,
			mine:    `{"l":[{"id":"x"},{"id":"y","q":2},{"id":"z"}]}`,
			choices: `{"/l/2":"yours"}`, want: `{"l":[{"id":"x"},{"id":"y","q":2},{"id":"z"}]}`, decisions: "/l both list; /l/2 mine chosen"},
		{name: "an element within an element", rules: list,
			base:    `{"l":[{"id":1,"in":[{"k":1,"v":0}]},{"id":2,"in":[{"k":1,"v":0},{"k":2,"v":0}]}]}`,
			theirs:  `{"l":[{"id":2,"in":[{"k":2,"v":1},{"k":1,"v":0}]}]}`,
			mine:    `{"l":[{"id":1,"in":[{"k":1,"v":0}]},{"id":2,"in":[{"k":1,"v":0},{"k":2,"v":2}]}]}`,
			choices: `{"/l/0/in/0/v":{"value":3}}`, want: `{"l":[{"id":2,"in":[{"k":2,"v":3},{"k":1,"v":0}]}]}`,
			decisions: "/l both list; /l/0/in both list; /l/0/in/0/v value chosen"},
		{name: "a group, as a whole", rules: group, base: `{"from":1,"to":2}`, theirs: `{"from":5,"to":2}`, mine: `{"from":1,"to":9}`,
			choices: `{"/from":"yours"}`, want: `{"from":1,"to":9}`, decisions: "/from mine chosen; /to mine chosen"},
		{name: "a group, by values", rules: group, base: `{"from":1,"to":2}`, theirs: `{"from":5,"to":2}`, mine: `{"from":1,"to":9}`,
			choices: `{"/from":{"value":{"/from":3,"/to":4}}}`, want: `{"from":3,"to":4}`, decisions: "/from value chosen; /to value chosen"},
		{name: "a group, less a field", rules: group, base: `{"from":1,"to":2}`, theirs: `{"from":5,"to":2}`, mine: `{"from":1,"to":9}`,
			choices: `{"/from":{"value":{"/to":4}}}`, want: `{"to":4}`, decisions: "/from value chosen; /to value chosen"},
		{name: "a field of a group that is disputed alone, which is no mixture once it is chosen", rules: group,
			base: `{"from":1,"to":2}`, theirs: `{"from":5,"to":2}`, mine: `{"from":6,"to":2}`,
			choices: `{"/from":{"value":7}}`, want: `{"from":7,"to":2}`, decisions: "/from value chosen"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := merge.Compile(tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			r, err := merge.Resolve(parse(t, tt.base), parse(t, tt.theirs), parse(t, tt.mine), p, merge.Writers{}, choicesOf(t, tt.choices))
			if err != nil {
				t.Fatal(err)
			}
			if text(r.Value) != tt.want || !r.Clean() || decided(r) != tt.decisions {
				t.Errorf("%s, decided %q, open %v; want %s, %q", text(r.Value), decided(r), r.Disputes, tt.want, tt.decisions)
			}
		})
	}
}

func decided(r merge.Result) string {
	var all []string
	for _, d := range r.Decisions {
		all = append(all, fmt.Sprintf("%s %s %s", d.Path.String(), d.Winner, d.Rule))
	}
	return strings.Join(all, "; ")
}

// TestChoicesNameTheDisputes: a choice for each dispute and for nothing else, and
// one that can stand there.
func TestChoicesNameTheDisputes(t *testing.T) {
	p, err := merge.Compile(merge.Rules{Together: []merge.Group{{Paths: []string{"/from", "/to"}}}})
	if err != nil {
		t.Fatal(err)
	}
	base, theirs, mine := parse(t, `{"a":1,"b":1,"from":1,"to":1}`), parse(t, `{"a":2,"b":2,"from":2,"to":1}`), parse(t, `{"a":3,"b":1,"from":1,"to":3}`)
	for _, tt := range []struct{ name, choices, open, unknown string }{
		{"none", `{}`, "/a /from", ""},
		{"one is missing", `{"/a":"yours"}`, "/from", ""},
		{"one too many", `{"/a":"yours","/b":"yours","/from":"yours"}`, "", "/b"},
		{"another field of the group", `{"/a":"yours","/to":"yours"}`, "/from", "/to"},
		{"a name that is no path", `{"a":"yours","/from":"yours"}`, "/a", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := merge.Resolve(base, theirs, mine, p, merge.Writers{}, choicesOf(t, tt.choices))
			wrong, ok := errors.AsType[*merge.ChoicesError](err)
			if !ok || strings.Join(wrong.Open, " ") != tt.open || strings.Join(wrong.Unknown, " ") != tt.unknown || !r.Value.IsAbsent() {
				t.Fatalf("got %v, %v; want open %q, unknown %q", outcome(r), err, tt.open, tt.unknown)
			}
			for _, path := range append(wrong.Open, wrong.Unknown...) {
				if !strings.Contains(err.Error(), `"`+path+`"`) {
					t.Errorf("%q does not name %q", err, path)
				}
			}
		})
	}
	for _, tt := range []struct{ name, choices, path, says string }{
		{"no object for a group", `{"/a":"yours","/from":{"value":3}}`, "/from", "by their pointers"},
		{"another field for a group", `{"/a":"yours","/from":{"value":{"/from":3,"/a":1}}}`, "/from", `"/a" is not one of the fields /from, /to`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := merge.Resolve(base, theirs, mine, p, merge.Writers{}, choicesOf(t, tt.choices))
			if wrong, ok := errors.AsType[*merge.ChoiceError](err); !ok || wrong.Path != tt.path || !strings.Contains(wrong.Message(), tt.says) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("got %v, want one about %s that says %s", err, tt.path, tt.says)
			}
		})
	}
	_, err = merge.Resolve(base, theirs, mine, p, merge.Writers{}, map[string]merge.Choice{"/a": {}, "/from": {Winner: merge.Both}})
	if _, ok := errors.AsType[*merge.ChoiceError](err); !ok {
		t.Errorf("the zero choice, or both, is one: %v", err)
	}
}

// TestResolveMore: disputes that the merge knows nothing of are settled by what
// stands at their paths.
func TestResolveMore(t *testing.T) {
	base, theirs, mine := parse(t, `{"o":{"a":1,"b":1},"l":[1,2]}`), parse(t, `{"o":{"a":2,"b":1},"l":[1,2]}`), parse(t, `{"o":{"a":1,"b":3},"l":[1,2]}`)
	for _, tt := range []struct{ name, at, choices, want string }{
		{"yours", "/o", `{"/o":"yours"}`, `{"o":{"a":1,"b":3},"l":[1,2]}`},
		{"theirs", "/o", `{"/o":"theirs"}`, `{"o":{"a":2,"b":1},"l":[1,2]}`},
		{"a value", "/o", `{"/o":{"value":0}}`, `{"o":0,"l":[1,2]}`},
		{"nothing", "/o", `{"/o":{}}`, `{"l":[1,2]}`},
		{"the whole", "", `{"":"theirs"}`, `{"o":{"a":2,"b":1},"l":[1,2]}`},
		{"the further up goes first", " /o/a", `{"":"yours","/o/a":{"value":9}}`, `{"o":{"a":9,"b":3},"l":[1,2]}`},
		{"an element", "/l/0", `{"/l/0":{"value":9}}`, `{"o":{"a":2,"b":3},"l":[9,2]}`},
		{"an element to remove", "/l/0", `{"/l/0":{}}`, `{"o":{"a":2,"b":3},"l":[2]}`},
		{"one behind the last", "/l/2", `{"/l/2":{"value":9}}`, `{"o":{"a":2,"b":3},"l":[1,2,9]}`},
		{"a member", "/new", `{"/new":{"value":9}}`, `{"o":{"a":2,"b":3},"l":[1,2],"new":9}`},
		{"nothing where nothing is", "/none/below", `{"/none/below":"theirs"}`, `{"o":{"a":2,"b":3},"l":[1,2]}`},
		{"nothing in a scalar", "/l/0/x", `{"/l/0/x":"theirs"}`, `{"o":{"a":2,"b":3},"l":[1,2]}`},
		{"something in what is not there", "/none/below", `{"/none/below":{"value":1}}`, ""},
		{"something in a scalar", "/l/0/x", `{"/l/0/x":{"value":1}}`, ""},
		{"an element beyond", "/l/3", `{"/l/3":{"value":1}}`, ""},
		{"an element that is none", "/l/01", `{"/l/01":{"value":1}}`, ""},
		{"below an element beyond", "/l/3/x", `{"/l/3/x":{"value":1}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var more []merge.Dispute
			for path := range strings.SplitSeq(tt.at, " ") {
				at, err := jsonvalue.ParsePointer(path)
				if err != nil {
					t.Fatal(err)
				}
				more = append(more, merge.Dispute{Path: at, Base: base.At(at), Theirs: theirs.At(at), Mine: mine.At(at), Field: -1})
			}
			r, err := merge.Resolve(base, theirs, mine, nil, merge.Writers{}, choicesOf(t, tt.choices), more...)
			if tt.want == "" {
				if wrong, ok := errors.AsType[*merge.ChoiceError](err); !ok || wrong.Path != tt.at {
					t.Errorf("got %s, %v", outcome(r), err)
				}
				return
			}
			if err != nil || text(r.Value) != tt.want || len(r.Decisions) != len(more) {
				t.Errorf("got %s, %v; want %s", outcome(r), err, tt.want)
			}
		})
	}
}

// TestResolveLaws: whoever chooses theirs everywhere gets the result of the merge
// as it stands, and a choice changes the disputed places alone.
func TestResolveLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, rules, who := genTriple(t), genRules(t, everything), genWriters(t)
		p := compile(t, rules)
		merged := merge.Three(v.base, v.theirs, v.mine, p, who)
		given := jsonvalue.String("given")
		theirs, mine, values := make(map[string]merge.Choice), make(map[string]merge.Choice), make(map[string]merge.Choice)
		for _, d := range merged.Disputes {
			at := d.Path.String()
			theirs[at], mine[at] = merge.Choice{Winner: merge.Theirs}, merge.Choice{Winner: merge.Mine}
			values[at] = merge.Choice{Winner: merge.Given, Value: given}
			if fields := fieldsAt(merged.Disputes, d.Path); fields != nil {
				values[at] = merge.Choice{Winner: merge.Given, Value: object(t, fields, func(string) jsonvalue.Value { return given })}
			}
		}
		resolve := func(choices map[string]merge.Choice) merge.Result {
			r, err := merge.Resolve(v.base, v.theirs, v.mine, p, who, choices)
			if err != nil || !r.Clean() {
				t.Fatalf("%v: %s\n%s\n%+v", err, outcome(r), v, rules)
			}
			return r
		}
		if r := resolve(theirs); text(r.Value) != text(merged.Value) {
			t.Fatalf("%s, and with theirs chosen %s\n%s\n%+v", outcome(merged), outcome(r), v, rules)
		}
		for _, choices := range []map[string]merge.Choice{mine, values} {
			r := resolve(choices)
			for _, path := range changed(nil, merged.Value, r.Value) {
				if !named(&merged, path) {
					t.Fatalf("%q was not disputed: %s became %s\n%s\n%+v", path.String(), outcome(merged), outcome(r), v, rules)
				}
			}
			for _, d := range merged.Disputes {
				if !d.Key.IsAbsent() { // named by its index in theirs, which is not that in the result
					continue
				}
				for i, at := range append([]jsonvalue.Pointer{d.Path}, d.Together...) {
					want := choices[d.Path.String()].Value
					switch {
					case i == 0 && d.Together != nil:
						continue
					case d.Together != nil && choices[d.Path.String()].Winner == merge.Given:
						want = given
					case choices[d.Path.String()].Winner == merge.Mine:
						want = v.mine.At(at)
					}
					if !jsonvalue.Equal(r.Value.At(at), want) {
						t.Fatalf("%q is %s, and %s was chosen: %s\n%s\n%+v", at.String(), text(r.Value.At(at)), text(want), outcome(r), v, rules)
					}
				}
			}
		}
	})
}

// fieldsAt are the fields of all groups that are disputed under a path.
func fieldsAt(disputes []merge.Dispute, path jsonvalue.Pointer) []string {
	var all []string
	for _, d := range disputes {
		for _, p := range d.Together {
			if slices.Equal(d.Path, path) && !slices.Contains(all, p.String()) {
				all = append(all, p.String())
			}
		}
	}
	return all
}
