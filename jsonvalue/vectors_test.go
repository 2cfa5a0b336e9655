package jsonvalue

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// vectorFile is vectors/jsonvalue.json, which other languages run as well.
type vectorFile struct {
	Texts []struct {
		Name, Input, InputHex, Compact, Canonical, SHA256, Error string
		Offset                                                   *int64
	}
	Pairs []struct {
		Name, A, B       string
		Equal, Identical bool
	}
	Document string
	Pointers []struct {
		Pointer, Error string
		Value          *string
	}
}

func readVectors(t *testing.T) vectorFile {
	t.Helper()
	text, err := os.ReadFile("../vectors/jsonvalue.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors vectorFile
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Texts) == 0 || len(vectors.Pairs) == 0 || len(vectors.Pointers) == 0 {
		t.Fatal("vectors/jsonvalue.json lacks texts, pairs or pointers")
	}
	return vectors
}

func TestVectorTexts(t *testing.T) {
	for _, c := range readVectors(t).Texts {
		t.Run(c.Name, func(t *testing.T) {
			input := []byte(c.Input)
			if c.InputHex != "" {
				var err error
				if input, err = hex.DecodeString(c.InputHex); err != nil {
					t.Fatal(err)
				}
			}
			v, err := Parse(input, Limits{})
			if c.Error != "" {
				var refused *SyntaxError
				switch {
				case !errors.As(err, &refused):
					t.Fatalf("Parse(%q) = %s, %v; want a *SyntaxError", input, v.Append(nil), err)
				case refused.Reason != c.Error:
					t.Errorf("Reason = %q (%v), want %q", refused.Reason, refused.Unwrap(), c.Error)
				case c.Offset != nil && refused.Offset != *c.Offset:
					t.Errorf("Offset = %d, want %d", refused.Offset, *c.Offset)
				case !v.IsAbsent():
					t.Errorf("a refused text gave the value %s", v.Append(nil))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Append(nil)); got != c.Compact {
				t.Errorf("compact   %s\nwant      %s", got, c.Compact)
			}
			if got := string(v.AppendCanonical(nil)); got != c.Canonical {
				t.Errorf("canonical %s\nwant      %s", got, c.Canonical)
			}
			if sum := v.Digest(); hex.EncodeToString(sum[:]) != c.SHA256 {
				t.Errorf("digest %x, want %s", sum, c.SHA256)
			}
		})
	}
}

func TestVectorPairs(t *testing.T) {
	for _, c := range readVectors(t).Pairs {
		t.Run(c.Name, func(t *testing.T) {
			a, b := mustParse(t, c.A), mustParse(t, c.B)
			if Equal(a, b) != c.Equal || Equal(b, a) != c.Equal {
				t.Errorf("Equal(a, b) = %v, Equal(b, a) = %v, want %v", Equal(a, b), Equal(b, a), c.Equal)
			}
			if Identical(a, b) != c.Identical || Identical(b, a) != c.Identical {
				t.Errorf("Identical(a, b) = %v, Identical(b, a) = %v, want %v", Identical(a, b), Identical(b, a), c.Identical)
			}
			if same := a.Digest() == b.Digest(); same != c.Equal {
				t.Errorf("same digest: %v, want %v", same, c.Equal)
			}
		})
	}
}

func TestVectorPointers(t *testing.T) {
	vectors := readVectors(t)
	document := mustParse(t, vectors.Document)
	for _, c := range vectors.Pointers {
		t.Run(c.Pointer, func(t *testing.T) {
			p, err := ParsePointer(c.Pointer)
			if c.Error != "" {
				var refused *PointerError
				if !errors.As(err, &refused) || refused.Reason != c.Error {
					t.Fatalf("ParsePointer = %q, %v; want reason %q", []string(p), err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.String() != c.Pointer {
				t.Errorf("String() = %q, want %q", p.String(), c.Pointer)
			}
			v := document.At(p)
			switch {
			case c.Value == nil && !v.IsAbsent():
				t.Errorf("At = %s, want nothing there", v.Append(nil))
			case c.Value != nil && string(v.Append(nil)) != *c.Value:
				t.Errorf("At = %s, want %s", v.Append(nil), *c.Value)
			}
		})
	}
}
