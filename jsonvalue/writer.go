package jsonvalue

import (
	"strconv"
	"time"
)

// Writer appends compact JSON text to a slice, piece by piece, for documents that
// are printed and never held as a [Value]. It puts commas where they belong. That
// what was opened is closed, and that a member has a name and one value, is for the
// caller. The zero Writer is ready. It is not safe for concurrent use.
//
// Its methods return the Writer, so that a member is one line:
//
//	w.Name("version").Int(7)
type Writer struct {
	dst   []byte
	start int // of what is written
}

// NewWriter returns a Writer that appends to dst, whatever that ends in.
func NewWriter(dst []byte) *Writer { return &Writer{dst, len(dst)} }

// Bytes returns what dst was, with all that was written behind it.
func (w *Writer) Bytes() []byte { return w.dst }

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits of them.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Open begins an object or an array: c is '{' or '['.
func (w *Writer) Open(c byte) *Writer {
	w.next()
	w.dst = append(w.dst, c)
	return w
}

// Close ends an object or an array: c is '}' or ']'.
func (w *Writer) Close(c byte) *Writer {
	w.dst = append(w.dst, c)
	return w
}

// Name begins a member of an object.
func (w *Writer) Name(name string) *Writer {
	w.String(name)
	w.dst = append(w.dst, ':')
	return w
}

// String writes a string, with the text that the [Value] of [String] has.
func (w *Writer) String(s string) *Writer { return w.Value(String(s)) }

// Int writes a number.
func (w *Writer) Int(i int64) *Writer {
	w.next()
	w.dst = strconv.AppendInt(w.dst, i, 10)
	return w
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) *Writer {
	w.next()
	w.dst = strconv.AppendBool(w.dst, b)
	return w
}

// Time writes a string: t after RFC 3339 in UTC, cut to milliseconds, of which
// there are always three digits.
func (w *Writer) Time(t time.Time) *Writer {
	w.next()
	w.dst = append(w.dst, '"')
	w.dst = append(t.UTC().AppendFormat(w.dst, timeLayout), '"')
	return w
}

// Value writes a value, which is not absent.
func (w *Writer) Value(v Value) *Writer {
	w.next()
	w.dst = v.Append(w.dst)
	return w
}

// NonEmpty writes a member that is a string, and nothing for an empty one.
func (w *Writer) NonEmpty(name, s string) *Writer {
	if s == "" {
		return w
	}
	return w.Name(name).String(s)
}

// NonZero writes a member that is a number, and nothing for zero.
func (w *Writer) NonZero(name string, i int64) *Writer {
	if i == 0 {
		return w
	}
	return w.Name(name).Int(i)
}

// Raw writes text that is one JSON value, or several members of an object.
func (w *Writer) Raw(text []byte) *Writer {
	w.next()
	w.dst = append(w.dst, text...)
	return w
}

// next writes the comma in front of what is not the first. No value ends in a byte
// that begins one, nor in a colon.
func (w *Writer) next() {
	if len(w.dst) == w.start {
		return
	}
	switch w.dst[len(w.dst)-1] {
	case '{', '[', ':':
	default:
		w.dst = append(w.dst, ',')
	}
}
