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

var tokenizers = sync.Pool{New: func() any { return jsontext.NewDecoder(&bytes.Buffer{}) }}

// judge reads the text token by token, which takes several times as long and finds
// what is wrong with it, and where.
func (p *parser) judge(data []byte) (Value, error) {
	p.drop()
	p.end, p.depth = 0, 0
	// The decoder reads a bytes.Buffer in place, without a copy of its own.
	p.decoder = tokenizers.Get().(*jsontext.Decoder)
	p.decoder.Reset(bytes.NewBuffer(data))
	v, err := p.document()
	p.decoder.Reset(&bytes.Buffer{}) // so that the pool does not keep data
	tokenizers.Put(p.decoder)
	p.decoder = nil
	return v, err
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
	return newArray(p.popElems(base)), nil
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
	return newObject(p.popMembers(base), allVerbatim), nil
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
