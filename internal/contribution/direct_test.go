package contribution

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// written makes Write's contribution: what is direct stands at a confidence, and
// comes last.
func written(t testing.TB, r *Rules, all []Contribution, confidence, want string) Written {
	t.Helper()
	of := says(t, Direct+" "+confidence+" 1000 {}")[0]
	of.ID, of.Arrival = "new", int64(len(all)+1)
	var have jsonvalue.Value
	if all != nil {
		have = r.Materialise(all)
	}
	return r.Write(all, of, have, parse(t, want))
}

// list prints the data of contributions, by id.
func list(all []Contribution) string {
	var lines []string
	for _, c := range all {
		lines = append(lines, c.ID+string(c.Data.Append(nil)))
	}
	return strings.Join(lines, " ")
}

func TestWrite(t *testing.T) {
	typed := []merge.Field{
		{Path: "/n", Type: merge.Counter}, {Path: "/s", Type: merge.Set}, {Path: "/log", Type: merge.Append},
		{Path: "/l", Type: merge.List, Key: "/id"}, {Path: "/high", OnConflict: by(merge.RuleHighest, "")},
	}
	tests := []struct {
		name, confidence string
		all              []string
		want             string // what is written
		left             string // the contributions after it
		value, lost      string
	}{
		{"a new document", "1", nil, `{"b":1,"a":{"c":2}}`, `new{"b":1,"a":{"c":2}}`, `{"b":1,"a":{"c":2}}`, ""},
		{"a new empty one", "1", nil, `{}`, `new{}`, `{}`, ""},
		{"only what changes", "1", []string{`crm 0.5 1 {"a":1,"b":2,"o":{"p":1,"q":2}}`}, `{"a":1,"b":3,"o":{"p":1,"q":4}}`,
			`c0{"a":1,"b":2,"o":{"p":1,"q":2}} new{"b":3,"o":{"q":4}}`, `{"a":1,"b":3,"o":{"p":1,"q":4}}`, ""},
		{"it takes the place of the one before", "1", []string{`direct 1 1 {"a":1,"o":{"p":1}}`, `direct 1 2 {"b":1,"o":{"q":1}}`}, `{"a":1,"b":2,"o":{"p":2,"q":1}}`,
			`c0{"a":1} c1{"o":{"q":1}} new{"b":2,"o":{"p":2}}`, `{"a":1,"o":{"q":1,"p":2},"b":2}`, ""},
		{"nothing is left of the one before", "1", []string{`direct 1 1 {"a":1}`}, `{"a":2}`, `new{"a":2}`, `{"a":2}`, ""},
		{"a member is removed", "1", []string{`direct 1 1 {"a":1,"b":1}`}, `{"a":1}`, `c0{"a":1}`, `{"a":1}`, ""},
		{"a member that others have as well", "1", []string{`direct 1 1 {"a":1,"b":1}`, `crm 0.5 1 {"b":2}`}, `{"a":1}`, `c0{"a":1} c1{"b":2}`, `{"a":1,"b":2}`, "/b"},
		{"it is less sure than others", "0.2", []string{`crm 0.5 1 {"a":1,"b":2}`}, `{"a":2,"b":2,"c":3}`, `c0{"a":1,"b":2} new{"a":2,"c":3}`, `{"a":1,"b":2,"c":3}`, "/a"},
		{"an object in place of a scalar", "1", []string{`crm 0.5 1 {"a":1}`, `direct 1 1 {"a":2}`}, `{"a":{"b":1}}`, `c0{"a":1} new{"a":{"b":1}}`, `{"a":{"b":1}}`, ""},
		{"a scalar in place of an object", "1", []string{`crm 0.5 1 {"a":{"c":1}}`, `direct 1 1 {"a":{"b":1}}`}, `{"a":2}`, `c0{"a":{"c":1}} new{"a":2}`, `{"a":2}`, ""},
		{"an object that is emptied", "1", []string{`direct 1 1 {"a":{"b":1}}`, `direct 1 2 {"c":1}`}, `{"a":{},"c":1}`, `c1{"c":1} new{"a":{}}`, `{"c":1,"a":{}}`, ""},
		{"one that is none then", "0", []string{`direct 0.4 1 {"a":{"b":1}}`, `crm 0.3 1 {"a":5}`}, `{"a":{}}`, `c1{"a":5} new{"a":{}}`, `{"a":5}`, "/a"},
		{"an array is one value", "1", []string{`crm 0.5 1 {"a":[1,2]}`}, `{"a":[1]}`, `c0{"a":[1,2]} new{"a":[1]}`, `{"a":[1]}`, ""},
		{"its own field that goes by values", "1", []string{`direct 1 1 {"high":9}`}, `{"high":5}`, `new{"high":5}`, `{"high":5}`, ""},
		{"one of others", "1", []string{`crm 0.1 1 {"high":9}`}, `{"high":5}`, `c0{"high":9} new{"high":5}`, `{"high":9}`, "/high"},

		{"a counter: what is added", "1", []string{`crm 0.1 1 {"n":5}`, `erp 0.1 1 {"n":0.5}`, `direct 1 1 {"n":1}`}, `{"n":8}`, `c0{"n":5} c1{"n":0.5} new{"n":2.5}`, `{"n":8}`, ""},
		{"a counter of nobody else", "1", []string{`direct 1 1 {"n":1}`}, `{"n":8}`, `new{"n":8}`, `{"n":8}`, ""},
		{"a counter below what others have", "1", []string{`crm 0.1 1 {"n":-5}`}, `{"n":-8}`, `c0{"n":-5} new{"n":-3}`, `{"n":-8}`, ""},
		{"a set that grows", "1", []string{`crm 0.1 1 {"s":["a"]}`}, `{"s":["b","a"]}`, `c0{"s":["a"]} new{"s":["b","a"]}`, `{"s":["b","a"]}`, ""},
		{"a set, less sure: the order is not its to say", "0", []string{`crm 0.1 1 {"s":["a"]}`}, `{"s":["b","b","a"]}`, `c0{"s":["a"]} new{"s":["b","b","a"]}`, `{"s":["a","b"]}`, ""},
		{"a set that others hold on to", "1", []string{`crm 0.1 1 {"s":["a"]}`}, `{"s":["b"]}`, `c0{"s":["a"]} new{"s":["b"]}`, `{"s":["b","a"]}`, "/s"},
		{"what is appended", "1", []string{`direct 1 1 {"log":[1]}`, `crm 0 2 {"log":[2]}`}, `{"log":[1,2,3]}`, `c0{"log":[1]} c1{"log":[2]} new{"log":[3]}`, `{"log":[1,2,3]}`, ""},
		{"an append that takes away", "1", []string{`direct 1 1 {"log":[1]}`, `crm 0 2 {"log":[2]}`}, `{"log":[1]}`, `c1{"log":[2]} new{"log":[1]}`, `{"log":[2,1]}`, "/log"},
		{"an append of nobody else", "1", []string{`direct 1 1 {"log":[1]}`}, `{"log":[1,2]}`, `new{"log":[1,2]}`, `{"log":[1,2]}`, ""},
		{"a list", "1", []string{`crm 0.1 1 {"l":[{"id":1,"v":1},{"id":2}]}`}, `{"l":[{"id":1,"v":2},{"id":2}]}`, `c0{"l":[{"id":1,"v":1},{"id":2}]} new{"l":[{"id":1,"v":2},{"id":2}]}`, `{"l":[{"id":1,"v":2},{"id":2}]}`, ""},
		{"a list that others hold on to", "1", []string{`crm 0.1 1 {"l":[{"id":1,"v":1},{"id":2}]}`}, `{"l":[{"id":1}]}`, `c0{"l":[{"id":1,"v":1},{"id":2}]} new{"l":[{"id":1}]}`, `{"l":[{"id":1,"v":1},{"id":2}]}`, "/l"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var all []Contribution
			if tt.all != nil {
				all = says(t, tt.all...)
			}
			before := list(all)
			w := written(t, compile(t, typed...), all, tt.confidence, tt.want)
			var lost []string
			for _, p := range w.Outranked {
				lost = append(lost, p.String())
			}
			if got := list(w.All); got != tt.left {
				t.Errorf("there are %s, want %s", got, tt.left)
			}
			if got := string(w.Value.Append(nil)); got != tt.value {
				t.Errorf("it comes to %s, want %s", got, tt.value)
			}
			if got := strings.Join(lost, " "); got != tt.lost {
				t.Errorf("outranked are %q, want %q", got, tt.lost)
			}
			if list(all) != before {
				t.Errorf("what was given has changed: %s", list(all))
			}
		})
	}
}

// TestWriteUnderNewRules: what the rules have changed since is not the writer's.
func TestWriteUnderNewRules(t *testing.T) {
	all := says(t, `crm 0.9 1 {"a":1,"b":1}`, `erp 0.1 2 {"a":2}`)
	have := compile(t).Materialise(all)
	r := compile(t, merge.Field{Path: "/a", OnConflict: by(merge.RuleNewest, ByObservedAt)})
	of := says(t, Direct+" 1 1000 {}")[0]
	w := r.Write(all, of, have, parse(t, `{"a":1,"b":2}`))
	if got := string(w.Value.Append(nil)); got != `{"a":2,"b":2}` || len(w.Outranked) > 0 || string(w.All[2].Data.Append(nil)) != `{"b":2}` {
		t.Errorf("it comes to %s, outranked %v, by %s", got, w.Outranked, list(w.All))
	}
}

// TestManyWrites: however often a document is written, no more is kept of that
// than of one write of all of it.
func TestManyWrites(t *testing.T) {
	var all []Contribution
	var none *Rules
	for i := range 100 {
		all = written(t, none, all, "1", fmt.Sprintf(`{"a":%d,"b%d":%d}`, i, i%3, i)).All
		if len(all) > 4 {
			t.Fatalf("after %d writes there are %s", i, list(all))
		}
	}
	if !slices.ContainsFunc(all, func(c Contribution) bool { return c.Arrival > 0 }) {
		t.Error("nothing is left")
	}
}
