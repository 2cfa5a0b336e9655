package ifmatch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// MaxVersion is the greatest version number: 2^53−1, the greatest integer that
// every JSON reader keeps exactly.
const MaxVersion = 1<<53 - 1

// ETag is an entity tag (RFC 9110 §8.8.3). The zero value is no tag and equals
// nothing. ETags are comparable with ==, which is neither of the comparisons of
// §8.8.3.2; use [ETag.StrongMatch] and [ETag.WeakMatch].
type ETag struct {
	opaque string
	weak   bool
	set    bool
}

// ParseETag reads one entity tag as it stands in an ETag header: "abc" with its
// quotes, or W/"abc". It fails with a [*SyntaxError] on anything else.
func ParseETag(s string) (ETag, error) {
	tag, rest, reason := scanETag(s)
	if reason == "" && rest != "" {
		reason = "characters follow the closing quote"
	}
	if reason != "" {
		return ETag{}, &SyntaxError{Value: s, Reason: reason}
	}
	return tag, nil
}

// VersionTag returns the strong tag of a version number: "5" for 5.
func VersionTag(version int64) ETag {
	return ETag{opaque: strconv.FormatInt(version, 10), set: true}
}

// HashTag returns the strong tag of a content digest: unpadded base64url of its
// first 16 bytes. From the second life of a document on, the life's number is
// mixed in, so that a tag from before a deletion never matches again.
func HashTag(digest *[32]byte, life int64) ETag {
	d := *digest
	if life > 1 {
		var mixed [40]byte
		copy(mixed[:], digest[:])
		binary.BigEndian.PutUint64(mixed[32:], uint64(life))
		d = sha256.Sum256(mixed[:])
	}
	return ETag{opaque: base64.RawURLEncoding.EncodeToString(d[:16]), set: true}
}

// String returns the tag as it stands in a header, "" for the zero value.
func (t ETag) String() string {
	if !t.set {
		return ""
	}
	if t.weak {
		return `W/"` + t.opaque + `"`
	}
	return `"` + t.opaque + `"`
}

// Append appends what String returns to dst.
func (t ETag) Append(dst []byte) []byte {
	if !t.set {
		return dst
	}
	if t.weak {
		dst = append(dst, 'W', '/')
	}
	dst = append(dst, '"')
	dst = append(dst, t.opaque...)
	return append(dst, '"')
}

// Opaque returns what stands between the quotes.
func (t ETag) Opaque() string { return t.opaque }

// IsWeak tells whether the tag is marked W/.
func (t ETag) IsWeak() bool { return t.weak }

// IsZero tells whether this is no tag at all. It differs from the tag "".
func (t ETag) IsZero() bool { return !t.set }

// StrongMatch tells whether both are strong and equal (RFC 9110 §8.8.3.2).
func (t ETag) StrongMatch(u ETag) bool {
	return t.set && u.set && !t.weak && !u.weak && t.opaque == u.opaque
}

// WeakMatch tells whether both are equal, however marked (RFC 9110 §8.8.3.2).
func (t ETag) WeakMatch(u ETag) bool {
	return t.set && u.set && t.opaque == u.opaque
}

// Version returns the number that [VersionTag] made this tag of, or false when
// it made no such tag: digits without leading zeros, at most [MaxVersion].
func (t ETag) Version() (int64, bool) {
	if t.opaque == "" || t.opaque[0] < '1' || t.opaque[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(t.opaque, 10, 64)
	if err != nil || n > MaxVersion {
		return 0, false
	}
	return n, true
}

// scanETag reads one entity tag from the front of s. It returns what follows,
// and in reason why there is none.
func scanETag(s string) (tag ETag, rest, reason string) {
	if len(s) >= 2 && s[0] == 'W' && s[1] == '/' {
		tag.weak = true
		s = s[2:]
	}
	if s == "" || s[0] != '"' {
		return ETag{}, s, "an entity tag stands in double quotes"
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			tag.opaque, tag.set = s[1:i], true
			return tag, s[i+1:], ""
		case c < 0x21 || c == 0x7f:
			return ETag{}, s, "spaces and control characters cannot stand inside an entity tag"
		}
	}
	return ETag{}, s, "the closing quote is missing"
}

// SyntaxError says why a header field could not be read.
type SyntaxError struct {
	Field  string // the header's name, "" where one tag was parsed alone
	Value  string // as it came, all lines joined
	Reason string // what is wrong with it
}

func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return "malformed entity tag " + strconv.Quote(e.Value) + ": " + e.Reason
	}
	return "malformed " + e.Field + " " + strconv.Quote(e.Value) + ": " + e.Reason
}
