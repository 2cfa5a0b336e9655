// Package oidc has the keys of an OpenID provider (OpenID Connect Discovery 1.0):
// it finds out where they are, fetches them when they are needed, and again when
// they have changed.
package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

const (
	// askAgain is how long a provider is left alone after it was asked, whatever it
	// has said: tokens with unknown kids cost it no more than that.
	askAgain = 5 * time.Second
	// refreshAfter is the age at which keys are fetched anew, so that one that was
	// withdrawn is not believed for long. Tokens go on being verified meanwhile.
	refreshAfter = 10 * time.Minute
	// keepFor is the age at which keys are no longer believed.
	keepFor = time.Hour
	// patience is how long a request waits for keys.
	patience = 5 * time.Second
	// fetchTimeout bounds a fetch, both of its requests included.
	fetchTimeout = 10 * time.Second
)

// Options are what a provider needs besides the issuer. The zero value is right.
type Options struct {
	// Log gets what fetching has failed with, and that it works again; nil drops it.
	Log *slog.Logger
	// Transport carries the requests; nil is net/http's, with the proxies of the
	// environment.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Patience is how long a request waits for keys; 0 is 5 seconds.
	Patience time.Duration
}

// Provider has the keys of one issuer. It implements [bearer.Keys] and is safe for
// concurrent use.
type Provider struct {
	issuer   string
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	patience time.Duration

	mu      sync.Mutex
	keys    bearer.Set
	fetched time.Time     // when keys were
	asked   time.Time     // when the last fetch ended
	failed  error         // what that failed with
	running chan struct{} // closed when the fetch that is under way ends; nil for none
}

var _ bearer.Keys = (*Provider)(nil)

// NewProvider returns the provider of an issuer, which nobody has asked anything yet.
func NewProvider(issuer string, o Options) *Provider {
	p := &Provider{issuer: issuer, client: newClient(o.Transport), log: o.Log, now: o.Now, patience: o.Patience}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.patience == 0 {
		p.patience = patience
	}
	return p
}

// Start fetches the keys without waiting for them, so that the first request need
// not, and the log tells early what is wrong.
func (p *Provider) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetch()
}

// Find implements [bearer.Keys]. A kid that is not known is looked for at the
// provider, unless that was asked just now.
func (p *Provider) Find(ctx context.Context, id, algorithm string) ([]bearer.Key, error) {
	found, wait, err := p.find(ctx, id, algorithm, true)
	if wait == nil {
		return found, err
	}
	up := time.NewTimer(p.patience)
	defer up.Stop()
	select {
	case <-wait:
		found, _, err = p.find(ctx, id, algorithm, false)
		return found, err
	case <-up.C:
		return nil, fmt.Errorf("%w: %s has not answered in time", bearer.ErrUnavailable, p.issuer)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", bearer.ErrUnavailable, ctx.Err())
	}
}

// find looks among the keys that there are. It returns what to wait for where it may
// ask the provider and that could help.
func (p *Provider) find(ctx context.Context, id, algorithm string, mayAsk bool) (found []bearer.Key, wait <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	due := p.asked.IsZero() || now.Sub(p.asked) >= askAgain
	err = bearer.ErrUnavailable
	if p.keys != nil && now.Sub(p.fetched) < keepFor {
		found, err = p.keys.Find(ctx, id, algorithm)
	}
	switch {
	case err == nil:
		if now.Sub(p.fetched) >= refreshAfter && due {
			p.fetch()
		}
		return found, nil, nil
	case mayAsk && (due || p.running != nil):
		return nil, p.fetch(), nil
	case p.failed != nil:
		return nil, nil, fmt.Errorf("%w: %w", bearer.ErrUnavailable, p.failed)
	}
	return nil, nil, err
}

// fetch fetches the keys in the background, unless that is under way, and returns
// what is closed at its end. The caller holds mu.
func (p *Provider) fetch() <-chan struct{} {
	if p.running != nil {
		return p.running
	}
	done := make(chan struct{})
	p.running = done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		keys, err := p.ask(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.took(keys, err)
	}()
	return done
}

// took notes how a fetch has ended. The caller holds mu.
func (p *Provider) took(keys bearer.Set, err error) {
	before := p.failed
	p.running, p.asked, p.failed = nil, p.now(), err
	switch {
	case err != nil && before != nil && before.Error() == err.Error():
		return // which the log has
	case err != nil:
		p.log.Warn("the keys of the issuer cannot be had; its tokens are answered 503 as long as none is there that fits", "issuer", p.issuer, "cause", err)
		return
	case p.keys == nil || before != nil:
		p.log.Info("the keys of the issuer are there", "issuer", p.issuer, "keys", len(keys))
	}
	p.keys, p.fetched = keys, p.asked
}

// ask fetches the keys from where the provider says that they are.
func (p *Provider) ask(ctx context.Context) (bearer.Set, error) {
	at, err := p.discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	data, err := p.get(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	keys, err := bearer.ParseSet(data)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: what %s answers %w", at, err)
	}
	return keys, nil
}
