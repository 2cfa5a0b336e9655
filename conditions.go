package ifmatch

import (
	"iter"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxTags is how many entity tags one condition header may list.
const DefaultMaxTags = 100

// Conditions are the precondition headers of one request (RFC 9110 §13.1). The
// zero value is a request without any. They hold no reference to the request's
// header map.
type Conditions struct {
	IfMatch     TagList
	IfNoneMatch TagList
	// The dates, zero where the header is absent, is not a valid HTTP date, or is
	// overruled by its entity-tag header: all the same (RFC 9110 §13.1.3, §13.1.4).
	IfModifiedSince   time.Time
	IfUnmodifiedSince time.Time
	// Version is the version that the writer has read, where a contract has it in
	// a write's content; 0 for none. No header holds it: who reads the content
	// sets it.
	Version int64
	// Malformed says what is wrong with If-Match or If-None-Match, nil for
	// nothing. [Evaluate] refuses writes for it and lets reads ignore it.
	Malformed *SyntaxError
}

// ParseConditions reads the precondition headers of a request: pass its Header.
// It never fails: what cannot be read is kept in Malformed, for [Evaluate] to
// judge in its turn. A header repeated on several lines is one list (RFC 9110
// §5.3). At most [DefaultMaxTags] tags a header are read.
func ParseConditions(header map[string][]string) Conditions {
	return ParseConditionsLimit(header, DefaultMaxTags)
}

// ParseConditionsLimit is [ParseConditions] with another bound on the number of
// tags in one header. A longer list is malformed.
func ParseConditionsLimit(header map[string][]string, maxTags int) Conditions {
	var c Conditions
	match, noneMatch := header["If-Match"], header["If-None-Match"]
	if match != nil {
		c.IfMatch, c.Malformed = parseTagList("If-Match", match, maxTags)
	}
	if noneMatch != nil {
		var bad *SyntaxError
		c.IfNoneMatch, bad = parseTagList("If-None-Match", noneMatch, maxTags)
		if c.Malformed == nil {
			c.Malformed = bad
		}
	}
	// A date counts only where its entity-tag header is absent, a malformed one
	// included (RFC 9110 §13.1.3, §13.1.4).
	if lines := header["If-Modified-Since"]; lines != nil && noneMatch == nil {
		c.IfModifiedSince = parseDate(lines)
	}
	if lines := header["If-Unmodified-Since"]; lines != nil && match == nil {
		c.IfUnmodifiedSince = parseDate(lines)
	}
	return c
}

// IsZero tells whether the request states no precondition at all, a malformed
// one included.
func (c *Conditions) IsZero() bool {
	return !c.IfMatch.present && !c.IfNoneMatch.present && c.Malformed == nil && c.Version == 0 &&
		c.IfModifiedSince.IsZero() && c.IfUnmodifiedSince.IsZero()
}

// TagList is the value of If-Match or If-None-Match: absent, "*", or a list of
// entity tags that may be empty. The zero value is absent.
type TagList struct {
	present, any bool
	first        ETag // the one that nearly every request has, without a slice
	more         []ETag
}

// Tags returns a present list of these tags.
func Tags(tags ...ETag) TagList {
	l := TagList{present: true}
	for _, t := range tags {
		l.add(t)
	}
	return l
}

// AnyTag returns the list "*".
func AnyTag() TagList { return TagList{present: true, any: true} }

// Present tells whether the header was there.
func (l *TagList) Present() bool { return l.present }

// Any tells whether the list is "*".
func (l *TagList) Any() bool { return l.any }

// Len returns the number of tags, 0 for "*".
func (l *TagList) Len() int {
	if l.first.IsZero() {
		return 0
	}
	return 1 + len(l.more)
}

// All yields the tags in their order.
func (l *TagList) All() iter.Seq[ETag] {
	return func(yield func(ETag) bool) {
		if l.first.IsZero() || !yield(l.first) {
			return
		}
		for _, t := range l.more {
			if !yield(t) {
				return
			}
		}
	}
}

func (l *TagList) add(t ETag) {
	if l.first.IsZero() {
		l.first = t
	} else {
		l.more = append(l.more, t)
	}
}

// match returns the first tag that equals current, by weak comparison or by the
// strong one. Where none does it returns the first that would without the suffix
// of a coding.
func (l *TagList) match(current ETag, weakly bool) (ETag, bool) {
	if matches(l.first, current, weakly) {
		return l.first, true
	}
	for _, t := range l.more {
		if matches(t, current, weakly) {
			return t, true
		}
	}
	for t := range l.All() {
		if bare, coded := t.withoutCoding(); coded && matches(bare, current, weakly) {
			return t, true
		}
	}
	return ETag{}, false
}

func matches(t, current ETag, weakly bool) bool {
	if weakly {
		return t.WeakMatch(current)
	}
	return t.StrongMatch(current)
}

// parseTagList reads #entity-tag or "*" (RFC 9110 §13.1.1, §5.6.1): empty
// members and optional whitespace are allowed, a tag may contain commas.
func parseTagList(field string, lines []string, maxTags int) (TagList, *SyntaxError) {
	l := TagList{present: true}
	for _, line := range lines {
		if reason := l.parseLine(line, maxTags); reason != "" {
			return TagList{}, &SyntaxError{Field: field, Value: strings.Join(lines, ", "), Reason: reason}
		}
	}
	if l.any && !l.first.IsZero() {
		return TagList{}, &SyntaxError{Field: field, Value: strings.Join(lines, ", "), Reason: `"*" stands alone, not in a list`}
	}
	return l, nil
}

func (l *TagList) parseLine(s string, maxTags int) (reason string) {
	for {
		s = strings.TrimLeft(s, " \t")
		switch {
		case s == "":
			return ""
		case s[0] == ',':
			s = s[1:]
			continue
		case l.any:
			return `"*" stands alone, not in a list`
		case s[0] == '*':
			l.any = true
			s = s[1:]
		default:
			var tag ETag
			if tag, s, reason = scanETag(s); reason != "" {
				return reason
			}
			if l.Len() >= maxTags {
				return "more than " + strconv.Itoa(maxTags) + " entity tags"
			}
			l.add(tag)
		}
		s = strings.TrimLeft(s, " \t")
		if s != "" && s[0] != ',' {
			return "members of the list are separated by commas"
		}
	}
}

// dateLayouts are the three forms of an HTTP date (RFC 9110 §5.6.7).
var dateLayouts = [...]string{
	"Mon, 02 Jan 2006 15:04:05 GMT",
	"Monday, 02-Jan-06 15:04:05 GMT",
	time.ANSIC,
}

// parseDate returns the zero time for anything but one valid HTTP date.
func parseDate(lines []string) time.Time {
	if len(lines) != 1 {
		return time.Time{}
	}
	s := strings.Trim(lines[0], " \t")
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.IsZero() {
			return t.Add(1) // a client's unset time is a date too, and not an absent one
		} else if err == nil {
			return t
		}
	}
	return time.Time{}
}
