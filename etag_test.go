package ifmatch_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

func TestParseETag(t *testing.T) {
	tests := []struct {
		in     string
		opaque string
		weak   bool
		reason string // of the error, "" for none
	}{
		{`"5"`, "5", false, ""},
		{`""`, "", false, ""},
		{`W/"5"`, "5", true, ""},
		{`"*"`, "*", false, ""},
		{`"a,b"`, "a,b", false, ""},
		{"\"\x80\xff\"", "\x80\xff", false, ""},
		{`"W/"`, "W/", false, ""},
		{`5`, "", false, "an entity tag stands in double quotes"},
		{``, "", false, "an entity tag stands in double quotes"},
		{`W/`, "", false, "an entity tag stands in double quotes"},
		{`w/"5"`, "", false, "an entity tag stands in double quotes"},
		{`*`, "", false, "an entity tag stands in double quotes"},
		{`"5`, "", false, "the closing quote is missing"},
		{`"5" `, "", false, "characters follow the closing quote"},
		{`"5""6"`, "", false, "characters follow the closing quote"},
		{`"a b"`, "", false, "spaces and control characters cannot stand inside an entity tag"},
		{"\"\x7f\"", "", false, "spaces and control characters cannot stand inside an entity tag"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			tag, err := ifmatch.ParseETag(tt.in)
			if tt.reason != "" {
				if syntax, ok := errors.AsType[*ifmatch.SyntaxError](err); !ok || syntax.Reason != tt.reason || !tag.IsZero() {
					t.Fatalf("got %v, %v", tag, err)
				}
				return
			}
			if err != nil || tag.Opaque() != tt.opaque || tag.IsWeak() != tt.weak || tag.String() != tt.in {
				t.Errorf("got %q weak=%v as %s, %v", tag.Opaque(), tag.IsWeak(), tag, err)
			}
		})
	}
}

// TestComparison is the table of RFC 9110 §8.8.3.2.
func TestComparison(t *testing.T) {
	tests := []struct {
		a, b         string
		strong, weak bool
	}{
		{`W/"1"`, `W/"1"`, false, true},
		{`W/"1"`, `W/"2"`, false, false},
		{`W/"1"`, `"1"`, false, true},
		{`"1"`, `"1"`, true, true},
		{`"a"`, `"A"`, false, false},
	}
	for _, tt := range tests {
		a, _ := ifmatch.ParseETag(tt.a)
		b, _ := ifmatch.ParseETag(tt.b)
		if a.StrongMatch(b) != tt.strong || b.StrongMatch(a) != tt.strong || a.WeakMatch(b) != tt.weak || b.WeakMatch(a) != tt.weak {
			t.Errorf("%s and %s", tt.a, tt.b)
		}
	}
	var none ifmatch.ETag
	empty, _ := ifmatch.ParseETag(`""`)
	if none.WeakMatch(none) || none.StrongMatch(empty) || empty.WeakMatch(none) {
		t.Error("no tag equals nothing")
	}
}

func TestVersionOfTag(t *testing.T) {
	for in, want := range map[string]int64{
		`"5"`: 5, `W/"5"`: 5, `"9007199254740991"`: ifmatch.MaxVersion,
		`"9007199254740992"`: 0, `"0"`: 0, `"05"`: 0, `"+5"`: 0, `"-5"`: 0, `"5x"`: 0, `""`: 0, `" 5"`: 0,
		`"99999999999999999999"`: 0,
	} {
		tag, _ := ifmatch.ParseETag(in)
		if got, ok := tag.Version(); got != want || ok != (want != 0) {
			t.Errorf("%s: %d, %v", in, got, ok)
		}
	}
}

func TestHashTagOfLives(t *testing.T) {
	digest := sha256.Sum256([]byte("{}"))
	first, second, third := ifmatch.HashTag(&digest, 1), ifmatch.HashTag(&digest, 2), ifmatch.HashTag(&digest, 3)
	if first == second || second == third || first == third {
		t.Errorf("%s %s %s: lives must not share tags", first, second, third)
	}
	if len(first.Opaque()) != 22 || strings.ContainsAny(first.Opaque(), "+/=") {
		t.Errorf("%s is not unpadded base64url of 16 bytes", first)
	}
}

func TestContractETag(t *testing.T) {
	digest := sha256.Sum256([]byte("{}"))
	for _, tt := range []struct {
		contract ifmatch.Contract
		want     string
	}{
		{ifmatch.Contract{}, `"5"`},
		{ifmatch.Contract{Weak: true}, `W/"5"`},
		{ifmatch.Contract{Token: ifmatch.TokenHash}, ifmatch.HashTag(&digest, 1).String()},
	} {
		if got := tt.contract.ETag(&ifmatch.Subject{}, 5, 1, &digest).String(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.contract, got, tt.want)
		}
	}
}

func TestTooManyTags(t *testing.T) {
	list := strings.Repeat(`"x",`, ifmatch.DefaultMaxTags)
	if c := ifmatch.ParseConditions(h("If-Match", list)); c.Malformed != nil || c.IfMatch.Len() != ifmatch.DefaultMaxTags {
		t.Errorf("%d tags: %v", c.IfMatch.Len(), c.Malformed)
	}
	c := ifmatch.ParseConditions(h("If-Match", list+`"y"`))
	if c.Malformed == nil || c.Malformed.Reason != "more than 100 entity tags" {
		t.Errorf("one too many: %v", c.Malformed)
	}
}

func FuzzETag(f *testing.F) {
	for _, s := range []string{`"5"`, `W/"5"`, `""`, `"a,b"`, `5`, `"`, `W/`, "\"\x80\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tag, err := ifmatch.ParseETag(s)
		if err != nil {
			if !tag.IsZero() {
				t.Fatalf("%q failed and gave %s", s, tag)
			}
			return
		}
		if tag.String() != s {
			t.Fatalf("%q prints as %q", s, tag)
		}
		if !tag.WeakMatch(tag) || tag.StrongMatch(tag) == tag.IsWeak() {
			t.Fatalf("%q does not match itself", s)
		}
	})
}

func FuzzConditions(f *testing.F) {
	for _, s := range []string{`"5"`, `*`, `"a", W/"b"`, `, ,"a" ,`, `"a,b"`, `*, "a"`, `"a" "b"`, `"`, "Sun, 21 Oct 2007 23:21:47 GMT"} {
		f.Add(s, `"5"`)
	}
	state := ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(5)}
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, field := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"} {
			split := ifmatch.ParseConditions(map[string][]string{field: {one, two}})
			joined := ifmatch.ParseConditions(map[string][]string{field: {one + "," + two}})
			if (split.Malformed == nil) != (joined.Malformed == nil) && split.Malformed == nil {
				t.Fatalf("%s: lines %q and %q are read, joined they are not: %v", field, one, two, joined.Malformed)
			}
			res := ifmatch.Evaluate("PUT", split, state, ifmatch.Contract{})
			if field == "If-Match" && res.Fresh() && !split.IfMatch.Any() {
				found := false
				for tag := range split.IfMatch.All() {
					found = found || tag.StrongMatch(state.ETag)
				}
				if !found {
					t.Fatalf("%q and %q let a write through without naming the state", one, two)
				}
			}
		}
	})
}
