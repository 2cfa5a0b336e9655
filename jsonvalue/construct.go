package jsonvalue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Null returns the JSON value null.
func Null() Value { return Value{kind: KindNull} }

// Bool returns true or false.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, text: trueText}
	}
	return Value{kind: KindBool}
}

// String returns a JSON string. Each byte of s that is not valid UTF-8 becomes
// U+FFFD, since JSON text cannot hold it.
func String(s string) Value {
	if !utf8.ValidString(s) {
		s = strings.Map(func(r rune) rune { return r }, s)
	}
	return Value{kind: KindString, text: s, verbatim: plainPrefix(s) == len(s)}
}

// Int returns i as a JSON number.
func Int(i int64) Value {
	return Value{kind: KindNumber, text: strconv.FormatInt(i, 10)}
}

// Number returns the number of that spelling, which is kept. It fails with a
// [*SyntaxError] if spelling is not exactly one JSON number (RFC 8259 §6) or if
// its exponent is beyond ±10,000.
func Number(spelling string) (Value, error) {
	v, err := Parse([]byte(spelling), Limits{})
	if err != nil {
		return Value{}, err
	}
	if v.kind != KindNumber || len(v.text) != len(spelling) {
		return Value{}, &SyntaxError{Reason: ReasonSyntax, cause: fmt.Errorf("%q is not a JSON number", shorten(spelling))}
	}
	return v, nil
}

// Array returns an array of elems, which are copied. It panics if one of them
// is absent: that has no JSON text.
func Array(elems ...Value) Value {
	for i := range elems {
		if elems[i].IsAbsent() {
			panic(fmt.Sprintf("jsonvalue: element %d of an array is absent", i))
		}
	}
	return newArray(slices.Clone(elems))
}

// MemberError says which of the members given to [Object] cannot be in an
// object, and why.
type MemberError struct {
	// Index is the position of the member among the arguments.
	Index int
	// Name is the member's name.
	Name string
	// Reason is ReasonDuplicateName, ReasonInvalidUTF8 or ReasonAbsentValue.
	Reason string
}

// Error returns a sentence that names the member and the reason.
func (e *MemberError) Error() string {
	return fmt.Sprintf("jsonvalue: member %d (%q) cannot be in an object: %s", e.Index, shorten(e.Name), advice[e.Reason])
}

// Object returns an object of members in that order; the slice is copied. It
// fails with a [*MemberError] if two names are equal, a name is not valid UTF-8
// or a value is absent.
func Object(members ...Member) (Value, error) {
	verbatim := true
	for i := range members {
		name := members[i].Name
		switch {
		case !utf8.ValidString(name):
			return Value{}, &MemberError{Index: i, Name: name, Reason: ReasonInvalidUTF8}
		case members[i].Value.IsAbsent():
			return Value{}, &MemberError{Index: i, Name: name, Reason: ReasonAbsentValue}
		}
		verbatim = verbatim && plainPrefix(name) == len(name)
	}
	v := newObject(slices.Clone(members), verbatim)
	p := parsers.Get().(*parser) // for the memory of its names
	i := p.names.duplicate(members)
	p.release()
	if i >= 0 {
		return Value{}, &MemberError{Index: i, Name: members[i].Name, Reason: ReasonDuplicateName}
	}
	return v, nil
}
