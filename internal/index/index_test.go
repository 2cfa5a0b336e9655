package index_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/internal/index"
)

func TestIndexesAreNamed(t *testing.T) {
	for _, tt := range []struct {
		pointer  string
		typ      index.Type
		name, id string
	}{
		{"/status", index.String, "status", "string /status"},
		{"/address/city", index.String, "address.city", "string /address/city"},
		{"/a.b", index.Number, "a.b", "number /a.b"},
		{"/a~1b/~0c", index.Boolean, "a/b.~c", "boolean /a~1b/~0c"},
		{"/tags/0", index.Time, "tags.0", "time /tags/0"},
		{"/with space", index.String, "with space", "string /with space"},
	} {
		x := of(t, tt.pointer, tt.typ)
		if x.Name() != tt.name || x.ID() != tt.id || x.Type() != tt.typ || x.Pointer().String() != tt.pointer {
			t.Errorf("%s is %s, %s, %s, %s", tt.pointer, x.Name(), x.ID(), x.Type(), x.Pointer())
		}
		again, err := index.Parse(x.ID())
		if err != nil || again.ID() != x.ID() || again.Name() != x.Name() {
			t.Errorf("%s is read back as %v, %v", x.ID(), again, err)
		}
	}
	for _, bad := range [][2]string{{"status", "string"}, {"", "string"}, {"/a~", "string"}, {"/a", "text"}, {"/a", ""}} {
		if x, err := index.New(bad[0], index.Type(bad[1])); err == nil {
			t.Errorf("%q as %q is %s", bad[0], bad[1], x.ID())
		}
	}
	if x, err := index.Parse("/a"); err == nil {
		t.Errorf("an id without a type is %s", x.ID())
	}
	sorted := index.Sorted([]*index.Index{of(t, "/b", index.String), of(t, "/z", index.Number), of(t, "/a", index.String)})
	if ids := []string{sorted[0].ID(), sorted[1].ID(), sorted[2].ID()}; !slices.IsSorted(ids) {
		t.Errorf("sorted: %v", ids)
	}
}

// TestQueriesFindWhatDocumentsHave: a value in a query has the key that the same
// value in a document has.
func TestQueriesFindWhatDocumentsHave(t *testing.T) {
	for _, tt := range []struct {
		typ             index.Type
		query, document string
	}{
		{index.String, "open", `"open"`}, {index.String, "", `""`}, {index.String, "true", `"true"`}, {index.String, "é", `"\u00e9"`},
		{index.Number, "10", "1e1"}, {index.Number, "-0", "0.0"}, {index.Number, "9007199254740993", "9007199254740993.0"}, {index.Number, "1e-10000", "1E-10000"},
		{index.Boolean, "true", "true"}, {index.Boolean, "false", "false"},
		{index.Time, "2026-11-21T15:04:05Z", `"2026-11-21T16:04:05.0+01:00"`},
	} {
		got, err := of(t, "/v", tt.typ).KeyOf(tt.query)
		if want := key(t, tt.typ, tt.document); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s %q: key %x, %v; the document's is %x", tt.typ, tt.query, got, err, want)
		}
	}
	for typ, row := range map[index.Type][]string{
		index.String:  {"\xff", "a\xc3"},
		index.Number:  {"", "abc", "01", " 1", "1 ", "+1", "1.", ".5", "0x10", "1e10001", "NaN", "1,5", "1e"},
		index.Boolean: {"", "TRUE", "1", "yes"},
		index.Time:    {"", "now", "2026-11-21", "2026-11-21T15:04:05 01:00", "1763737445"},
	} {
		for _, text := range row {
			k, err := of(t, "/v", typ).KeyOf(text)
			if bad, ok := errors.AsType[*index.ParseError](err); !ok || bad.Type != typ || bad.Text != text || bad.Error() == "" || k != nil {
				t.Errorf("%q as %s: %x, %v", text, typ, k, err)
			}
		}
	}
}

func TestFits(t *testing.T) {
	x := of(t, "/v", index.Number)
	for _, tt := range []struct {
		key  []byte
		want bool
	}{
		{nil, true}, {[]byte{}, true}, {[]byte("n"), true}, {[]byte("s1"), false}, {[]byte{0}, false}, {append([]byte("n"), make([]byte, index.MaxKey)...), false},
	} {
		if x.Fits(tt.key) != tt.want {
			t.Errorf("%x fits: %t", tt.key, !tt.want)
		}
	}
}
