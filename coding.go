package ifmatch

import (
	"slices"
	"strings"
)

// WithCoding returns the tag that a state has in a content coding, such as
// "5;gzip" for "5": strong tags differ where bytes do (RFC 9110 §8.8.3.3). A
// weak tag is that of every coding, and is returned as it is.
func (t ETag) WithCoding(coding string) ETag {
	if t.weak || !t.set {
		return t
	}
	return ETag{opaque: t.opaque + ";" + coding, set: true}
}

// codingSuffixes are what codings leave behind a tag: those of [ETag.WithCoding],
// and those of intermediaries that compress and do not restore what they sent.
var codingSuffixes = []string{";gzip", ";br", ";zstd", "-gzip", "-br", "-zstd"}

// withoutCoding removes the suffix of a coding, once, and tells whether there was
// one. A tag keeps it unless what stands before has a form that [Contract.ETag] or
// [ETag.Composite] makes, since any other tag may mean something else by it.
func (t ETag) withoutCoding() (ETag, bool) {
	for _, suffix := range codingSuffixes {
		if opaque, ok := strings.CutSuffix(t.opaque, suffix); ok {
			bare := ETag{opaque: opaque, weak: t.weak, set: true}
			_, composite := bare.State()
			return bare, composite || bare.isMinted()
		}
	}
	return ETag{}, false
}

// hashLength is how many characters [HashTag] makes.
const hashLength = 22

// isDigest tells whether a text has the form of 16 bytes in base64url.
func isDigest(s string) bool {
	return len(s) == hashLength && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

// isMinted tells whether the tag has the form of a version's, of a digest's or of a
// signed one.
func (t ETag) isMinted() bool {
	if _, ok := t.Version(); ok || isDigest(t.opaque) {
		return true
	}
	_, signed := parseSigned(t)
	return signed
}
