package jsonvalue

import (
	"errors"
	"strings"
	"testing"
)

func TestDepthLimit(t *testing.T) {
	cases := []struct {
		name    string
		text    string
		limit   int
		pointer string // of the refused container; "-" where none is refused
	}{
		{"default, 64 arrays", nested(64), 0, "-"},
		{"default, 65 arrays", nested(65), 0, strings.Repeat("/0", 64)},
		{"a scalar needs no depth", `1`, 1, "-"},
		{"one level", `[1,{}]`, 1, "/1"},
		{"siblings do not add up", `[[],{},[],{}]`, 2, "-"},
		{"objects count", `{"a":{"b":{}}}`, 2, "/a/b"},
		{"a limit above the most", nested(maxDepth), 1 << 30, "-"},
		{"more than the most", nested(maxDepth + 1), 1 << 30, strings.Repeat("/0", maxDepth)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text), Limits{Depth: c.limit})
			if c.pointer == "-" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var refused *SyntaxError
			if !errors.As(err, &refused) || refused.Reason != ReasonTooDeep {
				t.Fatalf("Parse = %v, want too-deep", err)
			}
			if refused.Pointer != c.pointer {
				t.Errorf("Pointer = %q, want %q", shorten(refused.Pointer), shorten(c.pointer))
			}
		})
	}
}

// TestSyntaxErrorMessage: the message is the error without its position.
func TestSyntaxErrorMessage(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":1,"b":2}}`: `in "/a/b": the object has this member name already; remove or rename one of the two`,
		``:                    "the JSON text ends too early; send all of it",
		`[?]`:                 "invalid character '?' at start of value; correct it there to be JSON (RFC 8259)",
	} {
		var refused *SyntaxError
		if _, err := Parse([]byte(text), Limits{}); !errors.As(err, &refused) || !strings.HasSuffix(refused.Message(), want) ||
			!strings.HasPrefix(refused.Error(), "jsonvalue: at byte ") || !strings.HasSuffix(refused.Error(), refused.Message()) {
			t.Errorf("%s: %v, message %q, want %q", text, err, refused.Message(), want)
		}
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// TestAMebibyteOfBrackets: the fault is found at the limit, not at the end.
func TestAMebibyteOfBrackets(t *testing.T) {
	for _, unit := range []string{"[", `{"a":`, `[{"":`} {
		text := []byte(strings.Repeat(unit, 1<<20/len(unit)))
		var refused *SyntaxError
		if _, err := Parse(text, Limits{}); !errors.As(err, &refused) || refused.Reason != ReasonTooDeep || refused.Offset > 400 {
			t.Errorf("%s…: Parse = %v, want too-deep near the start", unit, err)
		}
	}
}

func TestHundredThousandMembers(t *testing.T) {
	a, b := mustParse(t, string(wideObject(100_000, false))), mustParse(t, string(wideObject(100_000, true)))
	if !Equal(a, b) || !Identical(a, b) || a.Digest() != b.Digest() {
		t.Error("member order counted")
	}
	members := b.Members()
	for _, m := range members {
		if got := a.Lookup(m.Name); got.Text() != m.Value.Text() {
			t.Fatalf("Lookup(%q) = %q", m.Name, got.Text())
		}
	}
	if a.node.index.Load() == nil || b.node.index.Load() == nil {
		t.Error("an object that was searched this often has no index")
	}
	changed := append(members, Member{})[:len(members)]
	changed[len(changed)-1].Value = Int(-1)
	if c := mustObject(t, changed); Equal(a, c) || Identical(a, c) {
		t.Error("the last member did not count")
	}
}

// TestLongNumbers: what a number costs is bounded by its own length, whatever
// its exponent.
func TestLongNumbers(t *testing.T) {
	million := strings.Repeat("7", 1_000_000)
	cases := []struct{ name, spelling, reason string }{
		{"exponent of 10,000 is not expanded", "1e10000", ""},
		{"ten thousand zeros", "1" + strings.Repeat("0", maxExponent), ""},
		{"one zero more", "1" + strings.Repeat("0", maxExponent+1), ReasonExponent},
		{"a long fraction", "0." + million, ""},
		{"a first digit far behind the point", "0." + strings.Repeat("0", maxExponent) + "1", ReasonExponent},
		{"the nearest that is allowed", "0." + strings.Repeat("0", maxExponent-1) + "1", ""},
		{"a long run of zeros that is zero", "0." + strings.Repeat("0", 1_000_000), ""},
		{"a long whole", million, ReasonExponent},
		{"a long exponent", "1e" + million, ReasonExponent},
		{"a long exponent of zeros", "1e" + strings.Repeat("0", 1_000_000) + "5", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := Number(c.spelling)
			var refused *SyntaxError
			if c.reason != "" {
				if !errors.As(err, &refused) || refused.Reason != c.reason {
					t.Fatalf("Number = %v, want %s", err, c.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			canonical := v.AppendCanonical(nil)
			if len(canonical) > len(c.spelling)+8 {
				t.Errorf("a spelling of %d bytes has a canonical form of %d", len(c.spelling), len(canonical))
			}
			back := mustParse(t, string(canonical))
			if !Equal(v, back) || v.Digest() != back.Digest() {
				t.Error("the canonical form reads as another number")
			}
		})
	}
}

// TestComparingNumbersDoesNotAllocate holds that exponents are never expanded.
func TestComparingNumbersDoesNotAllocate(t *testing.T) {
	a, b := mustParse(t, `1e10000`), mustParse(t, `0.1e10000`)
	scratch := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		if Equal(a, b) {
			t.Error("numbers of different magnitude are equal")
		}
		if order, _ := CompareNumbers(a, b); order != 1 {
			t.Error("1e10000 is not above a tenth of it")
		}
		scratch = appendCanonicalNumber(scratch[:0], a.text) // not by way of the pool, which may be empty
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// TestDifferencesBeyondFloat64 is the reason for the departure from RFC 8785.
func TestDifferencesBeyondFloat64(t *testing.T) {
	a, b := mustParse(t, `{"balance":9007199254740993}`), mustParse(t, `{"balance":9007199254740992}`)
	if Equal(a, b) || Identical(a, b) || a.Digest() == b.Digest() {
		t.Error("two balances that differ by one are taken for the same")
	}
	for _, spelling := range []string{"9007199254740993", "1.0", "-0", "1E+2", "0.10"} {
		if got := string(mustParse(t, spelling).Append(nil)); got != spelling {
			t.Errorf("%s came back as %s", spelling, got)
		}
	}
}
