package layout

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// piece is a value as a text has it, without white space around it. The zero
// piece is that of a text without such a place.
type piece struct {
	raw   []byte
	value jsonvalue.Value
}

// onLines reports whether it goes over several lines.
func (p *piece) onLines() bool { return bytes.IndexByte(p.raw, '\n') >= 0 }

// is reports whether the piece can be copied for v, whose compact form is text:
// whether it has the same members in the same order, in the same spelling. Where
// the text that it comes from has another style, that holds of scalars alone.
func (p *piece) is(v jsonvalue.Value, text []byte, styled bool) bool {
	if p.value.Kind() != v.Kind() || v.IsAbsent() || p.value.Len() != v.Len() {
		return false
	}
	scalar := v.Kind() != jsonvalue.KindObject && v.Kind() != jsonvalue.KindArray
	return (styled || scalar) && bytes.Equal(p.value.Append(nil), text)
}

// relaid reports whether a piece says what it said in base, and is written in
// another way.
func (p *piece) relaid(base *piece) bool {
	return !base.value.IsAbsent() && !bytes.Equal(p.raw, base.raw) && bytes.Equal(p.value.Append(nil), base.value.Append(nil))
}

// member is a member of an object with its name as it is written.
type member struct {
	piece
	name []byte
}

// members returns the members of an object by name, nil for any other piece.
func (p *piece) members() map[string]member {
	if p.value.Kind() != jsonvalue.KindObject {
		return nil
	}
	all := make(map[string]member, p.value.Len())
	raw := parts(p.raw)
	for i, m := range p.value.Members() {
		all[m.Name] = member{name: raw[2*i], piece: piece{raw: raw[2*i+1], value: m.Value}}
	}
	return all
}

// elements are the elements of an array.
type elements struct {
	inOrder []piece
	byText  map[string]int // the first that has this compact form
}

// elements returns the elements of an array, none for any other piece.
func (p *piece) elements() *elements {
	if p.value.Kind() != jsonvalue.KindArray {
		return &elements{}
	}
	e := &elements{byText: make(map[string]int, p.value.Len())}
	for i, raw := range parts(p.raw) {
		value := p.value.Elem(i)
		e.inOrder = append(e.inOrder, piece{raw: raw, value: value})
		text := string(value.Append(nil))
		if _, twice := e.byText[text]; !twice {
			e.byText[text] = i
		}
	}
	return e
}

// find returns the element that has this compact form, else the one that stands
// nearest to i, whose layout is likely to suit.
func (e *elements) find(text string, i int) piece {
	if at, ok := e.byText[text]; ok {
		return e.inOrder[at]
	}
	if len(e.inOrder) == 0 {
		return piece{}
	}
	return e.inOrder[min(i, len(e.inOrder)-1)]
}

// parts returns what a container holds, as it is written: the elements of an
// array, or the names and values of an object by turns. The container must be of
// a text that was parsed before.
func parts(container []byte) [][]byte {
	// Names were found to differ when the text was parsed.
	d := jsontext.NewDecoder(bytes.NewBuffer(container), jsontext.AllowDuplicateNames(true))
	var all [][]byte
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() != jsontext.KindEndObject && d.PeekKind() != jsontext.KindEndArray {
		var part jsontext.Value
		part, err = d.ReadValue()
		end := int(d.InputOffset())
		all = append(all, container[end-len(part):end])
	}
	if err != nil {
		panic("layout: a text that was parsed is not JSON: " + err.Error())
	}
	return all
}
