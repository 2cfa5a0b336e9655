package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

const (
	// maxAnswer bounds what a provider answers, in bytes.
	maxAnswer = 256 << 10
	// maxRedirects bounds how often it may send elsewhere.
	maxRedirects = 3
	// maxCause bounds what of a failure gets into the log, in bytes: the library puts
	// whole answers there.
	maxCause = 300
)

// newClient returns a client that goes nowhere but where keys may come from.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport: bounded{transport},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("it redirects more than %d times", maxRedirects)
			}
			return bearer.CheckURL(r.URL)
		},
	}
}

// bounded cuts off answers that are too large.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &limited{answer.Body, maxAnswer}
	return answer, nil
}

// limited is a body that fails where it goes on behind left more bytes.
type limited struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, errors.New("the answer is larger than 256 KiB")
	}
	return n, err
}

// discover returns where the provider has its keys. The library checks that it is
// the issuer that was meant (OpenID Connect Discovery §4.3).
func (p *Provider) discover(ctx context.Context) (*url.URL, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	if err != nil {
		return nil, short(err)
	}
	var metadata struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, short(err)
	}
	at, err := url.Parse(metadata.JWKS)
	if err != nil || metadata.JWKS == "" {
		return nil, fmt.Errorf("jwks_uri %.100q is no URL", metadata.JWKS)
	}
	if err := bearer.CheckURL(at); err != nil {
		return nil, fmt.Errorf("jwks_uri %.100q %w", metadata.JWKS, err)
	}
	return at, nil
}

// get returns what is at a URL.
func (p *Provider) get(ctx context.Context, at *url.URL) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, short(err)
	}
	data, err := io.ReadAll(answer.Body)
	switch err = errors.Join(err, answer.Body.Close()); {
	case err != nil:
		return nil, short(err)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", at, answer.Status)
	}
	return data, nil
}

// short bounds an error that may repeat what a stranger has answered.
func short(err error) error {
	if text := err.Error(); len(text) > maxCause {
		return errors.New(text[:maxCause] + "…")
	}
	return err
}
