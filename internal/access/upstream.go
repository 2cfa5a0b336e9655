package access

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Upstream believes the proxies in front of the server about who a caller is. It
// is safe for concurrent use.
type Upstream struct {
	// Header is the field that names the principal, in its canonical form.
	Header string
	// From are the addresses of the proxies. Nobody else is believed.
	From []netip.Prefix
}

// Trusts tells whether peer, the other end of the connection, is one of the
// proxies. An IPv4 address inside IPv6 counts as the IPv4 address, and a zone
// does not count.
func (u *Upstream) Trusts(peer netip.Addr) bool {
	peer = peer.Unmap().WithZone("")
	for _, p := range u.From {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// maxName bounds the name of a principal in bytes.
const maxName = 256

// Principal returns the principal that the values of the header name, nil for
// none. Two values are none: it cannot be told which one the proxy has set. A
// name is up to 256 bytes of printable UTF-8 without spaces around it.
func (u *Upstream) Principal(values []string) *Principal {
	if len(values) != 1 || !ValidName(values[0]) {
		return nil
	}
	return &Principal{Name: values[0]}
}

// ValidName tells whether a text can be the name of a principal, or of a role: up to
// 256 bytes of printable UTF-8 without spaces around it.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
