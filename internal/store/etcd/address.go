package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Address is where a store is.
type Address struct {
	Endpoints []string // host:port
	Prefix    string   // what all keys begin with, without the slash behind it
	User      *url.Userinfo
	// CA, Cert and Key are files. With CA, the connection is encrypted; with the other
	// two as well, the client has a certificate of its own.
	CA, Cert, Key string
}

// Scheme begins the addresses of stores in etcd.
const Scheme = "etcd://"

const example = "etcd://host1,host2,host3/prefix"

// Parse reads an address: etcd://[user:password@]host[:port][,host[:port]…]/prefix,
// and behind it ?ca=FILE[&cert=FILE&key=FILE] for TLS. The port is 2379 where there is
// none.
func Parse(address string) (*Address, error) {
	rest, ok := strings.CutPrefix(address, Scheme)
	if !ok {
		return nil, fmt.Errorf("etcd: an address looks like %s", example)
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(rest, "/")
	a := &Address{Prefix: strings.Trim(prefix, "/")}
	if a.Prefix == "" {
		return nil, fmt.Errorf("etcd: the address names no prefix for the keys of the store; write %s", example)
	}
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		user, err := url.Parse("etcd://" + hosts[:at] + "@host")
		if err != nil {
			return nil, errors.New("etcd: user or password in the address cannot be read; write special characters as %XX")
		}
		a.User, hosts = user.User, hosts[at+1:]
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return nil, fmt.Errorf("etcd: a host of the address is empty; write %s", example)
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), "2379")
		}
		a.Endpoints = append(a.Endpoints, host)
	}
	err := a.parseFiles(query)
	return a, err
}

func (a *Address) parseFiles(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("etcd: what follows the ? of the address cannot be read: %w", err)
	}
	for name, value := range values {
		switch name {
		case "ca":
			a.CA = value[0]
		case "cert":
			a.Cert = value[0]
		case "key":
			a.Key = value[0]
		default:
			return fmt.Errorf("etcd: the address has no option %q; there are ca, cert and key", name)
		}
	}
	if (a.Cert == "") != (a.Key == "") || a.Cert != "" && a.CA == "" {
		return errors.New("etcd: cert and key go together in the address, and with ca")
	}
	return nil
}

// config returns what the client connects by.
func (a *Address) config() (clientv3.Config, error) {
	c := clientv3.Config{
		Endpoints: a.Endpoints, DialTimeout: callTimeout,
		DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 3 * time.Second, PermitWithoutStream: true,
		MaxCallSendMsgSize: 4 << 20,
	}
	if a.User != nil {
		c.Username = a.User.Username()
		c.Password, _ = a.User.Password()
	}
	if a.CA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(a.CA)
	if err != nil {
		return c, fmt.Errorf("etcd: the certificates of ca cannot be read: %w", err)
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return c, fmt.Errorf("etcd: there is no certificate in %s", a.CA)
	}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return c, fmt.Errorf("etcd: cert and key cannot be used: %w", err)
		}
		c.TLS.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// explain says what to do about an error of opening.
func (a *Address) explain(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrAuthFailed), errors.Is(err, rpctypes.ErrUserEmpty), errors.Is(err, rpctypes.ErrUserNotFound):
		return fmt.Errorf("etcd: user or password is wrong; write them as etcd://user:password@%s/%s: %w", strings.Join(a.Endpoints, ","), a.Prefix, err)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return fmt.Errorf("etcd: the user may not read and write all keys under %s/; grant it to a role of its own: %w", a.Prefix, err)
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrContended):
		return err
	case codeOf(err) == codes.DeadlineExceeded, codeOf(err) == codes.Unavailable:
		return fmt.Errorf("etcd: no answer from %s within %s; see whether a cluster with a leader serves clients there, with TLS or without: %w", strings.Join(a.Endpoints, ", "), callTimeout, err)
	}
	return err
}
