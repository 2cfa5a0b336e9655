package jsonvalue

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Reasons for which a JSON text is refused: stable codes for programs.
const (
	// ReasonSyntax: not the grammar of RFC 8259.
	ReasonSyntax = "syntax"
	// ReasonTruncated: the text ends inside a value, or is empty.
	ReasonTruncated = "truncated"
	// ReasonTrailingData: something stands after the value.
	ReasonTrailingData = "trailing-data"
	// ReasonDuplicateName: two members of one object have the same name.
	ReasonDuplicateName = "duplicate-name"
	// ReasonLoneSurrogate: a \uD800–\uDFFF escape that is not one of a pair.
	ReasonLoneSurrogate = "lone-surrogate"
	// ReasonInvalidUTF8: bytes that are not UTF-8.
	ReasonInvalidUTF8 = "invalid-utf8"
	// ReasonTooDeep: more nested arrays and objects than Limits.Depth.
	ReasonTooDeep = "too-deep"
	// ReasonExponent: a number whose exponent is beyond ±10,000.
	ReasonExponent = "exponent"
	// ReasonAbsentValue: a member made of a value that is absent.
	ReasonAbsentValue = "absent-value"
)

// advice says for each reason what is wrong and what to do about it.
var advice = map[string]string{
	ReasonSyntax:        "correct it there to be JSON (RFC 8259)",
	ReasonTruncated:     "the JSON text ends too early; send all of it",
	ReasonTrailingData:  "something follows the JSON value; send exactly one value",
	ReasonDuplicateName: "the object has this member name already; remove or rename one of the two",
	ReasonLoneSurrogate: "a \\uD800-\\uDFFF escape stands alone; send surrogates in pairs",
	ReasonInvalidUTF8:   "the text is not valid UTF-8; encode it as UTF-8",
	ReasonTooDeep:       "arrays and objects nest too deeply; send a flatter value",
	ReasonExponent:      "the number's exponent is beyond ±10,000; send a smaller one, or a string",
	ReasonAbsentValue:   "its value is absent; leave the member out or use null",
}

// SyntaxError says why and where a JSON text was refused.
type SyntaxError struct {
	// Offset is the position in bytes at or after which the text is wrong.
	Offset int64
	// Pointer is the JSON Pointer (RFC 6901) of the innermost value that the
	// fault is known to lie in; "" is the whole text.
	Pointer string
	// Reason is one of the Reason constants.
	Reason string

	cause error
}

// Error returns a sentence that says where the fault is and what to do.
func (e *SyntaxError) Error() string {
	where := fmt.Sprintf("jsonvalue: at byte %d", e.Offset)
	if e.Pointer != "" {
		where += fmt.Sprintf(", in %q", shorten(e.Pointer))
	}
	return where + ": " + e.sentence()
}

// Message returns what Error does, without the position in bytes, for who knows a
// better one.
func (e *SyntaxError) Message() string {
	if e.Pointer == "" {
		return e.sentence()
	}
	return fmt.Sprintf("in %q: %s", shorten(e.Pointer), e.sentence())
}

func (e *SyntaxError) sentence() string {
	if e.Reason != ReasonSyntax || e.cause == nil {
		return advice[e.Reason]
	}
	detail := e.cause
	var syntactic *jsontext.SyntacticError
	if errors.As(e.cause, &syntactic) {
		detail = syntactic.Err // without the position, which stands here already
	}
	return detail.Error() + "; " + advice[e.Reason]
}

// Unwrap returns what the tokenizer reported, if it was the one to refuse.
func (e *SyntaxError) Unwrap() error { return e.cause }

// shorten keeps a sentence readable whose name or pointer came from outside.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) && end > most-utf8.UTFMax {
		end--
	}
	return s[:end] + "…"
}
