package engine

// MaxName is the length of the longest name, in bytes.
const MaxName = 128

// ValidName tells whether s can name a collection, a document, or a value in a
// path: [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}.
func ValidName(s string) bool {
	if s == "" || len(s) > MaxName || s[0] == '.' || s[0] == '_' {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '.', c == '_', c == '~', c == '-':
		default:
			return false
		}
	}
	return true
}
