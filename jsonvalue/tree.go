package jsonvalue

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// tree builds the value of a text that is known to be JSON, and so goes by what
// its tokens begin with. ok is false where that value is none of this package's:
// names that are duplicate, exponents and depths beyond the limits.
func (p *parser) tree(like Value) (v Value, ok bool) {
	p.end, p.depth = 0, 0
	p.skip()
	return p.read(like)
}

// skip goes behind what stands between tokens.
func (p *parser) skip() {
	for p.end < len(p.text) && isBetweenTokens(p.text[p.end]) {
		p.end++
	}
}

// read reads the value at hand, and what stands behind it.
func (p *parser) read(like Value) (v Value, ok bool) {
	ok = true
	switch p.text[p.end] {
	case '"':
		v.kind = KindString
		v.text, v.verbatim, ok = p.quoted()
	case '{', '[':
		v, ok = p.nested(like)
	case 't':
		v = Bool(true)
		p.end += len(trueText)
	case 'f':
		v = Bool(false)
		p.end += len("false")
	case 'n':
		v = Null()
		p.end += len("null")
	default:
		v.kind = KindNumber
		v.text, ok = p.number()
	}
	p.skip()
	return v, ok
}

// quoted reads a string, and tells whether its content stands there as it is.
func (p *parser) quoted() (text string, verbatim, ok bool) {
	rest := p.text[p.end+1:]
	end := strings.IndexByte(rest, '"')
	if strings.IndexByte(rest[:end], '\\') < 0 {
		p.end += end + 2
		return rest[:end], true, true
	}
	for isEscaped(rest[:end]) {
		end += 1 + strings.IndexByte(rest[end+1:], '"')
	}
	raw := p.text[p.end : p.end+end+2]
	p.end += len(raw)
	var err error
	p.unquote, err = jsontext.AppendUnquote(p.unquote[:0], raw)
	return string(p.unquote), false, err == nil
}

// isEscaped tells whether what stands behind before is escaped: by the last of an odd
// number of backslashes.
func isEscaped(before string) bool {
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}

// number reads a number; ok is false where its exponent is out of range.
func (p *parser) number() (text string, ok bool) {
	start, plain := p.end, true
	for ; p.end < len(p.text); p.end++ {
		switch c := p.text[p.end]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.':
			continue
		case c == 'e', c == 'E':
			plain = false
			continue
		}
		break
	}
	text = p.text[start:p.end]
	return text, plain && len(text) <= maxExponent || exponentInRange(text)
}

// nested reads an array or object, or takes it from like.
func (p *parser) nested(like Value) (v Value, ok bool) {
	if p.sharedWith(like) {
		p.end += len(like.node.source)
		return like, true
	}
	if p.depth++; p.depth > p.limit {
		return Value{}, false
	}
	start, isObject := p.end, p.text[p.end] == '{'
	p.end++
	p.skip()
	if isObject {
		v, ok = p.readObject(like)
	} else {
		v, ok = p.readArray(like)
	}
	if !ok {
		return Value{}, false
	}
	p.end++
	p.depth--
	v.node.source = p.text[start:p.end]
	return v, true
}

// sharedDepth is how deep there may be something to share. The text is compared
// with that of like at most once a level, so this keeps the cost linear.
const sharedDepth = 64

// sharedWith tells whether like is written as the array or object at hand is. That
// ends where like's does, since its brackets are balanced.
func (p *parser) sharedWith(like Value) bool {
	n := like.node
	return n != nil && n.source != "" && p.depth < sharedDepth && p.depth+n.depth <= p.limit &&
		strings.HasPrefix(p.text[p.end:], n.source)
}

func (p *parser) readArray(like Value) (v Value, ok bool) {
	base := len(p.elems)
	for p.text[p.end] != ']' {
		elem, ok := p.read(like.Elem(len(p.elems) - base))
		if !ok {
			return Value{}, false
		}
		p.elems = append(p.elems, elem)
	}
	return newArray(p.popElems(base)), true
}

func (p *parser) readObject(like Value) (v Value, ok bool) {
	base, allVerbatim, place := len(p.members), true, 0
	for p.text[p.end] != '}' {
		name, verbatim, ok := p.quoted()
		if !ok {
			return Value{}, false
		}
		p.skip()
		var old Value
		if c := p.text[p.end]; like.kind == KindObject && (c == '{' || c == '[') {
			old, place = like.node.next(name, place)
		}
		value, ok := p.read(old)
		if !ok {
			return Value{}, false
		}
		allVerbatim = allVerbatim && verbatim
		p.members = append(p.members, Member{Name: name, Value: value})
	}
	members := p.popMembers(base)
	return newObject(members, allVerbatim), p.names.duplicate(members) < 0
}

// next returns the value of the member of that name, which is expected at place,
// and the place of the one behind it.
func (n *node) next(name string, place int) (Value, int) {
	if place >= len(n.members) || n.members[place].Name != name {
		if place = n.find(name); place < 0 {
			return Value{}, 0
		}
	}
	return n.members[place].Value, place + 1
}
