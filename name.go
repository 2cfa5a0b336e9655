package ifmatch

// NameForm is what names look like, as a regular expression: those of collections,
// the ids of documents, and the segments of paths.
const NameForm = "[A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}"

// MaxName is the length of the longest name, in bytes.
const MaxName = 128

// ValidName tells whether s is a name: whether all of it matches [NameForm]. Names
// need no escapes in a URL (RFC 3986 §2.3), and those that begin with "_" are kept
// for resources beside documents.
func ValidName(s string) bool {
	if s == "" || len(s) > MaxName || s[0] == '.' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '.', c == '_', c == '~', c == '-':
		default:
			return false
		}
	}
	return true
}
