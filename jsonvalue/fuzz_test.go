package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds for any bytes that what Parse accepts is JSON, comes back
// from both printed forms as the same value, and that what it refuses has a
// reason and a place.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, Limits{})
		if err != nil {
			var refused *SyntaxError
			if !errors.As(err, &refused) || advice[refused.Reason] == "" || err.Error() == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			if refused.Offset < 0 || refused.Offset > int64(len(data)) {
				t.Fatalf("offset %d lies outside of %d bytes", refused.Offset, len(data))
			}
			if _, err := ParsePointer(refused.Pointer); err != nil && utf8.Valid(data) {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid(data) || !utf8.Valid(data) {
			t.Fatalf("accepted %q", data)
		}
		compact := v.Append(nil)
		back, err := Parse(compact, Limits{})
		if err != nil || !Identical(v, back) || !bytes.Equal(back.Append(nil), compact) {
			t.Fatalf("%q printed as %q: %v", data, compact, err)
		}
		canonical := v.AppendCanonical(nil)
		back, err = Parse(canonical, Limits{})
		if err != nil || !Equal(v, back) || !bytes.Equal(back.AppendCanonical(nil), canonical) {
			t.Fatalf("%q has the canonical form %q: %v", data, canonical, err)
		}
	})
}

// FuzzPointer holds for any text that a pointer that is read prints as it was,
// and that following it into a document does no harm.
func FuzzPointer(f *testing.F) {
	document, err := Parse([]byte(`{"a":[{"b/c":1},[2]],"~":{"":null},"":{"0":3}}`), Limits{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePointer(text)
		if err != nil {
			var refused *PointerError
			if !errors.As(err, &refused) || err.Error() == "" || refused.Offset < 0 || refused.Offset >= len(text) {
				t.Fatalf("refused without a place: %v", err)
			}
			return
		}
		if p.String() != text {
			t.Fatalf("%q came back as %q", text, p.String())
		}
		v := document
		for i := range p {
			v = v.At(p[i : i+1])
		}
		if !Identical(v, document.At(p)) {
			t.Fatalf("%q: step by step %s, at once %s", text, v.Append(nil), document.At(p).Append(nil))
		}
	})
}
