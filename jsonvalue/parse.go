package jsonvalue

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	defaultDepth = 64
	// maxDepth stays below the nesting at which the tokenizer itself gives up.
	maxDepth = 8192
	// keptScratch bounds what a pooled parser keeps between documents.
	keptScratch = 4096
)

// Limits bounds what [Parse] accepts. The zero Limits has the defaults.
type Limits struct {
	// Depth is how deeply arrays and objects may nest; 0 means 64. Values above
	// 8192 mean 8192.
	Depth int
}

// Parse reads exactly one JSON text (RFC 8259), which may be any kind of value.
// It does not keep data.
//
// It fails with a [*SyntaxError] on anything that is not JSON, on duplicate
// member names, lone surrogates and invalid UTF-8 (RFC 7493 §2), on data after
// the value, on nesting beyond lim.Depth, and on numbers whose exponent, as
// written or in scientific notation, is beyond ±10,000. Cost is linear in
// len(data).
func Parse(data []byte, lim Limits) (Value, error) {
	p := parsers.Get().(*parser)
	p.reset(data, lim)
	v, err := p.document()
	p.release()
	return v, err
}

var parsers = sync.Pool{New: func() any { return &parser{decoder: jsontext.NewDecoder(&bytes.Buffer{})} }}

// parser reads one document. The slices are stacks shared by all levels of
// nesting, so that an array or object is allocated once, in its final size.
type parser struct {
	decoder *jsontext.Decoder
	source  bytes.Buffer
	text    string
	end     int // of the last token
	depth   int
	limit   int
	elems   []Value
	members []Member
	unquote []byte
}

func (p *parser) reset(data []byte, lim Limits) {
	// The decoder reads a bytes.Buffer in place, without a copy of its own.
	p.source = *bytes.NewBuffer(data)
	p.decoder.Reset(&p.source)
	p.text = string(data)
	p.end, p.depth, p.limit = 0, 0, min(lim.Depth, maxDepth)
	if p.limit <= 0 {
		p.limit = defaultDepth
	}
}

// release drops every reference to the document and gives the parser back.
func (p *parser) release() {
	p.source = bytes.Buffer{}
	p.decoder.Reset(&p.source)
	p.text = ""
	if cap(p.elems) > keptScratch || cap(p.members) > keptScratch || cap(p.unquote) > keptScratch {
		p.elems, p.members, p.unquote = nil, nil, nil
	}
	clear(p.elems) // what a refused document has left there
	clear(p.members)
	p.elems, p.members = p.elems[:0], p.members[:0]
	parsers.Put(p)
}

func (p *parser) document() (Value, error) {
	kind, raw, err := p.next()
	if err != nil {
		return Value{}, err
	}
	v, err := p.value(kind, raw)
	if err != nil {
		return Value{}, err
	}
	if rest := strings.TrimLeft(p.text[p.end:], " \t\r\n"); rest != "" {
		return Value{}, &SyntaxError{Offset: int64(len(p.text) - len(rest)), Reason: ReasonTrailingData}
	}
	return v, nil
}

// next reads a token and returns it as it stands in the text.
func (p *parser) next() (jsontext.Kind, string, error) {
	start := p.end
	token, err := p.decoder.ReadToken()
	if err != nil {
		return 0, "", p.refusal(err)
	}
	p.end = int(p.decoder.InputOffset())
	for isBetweenTokens(p.text[start]) {
		start++
	}
	return token.Kind(), p.text[start:p.end], nil
}

func isBetweenTokens(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ':':
		return true
	}
	return false
}

func (p *parser) value(kind jsontext.Kind, raw string) (Value, error) {
	switch kind {
	case jsontext.KindNull:
		return Null(), nil
	case jsontext.KindTrue:
		return Bool(true), nil
	case jsontext.KindFalse:
		return Bool(false), nil
	case jsontext.KindString:
		text, verbatim, err := p.unquoted(raw)
		return Value{kind: KindString, text: text, verbatim: verbatim}, err
	case jsontext.KindNumber:
		if !exponentInRange(raw) {
			return Value{}, p.fault(ReasonExponent, len(raw))
		}
		return Value{kind: KindNumber, text: raw}, nil
	}
	if p.depth++; p.depth > p.limit {
		return Value{}, p.fault(ReasonTooDeep, len(raw))
	}
	defer func() { p.depth-- }()
	if kind == jsontext.KindBeginObject {
		return p.object()
	}
	return p.array()
}

func (p *parser) array() (Value, error) {
	base := len(p.elems)
	for {
		kind, raw, err := p.next()
		if err != nil {
			return Value{}, err
		}
		if kind == jsontext.KindEndArray {
			break
		}
		v, err := p.value(kind, raw)
		if err != nil {
			return Value{}, err
		}
		p.elems = append(p.elems, v)
	}
	elems := append([]Value(nil), p.elems[base:]...)
	clear(p.elems[base:])
	p.elems = p.elems[:base]
	return newArray(elems), nil
}

func (p *parser) object() (Value, error) {
	base, allVerbatim := len(p.members), true
	for {
		kind, raw, err := p.next()
		if err != nil {
			return Value{}, err
		}
		if kind == jsontext.KindEndObject {
			break
		}
		name, verbatim, err := p.unquoted(raw)
		if err != nil {
			return Value{}, err
		}
		if kind, raw, err = p.next(); err != nil {
			return Value{}, err
		}
		v, err := p.value(kind, raw)
		if err != nil {
			return Value{}, err
		}
		allVerbatim = allVerbatim && verbatim
		p.members = append(p.members, Member{Name: name, Value: v})
	}
	members := append([]Member(nil), p.members[base:]...)
	clear(p.members[base:])
	p.members = p.members[:base]
	return newObject(members, allVerbatim), nil
}

// unquoted returns the content of a string token and whether it is the token
// less its quotes.
func (p *parser) unquoted(raw string) (text string, verbatim bool, err error) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], true, nil
	}
	if p.unquote, err = jsontext.AppendUnquote(p.unquote[:0], raw); err != nil {
		return "", false, p.refusal(err)
	}
	return string(p.unquote), false, nil
}

// fault refuses the token that was read last.
func (p *parser) fault(reason string, tokenLen int) error {
	return &SyntaxError{Offset: int64(p.end - tokenLen), Pointer: string(p.decoder.StackPointer()), Reason: reason}
}

// refusal turns an error of the tokenizer into one of this package.
func (p *parser) refusal(cause error) error {
	e := &SyntaxError{Offset: int64(p.end), Reason: ReasonSyntax, cause: cause}
	var syntactic *jsontext.SyntacticError
	switch {
	case cause == io.EOF: // there is no value at all
		e.Offset, e.Reason = int64(len(p.text)), ReasonTruncated
		return e
	case !errors.As(cause, &syntactic):
		return e
	}
	e.Offset, e.Pointer = syntactic.ByteOffset, string(syntactic.JSONPointer)
	rest := p.text[min(max(e.Offset, 0), int64(len(p.text))):]
	first, size := utf8.DecodeRuneInString(rest)
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		e.Reason = ReasonDuplicateName
	case errors.Is(cause, io.ErrUnexpectedEOF):
		e.Reason = ReasonTruncated
	case first == utf8.RuneError && size == 1:
		e.Reason = ReasonInvalidUTF8
	case startsWithSurrogate(rest):
		e.Reason = ReasonLoneSurrogate
	}
	return e
}

// startsWithSurrogate reports whether s begins with \uD800 to \uDFFF.
func startsWithSurrogate(s string) bool {
	return len(s) >= len(`\uD800`) && s[:2] == `\u` && (s[2] == 'd' || s[2] == 'D') && s[3] >= '8'
}
