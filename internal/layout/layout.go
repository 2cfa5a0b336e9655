// Package layout prints a merged JSON value in the layout of the texts it was
// merged from: with their indentation, line ends, spaces and escapes. A file that
// people keep then shows as changed only where its values are.
//
// What a merge took from one side as a whole is copied from that side's text. Only
// what it put together is laid out anew, in that side's style. The layout of the
// whole is merged like a value: where one side alone has changed it, that side's
// is taken, else mine.
package layout

import (
	"bytes"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Text is a JSON text and the value that it stands for. The zero Text stands for
// no text, and its value is absent. It is immutable and safe for concurrent use.
type Text struct {
	head, tail string // the white space around the value
	root       piece
	style      style
}

// Parse reads a text as [jsonvalue.Parse] does, and fails as it does. It keeps
// data, which must not be written to again.
func Parse(data []byte, lim jsonvalue.Limits) (Text, error) {
	value, err := jsonvalue.Parse(data, lim)
	if err != nil {
		return Text{}, err
	}
	const white = " \t\r\n"
	raw := bytes.TrimLeft(data, white)
	t := Text{head: string(data[:len(data)-len(raw)])}
	raw = bytes.TrimRight(raw, white)
	t.tail = string(data[len(t.head)+len(raw):])
	t.root = piece{raw: raw, value: value}
	t.style = styleOf(raw)
	return t, nil
}

// Value returns the value that the text stands for.
func (t *Text) Value() jsonvalue.Value { return t.root.value }

// Append appends value as a text, and returns the extended slice. It is to be what
// a merge of the three texts has come to; any other value is laid out too. Cost is
// linear in the sizes, times the depth at which the sides differ.
func Append(dst []byte, value jsonvalue.Value, base, theirs, mine *Text) []byte {
	three := sides{base: base.root, theirs: theirs.root, mine: mine.root}
	p := printer{style: chosenStyle(base, theirs, mine)}
	p.likeTheirs, p.likeMine = p.style.fits(theirs.style), p.style.fits(mine.style)
	p.out = append(dst, changed(base, base.head, theirs.head, mine.head)...)
	p.value(value, three, 0)
	return append(p.out, changed(base, base.tail, theirs.tail, mine.tail)...)
}

// chosenStyle is mine's, unless theirs alone has changed it or mine has none.
func chosenStyle(base, theirs, mine *Text) style {
	switch {
	case !mine.style.known && !theirs.style.known:
		return usual
	case !mine.style.known:
		return theirs.style
	case !theirs.style.known:
		return mine.style
	}
	return changed(base, base.style, theirs.style, mine.style)
}

// changed returns theirs where mine is as it was in base, else mine.
func changed[T comparable](base *Text, was, theirs, mine T) T {
	if !base.root.value.IsAbsent() && mine == was {
		return theirs
	}
	return mine
}

// sides is one place in the three texts.
type sides struct{ base, theirs, mine piece }

type printer struct {
	out                  []byte
	style                style
	likeTheirs, likeMine bool // whether what they have on several lines fits in
}

// value prints v, whose container has depth containers around it.
func (p *printer) value(v jsonvalue.Value, at sides, depth int) {
	if raw := p.verbatim(v, at); raw != nil {
		p.out = append(p.out, raw...)
		return
	}
	switch v.Kind() {
	case jsonvalue.KindObject:
		p.object(v, at, depth+1)
	case jsonvalue.KindArray:
		p.array(v, at, depth+1)
	case jsonvalue.KindAbsent, jsonvalue.KindNull, jsonvalue.KindBool, jsonvalue.KindNumber, jsonvalue.KindString:
		p.out = v.Append(p.out)
	}
}

// verbatim returns v as a side wrote it, nil where none has it at this place, or
// where one has changed what it says and the other how it is laid out: the parts
// tell then. Of two that have it, it is the one that has changed how it is written.
func (p *printer) verbatim(v jsonvalue.Value, at sides) []byte {
	text := v.Append(nil)
	theirs, mine := at.theirs.is(v, text, p.likeTheirs), at.mine.is(v, text, p.likeMine)
	switch {
	case theirs && mine && bytes.Equal(at.mine.raw, at.base.raw):
		return at.theirs.raw
	case mine && (bytes.Equal(at.theirs.raw, at.base.raw) || bytes.Equal(at.theirs.raw, at.mine.raw)):
		return at.mine.raw
	case v.Len() > 0 && (mine && at.theirs.relaid(&at.base) || theirs && at.mine.relaid(&at.base)):
		return nil
	case mine:
		return at.mine.raw
	case theirs:
		return at.theirs.raw
	}
	return nil
}

func (p *printer) object(v jsonvalue.Value, at sides, depth int) {
	base, theirs, mine := at.base.members(), at.theirs.members(), at.mine.members()
	l := p.open('{', v.Len(), at, depth)
	for _, m := range v.Members() {
		l.next()
		b, t, i := base[m.Name], theirs[m.Name], mine[m.Name]
		switch {
		case i.name != nil:
			p.out = append(p.out, i.name...)
		case t.name != nil:
			p.out = append(p.out, t.name...)
		default:
			p.out = jsonvalue.String(m.Name).Append(p.out)
		}
		p.out = append(p.out, p.style.colon...)
		p.value(m.Value, sides{base: b.piece, theirs: t.piece, mine: i.piece}, depth)
	}
	l.close('}')
}

func (p *printer) array(v jsonvalue.Value, at sides, depth int) {
	base, theirs, mine := at.base.elements(), at.theirs.elements(), at.mine.elements()
	l := p.open('[', v.Len(), at, depth)
	for i, e := range v.Elems() {
		l.next()
		text := string(e.Append(nil))
		p.value(e, sides{base: base.find(text, i), theirs: theirs.find(text, i), mine: mine.find(text, i)}, depth)
	}
	l.close(']')
}

// line is a container that is being printed.
type line struct {
	p      *printer
	inline bool
	length int
	count  int // of what was begun
	depth  int // of what is in it
	pad    string
}

// open begins a container with length parts, laid out on one line or several as
// the sides have it.
func (p *printer) open(bracket byte, length int, at sides, depth int) *line {
	l := line{p: p, inline: !p.style.lines, length: length, depth: depth, pad: p.style.arrayPad}
	if bracket == '{' {
		l.pad = p.style.objectPad
	}
	for _, side := range []struct {
		piece
		fits bool
	}{{at.mine, p.likeMine}, {at.theirs, p.likeTheirs}} {
		if side.fits && side.value.Len() > 0 {
			l.inline = !side.onLines()
			break
		}
	}
	p.out = append(p.out, bracket)
	return &l
}

// next prints what stands before the next part.
func (l *line) next() {
	p := l.p
	switch {
	case l.inline && l.count == 0:
		p.out = append(p.out, l.pad...)
	case l.inline:
		p.out = append(append(p.out, ','), p.style.comma...)
	default:
		if l.count > 0 {
			p.out = append(p.out, ',')
		}
		l.newline(l.depth)
	}
	l.count++
}

func (l *line) close(bracket byte) {
	switch {
	case l.length == 0:
	case l.inline:
		l.p.out = append(l.p.out, l.pad...)
	default:
		l.newline(l.depth - 1)
	}
	l.p.out = append(l.p.out, bracket)
}

func (l *line) newline(depth int) {
	l.p.out = append(l.p.out, l.p.style.newline+strings.Repeat(l.p.style.indent, depth)...)
}
