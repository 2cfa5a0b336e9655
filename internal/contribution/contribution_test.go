package contribution

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// noon is what times in tests count from.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func parse(t testing.TB, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// says makes a contribution of "source confidence minute data"; minutes count from
// noon, and the arrival is the number of those before it.
func says(t testing.TB, texts ...string) []Contribution {
	t.Helper()
	all := make([]Contribution, len(texts))
	for i, text := range texts {
		part := strings.SplitN(text, " ", 4)
		var minute int
		if _, err := fmt.Sscan(part[2], &minute); err != nil {
			t.Fatal(err)
		}
		all[i] = Contribution{
			ID: fmt.Sprint("c", i), Source: part[0], Confidence: parse(t, part[1]), Arrival: int64(i + 1),
			ObservedAt: TimeOf(noon.Add(time.Duration(minute) * time.Minute)), Data: parse(t, part[3]),
		}
	}
	return all
}

func compile(t testing.TB, fields ...merge.Field) *Rules {
	t.Helper()
	r, err := Compile(merge.Rules{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func by(rule merge.Rule, what string) merge.OnConflict {
	return merge.OnConflict{Rule: rule, By: what}
}

func TestMaterialise(t *testing.T) {
	authority := merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"erp", "crm"}}
	counter := merge.Field{Path: "/n", Type: merge.Counter, Max: "10"}
	list := merge.Field{Path: "/l", Type: merge.List, Key: "/id"}
	tests := []struct {
		name   string
		fields []merge.Field
		all    []string
		want   string
	}{
		{"of none", nil, nil, `{}`},
		{"of one, as it is", nil, []string{`a 0 0 {"b":1.0,"a":[2,2]}`}, `{"b":1.0,"a":[2,2]}`},
		{"member by member, in the order of the oldest observation", nil,
			[]string{`a 0.5 2 {"y":1,"o":{"p":1}}`, `b 0.5 1 {"x":2,"o":{"q":2}}`}, `{"x":2,"o":{"q":2,"p":1},"y":1}`},
		{"the highest confidence", nil, []string{`a 0.50000000000000001 0 {"a":1}`, `b 0.5 9 {"a":2}`}, `{"a":1}`},
		{"of equal ones the newest", nil, []string{`a 0.5 2 {"a":1}`, `b 0.50 1 {"a":2}`}, `{"a":1}`},
		{"of these the last that came", nil, []string{`a 0.5 1 {"a":1}`, `b 0.5 1 {"a":2}`}, `{"a":2}`},
		{"a null is a value", nil, []string{`a 0.9 1 {"a":null}`, `b 0.5 1 {"a":2}`}, `{"a":null}`},
		{"an array is one value", nil, []string{`a 0.9 1 {"a":[1]}`, `b 0.5 1 {"a":[2,3]}`}, `{"a":[1]}`},
		{"an object that wins against what is none", nil, []string{`a 0.9 1 {"a":{"b":1}}`, `b 0.5 1 {"a":2}`, `c 0.1 1 {"a":{"c":3}}`}, `{"a":{"b":1,"c":3}}`},
		{"and one that loses", nil, []string{`a 0.2 1 {"a":{"b":1}}`, `b 0.5 1 {"a":2}`, `c 0.1 1 {"a":{"c":3}}`}, `{"a":2}`},

		{"highest by confidence, whatever was observed", []merge.Field{{Path: "/a", OnConflict: by(merge.RuleHighest, ByConfidence)}},
			[]string{`a 0.5 2 {"a":1}`, `b 0.5 1 {"a":2}`, `c 0.4 3 {"a":3}`}, `{"a":2}`},
		{"newest by observedAt, whatever the confidence", []merge.Field{{Path: "/a", OnConflict: by(merge.RuleNewest, ByObservedAt)}},
			[]string{`a 0.1 2 {"a":1}`, `b 1 1 {"a":2}`}, `{"a":1}`},
		{"authority over sources", []merge.Field{{Path: "/a", OnConflict: authority}},
			[]string{`x 1 9 {"a":0}`, `crm 0.1 1 {"a":1}`, `erp 0.1 0 {"a":2}`, `y 1 9 {"a":3}`}, `{"a":2}`},
		{"sources without authority, by arrival", []merge.Field{{Path: "/a", OnConflict: authority}},
			[]string{`x 1 9 {"a":0}`, `y 0 1 {"a":3}`}, `{"a":3}`},
		{"the highest value", []merge.Field{{Path: "/a", OnConflict: by(merge.RuleHighest, "")}},
			[]string{`a 0.1 0 {"a":10}`, `b 1 9 {"a":9}`, `c 1 9 {"a":"99"}`}, `{"a":10}`},
		{"the lowest value", []merge.Field{{Path: "/a", OnConflict: by(merge.RuleLowest, "")}},
			[]string{`c 1 9 {"a":"1"}`, `a 0.1 0 {"a":9}`, `b 1 9 {"a":10}`, `d 1 9 {"a":null}`}, `{"a":9}`},
		{"a rule holds for what is below", []merge.Field{{Path: "/o", OnConflict: by(merge.RuleNewest, ByObservedAt)}, {Path: "/o/b", OnConflict: merge.OnConflict{Rule: merge.RuleReject}}},
			[]string{`a 0.1 2 {"o":{"a":1,"b":1}}`, `b 1 1 {"o":{"a":2,"b":2}}`}, `{"o":{"a":1,"b":2}}`},
		{"patterns", []merge.Field{{Path: "/**/t", OnConflict: by(merge.RuleNewest, ByObservedAt)}},
			[]string{`a 0.1 2 {"o":{"t":1,"b":1}}`, `b 1 1 {"o":{"t":2,"b":2}}`}, `{"o":{"t":1,"b":2}}`},
		{"atomic", []merge.Field{{Path: "/o", Type: merge.Atomic}},
			[]string{`a 0.1 2 {"o":{"a":1}}`, `b 1 1 {"o":{"b":2}}`}, `{"o":{"b":2}}`},
		{"atomic, all of it", []merge.Field{{Path: "/**", Type: merge.Atomic}},
			[]string{`a 0.1 2 {"a":1}`, `b 1 1 {"b":2}`}, `{"b":2}`},

		{"a set: those of the winner, then the others by their bytes", []merge.Field{{Path: "/s", Type: merge.Set}},
			[]string{`a 0.1 2 {"s":["z","b"]}`, `b 1 1 {"s":["c","b"]}`, `c 0.5 1 {"s":["a","c"]}`}, `{"s":["c","b","a","z"]}`},
		{"a set and what is none", []merge.Field{{Path: "/s", Type: merge.Set}},
			[]string{`a 0.1 2 {"s":["b"]}`, `b 0.5 1 {"s":"x"}`, `c 1 1 {"s":["a"]}`}, `{"s":["a","b"]}`},
		{"what is no set wins", []merge.Field{{Path: "/s", Type: merge.Set}},
			[]string{`a 0.1 2 {"s":["b"]}`, `b 1 1 {"s":"x"}`, `c 0.5 1 {"s":["a"]}`}, `{"s":"x"}`},
		{"a counter", []merge.Field{counter}, []string{`a 0.1 0 {"n":0.1}`, `b 1 0 {"n":0.2}`, `c 0 0 {"n":-1}`}, `{"n":-0.7}`},
		{"a counter beyond its bounds is not added up", []merge.Field{counter}, []string{`a 0.1 0 {"n":5}`, `b 1 0 {"n":6}`}, `{"n":6}`},
		{"a counter and what is none", []merge.Field{counter}, []string{`a 0.1 0 {"n":"x"}`, `b 1 0 {"n":6}`, `c 0.5 0 {"n":1}`}, `{"n":7}`},
		{"what is appended, the oldest observation first", []merge.Field{{Path: "/s", Type: merge.Append}},
			[]string{`a 1 2 {"s":[1,1]}`, `b 0 1 {"s":[2]}`, `c 0 3 {"s":[1]}`}, `{"s":[2,1,1,1]}`},
		{"a list: elements of one key together", []merge.Field{list},
			[]string{`a 0.5 1 {"l":[{"id":"x","p":1},{"id":"y"}]}`, `b 1 2 {"l":[{"id":"z"},{"id":"x","p":2,"q":3}]}`, `c 0.1 3 {"l":[{"id":"a"}]}`},
			`{"l":[{"id":"z"},{"id":"x","p":2,"q":3},{"id":"a"},{"id":"y"}]}`},
		{"a list with rules for its elements", []merge.Field{list, {Path: "/l/*/p", Type: merge.Counter}},
			[]string{`a 0.5 1 {"l":[{"id":1,"p":1}]}`, `b 1 2 {"l":[{"id":1.0,"p":2}]}`}, `{"l":[{"id":1.0,"p":3}]}`},
		{"a list with a key that stands twice", []merge.Field{list},
			[]string{`a 0.5 1 {"l":[{"id":"x"},{"id":"x"}]}`, `b 1 2 {"l":[{"id":"y"}]}`, `c 0.1 2 {"l":[{"id":"z"}]}`}, `{"l":[{"id":"y"},{"id":"z"}]}`},
		{"and with one that is missing, which wins", []merge.Field{list},
			[]string{`a 1 1 {"l":[{"id":"x"},{}]}`, `b 0.5 2 {"l":[{"id":"y"}]}`}, `{"l":[{"id":"x"},{}]}`},
		{"empty lists", []merge.Field{list}, []string{`a 1 1 {"l":[]}`, `b 0.5 2 {"l":[]}`}, `{"l":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := says(t, tt.all...)
			rules := compile(t, tt.fields...)
			if got := string(rules.Materialise(all).Append(nil)); got != tt.want {
				t.Errorf("it comes to %s, want %s", got, tt.want)
			}
			if got, _ := rules.Trace(all); string(got.Append(nil)) != tt.want {
				t.Errorf("traced it comes to %s, want %s", got.Append(nil), tt.want)
			}
		})
	}
	var none *Rules
	if got := string(none.Materialise(says(t, `a 0.5 1 {"a":1}`, `b 1 1 {"a":2}`)).Append(nil)); got != `{"a":2}` {
		t.Errorf("without rules it comes to %s", got)
	}
}

func TestTrace(t *testing.T) {
	rules := compile(t, merge.Field{Path: "/s", Type: merge.Set}, merge.Field{Path: "/l", Type: merge.List, Key: "/id"})
	_, origins := rules.Trace(says(t,
		`a 0.5 1 {"t":"A","s":[1],"o":{"p":1,"e":{}},"l":[{"id":1,"v":1}]}`,
		`b 0.9 2 {"t":"B","s":[2],"o":{"q":[1]},"l":[{"id":1,"w":2}]}`))
	want := map[string]string{"/t": "b", "/s": "b a", "/o/p": "a", "/o/q": "b", "/o/e": "a", "/l/0/id": "b", "/l/0/v": "a", "/l/0/w": "b"}
	for _, o := range origins {
		var sources []string
		for _, c := range o.Of {
			sources = append(sources, c.Source)
		}
		if got := strings.Join(sources, " "); want[o.Path.String()] != got {
			t.Errorf("%s comes of %s, want %q", o.Path, got, want[o.Path.String()])
		}
		delete(want, o.Path.String())
	}
	if len(want) > 0 {
		t.Errorf("nothing is said of %v", want)
	}
}

// TestCompile: what means nothing for contributions is refused where it stands.
func TestCompile(t *testing.T) {
	tests := []struct {
		name  string
		rules merge.Rules
		key   string
		index int
		says  string
	}{
		{"sequence", fields(merge.Field{Path: "/a"}, merge.Field{Path: "/b", Type: merge.Sequence}), "type", 1, "contributions are made of none"},
		{"text", fields(merge.Field{Path: "/b", Type: merge.Text}), "type", 0, "contributions are made of none"},
		{"theirs", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleTheirs, "")}), "on_conflict", 0, "newest, highest, lowest, authority"},
		{"mine", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleMine, "")}), "on_conflict", 0, "names a side"},
		{"newest by a member", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleNewest, "/at")}), "by", 0, "by: observedAt"},
		{"newest by nothing", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleNewest, "")}), "by", 0, "by: observedAt"},
		{"highest by a time", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleHighest, ByObservedAt)}), "by", 0, "by: confidence"},
		{"highest by a member", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleHighest, "/n")}), "by", 0, "by: confidence"},
		{"lowest by confidence", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleLowest, ByConfidence)}), "by", 0, "leave by out"},
		{"authority of nobody", fields(merge.Field{Path: "/b", OnConflict: by(merge.RuleAuthority, "")}), "on_conflict", 0, "list of sources"},
		{"authority of one twice", fields(merge.Field{Path: "/b", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"a", "a"}}}), "on_conflict", 0, "named twice"},
		{"a group", merge.Rules{Together: []merge.Group{{Paths: []string{"/a", "/b"}}}}, "together", 0, "type: atomic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(tt.rules)
			bad, ok := errors.AsType[*RuleError](err)
			if !ok || bad.Key != tt.key || bad.Index != tt.index || bad.Group != (tt.key == "together") || !strings.Contains(bad.Message(), tt.says) {
				t.Errorf("refused with %#v", err)
			}
		})
	}
	if _, err := Compile(fields(merge.Field{Path: "b"})); err == nil {
		t.Error("a path that is none was taken")
	}
}

func fields(all ...merge.Field) merge.Rules { return merge.Rules{Fields: all} }

// TestForMerges: two writers of one document are told apart by nothing that only
// contributions have.
func TestForMerges(t *testing.T) {
	r := fields(merge.Field{Path: "/a", OnConflict: by(merge.RuleHighest, ByConfidence)}, merge.Field{Path: "/b", OnConflict: by(merge.RuleNewest, ByObservedAt)},
		merge.Field{Path: "/c", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"crm"}}}, merge.Field{Path: "/d", OnConflict: by(merge.RuleHighest, "")})
	for i, f := range ForMerges(r).Fields {
		want := merge.RuleReject
		if i == 3 {
			want = merge.RuleHighest
		}
		if f.OnConflict.Rule != want || f.OnConflict.By != "" || f.OnConflict.Authority != nil {
			t.Errorf("%s is settled by %+v", f.Path, f.OnConflict)
		}
	}
	if r.Fields[0].OnConflict.By != ByConfidence {
		t.Error("the rules for contributions have changed with it")
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-05-01T12:00:00Z": true, "2026-05-01t14:00:00.123456789+02:00": true, "2026-05-01T12:00:00-00:00": true,
		"": false, "2026-05-01": false, "2026-05-01T12:00:00": false, "2026-05-01 12:00:00Z": false, "2026-05-01T24:00:00Z": false,
		"2026-05-01T12:00:00,5Z": false, "2026-05-01T12:00:00.1234567891Z": false, "2026-05-01T1:00:00Z": false, "2026-05-01T12:00:00+25:00": false, "2026-05-01T12:00:00+24:00": false, "2016-12-31T23:59:60Z": false,
	} {
		if got, ok := ParseTime(text); ok != want || ok && got.Text != text {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	at, _ := ParseTime("2026-05-01T14:00:00+02:00")
	if !at.At.Equal(noon) || TimeOf(at.At).Text != "2026-05-01T12:00:00Z" {
		t.Errorf("it is %v, and printed %s", at.At, TimeOf(at.At).Text)
	}
}

func TestIsConfidence(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "1": true, "0.8": true, "1.0": true, "1e0": true, "-0": true, "10e-1": true, "1e-9999": true,
		"1.00000000000000000000001": false, "-0.1": false, "2": false, `"0.5"`: false, "null": false, "true": false,
	} {
		if got := IsConfidence(parse(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if IsConfidence(jsonvalue.Value{}) {
		t.Error("nothing is a confidence")
	}
}
