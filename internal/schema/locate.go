package schema

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Locate returns the offset in bytes of what a pointer names in a valid JSON text:
// of a member's name, of an element or of the whole; of what is around it where
// there is no such value.
func Locate(text []byte, p jsonvalue.Pointer) int64 {
	want := jsontext.Pointer(p.String())
	at, depth := int64(0), -1
	for d := jsontext.NewDecoder(bytes.NewReader(text)); ; {
		start := d.InputOffset()
		if _, err := d.ReadToken(); err != nil {
			return at
		}
		have := d.StackPointer()
		if n := len(have); n > depth && have.Contains(want) {
			at, depth = start+lead(text[start:]), n
		}
		if have == want {
			return at
		}
	}
}

// lead counts the bytes before the next token.
func lead(text []byte) int64 {
	return int64(len(text) - len(bytes.TrimLeft(text, " \t\r\n,:")))
}
