package httpapi

import (
	"maps"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// ways are what lets somebody use a method of a route: all the actions of one of them.
type ways [][]engine.Action

var (
	reads    = ways{{engine.ActRead}}
	changes  = ways{{engine.ActRead, engine.ActWrite}}
	puts     = ways{{engine.ActCreate}, {engine.ActRead, engine.ActWrite}}
	creates  = ways{{engine.ActCreate}}
	deletes  = ways{{engine.ActRead, engine.ActDelete}}
	looksBy  = ways{{engine.ActRead, engine.ActHistory}}
	resolves = ways{{engine.ActRead, engine.ActResolve}}
	// anybody is for what several collections are in, each of which says who sees it.
	anybody = ways{{}}
)

// serving is what answers a request about a target, on the route that led to it.
type serving func(*Server, http.ResponseWriter, *http.Request, door.Target, *route)

// handler is what a resource has for a method: what it asks of its caller where there are
// access rules, and what it does. Of several ways the last is that of a document that is
// there.
type handler struct {
	asks  ways
	serve serving
}

// handlers are by method. GET's does for HEAD too, and OPTIONS is answered from what there
// is. One that serves nothing is for batches alone.
type handlers map[string]handler

// resource is what a route leads to.
type resource struct {
	// beside is what its path adds to that of its document; nil is nothing.
	beside func(*route) string
	// patches tells that PATCH takes the formats which Accept-Patch names.
	patches bool
	// batched tells that operations of batches are about it, by all methods that it has but
	// GET, and operation which kind of path it is to them.
	batched   bool
	operation door.OperationKind
	handlers
}

// resourcesOf is the table of all routes. A route that is not there is closed.
func resourcesOf() map[routeKind]*resource {
	return map[routeKind]*resource{
		routeItem: {patches: true, batched: true, operation: door.OnDocument, handlers: handlers{
			"GET": {reads, (*Server).item}, "PUT": {puts, (*Server).item}, "PATCH": {changes, (*Server).item},
			"DELETE": {deletes, (*Server).item}, door.MethodCheck: {asks: reads},
		}},
		routeCollection: {batched: true, operation: door.OnCollection, handlers: handlers{"GET": {reads, plain((*Server).list)}, "POST": {creates, plain((*Server).create)}}},
		routeChanges:    {handlers: handlers{"GET": {looksBy, (*Server).changes}}},
		routeAllChanges: {handlers: handlers{"GET": {anybody, (*Server).changes}}},
		routeAudit:      {handlers: handlers{"GET": {anybody, plain((*Server).audit)}}},
		routeHistory:    {handlers: handlers{"GET": {looksBy, plain((*Server).history)}}},
		routeVersion:    {handlers: handlers{"GET": {looksBy, (*Server).version}}},
		routeDiff:       {handlers: handlers{"GET": {looksBy, plain((*Server).diff)}}},
		routeBlame:      {handlers: handlers{"GET": {looksBy, plain((*Server).blame)}}},
		routeContributions: {
			beside:  func(*route) string { return contributionsName },
			batched: true, operation: door.OnContributions,
			handlers: handlers{"GET": {reads, plain((*Server).listContributions)}, "POST": {puts, (*Server).contribute}},
		},
		routeContribution: {
			beside:  func(to *route) string { return contributionsName + "/" + to.id },
			batched: true, operation: door.OnContribution,
			handlers: handlers{"GET": {reads, (*Server).getContribution}, "DELETE": {changes, (*Server).withdraw}},
		},
		routeConflicts: {handlers: handlers{"GET": {resolves, plain((*Server).conflicts)}}},
		routeConflict: {
			beside:   func(to *route) string { return conflictsName + "/" + to.id },
			handlers: handlers{"GET": {resolves, (*Server).getConflict}, "DELETE": {resolves, (*Server).discard}},
		},
		routeResolve: {
			beside:   func(to *route) string { return conflictsName + "/" + to.id + resolveSuffix },
			handlers: handlers{"POST": {resolves, (*Server).resolve}},
		},
		routeField: {
			beside: func(to *route) string { return fieldsName + to.field }, patches: true,
			handlers: handlers{"GET": {reads, (*Server).field}, "PUT": {changes, (*Server).field}, "PATCH": {changes, (*Server).field}, "DELETE": {changes, (*Server).field}},
		},
		routeLease: {
			beside:   func(*route) string { return leaseName },
			handlers: handlers{"POST": {changes, (*Server).lease}, "PUT": {changes, (*Server).lease}, "DELETE": {changes, (*Server).lease}},
		},
	}
}

// plain serves what the target alone says enough about.
func plain(serve func(*Server, http.ResponseWriter, *http.Request, door.Target)) serving {
	return func(s *Server, w http.ResponseWriter, r *http.Request, t door.Target, _ *route) { serve(s, w, r, t) }
}

// methods returns all that a resource answers, in order.
func (res *resource) methods() []string {
	all := []string{http.MethodOptions}
	for method, h := range res.handlers {
		if h.serve == nil {
			continue
		}
		if all = append(all, method); method == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	slices.Sort(all)
	return all
}

// operations returns the methods that operations of batches have on it, in order, nil
// where there are none.
func (res *resource) operations() []string {
	if !res.batched {
		return nil
	}
	all := slices.DeleteFunc(slices.Collect(maps.Keys(res.handlers)), func(method string) bool { return method == http.MethodGet })
	slices.Sort(all)
	return all
}

// of returns what a method has.
func (hs handlers) of(method string) (handler, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h, ok := hs[method]
	return h, ok
}

// target returns a target with the path of the document that it lies beside.
func (res *resource) target(t door.Target, to *route) door.Target {
	if res.beside != nil {
		t = itemOf(t, res.beside(to))
	}
	return t
}

// serveResource answers a request about t, or about what lies beside it.
func (s *Server) serveResource(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	res := s.resources[to.kind]
	t = res.target(t, to)
	h, _ := res.of(r.Method)
	switch {
	case h.serve != nil:
		h.serve(s, w, r, t, to)
	case r.Method == http.MethodOptions:
		door.Options(w, res.methods(), res.patches)
	default:
		s.door.MethodNotAllowed(w, r, res.methods())
	}
}

// closed is what a route asks that the table does not have.
var closed = engine.Refusal{Reason: engine.ReasonForbidden, Detail: "Nobody may use this resource under the access rules of this collection. Nothing was done."}

// bar returns why the maker of a request may not do what it asks for to any document,
// nil where they may to some.
func (s *Server) bar(r *http.Request, kind routeKind, t *door.Target) error {
	if !t.Rules.Reserved.Access {
		return nil
	}
	res := s.resources[kind]
	if res == nil {
		return &closed
	}
	h, declared := res.of(r.Method)
	if !declared && r.Method != http.MethodGet && r.Method != http.MethodHead { // which the route itself refuses
		return &closed
	}
	return t.Rules.Admit(t.Authority, h.asks...)
}
