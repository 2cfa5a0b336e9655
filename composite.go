package ifmatch

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// restMark stands between a state's tag and the digest of what else an answer
// shows. No tag that [Contract.ETag] makes holds it.
const restMark = "+"

// Composite returns the tag of an answer that shows this state and more: W/"5+…"
// for "5". Rest is what else it shows, so that a change of either changes the tag.
// It is weak (RFC 9110 §8.8.1), since it is no tag of the state: If-Match never
// matches it, while If-None-Match does.
func (t ETag) Composite(rest []byte) ETag {
	if !t.set {
		return t
	}
	sum := sha256.Sum256(rest)
	return ETag{opaque: t.opaque + restMark + base64.RawURLEncoding.EncodeToString(sum[:16]), weak: true, set: true}
}

// State returns the tag of the state that [ETag.Composite] made this tag of, or
// false where it made no such tag. It keeps the mark of a weak tag, so that it
// equals that of the state by weak comparison.
func (t ETag) State() (ETag, bool) {
	opaque, rest, ok := strings.Cut(t.opaque, restMark)
	state := ETag{opaque: opaque, weak: t.weak, set: true}
	return state, ok && isDigest(rest) && state.isMinted()
}

// composed tells whether one of the tags is that of an answer which showed the
// current state and more.
func (s *State) composed(l *TagList) bool {
	for t := range l.All() {
		if bare, coded := t.withoutCoding(); coded {
			t = bare
		}
		if state, ok := t.State(); ok && s.isOf(state) {
			return true
		}
	}
	return false
}

// isOf tells whether a tag is one of the state, by weak comparison.
func (s *State) isOf(t ETag) bool {
	if s.Verify != nil {
		return s.Verify(t).Current
	}
	return t.WeakMatch(s.ETag)
}
