// Package contribution makes a document of what several sources say about it.
//
// A [Contribution] is what one source has observed, and how sure it is of it. They
// stand beside each other, also those of one source, until one is withdrawn. The
// document is materialised from all of them: objects are put together member by
// member, and each other field has the value of the contribution that wins it by
// the field's rule, or what the contributions make together where its type
// combines. [Rules.Write] says what a write of the whole document comes to.
//
// The package is pure. What a document comes to depends on the contributions and
// the rules alone, and on the order of their arrival only where they tie. All
// functions and methods are safe for concurrent use.
package contribution

import (
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Direct is the source of writes of the document itself.
const Direct = "direct"

// Contribution is what one source says about a document.
type Contribution struct {
	ID     string
	Source string
	// Confidence is how sure the source is: a number from 0 to 1.
	Confidence jsonvalue.Value
	ObservedAt Time
	// Arrival orders contributions by when they came; no two have the same.
	Arrival int64
	// Data is an object. What is not in it, the contribution says nothing about; a
	// null in it is a value.
	Data jsonvalue.Value

	// At is when it came, and By who sent it. Neither decides anything.
	At time.Time
	By string
}

// Time is a date-time of RFC 3339, as it was written and as what it means.
type Time struct {
	Text string
	At   time.Time
}

// ParseTime reads a date-time as [jsonvalue.ParseInstant] does. It reports false for
// what package time cannot compare: leap seconds, and what is finer than a nanosecond.
func ParseTime(s string) (Time, bool) {
	at, ok := jsonvalue.ParseInstant(s)
	t, exact := at.Time()
	return Time{Text: s, At: t}, ok && exact
}

// TimeOf returns a time with its text.
func TimeOf(t time.Time) Time {
	return Time{Text: t.UTC().Format(time.RFC3339Nano), At: t}
}

// Same tells whether two contributions say the same: of one source, at one time,
// with data that has the same members and number spellings.
func (c *Contribution) Same(other *Contribution) bool {
	return c.Source == other.Source && c.ObservedAt.At.Equal(other.ObservedAt.At) && jsonvalue.Identical(c.Data, other.Data)
}

// IsConfidence tells whether v is a number from 0 to 1.
func IsConfidence(v jsonvalue.Value) bool {
	low, isNumber := jsonvalue.CompareNumbers(v, jsonvalue.Int(0))
	high, _ := jsonvalue.CompareNumbers(v, jsonvalue.Int(1))
	return isNumber && low >= 0 && high <= 0
}
