package patch_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// genValue draws small documents over few names, so that two of them have much
// in common.
func genValue(depth int) *rapid.Generator[jsonvalue.Value] {
	return rapid.Custom(func(t *rapid.T) jsonvalue.Value {
		kinds := 7
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return jsonvalue.Null()
		case 1:
			return jsonvalue.Bool(rapid.Bool().Draw(t, "bool"))
		case 2:
			v, err := jsonvalue.Number(rapid.SampledFrom([]string{"0", "1", "1.0", "2", "10e-1", "9007199254740993"}).Draw(t, "number"))
			if err != nil {
				t.Fatal(err)
			}
			return v
		case 3:
			return jsonvalue.String(rapid.SampledFrom([]string{"", "a", "b", "\n\"é"}).Draw(t, "string"))
		case 4, 5:
			return genObject(t, depth)
		}
		return jsonvalue.Array(rapid.SliceOfN(genValue(depth-1), 0, 6).Draw(t, "elems")...)
	})
}

func genObject(t *rapid.T, depth int) jsonvalue.Value {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "a", "b", "c", "~1", "a/b", "0", "-"}), 0, 5, rapid.ID[string]).Draw(t, "names")
	members := make([]jsonvalue.Member, len(names))
	for i, name := range names {
		members[i] = jsonvalue.Member{Name: name, Value: genValue(depth-1).Draw(t, "member")}
	}
	v, err := jsonvalue.Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDiffAppliedGivesTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genValue(3).Draw(t, "a"), genValue(3).Draw(t, "b")
		if rapid.Bool().Draw(t, "arrays") {
			a = jsonvalue.Array(rapid.SliceOfN(genValue(1), 0, 20).Draw(t, "from")...)
			b = jsonvalue.Array(rapid.SliceOfN(genValue(1), 0, 20).Draw(t, "to")...)
		}
		before := text(a)
		changes := patch.Diff(a, b)
		p := patch.AsJSONPatch(changes)
		got, err := p.Apply(a)
		if err != nil {
			t.Fatalf("%s: %v", p.Append(nil), err)
		}
		if !jsonvalue.Identical(got, b) {
			t.Fatalf("%s applied to %s gives %s, want %s", p.Append(nil), before, text(got), text(b))
		}
		if text(a) != before {
			t.Fatalf("the input was changed to %s", text(a))
		}
		if (len(changes) == 0) != jsonvalue.Identical(a, b) {
			t.Fatalf("%d changes between %s and %s", len(changes), before, text(b))
		}
		checkChanges(t, a, changes)
	})
}

// checkChanges does each change by itself and compares From and To with what is
// there.
func checkChanges(t *rapid.T, doc jsonvalue.Value, changes []patch.Change) {
	for i, c := range changes {
		if c.Op != patch.OpAdd && !jsonvalue.Identical(doc.At(c.Path), c.From) {
			t.Fatalf("change %d: From is %s, the document has %s", i, text(c.From), text(doc.At(c.Path)))
		}
		next, err := patch.AsJSONPatch(changes[i : i+1]).Apply(doc)
		if err != nil {
			t.Fatal(err)
		}
		doc = next
		if c.Op != patch.OpRemove && !jsonvalue.Identical(doc.At(c.Path), c.To) {
			t.Fatalf("change %d: To is %s, the document has %s", i, text(c.To), text(doc.At(c.Path)))
		}
	}
}

func TestMergeDiffAppliedGivesTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genValue(3).Draw(t, "a"), genValue(3).Draw(t, "b")
		beforeA := text(a)
		p, ok := patch.MergeDiff(a, b)
		if !ok {
			if !holdsNewNull(a, b) {
				t.Fatalf("refused from %s to %s, which has no new null", beforeA, text(b))
			}
			return
		}
		if got := patch.MergePatch(a, p); !jsonvalue.Identical(got, b) {
			t.Fatalf("%s applied to %s gives %s, want %s", text(p), beforeA, text(got), text(b))
		}
		if text(a) != beforeA {
			t.Fatalf("the input was changed to %s", text(a))
		}
	})
}

// holdsNewNull reports whether an object in to has a null member that from lacks.
func holdsNewNull(from, to jsonvalue.Value) bool {
	for _, m := range to.Members() {
		old := from.Lookup(m.Name)
		if m.Value.Kind() == jsonvalue.KindNull && old.Kind() != jsonvalue.KindNull || holdsNewNull(old, m.Value) {
			return true
		}
	}
	return false
}
