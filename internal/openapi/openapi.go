// Package openapi describes the API that a policy makes, as a document of OpenAPI
// 3.1 and as a page to read. What it says comes of the policy alone: no document
// that is stored has a part in it.
package openapi

import (
	"slices"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// API is what a server serves.
type API struct {
	// Collections are those with a path of their own, and last the one by default,
	// if there is one.
	Collections []Collection
	// Versions are the values that Api-Version may have, the latest last; none lets
	// it have any.
	Versions []string
	// Caller is how callers prove who they are.
	Caller Caller
	// Rated tells that callers may not send as many requests as they like.
	Rated bool
	// Pages tells that pages of other origins may use the API from browsers.
	Pages bool
	// MaxPage bounds the items of a page, and DefaultPage is how many there are at most
	// where the request does not say.
	MaxPage, DefaultPage int
	// Outcomes are the values of Ifmatch-Outcome, and Included the words that ?include=
	// takes.
	Outcomes, Included []string
	// Lines are the media types of the log as a row a line.
	Lines []string
}

// Caller says how callers prove who they are.
type Caller uint8

// The ways.
const (
	// CallerUnknown asks nobody.
	CallerUnknown Caller = iota
	// CallerBearer asks for a token in Authorization (RFC 6750 §2.1).
	CallerBearer
	// CallerProxied leaves that to a proxy in front.
	CallerProxied
)

// Collection is what is served under one path.
type Collection struct {
	// Name names the collection; of the one by default it is "".
	Name string
	// Path is that of its list, with parameters in braces.
	Path string
	// Param names the id in paths.
	Param string
	// Singleton makes Path the one document itself.
	Singleton bool
	Contract  ifmatch.Contract
	Dialect   ifmatch.Dialect
	// Default is the strategy of stale writes, and Allow what callers may ask for.
	Default ifmatch.Strategy
	Allow   []ifmatch.Strategy
	// Links and Contributions tell that documents have some, and Meta that bodies can
	// show how their version came to be.
	Links, Contributions, Meta bool
	// NaturalKey tells that no two documents of a list may share a key.
	NaturalKey bool
	// Ruled tells that only some callers may do some of what there is to do.
	Ruled bool
	// KeyRequired tells that every write has to bring an Idempotency-Key.
	KeyRequired bool
	// Hidden are the places that only some callers see.
	Hidden  []string
	Indexes []Index
	// Schema is the JSON Schema that documents keep to; absent for none. Valid tells
	// whether a document does, nil of any.
	Schema jsonvalue.Value
	Valid  func(jsonvalue.Value) bool
}

// Index is what lists can be filtered and sorted by.
type Index struct {
	Name string
	// Type is string, number, boolean or time.
	Type string
}

// Describe returns the description of an API.
func Describe(api API) *Document {
	d := &describer{api: &api, doc: newDocument(&api), ids: make(map[string]bool)}
	for i := range api.Collections {
		d.collection(&api.Collections[i])
	}
	d.server()
	d.doc.outcomes = `{"type":"string","enum":` + texts(api.Outcomes) + `}`
	return d.doc
}

// describer writes a description, collection by collection.
type describer struct {
	api  *API
	doc  *Document
	ids  map[string]bool // of operations, so far
	c    *Collection     // which is described now; nil for the server as a whole
	noun string          // names it in ids of operations
	body string          // the schema of its documents as they are shown
	path string          // of its list, or of the singleton
	item string          // of a document
}

// parks tells whether a stale write may be kept for somebody to decide.
func (c *Collection) parks() bool { return c.may(ifmatch.StrategyPark) }

// merges tells whether a stale write may be merged.
func (c *Collection) merges() bool { return c.parks() || c.may(ifmatch.StrategyMerge) }

func (c *Collection) may(s ifmatch.Strategy) bool {
	return c.Default == s || slices.Contains(c.Allow, s)
}

// takesVersion tells whether the content of a PUT or a merge patch can name the
// state that its writer has read.
func (c *Collection) takesVersion() bool { return c.Dialect.BodyVersion == ifmatch.BodyVersionAlways }

// warns tells whether writers who send no precondition are told of it.
func (c *Collection) warns() bool {
	p := c.Contract.Precondition
	return p.Put == ifmatch.PreconditionWarn || p.Patch == ifmatch.PreconditionWarn || p.Delete == ifmatch.PreconditionWarn
}
