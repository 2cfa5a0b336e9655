package merge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// record returns an object of about 1 KiB with members of the kinds that a record
// has; number makes its texts its own.
func record(number int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":"0199c2f4-7a51-7c3e-b0aa-%012d","version":17,"email":"ann%d@example.org"`, number, number)
	for i := range 11 {
		fmt.Fprintf(&b, `,"field%02d":"some text of a usual length, number %d"`, i, (number+i)*7919)
	}
	b.WriteString(`,"price":1234.50,"count":42,"ratio":0.333333,"active":true,"archived":false`)
	b.WriteString(`,"createdAt":"2026-11-20T18:00:00.123Z","tags":["red","green","blue"]`)
	b.WriteString(`,"address":{"street":"1 Main Street","city":"Utrecht","zip":"3511"},"note":"line\none"}`)
	return b.String()
}

// Each writer changes a text and a nested member.
var (
	theirEdit = strings.NewReplacer(`"field03":"some`, `"field03":"another`, "Utrecht", "Delft")
	myEdit    = strings.NewReplacer(`"field07":"some`, `"field07":"another`, "3511", "1012")
)

// documents returns a document of that many records, and what two writers made of
// every fifth of them.
func documents(records int) (base, theirs, mine []byte) {
	if records == 1 {
		r := record(0)
		return []byte(r), []byte(theirEdit.Replace(r)), []byte(myEdit.Replace(r))
	}
	var members [3][]string
	for i := range records {
		r := record(i)
		sides := [3]string{r, r, r}
		if i%5 == 0 {
			sides = [3]string{r, theirEdit.Replace(r), myEdit.Replace(r)}
		}
		for side, text := range sides {
			members[side] = append(members[side], fmt.Sprintf(`"record%03d":%s`, i, text))
		}
	}
	whole := func(members []string) []byte { return []byte("{" + strings.Join(members, ",") + "}") }
	return whole(members[0]), whole(members[1]), whole(members[2])
}

// mergeTexts is what a merge costs whoever has texts and wants one.
func mergeTexts(base, theirs, mine []byte) ([]byte, error) {
	var sides [3]jsonvalue.Value
	for i, text := range [][]byte{base, theirs, mine} {
		v, err := jsonvalue.ParseLike(text, sides[baseSide], jsonvalue.Limits{})
		if err != nil {
			return nil, err
		}
		sides[i] = v
	}
	r := merge.Three(sides[0], sides[1], sides[2], nil, merge.Writers{})
	return r.Value.Append(make([]byte, 0, len(theirs)+len(theirs)/8)), nil
}

// patchTexts is how the usual library does it: the patch that made mine of base,
// applied to theirs. It knows no disputes.
func patchTexts(base, theirs, mine []byte) ([]byte, error) {
	patch, err := jsonpatch.CreateMergePatch(base, mine)
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergePatch(theirs, patch)
}

type merger func(base, theirs, mine []byte) ([]byte, error)

// BenchmarkTexts holds the merge of three texts against the usual library:
// yardstick divided by ours, the median of rounds that take turns.
func BenchmarkTexts(b *testing.B) {
	for _, size := range []struct {
		name    string
		records int
	}{{"1KiB", 1}, {"100KiB", 100}} {
		base, theirs, mine := documents(size.records)
		ours, err := mergeTexts(base, theirs, mine)
		if err != nil {
			b.Fatal(err)
		}
		yardstick, err := patchTexts(base, theirs, mine)
		if err != nil {
			b.Fatal(err)
		}
		if !jsonvalue.Equal(parse(b, string(ours)), parse(b, string(yardstick))) {
			b.Fatalf("%s and %s", ours, yardstick)
		}
		for name, f := range map[string]merger{"ours": mergeTexts, "json-patch": patchTexts} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(base) + len(theirs) + len(mine)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f(base, theirs, mine); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(size.name+"/ratio", func(b *testing.B) {
			var ratios []float64
			for b.Loop() {
				runs := max(1, 200/size.records)
				ratios = append(ratios, float64(took(b, patchTexts, runs, base, theirs, mine))/float64(took(b, mergeTexts, runs, base, theirs, mine)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "times-faster")
		})
	}
}

func took(b *testing.B, f merger, runs int, base, theirs, mine []byte) time.Duration {
	start := time.Now()
	for range runs {
		if _, err := f(base, theirs, mine); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

func BenchmarkThree(b *testing.B) {
	for _, records := range []int{1, 100} {
		var v [3]jsonvalue.Value
		base, theirs, mine := documents(records)
		for i, text := range [][]byte{base, theirs, mine} {
			v[i] = parse(b, string(text))
		}
		b.Run(fmt.Sprintf("%dKiB", records), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				merge.Three(v[0], v[1], v[2], nil, merge.Writers{})
			}
		})
	}
}
