package policy

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CORS says which web pages may use the API from a browser.
type CORS struct {
	// Origins are those whose pages may, as browsers send them, such as
	// https://app.example.com; or "*" alone, for all pages there are.
	Origins []string
}

const anyOrigin = "*"

var corsKeys = []*key{
	{name: "origins", kind: kindTexts, defDoc: "none", check: checkOrigin, doc: "Origins of pages that may read and write, as in `https://app.example.com`; or `*` alone, for every page there is, without credentials."},
}

func (d *decoder) cors(v *value) CORS {
	origins := v.get("origins")
	var c CORS
	for _, o := range origins.list {
		c.Origins = append(c.Origins, o.text)
	}
	if bad := checkTogether(c.Origins); bad != "" {
		d.fail(origins.at, origins.path, bad)
	}
	return c
}

// CheckOrigins tells what is wrong with origins that do not come from a policy
// file, nil for nothing.
func CheckOrigins(origins []string) error {
	for _, o := range origins {
		if bad := checkOrigin(o); bad != "" {
			return bad.err()
		}
	}
	return checkTogether(origins).err()
}

func checkTogether(origins []string) fault {
	if len(origins) > 1 && slices.Contains(origins, anyOrigin) {
		return `"*" stands for every origin; leave the others out, or leave it out`
	}
	return ""
}

// hostForm is a name or an IPv4 address as browsers send it.
var hostForm = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// checkOrigin holds a text against the form in which browsers send an origin
// (Fetch, "serializing an origin"). They are compared byte by byte, so that any
// other form would never match.
func checkOrigin(s string) fault {
	if s == anyOrigin {
		return ""
	}
	u, err := url.Parse(s)
	if s == "null" {
		return `null is no origin: every page can have it, from a sandbox or a file; serve the page over http or https, or write "*" for all pages`
	}
	if err != nil || u.Host == "" || u.User != nil {
		return fault(strconv.Quote(s) + " is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com")
	}
	if strings.Contains(u.Host, "*") {
		return fault(strconv.Quote(s) + ` is a pattern; write each origin in full, or "*" for all`)
	}
	host, port := u.Hostname(), u.Port()
	want := u.Scheme + "://" + strings.ToLower(u.Host)
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) || strings.HasSuffix(u.Host, ":") {
		return fault("the port of " + strconv.Quote(s) + " is not a number from 1 to 65535")
	} else if port != "" {
		want = strings.TrimSuffix(want, ":"+port)
		if n != defaultPort(u.Scheme) {
			want += ":" + strconv.FormatUint(n, 10)
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		want = strings.Replace(want, strings.ToLower(host), addr.String(), 1)
	} else if !hostForm.MatchString(strings.ToLower(host)) {
		return fault("the host of " + strconv.Quote(s) + " is not as browsers send it; write it in ASCII, as in https://xn--bcher-kva.example")
	}
	if s != want {
		return fault(strconv.Quote(s) + " would never match what browsers send; write " + want)
	}
	return ""
}

// defaultPort is the port that browsers leave out.
func defaultPort(scheme string) uint64 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
