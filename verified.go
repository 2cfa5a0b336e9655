package ifmatch

// listed tells whether a list has a tag of the state, by weak comparison or by the
// strong one.
func (s *State) listed(l *TagList, weakly bool) bool {
	if s.Verify == nil {
		_, ok := l.match(s.ETag, weakly)
		return ok
	}
	for t := range l.All() {
		if (weakly || !t.weak && !s.ETag.weak) && s.verify(t).Current {
			return true
		}
	}
	return false
}

// verify verifies a tag as it came, with or without the suffix of a coding.
func (s *State) verify(t ETag) Signature {
	if bare, coded := t.withoutCoding(); coded {
		t = bare
	}
	return s.Verify(t)
}

// forged tells whether a list has a forged tag.
func (s *State) forged(l *TagList) bool {
	if s.Verify == nil {
		return false
	}
	for t := range l.All() {
		if s.verify(t).Forged {
			return true
		}
	}
	return false
}

// namesOther tells whether a list has tags of other versions than this one, and none
// of it. A tag that says nothing contradicts nothing.
func (s *State) namesOther(l *TagList, version int64) bool {
	other := false
	for t := range l.All() {
		switch s.verify(t).Version {
		case version:
			return false
		case 0:
		default:
			other = true
		}
	}
	return other
}

// As returns the state's tag as a list has it: under an earlier key of the ring where
// the list has it under that one alone, by itself or in a tag of [ETag.Composite];
// else ETag. A 304 carries it, since caches pick the answer that it is about by a
// strong tag (RFC 9111 §4.3.4).
func (s *State) As(l *TagList) ETag {
	if s.Verify == nil {
		return s.ETag
	}
	found := s.ETag
	for t := range l.All() {
		if bare, coded := t.withoutCoding(); coded {
			t = bare
		}
		if state, ok := t.State(); ok {
			t = state
		}
		switch {
		case t.opaque == s.ETag.opaque:
			return s.ETag
		case found == s.ETag && s.Verify(t).Current:
			found = ETag{opaque: t.opaque, weak: s.ETag.weak, set: true}
		}
	}
	return found
}
