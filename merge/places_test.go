package merge

import (
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// TestPlaces: a walk finds at each place what Match finds for its path.
func TestPlaces(t *testing.T) {
	p, err := Compile(Rules{Fields: []Field{
		{Path: "/a", OnConflict: OnConflict{Rule: RuleMine}}, {Path: "/a/*", Type: Set}, {Path: "/**/b", OnConflict: OnConflict{Rule: RuleTheirs}}, {Path: "/a/0", Type: Atomic},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []jsonvalue.Pointer{{}, {"a"}, {"a", "b"}, {"a", "c"}, {"a", "c", "b"}, {"x", "b"}, {"x"}, {"a", "0"}} {
		places := p.Places()
		at := places.Top()
		for _, token := range path {
			at = places.Below(at, token, false)
		}
		if field, settles := p.Match(path); at.Field() != field || at.Settles() != settles {
			t.Errorf("%s has field %d and settles by %d, want %d and %d", path, at.Field(), at.Settles(), field, settles)
		}
	}
	places := p.Places()
	if at := places.Below(places.Below(places.Top(), "a", false), "0", true); at.Field() != 1 {
		t.Errorf("an element has field %d", at.Field())
	}
	var none *Policy
	if at := none.Places().Top(); at.Field() != -1 || at.Settles() != -1 {
		t.Error("no policy has a field")
	}
}

func TestSum(t *testing.T) {
	number := func(s string) jsonvalue.Value {
		n, err := jsonvalue.Number(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, tt := range []struct {
		terms []jsonvalue.Value
		want  string
	}{
		{nil, "0"}, {[]jsonvalue.Value{number("0.1"), number("0.2")}, "0.3"}, {[]jsonvalue.Value{number("9007199254740993"), number("-1e0")}, "9007199254740992"},
		{[]jsonvalue.Value{number("1"), jsonvalue.String("2")}, ""}, {[]jsonvalue.Value{number("1e500")}, ""}, {[]jsonvalue.Value{{}}, ""},
	} {
		got, ok := Sum(tt.terms...)
		if ok != (tt.want != "") || got.Text() != tt.want {
			t.Errorf("%v sum up to %s, %v; want %q", tt.terms, got.Text(), ok, tt.want)
		}
	}
}
