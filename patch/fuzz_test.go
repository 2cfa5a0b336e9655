package patch_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// seed adds the documents and patches of the vectors to the corpus.
func seed(f *testing.F, name string) {
	var file struct {
		Cases []struct{ Doc, Patch json.RawMessage }
	}
	readJSON(f, filepath.Join("..", "vectors", name), &file)
	for _, c := range file.Cases {
		f.Add([]byte(c.Doc), []byte(c.Patch))
	}
}

// parseBoth returns false for what is not JSON or too deep.
func parseBoth(a, b []byte) (x, y jsonvalue.Value, ok bool) {
	x, errX := jsonvalue.Parse(a, jsonvalue.Limits{})
	y, errY := jsonvalue.Parse(b, jsonvalue.Limits{})
	return x, y, errX == nil && errY == nil
}

func FuzzJSONPatch(f *testing.F) {
	seed(f, "patch-json.json")
	f.Fuzz(func(t *testing.T, docText, opsText []byte) {
		const size = 1 << 16
		doc, ops, ok := parseBoth(docText, opsText)
		if !ok {
			return
		}
		p, err := patch.ParseJSONPatch(ops, patch.Limits{Size: size})
		if err != nil {
			if kind, _, _ := describe(err); kind != "format" && kind != "too-large" {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		before := doc.Append(nil)
		got, err := p.Apply(doc)
		if after := doc.Append(nil); !bytes.Equal(before, after) {
			t.Fatalf("the document was changed from %s to %s", before, after)
		}
		if err != nil {
			if kind, _, _ := describe(err); kind == "other" || kind == "format" || !got.IsAbsent() {
				t.Fatalf("error of another kind, or a result beside it: %v", err)
			}
			return
		}
		printed := got.Append(nil)
		if _, err := jsonvalue.Parse(printed, jsonvalue.Limits{}); err != nil || len(p.Ops()) > 0 && len(printed) > size {
			t.Fatalf("a result of %d bytes that reads back with %v", len(printed), err)
		}
		again, err := patch.ParseJSONPatch(parse(t, string(p.Append(nil))), patch.Limits{Size: size})
		if err != nil {
			t.Fatalf("the printed patch: %v", err)
		}
		if other, err := again.Apply(doc); err != nil || !bytes.Equal(other.Append(nil), printed) {
			t.Fatalf("the printed patch gives %s, %v", other.Append(nil), err)
		}
		back, err := patch.AsJSONPatch(patch.Diff(doc, got)).Apply(doc)
		if err != nil || !jsonvalue.Identical(back, got) {
			t.Fatalf("the difference gives %s, %v, want %s", back.Append(nil), err, printed)
		}
	})
}

func FuzzMergePatch(f *testing.F) {
	seed(f, "patch-merge.json")
	f.Fuzz(func(t *testing.T, docText, patchText []byte) {
		doc, p, ok := parseBoth(docText, patchText)
		if !ok {
			return
		}
		before := doc.Append(nil)
		got := patch.MergePatch(doc, p)
		if after := doc.Append(nil); !bytes.Equal(before, after) {
			t.Fatalf("the document was changed from %s to %s", before, after)
		}
		printed := got.Append(nil)
		if _, err := jsonvalue.Parse(printed, jsonvalue.Limits{}); err != nil {
			t.Fatalf("the result does not read back: %v", err)
		}
		if twice := patch.MergePatch(got, p); !bytes.Equal(twice.Append(nil), printed) {
			t.Fatalf("applied twice it gives %s, once %s", twice.Append(nil), printed)
		}
		// What a merge patch made of a document, a merge patch can express.
		diff, ok := patch.MergeDiff(doc, got)
		if !ok {
			t.Fatalf("no merge patch from %s to %s", before, printed)
		}
		if back := patch.MergePatch(doc, diff); !jsonvalue.Identical(back, got) {
			t.Fatalf("%s gives %s, want %s", diff.Append(nil), back.Append(nil), printed)
		}
	})
}
