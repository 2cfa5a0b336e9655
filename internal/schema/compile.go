package schema

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Dialect is the only value that $schema may have.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// The names that a schema has while it is compiled. They are never fetched.
const (
	rulesURL  = "ifmatch://policy/schema"
	deniedURL = "ifmatch://policy/denied"
)

// Error says why a value is not a schema that can be used.
type Error struct{ Fault }

func (e *Error) Error() string {
	if len(e.Pointer) == 0 {
		return e.Detail
	}
	return e.Pointer.String() + ": " + e.Detail
}

// Compile makes a schema of a JSON value. It fails with an [*Error] where the
// value is not a schema of 2020-12, has a regular expression that Go's syntax
// cannot express (RE2: no look-around, no back-references), refers to what is
// not in it, or refers to itself without end.
func Compile(v jsonvalue.Value) (*Schema, error) {
	if dialect := v.Lookup("$schema"); !dialect.IsAbsent() && strings.TrimSuffix(dialect.Text(), "#") != Dialect {
		return nil, &Error{Fault{jsonvalue.Pointer{"$schema"}, "Only JSON Schema 2020-12 is supported. Write " + Dialect + ", or leave $schema out."}}
	}
	if at, heavy := overweight(v); heavy {
		return nil, &Error{Fault{at, "The numbers up to here have too many digits, or too large exponents."}}
	}
	values, _ := plain(v)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(nothing{})
	denied := map[string]any{"not": map[string]any{"$ref": rulesURL}}
	if err := errors.Join(c.AddResource(rulesURL, values), c.AddResource(deniedURL, denied)); err != nil {
		return nil, &Error{Fault{Detail: err.Error()}}
	}
	var s Schema
	var err error
	if s.rules, err = c.Compile(rulesURL); err != nil {
		return nil, explain(v, err)
	}
	if s.denied, err = c.Compile(deniedURL); err != nil {
		return nil, explain(v, err)
	}
	if s.refersToItself() {
		return nil, &Error{Fault{Detail: "The schema refers to itself without end: a $ref leads back to where it stands, and no document could ever fit."}}
	}
	return &s, nil
}

// nothing is a loader that loads nothing.
type nothing struct{}

var errNotLoaded = errors.New("other files and addresses are not loaded")

func (nothing) Load(string) (any, error) { return nil, errNotLoaded }

// explain says where in a schema lies what the compiler found.
func explain(v jsonvalue.Value, err error) *Error {
	if bad, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if cause, ok := errors.AsType[*jsonschema.ValidationError](bad.Err); ok {
			return &Error{faultsOf(v, cause)[0]}
		}
	}
	if bad, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		at, ref := reference(v, func(ref string) bool {
			file, _, _ := strings.Cut(ref, "#")
			return file != "" && strings.HasSuffix(bad.URL, strings.TrimLeft(file, "./"))
		})
		if ref == "" {
			ref = bad.URL
		}
		return &Error{Fault{at, "The reference " + quoted(ref) + " leads out of this schema, and other files and addresses are not loaded. Put it under $defs and refer to it as #/$defs/NAME."}}
	}
	if bad, ok := errors.AsType[*jsonschema.JSONPointerNotFoundError](err); ok {
		return dangling(v, bad.URL)
	}
	if bad, ok := errors.AsType[*jsonschema.AnchorNotFoundError](err); ok {
		return dangling(v, bad.Reference)
	}
	return &Error{Fault{Detail: sentence(err.Error())}}
}

// dangling tells of a reference to what is not there.
func dangling(v jsonvalue.Value, to string) *Error {
	_, want, _ := strings.Cut(to, "#")
	at, ref := reference(v, func(ref string) bool {
		_, fragment, _ := strings.Cut(ref, "#")
		return unescaped(fragment) == unescaped(want)
	})
	if ref == "" {
		ref = to
	}
	return &Error{Fault{at, "The reference " + quoted(ref) + " leads to nothing in this schema."}}
}

func unescaped(fragment string) string {
	plain, err := url.PathUnescape(fragment)
	if err != nil {
		return fragment
	}
	return plain
}

// referring are the keywords that refer to other schemas.
var referring = []string{"$ref", "$dynamicRef", "$schema"}

// reference finds the first reference that matches, with its text, "" for none.
func reference(v jsonvalue.Value, matches func(string) bool) (at jsonvalue.Pointer, ref string) {
	for _, m := range v.Members() {
		if m.Value.Kind() == jsonvalue.KindString && slices.Contains(referring, m.Name) && matches(m.Value.Text()) {
			return jsonvalue.Pointer{m.Name}, m.Value.Text()
		}
		if below, ref := reference(m.Value, matches); ref != "" {
			return append(jsonvalue.Pointer{m.Name}, below...), ref
		}
	}
	for i, e := range v.Elems() {
		if below, ref := reference(e, matches); ref != "" {
			return append(jsonvalue.Pointer{strconv.Itoa(i)}, below...), ref
		}
	}
	return nil, ""
}
