package jsonvalue

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWriter(t *testing.T) {
	number, err := Number("1.50")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 23, 30, 0, 1_999_999, time.FixedZone("", 3600))
	for _, c := range []struct {
		name, before string
		write        func(w *Writer)
		want         string
	}{
		{"nothing", "", func(*Writer) {}, ``},
		{"an empty object", "", func(w *Writer) { w.Open('{').Close('}') }, `{}`},
		{"every kind", "", func(w *Writer) {
			w.Open('{').Name("s").String("a\n").Name("i").Int(-1).Name("b").Bool(false).Name("t").Time(at)
			w.Name("v").Value(number).Name("r").Raw([]byte(`[null]`)).Close('}')
		}, `{"s":"a\n","i":-1,"b":false,"t":"2026-11-21T22:30:00.001Z","v":1.50,"r":[null]}`},
		{"an array", "", func(w *Writer) {
			w.Open('[').Int(1).Bool(true).Open('[').Close(']').Open('{').Close('}').String("").Close(']')
		}, `[1,true,[],{},""]`},
		{"behind a value", `{}`, func(w *Writer) { w.Open('{').Close('}') }, `{}{}`},
		{"behind other text", "data: ", func(w *Writer) { w.Int(2).Int(3) }, `data: 2,3`},
		{"nothing to say", "", func(w *Writer) { w.Open('{').NonEmpty("s", "").NonZero("i", 0).Close('}') }, `{}`},
		{"something to say", "", func(w *Writer) { w.Open('{').NonEmpty("s", "x").NonZero("i", -2).Close('}') }, `{"s":"x","i":-2}`},
		{"strings that end like something else", "", func(w *Writer) { w.Open('[').String("{").String("[").String(":").String(",").Close(']') }, `["{","[",":",","]`},
		{"a name that needs escapes", "", func(w *Writer) { w.Open('{').Name(`/a"\`).Int(1).Close('}') }, `{"/a\"\\":1}`},
		{"several members", "", func(w *Writer) { w.Open('{').Name("a").Int(1).Raw([]byte(`"b":2,"c":3`)).Name("d").Int(4).Close('}') }, `{"a":1,"b":2,"c":3,"d":4}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWriter([]byte(c.before))
			if c.write(w); string(w.Bytes()) != c.want {
				t.Errorf("got %s, want %s", w.Bytes(), c.want)
			}
		})
	}
}

// TestWrittenStrings: whatever a Go string holds is valid JSON, with U+FFFD for each
// byte that is not UTF-8.
func TestWrittenStrings(t *testing.T) {
	for _, s := range []string{"", "plain", `a"b\c`, "\x00\x1f\n\t", "ü€𝄞", "\xff", "\xff\xfe", "a\xc3(\xed\xa0\x80b", "\uFFFD", "\u2028", "\x7f"} {
		got := NewWriter(nil).String(s).Bytes()
		back, err := Parse(got, Limits{})
		if err != nil {
			t.Errorf("%q: %s: %v", s, got, err)
			continue
		}
		want := strings.Map(func(r rune) rune { return r }, s) // maps each bad byte to U+FFFD
		if back.Text() != want || !utf8.Valid(got) {
			t.Errorf("%q came back as %q, want %q", s, back.Text(), want)
		}
	}
}
