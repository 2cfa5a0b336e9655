package bearer

import (
	"errors"
	"net/netip"
	"net/url"
)

// CheckURL tells why keys must not come from a URL, nil where they may: whoever can
// change them on their way says who callers are, so it takes https, or a way that
// does not leave the machine.
func CheckURL(u *url.URL) error {
	switch {
	case u.Hostname() == "" || u.User != nil:
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("must be an https URL, or an http URL of a loopback address")
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
