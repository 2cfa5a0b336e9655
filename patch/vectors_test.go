package patch_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ifmatch/ifmatch/internal/testdata"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

func parse(t testing.TB, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return v
}

func text(v jsonvalue.Value) string { return string(v.Append(nil)) }

// readJSON leaves the documents as they are written, so that duplicate members
// and number spellings reach the code under test.
func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

type patchCase struct {
	Name     string
	Doc      json.RawMessage
	Patch    json.RawMessage
	Expected json.RawMessage
	Error    string
	Reason   string
	Index    int
	Limits   patch.Limits
}

// applyText parses and applies a JSON Patch, and checks that the document is as
// it was.
func applyText(t *testing.T, doc, ops string, lim patch.Limits) (jsonvalue.Value, error) {
	t.Helper()
	parsedOps, err := jsonvalue.Parse([]byte(ops), jsonvalue.Limits{})
	if err != nil {
		return jsonvalue.Value{}, err
	}
	p, err := patch.ParseJSONPatch(parsedOps, lim)
	if err != nil {
		return jsonvalue.Value{}, err
	}
	v := parse(t, doc)
	before := text(v)
	got, err := p.Apply(v)
	if text(v) != before {
		t.Errorf("the document was changed: %s, was %s", text(v), before)
	}
	if err != nil && !got.IsAbsent() {
		t.Errorf("a result %s beside the error %v", text(got), err)
	}
	return got, err
}

// describe returns the kind, reason and index of an error as the vectors name them.
func describe(err error) (kind, reason string, index int) {
	var (
		format       *patch.FormatError
		failed       *patch.TestFailedError
		inapplicable *patch.InapplicableError
		tooLarge     *patch.TooLargeError
	)
	switch {
	case errors.As(err, &format):
		return "format", format.Reason, format.Index
	case errors.As(err, &failed):
		return "test-failed", "", failed.Index
	case errors.As(err, &inapplicable):
		return "inapplicable", inapplicable.Reason, inapplicable.Index
	case errors.As(err, &tooLarge):
		return "too-large", tooLarge.Measure, tooLarge.Index
	}
	return "other", err.Error(), -1
}

func TestJSONPatchVectors(t *testing.T) {
	var file struct{ Cases []patchCase }
	readJSON(t, filepath.Join("..", "vectors", "patch-json.json"), &file)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			got, err := applyText(t, string(c.Doc), string(c.Patch), c.Limits)
			if c.Error == "" {
				if err != nil {
					t.Fatalf("error %v, want %s", err, c.Expected)
				}
				if want := text(parse(t, string(c.Expected))); text(got) != want {
					t.Errorf("got %s, want %s", text(got), want)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %s, want error %s", text(got), c.Error)
			}
			kind, reason, index := describe(err)
			if kind != c.Error || reason != c.Reason || index != c.Index {
				t.Errorf("error (%s, %q, %d), want (%s, %q, %d): %v", kind, reason, index, c.Error, c.Reason, c.Index, err)
			}
		})
	}
}

func TestMergePatchVectors(t *testing.T) {
	var file struct {
		Cases []patchCase
		Diffs []struct {
			Name            string
			From, To, Patch json.RawMessage
		}
	}
	readJSON(t, filepath.Join("..", "vectors", "patch-merge.json"), &file)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			doc, p := parse(t, string(c.Doc)), parse(t, string(c.Patch))
			if got, want := text(patch.MergePatch(doc, p)), text(parse(t, string(c.Expected))); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	for _, c := range file.Diffs {
		t.Run("diff: "+c.Name, func(t *testing.T) {
			from, to := parse(t, string(c.From)), parse(t, string(c.To))
			got, ok := patch.MergeDiff(from, to)
			if c.Patch == nil {
				if ok {
					t.Fatalf("got %s, want none", text(got))
				}
				return
			}
			if want := text(parse(t, string(c.Patch))); !ok || text(got) != want {
				t.Fatalf("got %s, %t, want %s", text(got), ok, want)
			}
			if back := patch.MergePatch(from, got); !jsonvalue.Identical(back, to) {
				t.Errorf("applied it gives %s, want %s", text(back), text(to))
			}
		})
	}
}

func TestPublicJSONPatchSuites(t *testing.T) {
	for _, name := range []string{"json-patch-tests.json", "json-patch-spec-tests.json"} {
		t.Run(name, func(t *testing.T) {
			var cases []struct {
				Comment              string
				Doc, Patch, Expected json.RawMessage
				Error                string
				Disabled             bool
			}
			readJSON(t, testdata.Shared(t, "third-party", name), &cases)
			if len(cases) == 0 {
				t.Fatal("no cases")
			}
			for i, c := range cases {
				// The disabled ones suit parsers that lack something this one
				// has, so they run too.
				got, err := applyText(t, string(c.Doc), string(c.Patch), patch.Limits{})
				switch {
				case c.Error != "" && err == nil:
					t.Errorf("%d %s: got %s, want error: %s", i, c.Comment, text(got), c.Error)
				case c.Error == "" && err != nil:
					t.Errorf("%d %s: %v", i, c.Comment, err)
				case c.Expected != nil && !jsonvalue.Equal(got, parse(t, string(c.Expected))):
					t.Errorf("%d %s: got %s, want %s", i, c.Comment, text(got), c.Expected)
				}
			}
		})
	}
}

func TestMergePatchRFC7396(t *testing.T) {
	var file struct {
		Cases []struct{ Target, Patch, Expected json.RawMessage }
	}
	readJSON(t, testdata.Shared(t, "merge-patch-rfc7396.json"), &file)
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range file.Cases {
		target, p, want := parse(t, string(c.Target)), parse(t, string(c.Patch)), parse(t, string(c.Expected))
		if got := patch.MergePatch(target, p); !jsonvalue.Equal(got, want) {
			t.Errorf("%d: %s patched with %s: got %s, want %s", i, text(target), text(p), text(got), text(want))
		}
	}
}
