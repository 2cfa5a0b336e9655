package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch/internal/coding"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/rollout"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/policy"
)

type serveCmd struct {
	Listen string   `placeholder:"ADDR" env:"IFMATCH_LISTEN" help:"Address to listen on (default: the policy file's, else 127.0.0.1:8080)."`
	Store  string   `placeholder:"DSN" env:"IFMATCH_STORE" help:"memory:, sqlite:PATH, postgres://HOST/DATABASE or etcd://HOST,…/PREFIX (default: the policy file's, else sqlite:ifmatch.db)."`
	Config string   `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_CONFIG" help:"Policy file. Without one every /v1/{collection}/{id} is served."`
	CORS   []string `name:"cors" placeholder:"ORIGIN" env:"IFMATCH_CORS" help:"Origin whose web pages may use the API, or * for all; may be repeated (default: the policy file's, else none)."`

	Keyring string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_KEYRING" help:"Keys that sign entity tags and seal the log; read again when they change (default: the policy file's, else those beside the store, which are made at first use)."`
	TLSCert string `name:"tls-cert" placeholder:"FILE" type:"path" default:"" env:"IFMATCH_TLS_CERT" help:"Certificate to serve HTTPS with, in PEM; read again when it changes (default: the policy file's, else plain HTTP)."`
	TLSKey  string `name:"tls-key" placeholder:"FILE" type:"path" default:"" env:"IFMATCH_TLS_KEY" help:"Its private key, in PEM (default: the policy file's)."`

	Insecure toggle `env:"IFMATCH_INSECURE" help:"Listen beyond loopback without authentication: whoever can connect can read and write everything."`
}

// Run serves until a signal ends it.
func (c *serveCmd) Run(ctx context.Context, k *kong.Context) error {
	p, err := c.policy(k)
	if err != nil {
		return err
	}
	addr, err := c.resolve(k, p)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	useProcessors()
	go tuneCollector(ctx)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if p.Auth == nil && !addr.IP.IsLoopback() {
		log.Warn("no authentication: whoever can connect can read and write everything", "listen", p.Listen)
	}
	warnDenied(p, log)
	pair, err := openPair(ctx, k, p.TLS, log)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, p.Store, log)
	if err != nil {
		return blame(k, "store", err)
	}
	ring, err := openKeys(ctx, p, s)
	if err != nil {
		return errors.Join(blame(k, "keyring", err), s.Close())
	}
	go ring.watch(ctx, log)
	if err := warnUnserved(ctx, p, s, log); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := reindex(ctx, p, s, log); err != nil {
		return errors.Join(err, s.Close())
	}
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return errors.Join(blame(k, "listen", err), s.Close())
	}
	seen, err := watch(p)
	if err != nil {
		return errors.Join(err, listener.Close(), s.Close())
	}
	h, err := handler(p, s, ring, listener.Addr(), seen, log)
	if err != nil {
		return errors.Join(err, listener.Close(), s.Close())
	}
	server := newHTTPServer(h, log)
	server.RegisterOnShutdown(h.Drain)
	announce(p, listener.Addr())
	tell(log, notifyReady)
	if every := watchdogEvery(); every > 0 {
		go watchdog(ctx, every, newProbe(listener.Addr().String(), p.TLS != nil), log)
	}
	err = serveUntil(ctx, stop, log, server, func() error { return serveOn(server, listener, &p.Limits, pair) })
	return errors.Join(err, sayTotals(os.Stderr, seen), s.Close())
}

// policy returns the file's policy, or the one of zero configuration, with the
// flags in it.
func (c *serveCmd) policy(k *kong.Context) (*policy.Policy, error) {
	p := policy.Default()
	if c.Config != "" {
		var err error
		p, err = policy.Load(c.Config)
		if _, named := errors.AsType[policy.Errors](err); named {
			return nil, err // by file, line and key
		}
		if err != nil {
			return nil, blame(k, "config", err)
		}
	}
	if c.Listen != "" {
		if err := policy.CheckListen(c.Listen); err != nil {
			return nil, blame(k, "listen", err)
		}
		p.Listen = c.Listen
	}
	if c.Store != "" {
		if err := policy.CheckStore(c.Store); err != nil {
			return nil, blame(k, "store", err)
		}
		p.Store = c.Store
	}
	if len(c.CORS) > 0 {
		if err := policy.CheckOrigins(c.CORS); err != nil {
			return nil, blame(k, "cors", err)
		}
		p.CORS.Origins = c.CORS
	}
	if err := c.addTLS(k, p); err != nil {
		return nil, err
	}
	p.Signing.Keyring = cmp.Or(c.Keyring, p.Signing.Keyring)
	return p, addKeys(p)
}

// handler joins engine and door over an open store, for who listens on addr.
func handler(p *policy.Policy, s store.Store, ring *keys, addr net.Addr, seen *rollout.Watch, log *slog.Logger) (*httpapi.Server, error) {
	e := engine.New(s, engine.Config{
		Chain:  ring.chain,
		Limits: engine.Limits{Body: p.Limits.Body, Depth: p.Limits.Depth, PatchOps: p.Limits.PatchOps},
	})
	config, err := served(p)
	if err != nil {
		return nil, err
	}
	ring.sign(&config)
	config.Door = &door.Door{Engine: e, MaxTags: p.Limits.Tags, KeepAnswers: p.Idempotency.Keep, Codings: coding.All(), Observer: seen, Log: log}
	config.Admission = admission(&p.Limits)
	if tcp, ok := addr.(*net.TCPAddr); ok {
		config.Loopback = tcp.IP.IsLoopback()
	}
	if health, ok := s.(store.HealthChecker); ok {
		config.Ready = health.Healthy
	}
	if config.Auth.Tokens, err = verifier(p.Auth, log); err != nil {
		return nil, err
	}
	if config.Metrics, err = exposition(log, seen); err != nil {
		return nil, err
	}
	return httpapi.New(config), nil
}

// rules are what the engine obeys of a collection's policy.
func rules(c *policy.Collection) (*engine.Rules, error) {
	r := &engine.Rules{Contract: c.Contract.Contract, OnStale: engine.Strategy(c.OnStale.Default),
		Summary: c.Contract.ConflictDetails == policy.DetailsSummary, KeyRequired: c.Contract.KeyRequired}
	if r.Keep, r.KeepFor = int64(c.History.Keep), c.History.For; c.History.Off {
		r.Keep, r.KeepFor = 1, 0
	}
	var err error
	added := engine.Added{Meta: true, Links: httpapi.RoomForLinks(links(c)), Provenance: c.Contributions != nil}
	if r.Members, err = engine.NewMembers(c.Contract.Dialect, added); err != nil {
		return nil, err
	}
	if c.ID.NaturalKey != nil {
		if r.Key, err = engine.NewNaturalKey(c.ID.NaturalKey...); err != nil {
			return nil, err
		}
	}
	if r.Indexes, err = indexes(c); err != nil {
		return nil, err
	}
	for _, s := range c.OnStale.Allow {
		r.Allow = append(r.Allow, engine.Strategy(s))
	}
	if r.Merge, err = merge.Compile(c.Merge); err != nil {
		return nil, err
	}
	if r.Contributions, err = contributions(c.Contributions); err != nil {
		return nil, err
	}
	r.Validate = validator(c.Schema)
	return r, nil
}

// The bounds on slow clients. A request's content has a minute to arrive, and its answer
// two to be read, what it waited for included.
const (
	headerTimeout  = 10 * time.Second
	contentTimeout = time.Minute
	answerTimeout  = 2 * time.Minute
	idleTimeout    = 2 * time.Minute
	drainTimeout   = 30 * time.Second
)

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       contentTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		// OPTIONS * is the API's to answer.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// serveUntil serves until ctx ends, by the first SIGINT or SIGTERM, then finishes
// what was accepted. After stop a second signal ends the process at once.
func serveUntil(ctx context.Context, stop func(), log *slog.Logger, server *http.Server, serve func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- serve() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // from here on a signal has its default effect
	tell(log, notifyStopping)
	fmt.Fprintln(os.Stderr, "finishing what was accepted; a second signal stops at once")
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return server.Shutdown(drain)
}

func announce(p *policy.Policy, addr net.Addr) {
	scheme := "http"
	if p.TLS != nil {
		scheme = "https"
	}
	fmt.Printf("listening on %s://%s\nstore        %s\n", scheme, addr, policy.ShownStore(p.Store))
	path, c := "/v1/notes/1", p.Default
	if len(p.Collections) > 0 {
		c = &p.Collections[0]
		path = c.Example()
	}
	header := ""
	if p.Auth != nil && p.Auth.Mode == policy.AuthBearer {
		header = "-H 'Authorization: Bearer " + kindOfCredential(p.Auth) + "' "
	}
	if c.Contract.KeyRequired {
		header += "-H 'Idempotency-Key: " + uuid.NewString() + "' "
	}
	fmt.Printf("try          curl -i -X PUT %s-H 'Content-Type: application/json' -d '{\"title\":\"A\"}' %s://%s%s\n", header, scheme, addr, path)
}
