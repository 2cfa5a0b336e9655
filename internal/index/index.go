// Package index makes keys of the members of documents: byte strings that order
// as the values do, and are equal where the values are. Stores keep and compare
// them without knowing what they stand for.
//
// A key begins with a letter for its type. The key of a document that lacks the
// member, or has a value of another type there, is empty, and so before all
// others.
package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Type says which values of a member an index orders.
type Type string

// The types.
const (
	// String orders texts by the bytes of their UTF-8, which is the order of code
	// points.
	String Type = "string"
	// Number orders numbers by their exact decimal values.
	Number Type = "number"
	// Boolean puts false before true.
	Boolean Type = "boolean"
	// Time orders texts that are a date-time of RFC 3339 by the instant.
	Time Type = "time"
)

// Types are all of them.
var Types = []Type{String, Number, Boolean, Time}

// Ops are what may follow an index's name and a dot in a query, beside nothing,
// which asks for equality.
var Ops = []string{"gt", "gte", "lt", "lte", "in"}

// Index is one member that lists can be filtered and ordered by. It is immutable
// and safe for concurrent use.
type Index struct {
	typ     Type
	pointer jsonvalue.Pointer
	name    string
	id      string
}

// New returns the index of a member, named by a JSON Pointer (RFC 6901). It fails
// where the pointer is none, or names the whole document, or the type is unknown.
func New(pointer string, t Type) (*Index, error) {
	p, err := jsonvalue.ParsePointer(pointer)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("index: %q names a whole document, not a member", pointer)
	}
	if !slices.Contains(Types, t) {
		return nil, fmt.Errorf("index: unknown type %q", t)
	}
	return &Index{typ: t, pointer: p, name: strings.Join(p, "."), id: string(t) + " " + p.String()}, nil
}

// Parse returns the index that has an [Index.ID].
func Parse(id string) (*Index, error) {
	t, pointer, _ := strings.Cut(id, " ")
	return New(pointer, Type(t))
}

// Sorted returns indexes in the order of their ids, in which stores want keys.
func Sorted(indexes []*Index) []*Index {
	return slices.SortedFunc(slices.Values(indexes), func(a, b *Index) int { return cmp.Compare(a.id, b.id) })
}

// ID is the index's name in a store. It says all there is to say: an index of
// another pointer or type has another.
func (x *Index) ID() string { return x.id }

// Name is what queries call the index: its pointer's tokens, joined by dots.
func (x *Index) Name() string { return x.name }

// Pointer returns where the member is; it must not be written to.
func (x *Index) Pointer() jsonvalue.Pointer { return x.pointer }

// Type returns which values the index orders.
func (x *Index) Type() Type { return x.typ }

// Key returns a document's key: empty where it lacks the member, or has a value
// of another type there.
func (x *Index) Key(document jsonvalue.Value) []byte {
	key, _ := x.key(document.At(x.pointer))
	return key
}

// Fits tells whether a key is one that the index may have made, as far as can be
// told without the value.
func (x *Index) Fits(key []byte) bool {
	return len(key) <= MaxKey && (len(key) == 0 || key[0] == tags[x.typ])
}

// ParseError says why a text is no value of an index's type.
type ParseError struct {
	Type Type
	Text string
}

// Error says what a value looks like.
func (e *ParseError) Error() string {
	return fmt.Sprintf("index: %q is not %s", e.Text, forms[e.Type])
}

// Form describes the values of a type, as they stand in a query.
func (t Type) Form() string { return forms[t] }

var forms = map[Type]string{
	String:  "a text in UTF-8",
	Number:  "a number in the form of JSON, such as -1.5e3",
	Boolean: "true or false",
	Time:    "a time in the form of RFC 3339, such as 2026-11-21T15:04:05Z or 2026-11-21T15:04:05%2B01:00",
}

// KeyOf returns the key of a value as it stands in a query: a text as it is,
// anything else as in JSON, times without quotes. It fails with a [*ParseError].
func (x *Index) KeyOf(text string) ([]byte, error) {
	var v jsonvalue.Value
	var err error
	switch x.typ {
	case Number:
		v, err = jsonvalue.Number(text)
	case Boolean:
		if text == "true" || text == "false" {
			v = jsonvalue.Bool(text == "true")
		}
	default:
		if v = jsonvalue.String(text); v.Text() != text {
			return nil, &ParseError{x.typ, text}
		}
	}
	key, ok := x.key(v)
	if err != nil || !ok {
		return nil, &ParseError{x.typ, text}
	}
	return key, nil
}
