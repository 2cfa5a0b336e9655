package jsonvalue

import (
	"sync"

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
func Parse(data []byte, lim Limits) (Value, error) { return ParseLike(data, Value{}, lim) }

// ParseLike is [Parse] for a text that is much like another, such as the next
// version of a document. Arrays and objects that are written in it byte for byte as
// at the same place of like, once that was parsed, are taken from there: they cost
// neither time nor memory again, and [Same] tells them. They also keep the text of like
// in memory. What is accepted, returned and refused does not depend on like.
func ParseLike(data []byte, like Value, lim Limits) (Value, error) {
	p := parsers.Get().(*parser)
	p.text, p.limit = string(data), min(lim.Depth, maxDepth)
	if p.limit <= 0 {
		p.limit = defaultDepth
	}
	v, ok := p.whole(data, like)
	var err error
	if !ok {
		v, err = p.judge(data)
	}
	p.release()
	return v, err
}

// parser reads one document. The slices are stacks shared by all levels of
// nesting, so that an array or object is allocated once, in its final size.
type parser struct {
	text    string
	end     int // of what was read last
	depth   int
	limit   int
	elems   []Value
	members []Member
	// mostElems and mostMembers are how many there have been at once.
	mostElems, mostMembers int

	unquote []byte
	names   nameSet
	decoder *jsontext.Decoder // of what is read token by token
}

// whole parses a text that nothing is wrong with. The library checks all of one
// fast, and reads its tokens slowly: so it says what is JSON, and of that the tree
// is built here (decision 26). Where ok is false, its tokens tell the reason.
func (p *parser) whole(data []byte, like Value) (v Value, ok bool) {
	if !jsontext.Value(data).IsValid(duplicatesToo) {
		return Value{}, false
	}
	return p.tree(like)
}

// duplicatesToo leaves names to the tree, which has to look at them anyway.
var duplicatesToo = jsontext.AllowDuplicateNames(true)

var parsers = sync.Pool{New: func() any { return new(parser) }}

// release drops every reference to the document and gives the parser back.
func (p *parser) release() {
	p.drop()
	p.text, p.end, p.depth = "", 0, 0
	if cap(p.elems) > keptScratch || cap(p.members) > keptScratch || cap(p.unquote) > keptScratch || cap(p.names.slots) > keptScratch {
		p.elems, p.members, p.unquote, p.names = nil, nil, nil, nameSet{}
	}
	parsers.Put(p)
}

// drop empties the stacks, and clears what has been on them. That is done once, not
// whenever something leaves them: the collector looks at all pointers that go.
func (p *parser) drop() {
	clear(p.elems[:max(p.mostElems, len(p.elems))])
	clear(p.members[:max(p.mostMembers, len(p.members))])
	p.elems, p.members, p.mostElems, p.mostMembers = p.elems[:0], p.members[:0], 0, 0
}

// popElems returns a copy of the elements from base on, which leave the stack.
func (p *parser) popElems(base int) []Value {
	elems := append([]Value(nil), p.elems[base:]...)
	p.mostElems = max(p.mostElems, len(p.elems))
	p.elems = p.elems[:base]
	return elems
}

// popMembers is popElems for members.
func (p *parser) popMembers(base int) []Member {
	members := append([]Member(nil), p.members[base:]...)
	p.mostMembers = max(p.mostMembers, len(p.members))
	p.members = p.members[:base]
	return members
}
