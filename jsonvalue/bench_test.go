package jsonvalue

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// document returns a JSON object of about 1 KiB with 25 members of the kinds
// that a record has: names, texts, numbers, flags, an array and nested objects.
func document() []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"0199c2f4-7a51-7c3e-b0aa-3f1f7a6d9e01","version":17,"email":"ann@example.org"`)
	for i := range 12 {
		fmt.Fprintf(&b, `,"field%02d":"some text of a usual length, number %d"`, i, i*7919)
	}
	b.WriteString(`,"price":1234.50,"count":42,"ratio":0.333333,"active":true,"archived":false,"parent":null`)
	b.WriteString(`,"createdAt":"2026-11-20T18:00:00.123Z","tags":["red","green","blue"]`)
	b.WriteString(`,"address":{"street":"1 Main Street","city":"Utrecht","zip":"3511"},"note":"line\none"}`)
	return b.Bytes()
}

// wideObject returns an object of n members with short names, in order or in
// the opposite order.
func wideObject(n int, reverse bool) []byte {
	parts := make([]string, n)
	for i := range parts {
		j := i
		if reverse {
			j = n - 1 - i
		}
		parts[i] = fmt.Sprintf(`"member%d":%d`, j, j)
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

func mustParse(t rapid.TB, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return v
}

func BenchmarkParse(b *testing.B) {
	text := document()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	v := mustParse(b, string(document()))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = v.Append(out[:0])
	}
}

func BenchmarkAppendCanonical(b *testing.B) {
	v := mustParse(b, string(document()))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = v.AppendCanonical(out[:0])
	}
}

func BenchmarkDigest(b *testing.B) {
	v := mustParse(b, string(document()))
	b.ReportAllocs()
	for b.Loop() {
		_ = v.Digest()
	}
}

func BenchmarkEqual(b *testing.B) {
	x, y := mustParse(b, string(document())), mustParse(b, string(document()))
	b.ReportAllocs()
	for b.Loop() {
		if !Equal(x, y) {
			b.Fatal("equal documents differ")
		}
	}
}

// BenchmarkWide shows that cost grows with the number of members, not with its
// square: compare the ns/member of its sizes.
func BenchmarkWide(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		text, backwards := wideObject(n, false), wideObject(n, true)
		perMember := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/member")
		}
		b.Run(fmt.Sprintf("parse/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Parse(text, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			perMember(b)
		})
		b.Run(fmt.Sprintf("equal-other-order/%d", n), func(b *testing.B) {
			for b.Loop() {
				// Parsed afresh, so that building the index counts too.
				if !Equal(mustParse(b, string(text)), mustParse(b, string(backwards))) {
					b.Fatal("equal documents differ")
				}
			}
			perMember(b)
		})
		b.Run(fmt.Sprintf("digest/%d", n), func(b *testing.B) {
			v := mustParse(b, string(backwards))
			for b.Loop() {
				_ = v.Digest()
			}
			perMember(b)
		})
	}
}
