package patch_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// wideDocument returns a document of about 1 MiB: an array and an object, each
// of many small members.
func wideDocument(t testing.TB) jsonvalue.Value {
	var b strings.Builder
	b.WriteString(`{"list":[0`)
	for i := range 60_000 {
		fmt.Fprintf(&b, ",%d", i)
	}
	b.WriteString(`],"map":{"k":0`)
	for i := range 40_000 {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	b.WriteString(`}}`)
	return parse(t, b.String())
}

// repeated returns a patch of n operations, round after round.
func repeated(t testing.TB, n int, round ...string) jsonvalue.Value {
	ops := make([]string, 0, n)
	for i := range n {
		ops = append(ops, strings.ReplaceAll(round[i%len(round)], "#", fmt.Sprint(i)))
	}
	return parse(t, "["+strings.Join(ops, ",")+"]")
}

// costly are patches of 1,000 operations, each of which would cost much if an
// operation cost by the width of what it touches.
func costly(t testing.TB) map[string]jsonvalue.Value {
	return map[string]jsonvalue.Value{
		"insert in front":           repeated(t, 1000, `{"op":"add","path":"/list/0","value":#}`),
		"insert and remove":         repeated(t, 1000, `{"op":"add","path":"/list/3#","value":#}`, `{"op":"remove","path":"/list/2#"}`),
		"move end to front":         repeated(t, 1000, `{"op":"move","from":"/list/60000","path":"/list/0"}`),
		"move the wide object":      repeated(t, 1000, `{"op":"move","from":"/map","path":"/list/9"}`, `{"op":"move","from":"/list/9","path":"/map"}`),
		"add members":               repeated(t, 1000, `{"op":"add","path":"/map/new#","value":#}`),
		"rename back and forth":     repeated(t, 1000, `{"op":"move","from":"/map/k1","path":"/map/x"}`, `{"op":"move","from":"/map/x","path":"/map/k1"}`),
		"test a leaf after an edit": repeated(t, 1000, `{"op":"replace","path":"/map/k","value":1}`, `{"op":"test","path":"/map/k","value":1}`),
	}
}

func TestWorkIsBounded(t *testing.T) {
	doc := wideDocument(t)
	for name, ops := range costly(t) {
		t.Run(name, func(t *testing.T) {
			p, err := patch.ParseJSONPatch(ops, patch.Limits{Size: 4 << 20})
			if err != nil {
				t.Fatal(err)
			}
			var result jsonvalue.Value
			used := allocated(func() { result, err = p.Apply(doc) })
			if err != nil || result.IsAbsent() {
				t.Fatal(err)
			}
			// Memory stands for work here: each of the wide containers is 2 to 4
			// MB, so copying one per operation would be gigabytes.
			if used > 64<<20 {
				t.Errorf("%d MiB allocated", used>>20)
			}
		})
	}
}

func TestCopiesAreRefusedBeforeTheyAreBuilt(t *testing.T) {
	doc := wideDocument(t)
	for name, ops := range map[string]jsonvalue.Value{
		"side by side":                   repeated(t, 1000, `{"op":"copy","from":"/map","path":"/copy#"}`),
		"onto the same member":           repeated(t, 1000, `{"op":"copy","from":"/map","path":"/copy"}`),
		"with an edit between":           repeated(t, 1000, `{"op":"copy","from":"/map","path":"/copy"}`, `{"op":"add","path":"/copy/new","value":1}`),
		"doubling":                       repeated(t, 60, `{"op":"copy","from":"","path":"/copy#"}`),
		"doubling behind the first text": repeated(t, 1000, `{"op":"copy","from":"/list","path":"/list/0"}`),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := patch.ParseJSONPatch(ops, patch.Limits{Size: 4 << 20})
			if err != nil {
				t.Fatal(err)
			}
			used := allocated(func() { _, err = p.Apply(doc) })
			var tooLarge *patch.TooLargeError
			if !errors.As(err, &tooLarge) || tooLarge.Measure != patch.MeasureCopied || tooLarge.Index > 20 {
				t.Errorf("error %v, want that too much is copied", err)
			}
			if used > 128<<20 {
				t.Errorf("%d MiB allocated", used>>20)
			}
		})
	}
}

// TestCopiesWithoutLimitAreShared makes a value of 2^60 elements, which can only
// exist if copies are not built.
func TestCopiesWithoutLimitAreShared(t *testing.T) {
	p, err := patch.ParseJSONPatch(repeated(t, 60, `{"op":"copy","from":"","path":"/-"}`), patch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Apply(parse(t, `[]`))
	if err != nil || got.Len() != 60 || got.Depth() != 61 {
		t.Errorf("%d elements, %d levels, %v", got.Len(), got.Depth(), err)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHandMadeChangesAreRefused(t *testing.T) {
	one := jsonvalue.Int(1)
	for name, change := range map[string]patch.Change{
		"no value":         {Op: patch.OpAdd, Path: jsonvalue.Pointer{"a"}},
		"no kind":          {Path: jsonvalue.Pointer{"a"}, To: one},
		"name not UTF-8":   {Op: patch.OpAdd, Path: jsonvalue.Pointer{"\xff"}, To: one},
		"no value at root": {Op: patch.OpReplace},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := patch.AsJSONPatch([]patch.Change{change}).Apply(parse(t, `{"a":1}`))
			var inapplicable *patch.InapplicableError
			if !errors.As(err, &inapplicable) || inapplicable.Reason != patch.ReasonUnusable {
				t.Errorf("error %v, want that it is unusable", err)
			}
		})
	}
}

func TestOpsAndAppend(t *testing.T) {
	const ops = `[{"op":"add","path":"/a~1b","value":null},{"op":"remove","path":""},{"op":"replace","path":"/x","value":1.0},` +
		`{"op":"move","from":"/a","path":"/b"},{"op":"copy","from":"","path":"/-"},{"op":"test","path":"/\"","value":{}}]`
	p, err := patch.ParseJSONPatch(parse(t, ops), patch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(p.Append([]byte("x"))); got != "x"+ops {
		t.Errorf("got %s", got)
	}
	list := p.Ops()
	if len(list) != 6 || list[0].Kind != patch.OpAdd || list[0].Value.Kind() != jsonvalue.KindNull ||
		list[3].From.String() != "/a" || !list[1].Value.IsAbsent() {
		t.Errorf("got %+v", list)
	}
	list[0].Kind = patch.OpTest
	if p.Ops()[0].Kind != patch.OpAdd {
		t.Error("the patch changed with the slice that Ops returned")
	}
	var zero patch.JSONPatch
	if got := string(zero.Append(nil)); got != "[]" {
		t.Errorf("the zero patch prints %s", got)
	}
}

func TestAbsentDocument(t *testing.T) {
	p, err := patch.ParseJSONPatch(parse(t, `[{"op":"add","path":"","value":{}},{"op":"add","path":"/a","value":1}]`), patch.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Apply(jsonvalue.Value{}); err != nil || text(got) != `{"a":1}` {
		t.Errorf("got %s, %v", text(got), err)
	}
	for _, ops := range []string{`[{"op":"replace","path":"","value":1}]`, `[{"op":"add","path":"/a","value":1}]`, `[{"op":"remove","path":"/a"}]`, `[{"op":"copy","from":"","path":""}]`} {
		p, err := patch.ParseJSONPatch(parse(t, ops), patch.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var inapplicable *patch.InapplicableError
		if _, err := p.Apply(jsonvalue.Value{}); !errors.As(err, &inapplicable) {
			t.Errorf("%s: error %v", ops, err)
		}
	}
	if got := patch.MergePatch(jsonvalue.Value{}, parse(t, `{"a":{"b":null}}`)); text(got) != `{"a":{}}` {
		t.Errorf("merge patch on absent: %s", text(got))
	}
	if got := patch.MergePatch(jsonvalue.Int(1), jsonvalue.Value{}); text(got) != `1` {
		t.Errorf("absent merge patch: %s", text(got))
	}
}
