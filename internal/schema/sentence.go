package schema

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

var english = message.NewPrinter(language.English)

// describe says in a sentence what is wrong. Values are not repeated: the pointer
// tells which one is meant, and it may be large.
func describe(what jsonschema.ErrorKind) string {
	switch k := what.(type) {
	case *kind.Type:
		return "Must be " + strings.Join(k.Want, " or ") + ", and is " + k.Got + "."
	case *kind.Required:
		return listed("Is missing the member", k.Missing) + "."
	case *kind.AdditionalProperties:
		return listed("Must not have the member", k.Properties) + "."
	case *kind.DependentRequired:
		return listed("Is missing the member", k.Missing) + ", which must be there where " + quoted(k.Prop) + " is."
	case *kind.Format:
		return sentence("Is not a valid " + k.Want + ": " + k.Err.Error())
	case *kind.Pattern:
		return sentence("Does not match the pattern " + quoted(k.Want))
	case *kind.FalseSchema:
		return "Must not be here."
	case *kind.Not:
		return "Fits what the schema excludes."
	case *kind.MinLength:
		return fmt.Sprintf("Must have at least %d characters, and has %d.", k.Want, k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("Must have at most %d characters, and has %d.", k.Want, k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("Must have at least %d elements, and has %d.", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("Must have at most %d elements, and has %d.", k.Want, k.Got)
	case *kind.MinProperties:
		return fmt.Sprintf("Must have at least %d members, and has %d.", k.Want, k.Got)
	case *kind.MaxProperties:
		return fmt.Sprintf("Must have at most %d members, and has %d.", k.Want, k.Got)
	case *kind.Minimum:
		return "Must be at least " + exact(k.Want) + "."
	case *kind.Maximum:
		return "Must be at most " + exact(k.Want) + "."
	case *kind.ExclusiveMinimum:
		return "Must be more than " + exact(k.Want) + "."
	case *kind.ExclusiveMaximum:
		return "Must be less than " + exact(k.Want) + "."
	case *kind.MultipleOf:
		return "Must be a multiple of " + exact(k.Want) + "."
	}
	return sentence(what.LocalizedString(english))
}

// maxNames bounds the names that one sentence lists.
const maxNames = 10

// listed appends names to a phrase in the singular, which takes an s for many.
func listed(phrase string, names []string) string {
	names = slices.Sorted(slices.Values(names))
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
		names = names[:maxNames]
	}
	if len(names) > 1 {
		phrase += "s"
	}
	for i, name := range names {
		names[i] = quoted(name)
	}
	return phrase + " " + strings.Join(names, ", ") + more
}

// exact returns a number of the schema, which is a decimal, with all its digits.
func exact(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	return r.FloatString(digits)
}

// The bounds on what a sentence repeats of a name or pattern, and on a sentence.
const (
	maxQuoted   = 100
	maxSentence = 500
)

func quoted(s string) string { return strconv.Quote(shortened(s, maxQuoted)) }

// shortened cuts a text at a character.
func shortened(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// sentence makes a sentence of a phrase, and bounds it.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(shortened(s[size:], maxSentence), ".") + "."
}
