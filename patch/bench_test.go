package patch_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// document returns an object of about size bytes whose items are small objects.
func document(b *testing.B, size int) jsonvalue.Value {
	items := objects(b, size/30)
	v, err := jsonvalue.Object(
		jsonvalue.Member{Name: "title", Value: jsonvalue.String("a document")},
		jsonvalue.Member{Name: "items", Value: jsonvalue.Array(items...)},
		jsonvalue.Member{Name: "owner", Value: parse(b, `{"name":"Ann","mail":"ann@example.org"}`)},
	)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

var sizes = []int{1 << 10, 100 << 10}

func BenchmarkJSONPatch(b *testing.B) {
	ops := parse(b, `[{"op":"test","path":"/owner/name","value":"Ann"},{"op":"replace","path":"/title","value":"another"},
		{"op":"add","path":"/items/3","value":{"id":-1}},{"op":"remove","path":"/owner/mail"}]`)
	for _, size := range sizes {
		for _, limit := range []int64{0, 4 << 20} {
			b.Run(fmt.Sprintf("%dKiB/limit=%d", size>>10, limit), func(b *testing.B) {
				doc := document(b, size)
				b.ReportAllocs()
				for b.Loop() {
					p, err := patch.ParseJSONPatch(ops, patch.Limits{Size: limit})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := p.Apply(doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkJSONPatchCostly(b *testing.B) {
	doc := wideDocument(b)
	for name, ops := range costly(b) {
		b.Run(name, func(b *testing.B) {
			p, err := patch.ParseJSONPatch(ops, patch.Limits{Size: 4 << 20})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Apply(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMergePatch(b *testing.B) {
	p := parse(b, `{"title":"another","owner":{"mail":null,"role":"editor"}}`)
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			doc := document(b, size)
			b.ReportAllocs()
			for b.Loop() {
				patch.MergePatch(doc, p)
			}
		})
	}
}

func BenchmarkDiff(b *testing.B) {
	for _, size := range sizes {
		from := document(b, size)
		to := parse(b, text(patch.MergePatch(from, parse(b, `{"title":"another","owner":{"mail":null}}`))))
		b.Run(fmt.Sprintf("%dKiB/two members", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				patch.Diff(from, to)
			}
		})
	}
	base := objects(b, 10_000)
	shuffled := slices.Clone(base)
	for i := range shuffled {
		j := i * 7919 % len(shuffled)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	var flips, pairs []jsonvalue.Value
	for i := range 200_000 {
		flips = append(flips, jsonvalue.Int(int64(i%2)))
		pairs = append(pairs, jsonvalue.Int(int64(i/2%2)))
	}
	for _, c := range []struct {
		name     string
		from, to []jsonvalue.Value
	}{
		{"10,000 elements/one inserted", base, slices.Insert(slices.Clone(base), 5000, jsonvalue.Null())},
		{"10,000 elements/ends inserted", base, slices.Insert(append(slices.Clone(base), jsonvalue.Null()), 0, jsonvalue.Null())},
		{"10,000 elements/shuffled", base, shuffled},
		{"200,000 elements/few distinct", flips, pairs},
	} {
		from, to := parse(b, text(jsonvalue.Array(c.from...))), parse(b, text(jsonvalue.Array(c.to...)))
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				patch.Diff(from, to)
			}
		})
	}
}
