package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/policy"
)

// healthCmd asks the server that the same settings start on this machine. It is for
// images that hold nothing else that could.
type healthCmd struct {
	Listen  string `placeholder:"ADDR" env:"IFMATCH_LISTEN" help:"Address that the server listens on (default: the policy file's, else 127.0.0.1:8080)."`
	Config  string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_CONFIG" help:"Its policy file."`
	TLSCert string `name:"tls-cert" placeholder:"FILE" type:"path" default:"" env:"IFMATCH_TLS_CERT" help:"Its certificate; given, it is asked over HTTPS."`

	Ready   bool          `help:"Ask whether it can take writes, too."`
	Timeout time.Duration `default:"2s" help:"How long to wait for the answer."`
}

// Run fails unless the server answers that it is well.
func (c *healthCmd) Run(ctx context.Context, k *kong.Context) error {
	p := policy.Default()
	if c.Config != "" {
		var err error
		if p, err = policy.Load(c.Config); err != nil {
			return blame(k, "config", err)
		}
	}
	if c.Listen != "" {
		p.Listen = c.Listen
	}
	if err := policy.CheckListen(p.Listen); err != nil {
		return blame(k, "listen", err)
	}
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if err := newProbe(p.Listen, p.TLS != nil || c.TLSCert != "").ask(ctx, path); err != nil {
		return err
	}
	fmt.Println("ok")
	return nil
}

// probe asks a server on this machine how it is.
type probe struct {
	url    string
	client *http.Client
}

// newProbe returns what asks a server that listens on address.
func newProbe(address string, encrypted bool) probe {
	scheme := "http://"
	if encrypted {
		scheme = "https://"
	}
	return probe{url: scheme + reachable(address), client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// Nothing is told and nothing believed but whether it answers, and the name in its
		// certificate is not the one that it has for itself.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}}
}

// reachable makes of an address to listen on one to connect to.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	switch {
	case err != nil || host != "" && (ip == nil || !ip.IsUnspecified()):
		return address
	case ip != nil && ip.To4() == nil:
		return net.JoinHostPort("::1", port)
	}
	return net.JoinHostPort("127.0.0.1", port) // an image without files knows no localhost
}

// ask fails unless the server answers 200.
func (p probe) ask(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	res, err := p.client.Do(r)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	err = errors.Join(err, res.Body.Close())
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is answered %s: %s", p.url+path, res.Status, said)
	}
	return err
}
