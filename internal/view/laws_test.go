package view

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// documents draws objects with few names, so that paths match and values recur.
func documents() *rapid.Generator[jsonvalue.Value] {
	return rapid.Custom(func(t *rapid.T) jsonvalue.Value { return drawObject(t, 3) })
}

func drawObject(t *rapid.T, depth int) jsonvalue.Value {
	var members []jsonvalue.Member
	for _, name := range []string{"a", "b", "s"} {
		if rapid.Bool().Draw(t, "has "+name) {
			members = append(members, jsonvalue.Member{Name: name, Value: drawValue(t, depth-1)})
		}
	}
	return object(members)
}

func drawValue(t *rapid.T, depth int) jsonvalue.Value {
	kinds := 4
	if depth == 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return jsonvalue.Int(rapid.Int64Range(0, 2).Draw(t, "n"))
	case 1:
		return jsonvalue.Null()
	case 2:
		elems := make([]jsonvalue.Value, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range elems {
			elems[i] = drawValue(t, depth-1)
		}
		return jsonvalue.Array(elems...)
	}
	return drawObject(t, depth)
}

// rulesets are what the laws are tried under; ! is hidden.
var rulesets = [][]string{
	{"!/s"}, {"!/**/s"}, {"!/a/*"}, {"!/a", "/a/b"}, {"!/a/*/s", "!/b"}, {"!/**", "/a"}, {"!/a", "/a/*", "!/a/*/s"}, {"!/*/*/s", "/a/b/s"},
}

func forAll(t *testing.T, law func(t *rapid.T, v *View)) {
	for _, paths := range rulesets {
		lists := []List{{"/a", "/b"}, {"/b", "/s"}}
		rapid.Check(t, func(r *rapid.T) { law(r, viewOf(t, paths, lists...)) })
	}
}

// What is seen shows nothing more when it is looked at again, and brings nothing.
func TestSeenTwice(t *testing.T) {
	forAll(t, func(t *rapid.T, v *View) {
		d := documents().Draw(t, "document")
		if once := v.Value(d); v.Brings(once) {
			t.Fatalf("%s shows %s", once.Append(nil), v.Value(once).Append(nil))
		}
	})
}

// Who writes back what they read changes nothing.
func TestWrittenBack(t *testing.T) {
	forAll(t, func(t *rapid.T, v *View) {
		d := documents().Draw(t, "document")
		got, err := v.Keep(d, v.Value(d))
		if err != nil || !jsonvalue.Identical(got, d) {
			t.Fatalf("%s became %s, %v", d.Append(nil), got.Append(nil), err)
		}
	})
}

// Who brings nothing hidden sees afterwards what they wrote.
func TestWrittenIsSeen(t *testing.T) {
	forAll(t, func(t *rapid.T, v *View) {
		d, w := documents().Draw(t, "document"), v.Value(documents().Draw(t, "written"))
		if got, err := v.Keep(d, w); err == nil && !jsonvalue.Identical(v.Value(got), w) {
			t.Fatalf("%s over %s became %s", w.Append(nil), d.Append(nil), got.Append(nil))
		}
	})
}

// What a caller is told is the same whatever the hidden values are.
func TestNothingIsTold(t *testing.T) {
	forAll(t, func(t *rapid.T, v *View) {
		d, other, w := documents().Draw(t, "document"), documents().Draw(t, "other"), documents().Draw(t, "written")
		twin, err := v.Keep(other, v.Value(d)) // what is seen of d, and what is hidden of another
		if err != nil || !jsonvalue.Identical(v.Value(twin), v.Value(d)) {
			t.Skip("no twin")
		}
		one, errOne := v.Keep(d, w)
		two, errTwo := v.Keep(twin, w)
		if (errOne == nil) != (errTwo == nil) || errOne == nil && !jsonvalue.Identical(v.Value(one), v.Value(two)) {
			t.Fatalf("%s over %s: %s, %v; over %s: %s, %v", w.Append(nil), d.Append(nil), v.Value(one).Append(nil), errOne,
				twin.Append(nil), v.Value(two).Append(nil), errTwo)
		}
	})
}

// What is not said to take anything leaves each hidden value somewhere.
func TestNothingIsTaken(t *testing.T) {
	forAll(t, func(t *rapid.T, v *View) {
		d, w := documents().Draw(t, "document"), v.Value(documents().Draw(t, "written"))
		got, err := v.Keep(d, w)
		if err != nil || v.Takes(v.Value(d), w) {
			t.Skip("refused")
		}
		left := make(map[string]int)
		for _, text := range v.unseenIn(v.top(), got) {
			left[text]++
		}
		for _, text := range v.unseenIn(v.top(), d) {
			if left[text]--; left[text] < 0 {
				t.Fatalf("%s over %s became %s, which has lost %s", w.Append(nil), d.Append(nil), got.Append(nil), text)
			}
		}
	})
}

// unseenIn lists what of a value is not seen.
func (v *View) unseenIn(s spot, value jsonvalue.Value) (texts []string) {
	whole := []string{string(value.AppendCanonical(nil))}
	switch {
	case s.ends() && s.hidden:
		return whole
	case value.Kind() == jsonvalue.KindObject: // an empty one has lost nothing when it has got members
		for _, m := range value.Members() {
			texts = append(texts, v.unseenIn(v.below(s, m.Name, false), m.Value)...)
		}
		return texts
	case s.hidden:
		return whole
	}
	for _, e := range value.Elems() {
		texts = append(texts, v.unseenIn(v.below(s, "", true), e)...)
	}
	return texts
}
