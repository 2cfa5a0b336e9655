package httpapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// Access has the rule for each action on the documents of a collection, nil for one
// that everybody may do.
type Access [engine.Actions]*access.Rule

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
)

// asks is the table of what each route asks of its caller, by method; HEAD asks what
// GET does. A method that is not there does nothing but say so, and a route that is
// not there is closed to everybody where there are rules. Of several ways the last is
// that of a document that is there.
var asks = map[routeKind]map[string]ways{
	routeCollection:    {http.MethodGet: reads, http.MethodPost: creates},
	routeItem:          {http.MethodGet: reads, http.MethodPut: puts, http.MethodPatch: changes, http.MethodDelete: deletes, door.MethodCheck: reads},
	routeChanges:       {http.MethodGet: looksBy},
	routeAllChanges:    {http.MethodGet: {{}}}, // each collection says who may know of its changes
	routeAudit:         {http.MethodGet: {{}}}, // as does each about its log
	routeHistory:       {http.MethodGet: looksBy},
	routeVersion:       {http.MethodGet: looksBy},
	routeDiff:          {http.MethodGet: looksBy},
	routeBlame:         {http.MethodGet: looksBy},
	routeContributions: {http.MethodGet: reads, http.MethodPost: puts},
	routeContribution:  {http.MethodGet: reads, http.MethodDelete: changes},
	routeConflicts:     {http.MethodGet: resolves},
	routeConflict:      {http.MethodGet: resolves, http.MethodDelete: resolves},
	routeResolve:       {http.MethodPost: resolves},
	routeField:         {http.MethodGet: reads, http.MethodPut: changes, http.MethodPatch: changes, http.MethodDelete: changes},
	routeLease:         {http.MethodPost: changes, http.MethodPut: changes, http.MethodDelete: changes},
}

// closed is what a route asks that the table does not have.
var closed = engine.Refusal{Reason: engine.ReasonForbidden, Detail: "Nobody may use this resource under the access rules of this collection. Nothing was done."}

// bar returns why the maker of a request may not do what it asks for to any document,
// nil where they may to some.
func bar(r *http.Request, kind routeKind, t *door.Target) error {
	if !t.Rules.Reserved.Access {
		return nil
	}
	methods, declared := asks[kind]
	if !declared {
		return &closed
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	ways, declared := methods[method]
	if !declared && method != http.MethodGet { // which the route itself refuses
		return &closed
	}
	return t.Rules.Admit(t.Authority, ways...)
}
