package policy

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
)

func checkName(s string) fault {
	switch {
	case strings.HasPrefix(s, "_"):
		return "names that begin with _ are reserved"
	case !ifmatch.ValidName(s):
		return fault(strconv.Quote(s) + " is not a name; a name matches " + ifmatch.NameForm)
	}
	return ""
}

// CheckListen tells what is wrong with an address to listen on that does not
// come from a policy file, nil for nothing.
func CheckListen(address string) error { return checkListen(address).err() }

func checkListen(s string) fault {
	const form = "; write host:port, as in 127.0.0.1:8080"
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fault(strconv.Quote(s) + " is not an address" + form)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fault("the port is a number from 0 to 65535, not " + strconv.Quote(port) + form)
	}
	return ""
}

// CheckStore tells what is wrong with a store's name that does not come from a
// policy file, nil for nothing. The error does not repeat it: it may hold a
// password.
func CheckStore(name string) error { return checkStore(name).err() }

// etcdStore is what follows etcd: in the name of a store.
var etcdStore = regexp.MustCompile(`^//[^/]+/[^/?]`)

// checkStore shows no more of a store than its scheme: the rest may hold a
// password.
func checkStore(s string) fault {
	const valid = "; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"
	scheme, rest, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return "a store begins with its kind and a colon" + valid
	case scheme == "memory" && rest != "":
		return "memory: stands alone" + valid
	case scheme == "sqlite" && rest == "":
		return "sqlite: needs the path of a file" + valid
	case scheme == "etcd" && !etcdStore.MatchString(rest):
		return "etcd: needs hosts and a prefix for its keys" + valid
	case (scheme == "postgres" || scheme == "postgresql") && !strings.HasPrefix(rest, "//"):
		return "postgres: needs a host and a database" + valid
	case !slices.Contains([]string{"memory", "sqlite", "postgres", "postgresql", "etcd"}, scheme):
		return "this kind of store is not known" + valid
	}
	return ""
}

// ShownStore returns a store's name without the password that it may have.
func ShownStore(name string) string {
	return passwordSetting.ReplaceAllString(password.ReplaceAllString(name, "$1:…@"), "$1…")
}

var (
	password        = regexp.MustCompile(`(://[^:@/]*):[^/]*@`)
	passwordSetting = regexp.MustCompile(`([?&](?:ssl)?password=)[^&]*`)
)
