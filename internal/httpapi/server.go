// Package httpapi is the server's door: it routes paths to documents and
// collections, and adds to package door what only a server has.
package httpapi

import (
	"cmp"
	"crypto/cipher"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// Config says what a server serves.
type Config struct {
	// Door serves the documents. Where Auth asks callers who they are, New sets
	// its Actor; where a collection has a dialect of its own, its Dialect.
	Door *door.Door
	Auth Auth
	// Collections are the ones with a path of their own.
	Collections []Collection
	// Default holds the rules of every /v1/{collection} not named in
	// Collections; nil serves no others.
	Default *engine.Rules
	// DefaultSchema is what their documents keep to; absent for nothing. It is looked at
	// for descriptions alone: Default validates.
	DefaultSchema jsonvalue.Value
	// DefaultDialect is how their refusals are worded. What it adds to bodies is in
	// Default.
	DefaultDialect ifmatch.Dialect
	// DefaultAuthority says what only some callers of these may do; nil reserves
	// nothing. Its rules are about {collection} and the id.
	DefaultAuthority *Authority
	// DefaultLinks are what their documents are related to. The parameters are
	// {collection} and the id, which DefaultParam names; "" is "id".
	DefaultLinks []Link
	DefaultParam string
	// Ready tells why the server cannot take writes, nil for nothing; it may be
	// nil itself.
	Ready func() error
	// Metrics answers GET /metrics; nil leaves that path to nothing. Where Auth asks
	// callers who they are, whoever is known may read it.
	Metrics http.Handler
	// MaxURL bounds the request target in bytes; 0 means 8 KiB.
	MaxURL int
	// MaxPage bounds the items of one page; 0 means 1,000.
	MaxPage int
	// MaxBatch bounds the operations of one batch; 0 means 1,000.
	MaxBatch int
	// Origins are those whose pages may use the API from a browser, each as a
	// browser sends it, or "*" for all; none may write by default.
	Origins []string
	// APIVersions are the values that Api-Version may have, each as it is sent; none
	// lets it have any.
	APIVersions []string
	// Admission says how much is taken on.
	Admission Admission
	// Loopback tells that the server listens on a loopback address alone: it then
	// answers only where Host is a name of its own machine.
	Loopback bool
}

// Collection is one collection under a path. No request's path may fit two.
type Collection struct {
	Name string
	// Path is that of its list, such as /v1/notes, or with parameters as in
	// /v1/orgs/{orgId}/users: each of their values has a part of its own.
	Path string
	// Singleton makes Path the one document itself.
	Singleton bool
	// Param names the id where callers are told of paths; "" is "id".
	Param string
	Rules *engine.Rules
	// Dialect is how refusals are worded. What it adds to bodies is in Rules.
	Dialect ifmatch.Dialect
	// Authority says what only some callers may do, where Rules reserve something.
	Authority *Authority
	// Links are what documents are related to. Where there are some, the Members of
	// Rules show them.
	Links []Link
	// Schema is what documents keep to; absent for nothing. It is looked at for
	// descriptions alone: Rules validate.
	Schema jsonvalue.Value

	related *relations // Links, taken apart
}

// Server is the http.Handler of the API. It is safe for concurrent use.
type Server struct {
	door   *door.Door
	auth   *Auth // nil asks nobody
	router router
	// resources is what the routes lead to.
	resources map[routeKind]*resource
	pages     *pages
	ready     func() error
	metrics   http.Handler // nil for none
	versions  []string     // of Api-Version; nil lets it be any
	maxURL    int
	maxPage   int
	// maxBatch bounds the operations of one batch.
	maxBatch int
	// described is what it says of itself.
	described descriptions
	seal      cipher.AEAD // of cursors that tell of what their holder may not see

	admission *admitter

	drain        sync.Once
	draining     chan struct{} // closed by Drain
	beatEvery    time.Duration
	stalledAfter time.Duration
}

// New returns a server for c.
func New(c Config) *Server {
	c.Collections = slices.Clone(c.Collections)
	s := &Server{door: c.Door, resources: resourcesOf(), router: newRouter(c.Collections, c.Default), pages: newPages(c.Origins, c.Loopback), ready: c.Ready, metrics: c.Metrics, versions: slices.Clone(c.APIVersions), maxURL: c.MaxURL, maxPage: c.MaxPage, maxBatch: cmp.Or(c.MaxBatch, 1000), seal: newSeal(),
		draining: make(chan struct{}), beatEvery: beatEvery, stalledAfter: stalledAfter}
	if s.admission = newAdmitter(c.Admission); s.admission.writes != nil {
		s.door.Admit = s.enterWrite
	}
	s.router.dialect = &c.DefaultDialect
	s.router.authority = c.DefaultAuthority.byDefault()
	s.router.related = relationsOf(c.DefaultLinks, []string{"collection", cmp.Or(c.DefaultParam, "id")}, true)
	if s.maxURL == 0 {
		s.maxURL = 8 << 10
	}
	if s.maxPage == 0 {
		s.maxPage = defaultMaxPage
	}
	s.described = newDescriptions(c)
	if c.Auth.on() {
		s.auth, s.door.Actor = &c.Auth, c.Auth.actor
	}
	if c.envelopes() {
		s.door.Dialect = s.dialect
	}
	return s
}

// ServeHTTP implements http.Handler. Paths are taken as they came, never cleaned
// or redirected.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			s.door.Panicked(w, r, v)
		}
	}()
	if s.browser(w, r) {
		return
	}
	if len(r.RequestURI) > s.maxURL {
		s.door.Problem(w, r, &problem.Document{Code: problem.TooLarge, Status: http.StatusRequestURITooLong, Action: r.Method,
			Detail: "The request's URL is longer than " + strconv.Itoa(s.maxURL) + " bytes. Ask for less at once."})
		return
	}
	door.EchoRequestID(w.Header(), r)
	path := rawPath(r)
	if s.auth != nil {
		var ok bool
		if r, ok = s.admit(w, r, path); !ok {
			return
		}
	}
	if !s.admitted(w, r, path) {
		return
	}
	if s.apiVersion(w, r, path) {
		return
	}
	if route, ok := s.router.match(path); ok {
		s.serve(w, r, path, route)
		return
	}
	path = r.URL.EscapedPath() // whatever bytes it came with
	switch {
	case path == "/healthz":
		s.health(w, r, nil)
	case path == "/readyz":
		s.health(w, r, s.ready)
	case path == metricsPath && s.metrics != nil:
		s.serveMethod(w, r, methods{http.MethodGet: s.exposition})
	case path == batchPath:
		s.batch(w, r)
	case path == describedAt:
		s.describe(w, r, s.described.document)
	case path == pageAt:
		s.describe(w, r, s.described.page)
	case path == "*" && r.Method == http.MethodOptions:
		door.Options(w, allMethods, false)
	default:
		s.notFound(w, r, path)
	}
}

// rawPath returns the path as it came.
func rawPath(r *http.Request) string {
	if r.RequestURI == r.URL.Path {
		return r.RequestURI // nothing in it was escaped
	}
	return r.URL.EscapedPath()
}

var allMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// serve answers a request whose path the router knows.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, path string, to route) {
	t := s.target(r, path, to)
	if t.Barred != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.door.Refuse(w, r, t, "", t.Barred)
		return
	}
	if in, ok := s.enterRead(w, r, to.kind); !ok {
		return
	} else if in != nil {
		defer in.leave()
		w = in
	}
	s.serveResource(w, r, t, &to)
}

// item serves a document.
func (s *Server) item(w http.ResponseWriter, r *http.Request, t door.Target, _ *route) {
	s.door.ServeItem(w, r, t)
}

// target is what a request to a route is about.
func (s *Server) target(r *http.Request, path string, to route) door.Target {
	t := door.Target{Ref: to.ref, Rules: to.rules, Path: path, Dialect: to.dialect}
	s.authorize(r, &t, to.authority)
	t.Barred = s.bar(r, to.kind, &t)
	if to.kind == routeItem && to.related != nil {
		t.Links = s.links(r, to)
	}
	return t
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request, path string) {
	s.door.Problem(w, r, &problem.Document{Code: problem.NotFound, Resource: path, Action: r.Method,
		Detail: "No document can have this path. Documents are at " + s.router.forms + ", with names of letters, digits, '.', '_', '~' and '-'."})
}

// health answers whether the process lives, or with a check whether it can take
// writes.
func (s *Server) health(w http.ResponseWriter, r *http.Request, check func() error) {
	s.serveMethod(w, r, methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) {
		if check != nil && check() != nil {
			s.door.Problem(w, r, problem.New(problem.ReadOnly, ""))
			return
		}
		writeJSON(w, r, http.StatusOK, []byte(`{"status":"ok"}`))
	}})
}

// writeJSON answers with a page or a status that nobody may store.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	door.SetReprDigest(h, r, body)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}
