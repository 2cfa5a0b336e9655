package merge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// hostile is a document of about 1 MiB that is dear to merge, or looks so.
type hostile struct {
	name    string
	rules   merge.Rules
	writers merge.Writers
	// document returns one of the three sides.
	document func(s side) string
	// limit tells that merging it would take more steps than are allowed.
	limit bool
}

type side int

const (
	baseSide side = iota
	theirSide
	mySide
)

func field(typ merge.Type) merge.Rules { return merge.Rules{Fields: []merge.Field{{Type: typ}}} }

// joined writes n parts, with commas between them, within brackets.
func joined(brackets string, n int, part func(i int) string) string {
	var b strings.Builder
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(part(i))
	}
	b.WriteByte(brackets[1])
	return b.String()
}

// every is the side's number where it changes something, 0 elsewhere: theirs at
// every tenth place, mine at the ones behind.
func (s side) every(i int) int {
	if s != baseSide && i%10 == int(s) {
		return int(s)
	}
	return 0
}

// both is the side's number at every place.
func (s side) both(int) int { return int(s) }

// words are n words of a few kinds that each side has changed here and there.
func (s side) words(n, kinds int, separator string) string {
	random := rand.New(rand.NewPCG(1, 2)) // the same for all sides
	var b strings.Builder
	for i := range n {
		word := random.IntN(kinds)
		if i%10_000 == 3_000*int(s) && s != baseSide {
			fmt.Fprintf(&b, "side%d%s", s, separator)
		}
		fmt.Fprintf(&b, "w%d%s", word, separator)
	}
	return b.String()
}

// noise is n words of a few kinds, unlike those of any other side.
func (s side) noise(n, kinds int, separator string) string {
	random := rand.New(rand.NewPCG(uint64(s), 3)) // the same in every run
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "w%d%s", random.IntN(kinds), separator)
	}
	return b.String()
}

func quoted(text string) string { return string(jsonvalue.String(text).Append(nil)) }

// nested puts something into 62 objects.
func nested(innermost string) string {
	return strings.Repeat(`{"a":`, 62) + innermost + strings.Repeat(`}`, 62)
}

// lists nests lists in new elements, each with an element of its side's own
// beside, so that new elements are to be put in order at every level.
func lists(s side, levels int) string {
	if s == baseSide {
		return `[]`
	}
	inner := `[]`
	for i := range levels {
		inner = fmt.Sprintf(`[{"a":"the same in all","id":%d,"l":%s},{"a":"the same in all","id":"%d-%d","v":%q}]`, i, inner, i, s, strings.Repeat("x", (1<<20)/levels-80))
	}
	return inner
}

func manyPatterns() merge.Rules {
	var r merge.Rules
	for i := range 40 {
		r.Fields = append(r.Fields, merge.Field{Path: fmt.Sprintf("/**/a/**/b%d/**/a/**/c/**", i), Type: merge.Atomic})
	}
	return r
}

func manyWriters(n int) merge.Writers {
	who := merge.Writers{Mine: []string{"editor"}}
	for i := range n {
		who.Theirs = append(who.Theirs, merge.Authorship{Path: jsonvalue.Pointer{fmt.Sprintf("other%d", i)}, Roles: []string{"bot"}})
	}
	return who
}

var hostiles = []hostile{
	{name: "deep", document: func(s side) string {
		return strings.Repeat(`{"a":1,"some_longer_name_for_it":"some text, too, so that it is not all names and braces, nor quite so deep","b":`, 8000) + fmt.Sprint(s) + strings.Repeat(`}`, 8000)
	}},
	{name: "wide", document: func(s side) string {
		return joined("{}", 90_000, func(i int) string {
			if s == mySide { // in another order
				i = 89_999 - i
			}
			return fmt.Sprintf(`"m%d%s":%d`, i, strings.Repeat("x", s.every(i)), s.every(i))
		})
	}},
	{name: "wide, all new", document: func(s side) string {
		if s == baseSide {
			return `{}`
		}
		return joined("{}", 90_000, func(i int) string { return fmt.Sprintf(`"m%d-%d":1`, i, s) })
	}},
	{name: "wide, all in dispute", document: func(s side) string {
		return joined("{}", 90_000, func(i int) string { return fmt.Sprintf(`"m%d":%d`, i, s.both(i)) })
	}},
	{name: "deep and wide, all in dispute", document: func(s side) string {
		return nested(joined("{}", 90_000, func(i int) string { return fmt.Sprintf(`"m%d":%d`, i, s.both(i)) }))
	}},
	{name: "disputes settled by time", rules: merge.Rules{Fields: []merge.Field{{OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: "/at"}}}}, document: func(s side) string {
		return fmt.Sprintf(`{"at":"2026-11-20T1%d:00:00.000000000000000001Z","o":%s}`, s, joined("{}", 90_000, func(i int) string { return fmt.Sprintf(`"m%d":%d`, i, s.both(i)) }))
	}},
	{name: "disputes settled by authority", writers: manyWriters(10_000), rules: merge.Rules{Fields: []merge.Field{{OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor"}}}}}, document: func(s side) string {
		return joined("{}", 90_000, func(i int) string { return fmt.Sprintf(`"m%d":%d`, i, s.both(i)) })
	}},
	{name: "many **", rules: manyPatterns(), document: func(s side) string {
		return joined("{}", 18_000, func(i int) string {
			return fmt.Sprintf(`"m%d":{"a":{"b%d":{"a":{"c":{"a":%d,"b1":{"a":1}}}}}}`, i, i%50, s.every(i))
		})
	}},
	{name: "text of few lines", rules: field(merge.Text), document: func(s side) string { return quoted(s.words(260_000, 3, "\n")) }},
	{name: "text of unlike lines", rules: field(merge.Text), limit: true, document: func(s side) string { return quoted(s.noise(260_000, 3, "\n")) }},
	{name: "text of one line", rules: field(merge.Text), document: func(s side) string { return quoted(s.words(100_000, 100_000, "-word ")) }},
	{name: "text of one line, few words", rules: field(merge.Text), limit: true, document: func(s side) string { return quoted(s.noise(330_000, 3, " ")) }},
	{name: "many texts", rules: merge.Rules{Fields: []merge.Field{{Path: "/*", Type: merge.Text}}}, document: func(s side) string {
		return joined("{}", 10_000, func(i int) string {
			return fmt.Sprintf(`"t%d":"one line of some words\nanother%s of some more\nand a third %s that is the last\n"`, i, []string{"", " of theirs", ""}[s], []string{"", "", "of mine"}[s])
		})
	}},
	{name: "list", rules: merge.Rules{Fields: []merge.Field{{Type: merge.List, Key: "/id"}}}, document: func(s side) string {
		return joined("[]", 40_000, func(i int) string {
			return fmt.Sprintf(`{"id":"k%d-%d","v":%d}`, i, s.every(i+5), s.every(i))
		})
	}},
	{name: "list, all new", rules: merge.Rules{Fields: []merge.Field{{Type: merge.List, Key: "/id"}}}, document: func(s side) string {
		if s == baseSide {
			return `[]`
		}
		return joined("[]", 25_000, func(i int) string { return fmt.Sprintf(`{"v":"the same in all","id":"k%d-%d"}`, i, s) })
	}},
	{name: "64 nested lists", limit: true, rules: merge.Rules{Fields: []merge.Field{{Type: merge.List, Key: "/id"}, {Path: "/**/l", Type: merge.List, Key: "/id"}}}, document: func(s side) string { return lists(s, 64) }},
	{name: "sequence of few elements", rules: field(merge.Sequence), document: func(s side) string {
		return "[" + strings.NewReplacer("w", "1", "side", "2").Replace(strings.TrimSuffix(s.words(350_000, 2, ","), ",")) + "]"
	}},
	{name: "sequence of unlike elements", rules: field(merge.Sequence), limit: true, document: func(s side) string {
		return "[" + strings.ReplaceAll(strings.TrimSuffix(s.noise(350_000, 2, ","), ","), "w", "1") + "]"
	}},
	{name: "set", rules: field(merge.Set), document: func(s side) string {
		return joined("[]", 100_000, func(i int) string { return fmt.Sprintf(`"e%d-%d"`, i, s.every(i)) })
	}},
	{name: "append", rules: field(merge.Append), document: func(s side) string {
		return joined("[]", 100_000+int(s)*10, func(i int) string { return fmt.Sprintf(`"e%d"`, i) })
	}},
	{name: "counters", rules: merge.Rules{Fields: []merge.Field{{Path: "/*", Type: merge.Counter}}}, document: func(s side) string {
		return joined("{}", 20_000, func(i int) string {
			return fmt.Sprintf(`"c%d":%s%d.%d`, i, "123456789012345678901234567890123456", i+1, s.both(i))
		})
	}},
	{name: "counters of huge digits", rules: merge.Rules{Fields: []merge.Field{{Path: "/*", Type: merge.Counter}}}, limit: true, document: func(s side) string {
		return joined("{}", 105, func(i int) string {
			return fmt.Sprintf(`"c%d":%s%d`, i, strings.Repeat("9", 9_990), s.both(i))
		})
	}},
	{name: "counters far apart", limit: true, rules: merge.Rules{Fields: []merge.Field{{Path: "/*", Type: merge.Counter}}}, document: func(s side) string {
		return joined("{}", 60_000, func(i int) string {
			return fmt.Sprintf(`"c%d":%s`, i, []string{"0", "1e400", "1e-400"}[s])
		})
	}},
	{name: "atomic", rules: field(merge.Atomic), document: func(s side) string {
		return joined("[]", 60_000, func(i int) string { return fmt.Sprintf(`{"a":%d,"b":[%d]}`, i, s.both(i)*(i/59_999)) })
	}},
}

func (h *hostile) sides(t testing.TB) (p *merge.Policy, v triple) {
	t.Helper()
	p, err := merge.Compile(h.rules)
	if err != nil {
		t.Fatal(err)
	}
	var sides [3]jsonvalue.Value
	for s := range sides {
		if size := len(h.document(side(s))); size > 5<<18 || s == int(mySide) && size < 3<<18 {
			t.Fatalf("a document of %d bytes", size)
		}
		if sides[s], err = jsonvalue.Parse([]byte(h.document(side(s))), jsonvalue.Limits{Depth: 8192}); err != nil {
			t.Fatal(err)
		}
	}
	return p, triple{sides[0], sides[1], sides[2]}
}

// TestHostile: what is dear to merge merges, or is a dispute for its limit. Those
// that merge take long under the race detector, and are for -torture.
func TestHostile(t *testing.T) {
	for _, h := range hostiles {
		if !h.limit && !*torture {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			p, v := h.sides(t)
			r := merge.Three(v.base, v.theirs, v.mine, p, h.writers)
			limited := slices.ContainsFunc(r.Disputes, func(d merge.Dispute) bool { return d.Reason == merge.ReasonLimit })
			if limited != h.limit {
				t.Errorf("%d disputes; limited: %t, want %t", len(r.Disputes), limited, h.limit)
			}
		})
	}
}

// BenchmarkHostile says what each costs; B/op is a bound on the memory that it
// takes at any time.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostiles {
		b.Run(strings.ReplaceAll(h.name, " ", "-"), func(b *testing.B) {
			p, v := h.sides(b)
			b.ReportAllocs()
			for b.Loop() {
				merge.Three(v.base, v.theirs, v.mine, p, h.writers)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
		})
	}
}
