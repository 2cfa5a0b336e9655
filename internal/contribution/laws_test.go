package contribution

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

var names = []string{"a", "b", "c", "s", "n", "l", "log"}

// drawn draws JSON of few kinds over few names, so that contributions meet.
func drawn(t *rapid.T, depth int) string {
	most := 6
	if depth == 0 {
		most = 3
	}
	switch rapid.IntRange(0, most).Draw(t, "kind") {
	case 0:
		return "null"
	case 1, 2:
		return fmt.Sprint(rapid.IntRange(-3, 3).Draw(t, "number"))
	case 3:
		return `"x"`
	case 4:
		return array(t, depth)
	}
	return objects(t, depth-1)
}

func array(t *rapid.T, depth int) string {
	var elems []string
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		if rapid.Bool().Draw(t, "keyed") {
			elems = append(elems, fmt.Sprintf(`{"id":%d,"a":%s}`, rapid.IntRange(0, 2).Draw(t, "id"), drawn(t, 0)))
			continue
		}
		elems = append(elems, drawn(t, 0))
	}
	return "[" + strings.Join(elems, ",") + "]"
}

func objects(t *rapid.T, depth int) string {
	var members []string
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID).Draw(t, "names") {
		members = append(members, `"`+name+`":`+drawn(t, max(depth, 0)))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// anyRules draws rules of which none goes by arrival where all else differs.
func anyRules(t *rapid.T) *Rules {
	settle := rapid.SampledFrom([]merge.OnConflict{
		{}, {Rule: merge.RuleReject}, by(merge.RuleHighest, ByConfidence), by(merge.RuleNewest, ByObservedAt),
	})
	kinds := rapid.SampledFrom([]merge.Type{merge.Untyped, merge.Atomic, merge.Set, merge.Append, merge.Counter, merge.List, merge.Immutable})
	var all []merge.Field
	for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"/a", "/b", "/s", "/n", "/l", "/log", "/**/a", "/*/b", "/l/*/a", "/**"}), 0, 6, rapid.ID).Draw(t, "paths") {
		f := merge.Field{Path: path, Type: kinds.Draw(t, "type"), OnConflict: settle.Draw(t, "rule")}
		if f.Type == merge.List {
			f.Key = "/id"
		}
		if f.Type == merge.Counter && rapid.Bool().Draw(t, "bounded") {
			f.Max = "2"
		}
		all = append(all, f)
	}
	r, err := Compile(merge.Rules{Fields: all})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contributions draws some of which no two have the same time, or confidence.
func contributions(t *rapid.T, sources ...string) []Contribution {
	n := rapid.IntRange(0, 6).Draw(t, "contributions")
	ranks := rapid.Permutation([]int{1, 2, 3, 4, 5, 6}).Draw(t, "confidences")
	times := rapid.Permutation([]int{1, 2, 3, 4, 5, 6}).Draw(t, "times")
	all := make([]Contribution, n)
	for i := range all {
		confidence, err := jsonvalue.Number(fmt.Sprintf("0.%d", ranks[i]))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = Contribution{
			ID: fmt.Sprint("c", i), Source: rapid.SampledFrom(sources).Draw(t, "source"), Confidence: confidence, Arrival: int64(i + 1),
			ObservedAt: TimeOf(noon.Add(time.Duration(times[i]) * time.Minute)), Data: read(t, objects(t, 2)),
		}
	}
	return all
}

func read(t *rapid.T, text string) jsonvalue.Value {
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func printed(v jsonvalue.Value) string { return string(v.Append(nil)) }

// TestArrivalDecidesNothingButTies: in whatever order they come, and are kept, the
// document is the same to the byte.
func TestArrivalDecidesNothingButTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, all := anyRules(t), contributions(t, "crm", "erp", Direct)
		want := printed(rules.Materialise(all))
		order := rapid.Permutation([]int64{1, 2, 3, 4, 5, 6}).Draw(t, "arrivals")
		shuffled := rapid.Permutation(all).Draw(t, "places")
		for i := range shuffled {
			shuffled[i].Arrival = order[i]
		}
		if got := printed(rules.Materialise(shuffled)); got != want {
			t.Fatalf("in another order it comes to %s, not %s", got, want)
		}
	})
}

// TestTiesGoByArrivalAlone: where all else is equal, the order in which
// contributions are kept decides nothing.
func TestTiesGoByArrivalAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, all := anyRules(t), contributions(t, "crm")
		for i := range all {
			all[i].Confidence, all[i].ObservedAt = all[0].Confidence, all[0].ObservedAt
		}
		want := printed(rules.Materialise(all))
		if got := printed(rules.Materialise(rapid.Permutation(all).Draw(t, "places"))); got != want {
			t.Fatalf("kept in another order it comes to %s, not %s", got, want)
		}
	})
}

// TestOriginsAddUp: each place of a document comes of somebody, who has it so
// where nothing was combined.
func TestOriginsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, all := anyRules(t), contributions(t, "crm", "erp")
		value, origins := rules.Trace(all)
		if printed(value) != printed(rules.Materialise(all)) {
			t.Fatalf("traced it is %s", printed(value))
		}
		seen := map[string]bool{}
		for _, o := range origins {
			if seen[o.Path.String()] || len(o.Of) == 0 || !jsonvalue.Identical(value.At(o.Path), o.Value) {
				t.Fatalf("%s is said to be %s of %d", o.Path, printed(o.Value), len(o.Of))
			}
			seen[o.Path.String()] = true
		}
		leaves(value, nil, func(at jsonvalue.Pointer) {
			for n := range len(at) + 1 {
				if seen[at[:n].String()] {
					return
				}
			}
			t.Fatalf("nobody has %s of %s", at, printed(value))
		})
	})
}

// leaves yields the path of each value in v that nothing lies in.
func leaves(v jsonvalue.Value, at jsonvalue.Pointer, yield func(jsonvalue.Pointer)) {
	if v.Len() == 0 && len(at) > 0 {
		yield(at)
	}
	for i, e := range v.Elems() {
		leaves(e, append(slices.Clone(at), strconv.Itoa(i)), yield)
	}
	for _, m := range v.Members() {
		leaves(m.Value, append(slices.Clone(at), m.Name), yield)
	}
}

// TestWritesKeepTheirWord: a write is what was asked for, but for the fields that
// it names, and what other sources have said stays as it is.
func TestWritesKeepTheirWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, all := anyRules(t), contributions(t, "crm", Direct)
		have := rules.Materialise(all)
		want := read(t, objects(t, 2))
		confidence, err := jsonvalue.Number(rapid.SampledFrom([]string{"0", "0.35", "1"}).Draw(t, "confidence"))
		if err != nil {
			t.Fatal(err)
		}
		of := Contribution{ID: "new", Source: Direct, Confidence: confidence, Arrival: 7, ObservedAt: TimeOf(noon.Add(time.Hour))}
		w := rules.Write(all, of, have, want)
		if printed(w.Value) != printed(rules.Materialise(w.All)) {
			t.Fatalf("it is said to come to %s", printed(w.Value))
		}
		if jsonvalue.Identical(have, want) && list(w.All) != list(all) {
			t.Fatalf("nothing was asked for, and it comes to %s", list(w.All))
		}
		others := func(all []Contribution) string { return list(except(all, Direct)) }
		if others(w.All) != others(all) {
			t.Fatalf("others have said %s, not %s", others(w.All), others(all))
		}
		lost := map[string]bool{}
		for _, p := range w.Outranked {
			lost[p.String()] = true
		}
		if others(all) == "" && len(lost) > 0 && !bounded(rules) {
			t.Fatalf("nobody else has a say, and it loses %v", w.Outranked)
		}
		differing(rules.places.Places(), rules, w.Value, want, func(at jsonvalue.Pointer) {
			for n := range len(at) + 1 {
				if lost[at[:n].String()] {
					return
				}
			}
			t.Fatalf("%s of %s is not as in %s, and it says %v", at, printed(w.Value), printed(want), w.Outranked)
		})
	})
}

// bounded tells whether any sum may be none.
func bounded(r *Rules) bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return !f.max.IsAbsent() })
}

// differing yields the fields in which two documents differ by more than the order
// of what is combined.
func differing(places *merge.Places, rules *Rules, a, b jsonvalue.Value, yield func(jsonvalue.Pointer)) {
	d := &difference{rules: rules, places: places}
	for _, p := range d.between(places.Top(), a, b, jsonvalue.Value{}).lost(nil, nil, a) {
		yield(p)
	}
}

// TestCostIsLinear: twice the data is about twice the places that are walked.
func TestCostIsLinear(t *testing.T) {
	steps := func(n int) float64 {
		var member strings.Builder
		for i := range n {
			fmt.Fprintf(&member, `,"m%d":{"v":%d}`, i, i)
		}
		all := make([]Contribution, n)
		for i := range all {
			data := fmt.Sprintf(`{"m%d":{"w":1},"s":[%d]}`, i, i)
			if i == 0 {
				data = "{" + member.String()[1:] + "}"
			}
			all[i] = Contribution{Source: "crm", Confidence: jsonvalue.Int(1), Arrival: int64(i), ObservedAt: TimeOf(noon), Data: parse(t, data)}
		}
		rules := compile(t, merge.Field{Path: "/s", Type: merge.Set}, merge.Field{Path: "/**/w", Type: merge.Counter})
		return testing.AllocsPerRun(1, func() { rules.Materialise(all) })
	}
	if small, large := steps(500), steps(2000); large > 6*small {
		t.Errorf("4 times the data took %.0f allocations instead of %.0f", large, small)
	}
}
