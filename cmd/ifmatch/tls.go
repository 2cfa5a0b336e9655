package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/certificate"
	"github.com/ifmatch/ifmatch/policy"
)

// addTLS lets the flags name the certificate's files in the place of the policy.
func (c *serveCmd) addTLS(k *kong.Context, p *policy.Policy) error {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil
	}
	if p.TLS == nil {
		p.TLS = new(policy.TLS)
	}
	if c.TLSCert != "" {
		p.TLS.Cert = c.TLSCert
	}
	if c.TLSKey != "" {
		p.TLS.Key = c.TLSKey
	}
	switch {
	case p.TLS.Cert == "":
		return blame(k, "tls-key", errors.New("needs the certificate that it belongs to: name its file with --tls-cert"))
	case p.TLS.Key == "":
		return blame(k, "tls-cert", errors.New("needs the certificate's private key: name its file with --tls-key"))
	}
	return nil
}

// openPair reads the certificate to serve, and again when it changes, until ctx ends.
// It is nil where plain HTTP is served.
func openPair(ctx context.Context, k *kong.Context, t *policy.TLS, log *slog.Logger) (*certificate.Pair, error) {
	if t == nil {
		return nil, nil
	}
	pair, err := certificate.Open(certificate.Files{Cert: t.Cert, Key: t.Key}, log)
	if bad, ok := errors.AsType[*certificate.Error](err); ok && bad.OfKey {
		return nil, blame(k, "tls-key", err)
	}
	if err != nil {
		return nil, blame(k, "tls-cert", err)
	}
	warnExposed(log, t.Key, "the certificate's private key")
	go repeat(ctx, lookEvery, pair.Reload)
	return pair, nil
}
